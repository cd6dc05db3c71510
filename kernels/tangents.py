"""What Newton's tangents missed of the cells' laws once a solve has moved the nodes.

A cell's tangent ``a v - b u + j`` predicted a current for the voltages that the solve gave; its law has another one.
Arrays are (m, n), one entry a cell, but for the sums over lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_NOISE = 1e-12  # of a cell's current at 1 V
_ROUNDING = 2e-3  # of its slopes times its voltages: 1e-12 of this is what rounding those voltages makes of a current


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _sum(x: Array) -> float:
    total = 0.0
    for c in range(x.size):
        total += x[c]
    return total


@njit(**_OPTIONS)
def _compare(
    v: Array, u: Array, p: Array, a: Array, b: Array, j: Array, i: Array, da: Array, predicted: Array, miss: Array,
    size: Array, watts: Array, chord: Array,
) -> None:  # fmt: skip
    """Hold a row's tangents against its laws."""
    for c in range(v.size):
        x = v[c] - u[c]
        predicted[c] = a[c] * v[c] - b[c] * u[c] + j[c]
        gap = abs(i[c] - predicted[c])
        miss[c] = gap if gap < np.inf else np.inf
        amperes = abs(predicted[c])
        size[c] = max(amperes, _ROUNDING * (a[c] * abs(v[c]) + b[c] * abs(u[c])))
        watts[c] = amperes * abs(x)
        # Around 0 V a law may be no more than its own rounding errors; there its slope says what the cell is.
        chord[c] = i[c] / x if (i[c] * x > 0.0) | (abs(i[c]) > _NOISE * p[c, 0]) else da[c]


@njit(**_OPTIONS)
def _largest_part(rows: Array, cols: Array, scale: Array, small: float) -> float:
    """Return the largest part of a line's current that tangents missed."""
    m, largest, gap = rows.size, 0.0, 0.0
    for k in range(scale.size):
        largest = max(largest, scale[k])
        gap = max(gap, rows[k] if k < m else cols[k - m])
    if gap == 0.0:
        return 0.0
    if not gap < np.inf or largest == 0.0:
        return np.inf
    least = max(small * largest, 2.2250738585072014e-308)
    part = 0.0
    for k in range(scale.size):
        part = max(part, (rows[k] if k < m else cols[k - m]) / max(scale[k], least))
    return part


@njit(**_OPTIONS)
def compare(
    v: Array, u: Array, p: Array, a: Array, b: Array, j: Array, i: Array, da: Array, predicted: Array, chord: Array,
    rows: Array, cols: Array, scale: Array, small: float,
) -> tuple[int, float, float]:  # fmt: skip
    """Hold all tangents against the laws' currents ``i`` and slopes ``da`` at v, u; return (cell, power).

    The cell is the one whose tangent missed its law by most; the power is what the tangents say that the cells take,
    in watts. ``predicted`` receives what currents the solve gave the cells, ``chord`` ``i / (v - u)``, which makes of
    the solution one of ohmic cells; ``rows`` (m,) and ``cols`` (n,) each line's sum of what the tangents missed,
    ``scale`` (m + n,) its sum of currents, or of what rounding makes of them where cells sit at equal voltages.
    """
    m, n = v.shape
    miss, size, watts = np.empty(n), np.empty(n), np.empty(n)
    cols[:] = 0.0
    scale[:] = 0.0
    cell, power, most = 0, 0.0, 0.0
    for r in range(m):
        _compare(v[r], u[r], p[r], a[r], b[r], j[r], i[r], da[r], predicted[r], miss, size, watts, chord[r])
        rows[r], scale[r] = _sum(miss), _sum(size)
        power += _sum(watts)
        for c in range(n):
            cols[c] += miss[c]
            scale[m + c] += size[c]
        if rows[r] > most:
            for c in range(n):
                if miss[c] > most:
                    most, cell = miss[c], r * n + c
    return cell, power, _largest_part(rows, cols, scale, small)
