"""Where each node stands in a crossbar, before anything is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Side
from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.edges import NoCrossbar

Ints = NDArray[np.int64]
ABSENT = -1
WORD, BIT = 0, 1


@dataclass(frozen=True, eq=False)
class Layout:
    """A proposal; ``assemble`` accepts it only if every element of the circuit fits.

    Attributes
    ----------
    word, bit : (rows, cols) array of int
        The circuit's node at each place, -1 where there is none. A line without wires repeats its node; ground
        may stand at a line's end, which ties the line to it.
    sides : mapping of element to (side, line)
        Which end a source drives, where the graph leaves that open.
    """

    word: Ints
    bit: Ints
    sides: Mapping[int, tuple[Side, int]] = field(default_factory=dict)


def spans(layout: Layout, count: int) -> NDArray[np.int32]:
    """Return the nodes' layers (-1 for none), lines, and first and last places on them, as (4, count).

    Ground has none: it may stand at the ends of many lines.

    Parameters
    ----------
    layout : Layout
        Which node is at which place.
    count : int
        How many nodes the circuit has.

    Raises
    ------
    NoCrossbar
        A node stands on two lines, or its places on one line are not side by side.
    """
    table = np.full((4, count), ABSENT, dtype=np.int32)
    for layer, lines, name in ((WORD, layout.word, "word"), (BIT, layout.bit.T, "bit")):
        lines = np.ascontiguousarray(lines)
        change = lines[:, 1:] != lines[:, :-1]
        edge = np.ones((lines.shape[0], 1), dtype=bool)
        present = lines > GROUND
        line, first = np.nonzero(present & np.concatenate([edge, change], axis=1))
        last = np.nonzero(present & np.concatenate([change, edge], axis=1))[1]
        nodes = lines[line, first]
        if np.any(table[0, nodes] >= 0):
            raise NoCrossbar("a node lies on a word line and a bit line")
        table[0, nodes], table[1, nodes], table[2, nodes], table[3, nodes] = layer, line, first, last
        if np.count_nonzero(table[0] == layer) < nodes.size:
            raise NoCrossbar(f"a node lies at two places of the {name} lines")
    return table
