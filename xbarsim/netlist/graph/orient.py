"""Which lines are word lines and which end is which, where the graph leaves it free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.core import NEVER, Core
from xbarsim.netlist.graph.edges import Ints
from xbarsim.netlist.graph.layout import Layout
from xbarsim.netlist.recognition import Recognition

Rank = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Ties:
    """By circuit node: whether it is tied, driven, and by which source."""

    tied: Ints
    driven: Ints
    order: Ints


def ties_of(core: Core, count: int) -> Ties:
    """Return a core's ties by the circuit's node numbers.

    Parameters
    ----------
    core : Core
        Whose nodes are tied.
    count : int
        How many nodes the circuit has.
    """
    tied = np.zeros(count + 1, dtype=np.int64)
    driven = np.zeros(count + 1, dtype=np.int64)
    order = np.full(count + 1, NEVER)
    tied[core.node], driven[core.node], order[core.node] = core.tied, core.driven, core.order
    tied[GROUND], driven[GROUND], order[GROUND] = 1, 0, NEVER
    return Ties(tied, driven, order)


def oriented(layout: Layout, ties: Ties) -> Layout:
    """Return the layout with driven lines as rows, driving ends left and sensing ends at the bottom.

    Parameters
    ----------
    layout : Layout
        Its lines in any direction.
    ties : Ties
        Which nodes are tied and driven.
    """
    word, bit = layout.word, layout.bit
    if _rank_layer(bit.T, ties) < _rank_layer(word, ties):
        word, bit = bit.T, word.T
    if _rank_drive(word[:, -1], ties) < _rank_drive(word[:, 0], ties):
        word, bit = word[:, ::-1], bit[:, ::-1]
    if _rank_sense(bit[0], ties) < _rank_sense(bit[-1], ties):
        word, bit = word[::-1], bit[::-1]
    return Layout(np.ascontiguousarray(word), np.ascontiguousarray(bit), layout.sides)


def penalty(reading: Recognition) -> int:
    """Return how unlike a usual crossbar a reading is; 0 is full, driven left only and sensed at the bottom only."""
    assert reading.crossbar is not None
    ends = reading.crossbar.boundary
    tied = {side: np.isfinite(ends[side].resistance) for side in ends}
    holes = np.count_nonzero(reading.word_nodes < 0) + np.count_nonzero(reading.bit_nodes < 0)
    bare = np.count_nonzero(~tied["word_left"]) + np.count_nonzero(~tied["bit_bottom"])
    double = np.count_nonzero(tied["word_right"]) + np.count_nonzero(tied["bit_top"])
    odd = np.count_nonzero(reading.voltages == 0) + np.count_nonzero(ends["bit_bottom"].voltage)
    return int(4 * holes + 3 * bare + 2 * double + odd)


def _rank_layer(lines: Ints, ties: Ties) -> Rank:
    """Lowest for the layer of the word lines."""
    ends = lines[:, [0, -1]].ravel()
    ends = ends[ends >= 0]
    driven = ends[ties.driven[ends] > 0]
    first = int(ties.order[driven].min(initial=NEVER))
    idle = int(ties.order[ends].min(initial=NEVER))
    return (int(driven.size == 0), first, idle, int(ends.min(initial=NEVER)))


def _rank_drive(ends: Ints, ties: Ties) -> Rank:
    """Lowest for the left ends."""
    ends = ends[ends >= 0]
    return (
        -int(ties.driven[ends].sum()),
        -int(ties.tied[ends].sum()),
        int(ties.order[ends].min(initial=NEVER)),
        int(ends.min(initial=NEVER)),
    )


def _rank_sense(ends: Ints, ties: Ties) -> Rank:
    """Lowest for the bottom ends; bit lines that are tied nowhere keep the order of the file."""
    ends = ends[ends >= 0]
    tied = int(ties.tied[ends].sum())
    return (
        -tied,
        int(ties.driven[ends].sum()),
        int(ties.order[ends].min(initial=NEVER)),
        -int(ends.min(initial=NEVER)),
    )
