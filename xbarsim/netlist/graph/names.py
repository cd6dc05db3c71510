"""Layouts proposed by the names that ``write`` gives; a proposal only, the graph decides."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Side
from xbarsim.netlist.element_kinds import GROUND, VOLTAGE
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.edges import Ints
from xbarsim.netlist.graph.layout import ABSENT, Layout

SIDE_NAMES: dict[str, Side] = {"wl": "word_left", "wr": "word_right", "bt": "bit_top", "bb": "bit_bottom"}

_END = re.compile(r"v(wl|wr|bt|bb)([0-9]{1,7})")
_DIGITS = 7
_UNDERSCORE, _NEWLINE, _W, _B, _ZERO, _NINE = b"_\nwb09"


def layout_by_names(circuit: FlatCircuit) -> Layout | None:
    """Return the layout that nodes named ``w_<row>_<col>`` and ``b_<row>_<col>`` ask for, if any."""
    names = "\n".join(circuit.nodes) + "\n"
    places = _places(names) if "\nw_" in names or "\nb_" in names else None
    if places is None:
        return None
    nodes, layer, row, col = places
    sides = _sides(circuit)
    rows, cols = int(row.max()) + 1, int(col.max()) + 1
    for side, line in sides.values():
        if side.startswith("word"):
            rows = max(rows, line + 1)
        else:
            cols = max(cols, line + 1)
    if rows * cols > 64 * nodes.size + 4096:
        return None
    grids = np.full((2, rows, cols), ABSENT, dtype=np.int64)
    grids[layer, row, col] = nodes
    if np.count_nonzero(grids >= 0) < nodes.size:
        return None
    return Layout(grids[0], grids[1], sides)


def _places(names: str) -> tuple[Ints, Ints, Ints, Ints] | None:
    """Return the lines that are such names, with their layer, row and column; None if another begins like them."""
    text = np.frombuffer(names.encode(), dtype=np.uint8)
    stop = np.flatnonzero(text == _NEWLINE)
    start = np.concatenate([[0], stop[:-1] + 1])
    nodes = np.flatnonzero((stop - start > 2) & (text[np.minimum(start + 1, stop)] == _UNDERSCORE))
    first = text[start[nodes]]
    nodes = nodes[(first == _W) | (first == _B)]
    if not nodes.size:
        return None
    start, stop = start[nodes], stop[nodes]
    bars = np.flatnonzero(text == _UNDERSCORE)
    after = np.searchsorted(bars, start + 1) + 1
    if after[-1] >= bars.size or np.any(bars[after] >= stop):
        return None
    middle = bars[after]
    row, col = _number(text, start + 2, middle), _number(text, middle + 1, stop)
    if row is None or col is None:
        return None
    return nodes, (text[start] == _B).astype(np.int64), row, col


def _number(text: NDArray[np.uint8], start: Ints, stop: Ints) -> Ints | None:
    """Return the numbers that stand in ``text[start:stop]``, None if something else does."""
    length = stop - start
    if length.min() < 1 or length.max() > _DIGITS:
        return None
    number = np.zeros(start.size, dtype=np.int64)
    scale = 1
    for k in range(int(length.max())):
        digit = text[np.maximum(stop - 1 - k, start)].astype(np.int64) - _ZERO
        inside = k < length
        if np.any(inside & ((digit < 0) | (digit > _NINE - _ZERO))):
            return None
        number += np.where(inside, digit * scale, 0)
        scale *= 10
    return number


def _sides(circuit: FlatCircuit) -> dict[int, tuple[Side, int]]:
    sides: dict[int, tuple[Side, int]] = {}
    for element in np.flatnonzero(circuit.kinds == VOLTAGE).tolist():
        match = _END.fullmatch(circuit.names[element])
        if match and GROUND in (circuit.first[element], circuit.second[element]):
            sides[element] = (SIDE_NAMES[match.group(1)], int(match.group(2)))
    return sides
