"""Switches: a conductance that a voltage or a current chooses.

SPICE's ``sw`` and ``csw`` step at a threshold (ngspice manual, chapter 3.3.14); PSpice's ``vswitch`` and ``iswitch`` go
smoothly from one to the other (PSpice A/D reference guide, voltage-controlled switch).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models.parameters import Ambient, Amount, ParameterNames, check_values, words

PARAMETERS = ParameterNames(
    model=words("vt vh it ih ron roff level"),
    device=frozenset(),
    idle=words("lser sw csw"),
    refused={"vser": "a source in series", "ilimit": "a limit of its current", "epsilon": "a smooth step"},
)
SMOOTH = ParameterNames(model=words("von voff ion ioff ron roff"), device=frozenset(), idle=words("vswitch iswitch"))


def columns(model: Mapping[str, Amount], ambient: Ambient, control: str, *, starts_on: bool) -> dict[str, Amount]:
    """Return what a switch's law asks for.

    Parameters
    ----------
    model : mapping of str to number or (n,)
        What the .model gives.
    ambient : Ambient
        Its gmin is the conductance when off that is not given.
    control : {"v", "i"}
        What chooses.
    starts_on : bool
        Whether it is on while its control is between its thresholds.

    Returns
    -------
    threshold, meets, on, off, hysteresis
        It is ``on`` (siemens) beyond the threshold, and at it where ``meets`` is 1. With a negative hysteresis ngspice
        has it on from the lower threshold.
    smooth, middle, span
        0, and what ``smooth_columns`` uses.

    Raises
    ------
    UnphysicalError
        A resistance is not positive, or it is LTspice's smooth switch.
    """
    level = model.get("level", 1.0)
    check_values(level, np.equal(level, 1), "level={} is not supported: use level=1")
    middle, width = model.get(f"{control}t", 0.0), model.get(f"{control}h", 0.0)
    ron, roff = model.get("ron", 1.0), model.get("roff", 1.0 / ambient.gmin if ambient.gmin else np.inf)
    for name, value in (("ron", ron), ("roff", roff)):
        check_values(value, np.greater(value, 0), f"{name}={{}}: it must be > 0")
    late = np.greater(width, 0) & (not starts_on)
    return {
        "threshold": np.where(late, np.add(middle, width), np.subtract(middle, np.abs(width))),
        "meets": np.where(late, 0.0, 1.0),
        "on": 1.0 / np.asarray(ron),
        "off": 1.0 / np.asarray(roff),
        "hysteresis": np.asarray(width),
        "smooth": 0.0,
        "middle": 0.0,
        "span": 1.0,
    }


def smooth_columns(model: Mapping[str, Amount], control: str) -> dict[str, Amount]:
    """Return what the law of a smooth switch asks for.

    With ``u = (x - middle) / span``, held between -1/2 and 1/2, the conductance is
    ``sqrt(on off) (on / off)^(1.5 u - 2 u^3)``; ``span`` is negative where it is on at the lower end.

    Parameters
    ----------
    model : mapping of str to float or array
        Parameters of the model.
    control : {"v", "i"}
        What controls it.

    Raises
    ------
    UnphysicalError
        A resistance is not positive, or both ends are the same.
    """
    high, low = model.get(f"{control}on", 1.0 if control == "v" else 1e-3), model.get(f"{control}off", 0.0)
    ron, roff = model.get("ron", 1.0), model.get("roff", 1e6)
    for name, value in (("ron", ron), ("roff", roff)):
        check_values(value, np.greater(value, 0), f"{name}={{}}: it must be > 0")
    check_values(high, np.not_equal(high, low), f"{control}on={{}}, as {control}off: they must differ")
    return {
        "threshold": 0.0,
        "meets": 0.0,
        "on": 1.0 / np.asarray(ron),
        "off": 1.0 / np.asarray(roff),
        "hysteresis": np.zeros(1),
        "smooth": 1.0,
        "middle": np.multiply(0.5, np.add(high, low)),
        "span": np.subtract(high, low),
    }
