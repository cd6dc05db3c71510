"""How far a solution is from Kirchhoff's laws.

Arrays: cells ``g`` and node voltages ``v``, ``u`` (m, n); ``rw`` (m, n+1) word-line segments with the left end first,
``rb`` (m+1, n) bit-line segments with the top end first; for each side the sources' volts and the currents out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _largest(left: Array, right: Array, top: Array, bottom: Array) -> float:
    """Return the largest magnitude of all sources' voltages."""
    volts = 0.0
    for i in range(left.size):
        volts = max(volts, abs(left[i]), abs(right[i]))
    for j in range(top.size):
        volts = max(volts, abs(top[j]), abs(bottom[j]))
    return volts


@njit(**_OPTIONS)
def residual(
    g: Array,
    rw: Array,
    rb: Array,
    left: Array,
    right: Array,
    top: Array,
    bottom: Array,
    v: Array,
    u: Array,
    out_left: Array,
    out_right: Array,
    out_top: Array,
    out_bottom: Array,
) -> float:
    """How far a solution is from Kirchhoff's laws.

    The larger of ``|dv - r i| / max |V|`` over all segments and ends, and ``|sum i| / max_line sum |i_device|`` over
    all lines and both sides of a break. Wire currents are running sums of device currents from the word lines'
    left and the bit lines' top end. 0 where all sources are 0.
    """
    m, n = g.shape
    volts: float = _largest(left, right, top, bottom)
    if volts == 0.0:
        return 0.0
    kvl = kcl = amperes = 0.0
    line = np.empty(n)
    for i in range(m):
        for j in range(n):
            line[j] = g[i, j] * (v[i, j] - u[i, j])
        current, before, taken = -out_left[i], left[i], 0.0
        for j in range(n):
            r = rw[i, j]
            whole = r < np.inf
            gap = abs(before - v[i, j] - (r if whole else 0.0) * current)
            kvl = gap if whole and gap > kvl else kvl
            kcl = abs(current) if not whole and abs(current) > kcl else kcl
            current = (current if whole else 0.0) - line[j]
            taken += abs(line[j])
            before = v[i, j]
        amperes = max(amperes, taken, abs(out_left[i]), abs(out_right[i]))
        kcl = max(kcl, abs(current - out_right[i]))
        if rw[i, n] < np.inf:
            kvl = max(kvl, abs(before - right[i] - rw[i, n] * out_right[i]))
    current_b, taken_b, kvl_b, kcl_b = np.empty(n), np.zeros(n), np.zeros(n), np.zeros(n)
    for j in range(n):
        current_b[j] = -out_top[j]
    for i in range(m):
        for j in range(n):
            r = rb[i, j]
            whole = r < np.inf
            gap = abs((u[i - 1, j] if i > 0 else top[j]) - u[i, j] - (r if whole else 0.0) * current_b[j])
            kvl_b[j] = gap if whole and gap > kvl_b[j] else kvl_b[j]
            kcl_b[j] = abs(current_b[j]) if not whole and abs(current_b[j]) > kcl_b[j] else kcl_b[j]
            device = g[i, j] * (v[i, j] - u[i, j])
            current_b[j] = (current_b[j] if whole else 0.0) + device
            taken_b[j] += abs(device)
    for j in range(n):
        amperes = max(amperes, taken_b[j], abs(out_top[j]), abs(out_bottom[j]))
        kvl = max(kvl, kvl_b[j])
        kcl = max(kcl, kcl_b[j], abs(current_b[j] - out_bottom[j]))
        if rb[m, j] < np.inf:
            kvl = max(kvl, abs(u[m - 1, j] - bottom[j] - rb[m, j] * out_bottom[j]))
    if not amperes < np.inf:
        return np.inf
    return max(kvl / volts, kcl / amperes if amperes > 0.0 else 0.0)


@njit(**_OPTIONS)
def _line_gaps(
    g: Array,
    r: Array,
    x: Array,
    other: Array,
    first: float,
    last: float,
    out_first: float,
    out_last: float,
    volts: float,
    amperes: float,
) -> float:
    """Worst violation along one line, each segment's as volts or as amperes, whichever is less.

    x are the line's node voltages, ``other`` those across its cells.
    """
    n = g.size
    worst = 0.0
    current, before = -out_first, first
    for j in range(n + 1):
        after = x[j] if j < n else last
        if r[j] < np.inf:
            through = current if j < n else out_last
            gap = abs(before - after - r[j] * through)
            worst = max(worst, min(gap / volts, gap / (r[j] * amperes)) if r[j] * amperes > 0.0 else gap / volts)
        else:
            worst = max(worst, abs(current) / amperes if amperes > 0.0 else 0.0)
            current = 0.0
        if j < n:
            current -= g[j] * (x[j] - other[j])
            before = x[j]
    return max(worst, abs(current - out_last) / amperes if amperes > 0.0 else 0.0)


@njit(**_OPTIONS)
def careful_residual(
    g: Array,
    rw: Array,
    rb: Array,
    left: Array,
    right: Array,
    top: Array,
    bottom: Array,
    v: Array,
    u: Array,
    out_left: Array,
    out_right: Array,
    out_top: Array,
    out_bottom: Array,
) -> float:
    """Return ``residual`` where that is large for no fault of the solution's. Slower: for suspicious ones only.

    Running sums of device currents carry rounding errors of g |v| eps, which a wire of many ohms turns into many
    volts. Such a segment is held to Kirchhoff's current law instead: with ``dv / r`` for its current the voltage law
    holds exactly, and the difference to the running sum is what the nodes' balances miss, relative to the largest
    line's sum of device currents. And cells that sit at equal voltages carry rounding errors only: currents count
    from 1e-6 of what the line's cells would take at its voltages.
    """
    m, n = g.shape
    volts: float = _largest(left, right, top, bottom)
    if volts == 0.0:
        return 0.0
    # What is so far below any current that a cell could carry stands for none.
    amperes = 1e-25 * g.max() * volts
    finite = True
    column = np.zeros(n)
    for i in range(m):
        line = 0.0
        for j in range(n):
            current = abs(g[i, j] * (v[i, j] - u[i, j]))
            finite = finite and abs(v[i, j]) < np.inf and abs(u[i, j]) < np.inf
            current = max(current, 1e-6 * g[i, j] * (abs(v[i, j]) + abs(u[i, j])))
            line += current
            column[j] += current
        amperes = max(amperes, line, abs(out_left[i]), abs(out_right[i]))
    for j in range(n):
        amperes = max(amperes, column[j], abs(out_top[j]), abs(out_bottom[j]))
    if not finite or not amperes < np.inf:
        return np.inf
    worst = 0.0
    for i in range(m):
        gap = _line_gaps(g[i], rw[i], v[i], u[i], left[i], right[i], out_left[i], out_right[i], volts, amperes)
        worst = max(worst, gap)
    gt, rt, vt, ut = g.T.copy(), rb.T.copy(), v.T.copy(), u.T.copy()
    for j in range(n):
        gap = _line_gaps(gt[j], rt[j], ut[j], vt[j], top[j], bottom[j], out_top[j], out_bottom[j], volts, amperes)
        worst = max(worst, gap)
    return worst
