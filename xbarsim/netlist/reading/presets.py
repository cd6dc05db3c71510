"""What a caller sets in the place of a netlist's own ``.param`` and ``.temp``."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from xbarsim.errors import InputError
from xbarsim.netlist.reading.changes import Changes
from xbarsim.netlist.suggest import clipped, closest

_COLDEST = -273.15


def presets_of(parameters: Mapping[str, float] | None, temp: float | None, *, drawn: bool = False) -> Changes:
    """Return the changes that a caller asks for, names in lower case as netlists have them.

    Parameters
    ----------
    parameters : mapping of str to float, optional
        In the place of ``.param``.
    temp : float, optional
        Degrees Celsius, in the place of ``.temp``.
    drawn : bool
        Whether random functions draw; else they give their middle.

    Raises
    ------
    InputError
        A value is no finite number, a temperature is below absolute zero, or two names differ in case only.
    """
    changes = Changes(run=1 if drawn else None)
    for name, value in (parameters or {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"the parameter {name} is {value!r}: it must be a finite number")
        if name.lower() in changes.parameters:
            raise InputError(f"the parameter {name.lower()} is set twice: netlists know no case, give it once")
        changes = changes.with_parameter(name.lower(), float(value))
    if temp is None:
        return changes
    if isinstance(temp, bool) or not isinstance(temp, int | float) or not _COLDEST <= temp < math.inf:
        raise InputError(f"temp is {temp!r}: it must be a number of degrees Celsius, at least {_COLDEST}")
    return changes.with_setting("celsius", float(temp))


def unknown_parameter(name: str, parameters: Collection[str]) -> str:
    """Return what to say of a parameter that the top level of a netlist has not."""
    close = closest(name, parameters)
    hint = (
        f"did you mean '{close}'?" if close else f"it has {clipped(', '.join(parameters)) or 'none at its top level'}"
    )
    return f"no .param sets '{clipped(name)}': {hint}"
