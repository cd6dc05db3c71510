"""Which nodes have a path to a source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def tied_nodes(g: Array, rw: Array, rb: Array) -> tuple[Mask, Mask]:
    """Return, for word and for bit nodes (m, n), whether current can reach them from any line end.

    Segments ``rw`` (m, n+1) and ``rb`` (m+1, n) in ohms, ends included, ``inf`` where broken.
    """
    word, bit = np.zeros(g.shape, np.bool_), np.zeros(g.shape, np.bool_)
    _spread(g, rw, rb, word, bit)
    return word, bit


@njit(cache=True, nogil=True)
def _spread(g: Array, rw: Array, rb: Array, word: Mask, bit: Mask) -> None:
    """Spread ties along lines and through cells until nothing changes."""
    m, n = g.shape
    changed = True
    while changed:
        changed = False
        for i in range(m):
            tied = rw[i, 0] < np.inf
            for j in range(n):
                if j > 0 and rw[i, j] == np.inf:
                    tied = False
                tied = tied or word[i, j] or (bit[i, j] and g[i, j] > 0.0)
                if tied and not word[i, j]:
                    word[i, j] = changed = True
            tied = rw[i, n] < np.inf
            for back in range(n):
                j = n - 1 - back
                if back > 0 and rw[i, j + 1] == np.inf:
                    tied = False
                tied = tied or word[i, j]
                if tied and not word[i, j]:
                    word[i, j] = changed = True
        for j in range(n):
            tied = rb[0, j] < np.inf
            for i in range(m):
                if i > 0 and rb[i, j] == np.inf:
                    tied = False
                tied = tied or bit[i, j] or (word[i, j] and g[i, j] > 0.0)
                if tied and not bit[i, j]:
                    bit[i, j] = changed = True
            tied = rb[m, j] < np.inf
            for back in range(m):
                i = m - 1 - back
                if back > 0 and rb[i + 1, j] == np.inf:
                    tied = False
                tied = tied or bit[i, j]
                if tied and not bit[i, j]:
                    bit[i, j] = changed = True
