"""SPICE's capacitor: farads by value or by the area and the edge of a plate (Quarles, UCB/ERL M89/46, 1989)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models.parameters import (
    Ambient,
    Amount,
    Floats,
    ParameterNames,
    UnphysicalError,
    words,
)
from xbarsim.netlist.models.passives import multiplicity, warm_factor

PARAMETERS = ParameterNames(
    model=words("c cj cjsw w l narrow short tc1 tc2 tnom di thick"),
    device=words("c l w m scale tc1 tc2 temp dtemp"),
    idle=words("ic bv_max noisy level tag"),
    aliases={
        "cap": "c", "capacitance": "c", "defw": "w", "defl": "l", "tref": "tnom", "tc": "tc1", "capsw": "cjsw",
    },
)  # fmt: skip

_WIDTH = 10e-6
"""Metres of width where neither the capacitor nor its model says them."""
_VACUUM, _OXIDE = 8.854214871e-12, 3.9
"""Farads per metre, and silicon dioxide's relative permittivity, as ngspice has them."""


def farads(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> Floats:
    """Return the capacitance ``C scale m (1 + tc1 dT + tc2 dT^2)``.

    C is the capacitor's own value, else ``cj (l - short) (w - narrow) + 2 cjsw (l - short + w - narrow)``, else the
    model's ``cap``; ``cj`` of a model without it is ``di`` times the vacuum's permittivity over ``thick``. dT counts
    from ``tnom``.

    Parameters
    ----------
    model, device : mapping of str to number or (n,)
        What the .model and the element give.
    ambient : Ambient
        Temperatures, and the scale of lengths.

    Raises
    ------
    UnphysicalError
        There is no capacitance, or m is not positive.
    """
    value = device.get("c")
    if value is None:
        value = _plate(model, device, ambient)
    share = np.multiply(device.get("scale", 1.0), multiplicity(device))
    return np.asarray(value * warm_factor(model, device, ambient) * share)


def _plate(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> Amount:
    """Return the farads of a capacitor that has no value of its own."""
    length, width = (
        np.multiply(device[key], ambient.scale) if key in device else model.get(key, least)
        for key, least in (("l", 0.0), ("w", _WIDTH))
    )
    if np.all(np.greater(length, 0)):
        area = model.get("cj")
        if area is None and "thick" in model:
            area = np.multiply(model.get("di", _OXIDE), _VACUUM) / model["thick"]
        trimmed = np.subtract(length, model.get("short", 0.0)), np.subtract(width, model.get("narrow", 0.0))
        edge = 2 * np.multiply(model.get("cjsw", 0.0), np.add(*trimmed))
        return np.asarray(np.multiply(0.0 if area is None else area, np.multiply(*trimmed)) + edge)
    if "c" in model:
        return model["c"]
    raise UnphysicalError("it has no value: give farads, l and w with a model that has cj, or cap in its model")
