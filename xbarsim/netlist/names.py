"""Layouts proposed by the names that ``write`` gives; a proposal only, the graph decides."""

from __future__ import annotations

import re

import numpy as np

from xbarsim.crossbar import Side
from xbarsim.netlist.body import VOLTAGE
from xbarsim.netlist.circuit import GROUND, Circuit
from xbarsim.netlist.layout import ABSENT, Layout

SIDE_NAMES: dict[str, Side] = {"wl": "word_left", "wr": "word_right", "bt": "bit_top", "bb": "bit_bottom"}

_NODES = re.compile(r"(?:[wb]_[0-9]{1,7}_[0-9]{1,7}\n)++")
_END = re.compile(r"v(wl|wr|bt|bb)([0-9]{1,7})")


def layout_by_names(circuit: Circuit) -> Layout | None:
    """Return the layout that nodes named ``w_<row>_<col>`` and ``b_<row>_<col>`` ask for, if any."""
    sample = next((name for name in circuit.nodes if name[:2] in ("w_", "b_")), "")
    if _NODES.fullmatch(sample + "\n") is None:
        return None
    index = [k for k, name in enumerate(circuit.nodes) if name[:2] == "w_" or name[:2] == "b_"]
    text = "\n".join([circuit.nodes[k] for k in index]) + "\n"
    if _NODES.fullmatch(text) is None:
        return None
    numbers = text.replace("w_", "0 ").replace("b_", "1 ").replace("_", " ").split()
    layer, row, col = np.array(numbers, dtype=np.int64).reshape(-1, 3).T
    nodes = np.array(index, dtype=np.int64)
    sides = _sides(circuit)
    rows, cols = int(row.max()) + 1, int(col.max()) + 1
    for side, line in sides.values():
        if side.startswith("word"):
            rows = max(rows, line + 1)
        else:
            cols = max(cols, line + 1)
    if rows * cols > 64 * nodes.size + 4096:
        return None
    word = np.full((rows, cols), ABSENT, dtype=np.int64)
    bit = np.full((rows, cols), ABSENT, dtype=np.int64)
    word[row[layer == 0], col[layer == 0]] = nodes[layer == 0]
    bit[row[layer == 1], col[layer == 1]] = nodes[layer == 1]
    if np.count_nonzero(word >= 0) + np.count_nonzero(bit >= 0) < nodes.size:
        return None
    return Layout(word, bit, sides)


def _sides(circuit: Circuit) -> dict[int, tuple[Side, int]]:
    found: dict[int, tuple[Side, int]] = {}
    for element in np.flatnonzero(circuit.kinds == VOLTAGE).tolist():
        match = _END.fullmatch(circuit.names[element])
        if match and GROUND in (circuit.first[element], circuit.second[element]):
            found[element] = (SIDE_NAMES[match.group(1)], int(match.group(2)))
    return found
