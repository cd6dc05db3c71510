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
        times += [np.ravel(crossings) for crossings in _of_template(laws.template, laws.constants)]
    whole = np.concatenate(times)
    return np.unique(whole[np.isfinite(whole)])


def _of_template(template: Template, constants: Floats) -> list[Floats]:
    if not template.timed:
        return []
    lines: list[Line | None] = []
    crossings: list[Floats] = []
    for operation, payload, operands in template.key:
        lines_in = [lines[k] for k in operands]
        if operation in _COMPARED and lines_in[0] is not None and lines_in[1] is not None:
            crossings.append(_crossing((lines_in[0][0] - lines_in[1][0], lines_in[0][1] - lines_in[1][1])))
        elif operation == "abs" and lines_in[0] is not None:
            crossings.append(_crossing(lines_in[0]))
        lines.append(_line(operation, payload, lines_in, constants))
    return crossings


def _crossing(line: Line) -> Floats:
    """Return where a line is 0; NaN where it is level."""
    slope, value = np.broadcast_arrays(np.asarray(line[0], float), np.asarray(line[1], float))
    with np.errstate(all="ignore"):
        return np.where(slope != 0, -value / slope, np.nan)


def _line(operation: str, payload: object, lines_in: Sequence[Line | None], constants: Floats) -> Line | None:
    """Return an operation's result as a line in time, None if it is none."""
    if operation == "time":
        return 1.0, 0.0
    if operation == "constant":
        assert isinstance(payload, int)
        return 0.0, constants[payload]
    if operation in ("number", "literal") and isinstance(payload, (int, float)):
        return 0.0, float(payload)
    if not lines_in or any(line is None for line in lines_in):
        return None
    all_lines = [line for line in lines_in if line is not None]
    (slope, value), last = all_lines[0], all_lines[-1]
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
