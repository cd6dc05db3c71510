"""Worst-case patterns: which states of all other cells bring a read closest to the other state.

Which pattern is the worst depends on the scheme. With floating lines every cell in LRS adds to the sneak current. With
grounded lines cells of the selected row and column take current away from the sense amplifier; at V/2 those of the row
still do, by IR drop, while those of the column add theirs. So no pattern is taken for granted: all eight that put the
three groups of other cells (the selected row's, the selected column's, the rest) in LRS or HRS are solved.
The worst of them need not be the worst of all 2^(rows cols - 1): :mod:`pattern_search` goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from xbarsim.crossbar import Array, Crossbar, LineEnds, Side
from xbarsim.errors import InputError
from xbarsim.margin.technology import States
from xbarsim.schemes.reading import Read
from xbarsim.schemes.scheme import Cell, checked_cell
from xbarsim.solvers.solve import solve

GROUPS = ("row", "column", "rest")

_NUDGE = 1e-6  # volts: half the distance at which a law's slope is taken


def background(name: str, shape: tuple[int, int], cell: Cell) -> States:
    """Return a pattern by its name, the selected cell in HRS.

    Parameters
    ----------
    name : str
        ``hrs``, ``lrs``, or the groups in LRS joined by +, as ``row+rest``.
    shape : (rows, cols)
        The array's.
    cell : (row, column)
        The selected cell.

    Raises
    ------
    InputError
        The name is none of these, or the cell outside.
    """
    i, j = checked_cell(shape, cell)
    words = {"hrs": [], "lrs": list(GROUPS)}.get(name, name.split("+"))
    unknown = [word for word in words if word not in GROUPS]
    if unknown:
        raise InputError(f"pattern {name!r} is unknown: give hrs, lrs, or {', '.join(GROUPS)} joined by +")
    states = np.full(shape, "rest" in words)
    states[i, :] = "row" in words
    states[:, j] = "column" in words
    states[i, j] = False
    return states


def candidates(shape: tuple[int, int], cell: Cell) -> Iterator[tuple[str, States]]:
    """Yield every distinct pattern of the three groups with its name.

    Parameters
    ----------
    shape : (rows, cols)
        Of the array.
    cell : (row, column)
        The selected one, in HRS in all patterns.
    """
    rows, cols = shape
    groups = [
        group for group, count in zip(GROUPS, (cols - 1, rows - 1, (rows - 1) * (cols - 1)), strict=True) if count
    ]
    for choice in product((False, True), repeat=len(groups)):
        words = [group for group, conducting in zip(groups, choice, strict=True) if conducting]
        name = "hrs" if not words else "lrs" if len(words) == len(groups) else "+".join(words)
        yield name, background(name, shape, cell)


def sensitivity(read: Read) -> Array | None:
    """How the selected current grows with each cell's conductance, (rows, cols), up to a positive factor.

    The adjoint of the circuit, with the cells' slopes for conductances, is solved with 1 V at the selected bit line's
    sensed ends: ``dI/dG_ab = -(phi_w - phi_b) di_ab/dG_ab``, and a cell's current grows with its conductance in the
    direction of its voltage. For linear cells the factor is 1. None for transistor cells, whose tangents are not
    symmetric, and where lines float.

    Parameters
    ----------
    read : Read
        With the solution's fields, and the scheme's ends.
    """
    tied = read.solution.crossbar
    if not tied.device.two_terminal or read.solution.floating:
        return None
    across = read.solution.word_voltages - read.solution.bit_voltages
    slopes = tied.conductance
    if not tied.device.linear:
        zero = np.zeros_like(across)
        up, down = (tied.device.current(slopes, across + nudge, zero) for nudge in (_NUDGE, -_NUDGE))
        slopes = np.maximum((up - down) / (2.0 * _NUDGE), 0.0)
    sensed: tuple[Side, ...] = ("bit_bottom", "bit_top") if read.scheme.both_bits else ("bit_bottom",)
    unit = np.zeros(tied.shape[1])
    unit[read.cell[1]] = 1.0
    ends = {side: LineEnds(unit if side in sensed else 0.0, tie.resistance) for side, tie in tied.boundary.items()}
    dual = Crossbar(slopes, word_wire=tied.word_wire, bit_wire=tied.bit_wire, ends=ends)
    adjoint = solve(dual, np.zeros(tied.shape[0]))
    growth: Array = (adjoint.bit_voltages - adjoint.word_voltages) * across
    return growth
