"""SPICE's switches: a conductance that a voltage or a current chooses (ngspice manual, chapter 3.3.14)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models.parameters import Ambient, Amount, Known, require, words

KNOWN = Known(
    model=words("vt vh it ih ron roff level"),
    device=frozenset(),
    idle=words("lser sw csw"),
    refused={"vser": "a source in series", "ilimit": "a limit of its current", "epsilon": "a smooth step"},
)


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

    Raises
    ------
    UnphysicalError
        A resistance is not positive, or it is LTspice's smooth switch.
    """
    level = model.get("level", 1.0)
    require(level, np.equal(level, 1), "level={} is not supported: use level=1")
    middle, width = model.get(f"{control}t", 0.0), model.get(f"{control}h", 0.0)
    ron, roff = model.get("ron", 1.0), model.get("roff", 1.0 / ambient.gmin if ambient.gmin else np.inf)
    for name, value in (("ron", ron), ("roff", roff)):
        require(value, np.greater(value, 0), f"{name}={{}}: it must be > 0")
    late = np.greater(width, 0) & (not starts_on)
    return {
        "threshold": np.where(late, np.add(middle, width), np.subtract(middle, np.abs(width))),
        "meets": np.where(late, 0.0, 1.0),
        "on": 1.0 / np.asarray(ron),
        "off": 1.0 / np.asarray(roff),
        "hysteresis": np.asarray(width),
    }
