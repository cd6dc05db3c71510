"""Where lines turn into cells: the shortest cycles of an array with wires on both layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.graph.edges import Ints

_BATCH = 1 << 15


def turns(table: NDArray[np.int32], edges: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Return the pairs of edges, (k, 2), that meet at a node and follow each other on a cycle of 8 edges.

    Such a cycle is a square of four neighbouring cells, with a wire between each two of them: of each pair one edge
    is a cell and one a wire. An edge that makes pairs with both others at its node must be the cell: these edges are
    the second array.

    Parameters
    ----------
    table, edges : (n, 3) array of int
        Each node's neighbours and the edges to them, -1 where there is none.
    """
    pairs, cells = [], []
    for start in range(0, table.shape[0], _BATCH):
        nodes = np.arange(start, min(table.shape[0], start + _BATCH))
        reach = [_three_steps(table, table[nodes, k], nodes) for k in range(3)]
        count = np.zeros(table.shape[1:] + nodes.shape, dtype=np.int64)
        for a, b in ((0, 1), (0, 2), (1, 2)):
            left, right = reach[a], reach[b]
            meet = np.zeros(nodes.size, dtype=bool)
            for reached in left.T:
                meet |= ((right == reached[:, None]) & (reached >= 0)[:, None]).any(axis=1)
            count[[a, b]] += meet
            pairs.append(np.stack([edges[nodes[meet], a], edges[nodes[meet], b]], axis=1))
        cells += [edges[nodes[(count[k] == 2) & (count.sum(axis=0) == 4)], k] for k in range(3)]
    return np.concatenate(pairs), np.concatenate(cells)


def _three_steps(table: NDArray[np.int32], start: NDArray[np.int32], before: Ints) -> NDArray[np.int32]:
    """Return where three steps lead without turning back or returning to ``before``, (n, 8), -1 for nowhere."""
    at, last, home = start[:, None], before[:, None], before[:, None]
    for _ in range(3):
        ahead = np.where(at[..., None] >= 0, table[at], -1)
        ahead[(ahead == last[..., None]) | (ahead == home[..., None])] = -1
        # One of three neighbours is where the step came from: the two others move to the front.
        pair = np.stack([np.where(ahead[..., 0] < 0, ahead[..., 2], ahead[..., 0]), ahead[..., 1]], axis=-1)
        spare = (ahead[..., 1] < 0) & (ahead[..., 0] >= 0)
        pair[..., 1] = np.where(spare, ahead[..., 2], pair[..., 1])
        last = np.repeat(at, 2, axis=1)
        at = pair.reshape(len(start), -1)
    return at
