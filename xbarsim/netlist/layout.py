"""Where each node stands in a crossbar, before anything is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Side
from xbarsim.netlist.circuit import GROUND
from xbarsim.netlist.network import NoCrossbar

Ints = NDArray[np.int64]
ABSENT = -1


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


def check_places(layout: Layout) -> None:
    """Raise if a node stands on two lines, or its places on one line are not side by side."""
    word = _spans(layout.word, "word")
    bit = _spans(layout.bit.T, "bit")
    shared = np.intersect1d(word, bit, assume_unique=True)
    if shared.size:
        raise NoCrossbar("a node lies on a word line and a bit line")


def _spans(lines: Ints, name: str) -> Ints:
    """Return the distinct nodes of a layer whose rows are lines."""
    line, place = np.nonzero(lines > GROUND)
    nodes = lines[line, place]
    order = np.argsort(nodes, kind="stable")
    nodes, line, place = nodes[order], line[order], place[order]
    same = nodes[1:] == nodes[:-1]
    if np.any(same & ((line[1:] != line[:-1]) | (place[1:] != place[:-1] + 1))):
        raise NoCrossbar(f"a node lies at two places of the {name} lines")
    start = np.ones(nodes.size, dtype=bool)
    start[1:] = ~same
    distinct: Ints = nodes[start]
    return distinct
