"""What Newton's tangents missed of the cells' laws once a solve has moved the nodes.

A cell's tangent ``a v - b u + j`` predicted a current for the voltages that the solve gave; its law has another one.
Arrays are (m, n), one entry a cell, but for the sums over lines. Loops over a row fill one array each: with more the
compiler would not know them apart, and not vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_SUMS: dict[str, Any] = {**_OPTIONS, "fastmath": {"contract", "nsz", "reassoc"}}

_NOISE = 1e-12  # of a cell's current at 1 V
_ROUNDING = 2e-3  # of its slopes times its voltages: 1e-12 of this is what rounding those voltages makes of a current

_STEEPEST = 2.0  # times a cell's conductance
_FLATTEST = 0.1  # of a cell's current over its volts: with a slope below, it hardly holds its nodes


@njit(**_SUMS)
def _sum(x: Array) -> float:
    total = 0.0
    for c in range(x.size):
        total += x[c]
    return total


@njit(**_SUMS)
def _watts(v: Array, u: Array, amperes: Array) -> float:
    total = 0.0
    for c in range(v.size):
        total += abs(amperes[c]) * abs(v[c] - u[c])
    return total


@njit(**_OPTIONS)
def _compare(v: Array, u: Array, a: Array, b: Array, i: Array, predicted: Array, miss: Array, size: Array) -> None:
    """Hold a row's tangents against its laws."""
    for c in range(v.size):
        gap = abs(i[c] - predicted[c])
        miss[c] = gap if gap < np.inf else np.inf
    for c in range(v.size):
        size[c] = max(abs(predicted[c]), _ROUNDING * (a[c] * abs(v[c]) + b[c] * abs(u[c])))


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
    v: Array, u: Array, a: Array, b: Array, i: Array, predicted: Array, rows: Array, cols: Array, scale: Array,
    small: float,
) -> tuple[int, float, float]:  # fmt: skip
    """Hold the currents ``predicted`` for v, u against the laws' ``i``; return (cell, power, missed).

    The cell is the one whose tangent missed its law by most; the power is what the tangents say that the cells take,
    in watts; missed is the largest part of a line's current that its tangents missed. ``rows`` (m,) and ``cols`` (n,)
    receive each line's sum of that, ``scale`` (m + n,) its sum of currents, or of what rounding makes of them where
    cells sit at equal voltages.
    """
    m, n = v.shape
    miss, size = np.empty(n), np.empty(n)
    along = scale[m:]
    cols[:] = 0.0
    scale[:] = 0.0
    cell, power, most = 0, 0.0, 0.0
    for r in range(m):
        _compare(v[r], u[r], a[r], b[r], i[r], predicted[r], miss, size)
        rows[r], scale[r] = _sum(miss), _sum(size)
        power += _watts(v[r], u[r], predicted[r])
        for c in range(n):
            cols[c] += miss[c]
        for c in range(n):
            along[c] += size[c]
        if rows[r] > most:
            for c in range(n):
                if miss[c] > most:
                    most, cell = miss[c], r * n + c
    return cell, power, _largest_part(rows, cols, scale, small)


@njit(**_OPTIONS)
def chords(v: Array, u: Array, g: Array, i: Array, a: Array, chord: Array) -> None:
    """Fill what makes of the solution one of ohmic cells, ``i / (v - u)``.

    Around 0 V a law may be no more than its own rounding errors; there its slope ``a`` says what the cell is.
    """
    m, n = v.shape
    for r in range(m):
        for c in range(n):
            x = v[r, c] - u[r, c]
            ratio = i[r, c] / x
            chord[r, c] = ratio if (i[r, c] * x > 0.0) | (abs(i[r, c]) > _NOISE * g[r, c]) else a[r, c]


@njit(**_OPTIONS)
def span(
    v: Array, u: Array, g: Array, i: Array, da: Array, db: Array, a: Array, b: Array, j: Array
) -> float:  # fmt: skip
    """Put lines ``a v - b u + j`` for laws with currents i and slopes da, db at v, u; return their power in watts.

    A law that bends upwards from its conductance g gets about its chord at half the volts: on the way from 0 that
    misses least. One that gives less than g, as behind a series device, gets its tangent. inf where a law is no good
    for that: far above g, next to flat, or not a law of a passive cell.
    """
    m, n = v.shape
    power = 0.0
    bad = False
    for r in range(m):
        for c in range(n):
            x, flow = v[r, c] - u[r, c], i[r, c]
            linear = g[r, c] * abs(x)
            least = min(da[r, c], db[r, c])
            bad |= not ((abs(flow) <= _STEEPEST * linear) & (least * abs(x) >= _FLATTEST * abs(flow)))
            bad |= (flow * x < 0.0) | (not (da[r, c] + db[r, c] < np.inf))
            if abs(flow) > linear:
                siemens = 0.75 * g[r, c] + 0.25 * (flow / x)
                a[r, c], b[r, c], j[r, c] = siemens, siemens, 0.0
            else:
                a[r, c], b[r, c] = da[r, c], db[r, c]
                j[r, c] = flow - da[r, c] * v[r, c] + db[r, c] * u[r, c]
            power += abs(flow * x)
    return np.inf if bad else power


@njit(**_OPTIONS)
def level(word: Array, bit: Array, left: Array, right: Array, top: Array, bottom: Array, v: Array, u: Array) -> None:
    """Put all nodes at their lines' sources, the left and the bottom ones first; lines without are at 0."""
    m, n = v.shape
    base = np.empty(n)
    for c in range(n):
        base[c] = bottom[c] if bit[m, c] < np.inf else (top[c] if bit[0, c] < np.inf else 0.0)
    for r in range(m):
        volts = left[r] if word[r, 0] < np.inf else (right[r] if word[r, n] < np.inf else 0.0)
        for c in range(n):
            v[r, c] = volts
        for c in range(n):
            u[r, c] = base[c]
