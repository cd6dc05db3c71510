"""When laws that depend on time have corners: where what a law compares or takes the size of crosses in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.netlist.behaviour import Template
from xbarsim.netlist.nonlinear_elements import Behaviours
from xbarsim.nonlinear.part import Floats

_COMPARED = ("<", "<=", "==")

Line = tuple[Floats | float, Floats | float]
"""Slope and value at 0 of what grows with time alone."""


def law_corners(groups: Sequence[Behaviours]) -> Floats:
    """Return the times (any order) at which the laws' pieces meet, as far as straight lines in time decide on them."""
    times = [np.zeros(0)]
    for laws in groups:
        times += [np.ravel(found) for found in _of_template(laws.template, laws.constants)]
    whole = np.concatenate(times)
    return np.unique(whole[np.isfinite(whole)])


def _of_template(template: Template, constants: Floats) -> list[Floats]:
    if not any(node[0] == "time" for node in template.key):
        return []
    lines: list[Line | None] = []
    found: list[Floats] = []
    for operation, payload, operands in template.key:
        own = [lines[k] for k in operands]
        if operation in _COMPARED and own[0] is not None and own[1] is not None:
            found.append(_crossing((own[0][0] - own[1][0], own[0][1] - own[1][1])))
        elif operation == "abs" and own[0] is not None:
            found.append(_crossing(own[0]))
        lines.append(_line(operation, payload, own, constants))
    return found


def _crossing(line: Line) -> Floats:
    """Return where a line is 0; NaN where it is level."""
    slope, value = np.broadcast_arrays(np.asarray(line[0], float), np.asarray(line[1], float))
    with np.errstate(all="ignore"):
        return np.where(slope != 0, -value / slope, np.nan)


def _line(operation: str, payload: object, own: Sequence[Line | None], constants: Floats) -> Line | None:
    """Return an operation's result as a line in time, None if it is none."""
    if operation == "time":
        return 1.0, 0.0
    if operation == "constant":
        assert isinstance(payload, int)
        return 0.0, constants[payload]
    if operation in ("number", "literal") and isinstance(payload, (int, float)):
        return 0.0, float(payload)
    if not own or any(line is None for line in own):
        return None
    known = [line for line in own if line is not None]
    (slope, value), last = known[0], known[-1]
    if operation == "neg":
        return -slope, -value
    if operation in "+-":
        sign = 1.0 if operation == "+" else -1.0
        return slope + sign * last[0], value + sign * last[1]
    if (operation == "*" and not np.any(slope)) or (operation == "*" and not np.any(last[0])):
        return slope * last[1] + value * last[0], value * last[1]
    if operation == "/" and not np.any(last[0]):
        with np.errstate(all="ignore"):
            return slope / last[1], value / last[1]
    return None
