"""How far cells of lines are from the weights of rows, where what they hold is straight in what is written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def add_distances(costs: Array, weights: Array, base: Array, slope: Array, siemens: Array, squares: bool) -> None:
    """Add ``sum_j |w[p, j] - base[q, j] - sum_k slope[k, q, j] siemens[k, p, j]|`` to each (p, q).

    Parameters
    ----------
    costs : (rows, lines)
        Added to.
    weights : (rows, cols)
        w.
    base, slope, siemens : (lines, cols), (planes, lines, cols) and (planes, rows, cols)
        C-contiguous, so that the innermost loops are vectors.
    squares : bool
        Whether squares are summed instead.
    """
    rows, cols = weights.shape
    planes, lines, _ = slope.shape
    apart = np.empty(cols)
    for p in range(rows):
        for q in range(lines):
            for j in range(cols):
                apart[j] = weights[p, j] - base[q, j] - slope[0, q, j] * siemens[0, p, j]
            for k in range(1, planes):
                for j in range(cols):
                    apart[j] -= slope[k, q, j] * siemens[k, p, j]
            total = 0.0
            if squares:
                for j in range(cols):
                    total += apart[j] * apart[j]
            else:
                for j in range(cols):
                    total += abs(apart[j])
            costs[p, q] += total
