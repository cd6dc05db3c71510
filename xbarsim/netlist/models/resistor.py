"""SPICE's resistor: ohms by value or by squares of a sheet, at a temperature (Quarles, UCB/ERL M89/46, 1989)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models.parameters import (
    Ambient,
    Amount,
    Floats,
    ParameterNames,
    UnphysicalError,
    check_values,
    words,
)
from xbarsim.netlist.models.passives import multiplicity, warm_factor, warming

PARAMETERS = ParameterNames(
    model=words("rsh r l w narrow short tc1 tc2 tce tnom"),
    device=words("r l w m scale tc1 tc2 tce temp dtemp"),
    idle=words("kf af lf wf ef bv_max ac noisy noise level"),
    aliases={
        "res": "r", "resistance": "r", "defw": "w", "dw": "narrow", "dlr": "short", "tc1r": "tc1", "tc2r": "tc2",
        "tc": "tc1", "tref": "tnom",
    },
)  # fmt: skip

_SIDE = 10e-6
"""Metres of length and width where neither the resistor nor its model says them."""


def ohms(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> Floats:
    """Return the resistance ``R scale (1 + tc1 dT + tc2 dT^2) / m``.

    R is the resistor's own value, else ``rsh (l - 2 short) / (w - 2 narrow)``, else the model's ``r``. Where ``tce`` is
    given the factor is ``1.01^(tce dT)``; dT counts from ``tnom``.

    Parameters
    ----------
    model, device : mapping of str to number or (n,)
        What the .model and the element give.
    ambient : Ambient
        Temperatures, and the scale of lengths.

    Raises
    ------
    UnphysicalError
        There is no resistance, or m is not positive.
    """
    value = device.get("r")
    if value is None:
        value = _sheet(model, device, ambient)
    tce = device.get("tce", model.get("tce"))
    if tce is not None:
        factor = np.power(1.01, np.multiply(tce, warming(model, device, ambient)))
    else:
        factor = warm_factor(model, device, ambient)
    return np.asarray(value * factor * device.get("scale", 1.0) / multiplicity(device))


def _sheet(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> Amount:
    """Return the ohms of a resistor that has no value of its own."""
    length, width = (
        np.multiply(device[key], ambient.scale) if key in device else model.get(key, _SIDE) for key in ("l", "w")
    )
    squares = np.subtract(length, 2 * np.asarray(model.get("short", 0.0)))
    across = np.subtract(width, 2 * np.asarray(model.get("narrow", 0.0)))
    sheet = model.get("rsh", 0.0)
    if np.all(np.multiply(sheet, np.multiply(length, width)) > 0):
        check_values(across, np.not_equal(across, 0), "its width is {} m after its model's narrowing: it must not be 0")
        return np.asarray(sheet * squares / across)
    if "r" in model:
        return model["r"]
    raise UnphysicalError("it has no value: give ohms, rsh with l and w, or r in its model")
