"""Parts of a graph that are pairs of ladders: two lines of as many nodes with a cell between the nodes of each row.

Nodes between two wires and a cell have three neighbours, the ends of lines two, as have nodes inside cells. So the ends
are known at once, and from one pair of them both lines are followed together, row by row, in all parts at a time: of a
node's neighbours, the next one is what is left after the one across and the one before.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.core import Core, cut
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Ints, NoCrossbar
from xbarsim.netlist.graph.layout import ABSENT
from xbarsim.netlist.graph.obstacles import meets_at

_LEAST_ROWS = 3
"""With fewer, the ends of lines and nodes inside cells cannot be told apart."""


def cores_of(network: EdgeNetwork, peel: str = "all") -> list[Core]:
    """Return what lies between sources, those first that one resistor hangs on.

    Parameters
    ----------
    network : EdgeNetwork
        All edges and sources of the circuit.
    peel : {"none", "ideal", "all"}
        As that of ``cut``.
    """
    sourced = network.source >= 0
    rails = [sourced & (meets_at(network) <= 1)]
    if not np.array_equal(rails[0], sourced):
        rails.append(sourced)
    cores = []
    for rail in rails:
        outside = rail.copy()
        outside[GROUND] = True
        with suppress(NoCrossbar):
            cores.append(cut(network, outside, ground_on_array=False, peel=peel))
    return cores


def ladders_of(core: Core, least: int) -> tuple[Ints, Ints] | None:
    """Return the pairs of ladders that a core is, or None.

    Parameters
    ----------
    core : Core
        Wires and cells.
    least : int
        How many there must be.

    Returns
    -------
    pairs : (2, rows, ladders)
        Nodes of both lines.
    middle : (rows, ladders)
        Nodes inside cells, -1 where those have none.
    """
    degree = core.degree
    if degree.size < 2 * _LEAST_ROWS or np.any((degree != 2) & (degree != 3)):
        return None
    u, v, size = core.u, core.v, core.node.size
    part = np.unique(components(u, v, size), return_inverse=True)[1]
    cols = int(part.max()) + 1
    two, three = (np.bincount(part[degree == count], minlength=cols) for count in (2, 3))
    if cols < least or np.any(two != two[0]) or np.any(three != three[0]):
        return None
    rows = int(three[0]) // 2 + 2
    if rows < _LEAST_ROWS or three[0] % 2 or two[0] not in (4, 4 + rows):
        return None
    at_two = degree == 2
    beside = np.bincount(u, at_two[v], size) + np.bincount(v, at_two[u], size)
    inner = at_two & (beside != 1) if two[0] > 4 else np.zeros(size, dtype=bool)
    corner = at_two & ~inner
    if np.any(np.bincount(part[corner], minlength=cols) != 4):
        return None
    across, total = _contracted(core, inner, corner)
    if across is None:
        return None
    first = np.full(cols, size)
    np.minimum.at(first, part[corner], np.flatnonzero(corner))
    pairs = _followed(first, across, total, rows, size)
    if pairs is None:
        return None
    middle = np.full((rows, cols), ABSENT, dtype=np.int64)
    if inner.any():
        at = np.full(size, ABSENT)
        place = np.flatnonzero(inner)
        for near, far in ((u, v), (v, u)):
            at[far[inner[near]]] = near[inner[near]]
        middle = at[pairs[0]]
        if np.unique(middle).size != place.size or np.any(middle != at[pairs[1]]):
            return None
    return pairs, middle


def _contracted(core: Core, inner: Bools, corner: Bools) -> tuple[Ints | None, Ints]:
    """Return the corners' partners across their cells, and the sums of line nodes' neighbours without inner nodes.

    An inner node counts as its cell's other end.
    """
    u, v, size = core.u, core.v, core.node.size
    total = np.zeros(size, dtype=np.int64)
    direct = ~inner[u] & ~inner[v]
    for near, far in ((u, v), (v, u)):
        np.add.at(total, near[direct], far[direct])
    across = np.full(size, ABSENT)
    if inner.any():
        ends = np.zeros(size, dtype=np.int64)
        for near, far in ((u, v), (v, u)):
            np.add.at(ends, near[inner[near]], far[inner[near]])
        for near, far in ((u, v), (v, u)):
            edge = inner[near] & ~inner[far]
            across[far[edge]] = ends[near[edge]] - far[edge]
        line = np.flatnonzero(~inner)
        if np.any(across[line] < 0):
            return None, total
        total[line] += across[line]
    else:
        rung = corner[u] & corner[v]
        across[u[rung]], across[v[rung]] = v[rung], u[rung]
    return across, total


def _followed(first: Ints, across: Ints, total: Ints, rows: int, size: int) -> Ints | None:
    """Return the nodes of both lines (2, rows, cols) from the corners ``first`` on; None where that leads astray."""
    pairs = np.empty((2, rows, first.size), dtype=np.int64)
    x, y = first, across[first]
    before_x = before_y = np.zeros_like(first)
    if np.any(y < 0):
        return None
    for row in range(rows):
        pairs[:, row] = x, y
        next_x, next_y = total[x] - y - before_x, total[y] - x - before_y
        before_x, before_y, x, y = x, y, next_x, next_y
        if row < rows - 1 and np.any((x < 0) | (x >= size) | (y < 0) | (y >= size)):
            return None
    return pairs if np.unique(pairs).size == pairs.size else None
