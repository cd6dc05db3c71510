"""The charge of SPICE's diode: its depletion layer and what it stores in conduction, at a temperature."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models.constants import REFERENCE, ZERO_CELSIUS
from xbarsim.netlist.models.diode import kelvins
from xbarsim.netlist.models.parameters import Ambient, Amount, any_nonzero, check_values
from xbarsim.netlist.models.silicon import shift

_DEFAULTS = {"cjo": 0.0, "vj": 1.0, "m": 0.5, "fc": 0.5, "tt": 0.0, "tm1": 0.0, "tm2": 0.0, "ttt1": 0.0, "ttt2": 0.0}
_STEEPEST, _LATEST = 0.9, 0.95
"""What ngspice lets M and FC be at most."""


def sidewall(model: Mapping[str, Amount], device: Mapping[str, Amount]) -> str | None:
    """Return the parameter by which a diode's sidewall holds charge, which ``charges`` leaves out, or None."""
    return "cjp" if any_nonzero({**model, **device}, "cjp", "pj") else None


def charges(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> dict[str, Amount]:
    """Return the columns of ``JunctionCharges``.

    CJO and VJ move with the band gap from the temperature that they were measured at, as in ngspice's ``DIOtemp``.

    Parameters
    ----------
    model, device : mapping of str to number or (n,)
        What the .model gives, charges among it, and the element.
    ambient : Ambient
        Temperatures.

    Raises
    ------
    UnphysicalError
        A parameter is out of range, or temperatures count in another way.
    """
    level = model.get("tlevc", 0.0)
    check_values(level, np.equal(level, 0), "tlevc={} is not supported: use 0")
    p = {name: np.asarray(model.get(name, value), dtype=np.float64) for name, value in _DEFAULTS.items()}
    for name in ("cjo", "tt", "m", "fc"):
        check_values(p[name], p[name] >= 0, f"{name}={{}}: it must be >= 0")
    check_values(p["vj"], p["vj"] > 0, "vj={}: it must be > 0")
    area = np.multiply(device.get("area", model.get("area", 1.0)), device.get("m", 1.0))
    nominal = np.asarray(np.add(model.get("tnom", ambient.nominal), ZERO_CELSIUS), dtype=np.float64)
    kelvin = kelvins(device, ambient)
    warmer = kelvin - nominal
    grading = np.minimum(p["m"] * (1 + p["tm1"] * warmer + p["tm2"] * warmer**2), _STEEPEST)
    knee = np.minimum(p["fc"], _LATEST)
    # At the reference temperature, and from there to the element's.
    base = (p["vj"] - shift(nominal)) * REFERENCE / nominal
    potential = shift(kelvin) + base * kelvin / REFERENCE
    then, now = (
        1 + grading * (400e-6 * (at - REFERENCE) - (volts - base) / base)
        for at, volts in ((nominal, p["vj"]), (kelvin, potential))
    )
    with np.errstate(divide="ignore"):
        potential = np.minimum(potential, np.where(knee > 0, 1 / knee, np.inf))
    return {
        "capacitance": p["cjo"] * area * now / then,
        "potential": potential,
        "grading": grading,
        "knee": knee,
        "transit": p["tt"] * (1 + p["ttt1"] * warmer + p["ttt2"] * warmer**2),
    }
