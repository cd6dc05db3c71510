"""Connected components of a graph given by its edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def components(u: Ints, v: Ints, count: int) -> Ints:
    """Return, for each of ``count`` nodes, the lowest node that it is connected to.

    Every tree of labels is hung on the lowest one beside it, and flattened, until no edge joins two. (What
    ``scipy.sparse.csgraph`` has for this takes longer to import than a netlist of 10,000 elements to solve.)

    Parameters
    ----------
    u, v : (edges,) array of int
        Which nodes each edge joins.
    count : int
        How many nodes there are.
    """
    label = np.arange(count)
    while u.size:
        low, high = np.minimum(u, v), np.maximum(u, v)
        np.minimum.at(label, high, low)
        while True:
            up = label[label]
            if np.array_equal(up, label):
                break
            label = up
        u, v = label[u], label[v]
        apart = u != v
        u, v = u[apart], v[apart]
    return label
