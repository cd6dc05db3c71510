"""Cells of a memristor and an access transistor in series: 1T1R.

With the memristor g from v to an inner node and a level-1 transistor from there to u, ``x = v - u`` and ``over`` the
gate's overdrive of the lower one of v and u, a cell takes a current i from v to u with slopes ``a = di/dv`` and
``b = -di/du``. Arrays: voltages and currents (m, n); parameters ``p`` (5, m, n), those of :data:`PARAMETERS`.
Loops over a row fill one array each: with more the compiler would not know them apart, and not vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

PARAMETERS = ("g", "gate", "kp", "vto", "lam")
"""Siemens, volts, A/V^2, volts, 1/V."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_LESS = 0.1  # of its overdrive: what a transistor keeps at least from one step to the next
_EPS = 2.2e-16
_LEAST = 1e-300  # siemens that keep cells that take nothing from dividing 0 by 0
_CLOSE = 1e-9  # of itself: from so near a root the next step of second order is right to the last digit
_PASSES = 8


@njit(**_OPTIONS)
def _channel(vds: float, over: float, kp: float, lam: float) -> tuple[float, float, float]:
    """Level-1 drain current for vds >= 0 and the gate's overdrive, with its slopes gds and gm."""
    if over <= 0.0:
        return 0.0, 0.0, 0.0
    k = kp * (1.0 + lam * vds)
    if over <= vds:
        i = 0.5 * k * over * over
        return i, 0.5 * kp * lam * over * over, k * over
    shape = vds * (over - 0.5 * vds)
    return k * shape, kp * lam * shape + k * (over - vds), k * vds


@njit(**_OPTIONS)
def _bracketed(x: float, over: float, g: float, kp: float, lam: float) -> tuple[float, float, float]:
    """As ``_cells`` for one cell: the root is bracketed, and a step that leaves the bracket becomes a bisection."""
    if g == 0.0 or over <= 0.0:
        return 0.0, 0.0, 0.0
    forward = x >= 0.0
    y = abs(x)
    # Forward: s is the transistor's voltage. Backward: r is the memristor's, which the gate's overdrive loses.
    low, high = 0.0, (y if forward else min(y, over))
    t = g * y / (g + kp * over) if forward else y * kp * over / (g + kp * over)
    t = min(t, high)
    i = gds = gm = 0.0
    for _ in range(200):
        if forward:
            i, gds, gm = _channel(t, over, kp, lam)
            miss, slope = i - g * (y - t), gds + g
        else:
            i, gds, gm = _channel(y - t, over - t, kp, lam)
            miss, slope = g * t - i, g + gds + gm
        if miss > 0.0:
            high = t
        else:
            low = t
        step = t - miss / slope
        if not low <= step <= high:
            step = 0.5 * (low + high)
        moved = abs(step - t)
        t = step
        if not moved > 2.0 * _EPS * t:
            break
    if forward:
        i, gds, gm = _channel(t, over, kp, lam)
        if t < 0.5 * y:
            i = g * (y - t)
        whole = g + gds
        return i, g * gds / whole, g * (gds + gm) / whole
    i, gds, gm = _channel(y - t, over - t, kp, lam)
    if t > 0.5 * y and t > 0.0:
        i = g * t
    whole = g + gds + gm
    return -i, g * (gds + gm) / whole, g * gds / whole


@njit(**_OPTIONS)
def _kind(x: float, over: float, g: float, kp: float, lam: float) -> tuple[bool, bool, float]:
    """Whether the source is at u, whether the transistor is saturated, and the part of its overdrive that sources hold.

    With the source at u the overdrive is ``over``; with it at the inner node, ``over - |x| + t`` for t volts along
    the channel.
    """
    forward = x >= 0.0
    base = over if forward else over + x
    full = 0.5 * kp * over * over
    saturated = (g * (x - over) > full + full * (lam * over)) if forward else base < 0.0
    return forward, saturated, base


@njit(**_OPTIONS)
def _state(
    z: float, x: float, over: float, forward: bool, saturated: bool, base: float
) -> tuple[float, float, float, float]:
    """Return for the unknown z of ``_first_root``: the memristor's volts, the channel's, its overdrive and shape."""
    inner = saturated and not forward
    t = z - base if inner else z
    drive = over if forward else (z if saturated else base + z)
    return over - z if inner else abs(x) - t, t, drive, 0.5 * drive * drive if saturated else t * (drive - 0.5 * t)


@njit(**_OPTIONS)
def _first_root(x: float, over: float, g: float, kp: float, lam: float) -> float:
    """Return z without channel-length modulation: volts along the channel, or the overdrive of an inner source.

    ``kp t (base -+ t / 2) = g (|x| - t)`` along an unsaturated channel, with - where the source is at u;
    ``kp z^2 / 2 = g (over - z)`` for the overdrive z of a saturated one whose source is the inner node; and one
    whose source is at u takes its current whatever t is, also with modulation.
    """
    forward, saturated, base = _kind(x, over, g, kp, lam)
    inner = saturated and not forward
    y = over if inner else abs(x)
    half = g if inner else kp * base + g
    curve = 2.0 * kp * g * y
    root = 2.0 * g * y / (half + np.sqrt(max(half * half + (-curve if forward else curve), 0.0)) + _LEAST)
    full = 0.5 * kp * over * over
    return (g * x - full) / (g + lam * full + _LEAST) if saturated and forward else root


@njit(**_OPTIONS)
def _next(z: float, x: float, over: float, g: float, kp: float, lam: float) -> float:
    """Newton's step from z, within the part of the cell's or the gate's volts that it is."""
    forward, saturated, base = _kind(x, over, g, kp, lam)
    volts, t, drive, shape = _state(z, x, over, forward, saturated, base)
    bend = (0.0 if saturated else drive - t) if forward else drive
    longer = kp * (1.0 + lam * t)
    most = abs(x) if saturated == forward else min(over, abs(x)) if forward else over
    return float(
        min(max(z - (longer * shape - g * volts) / (kp * lam * shape + longer * bend + g + _LEAST), 0.0), most)
    )


@njit(**_OPTIONS)
def _flow(z: float, x: float, over: float, g: float, kp: float, lam: float) -> tuple[float, float, float]:
    """Return the current and the slopes at the root z."""
    forward, saturated, base = _kind(x, over, g, kp, lam)
    volts, t, drive, shape = _state(z, x, over, forward, saturated, base)
    longer = kp * (1.0 + lam * t)
    gds = kp * lam * shape + (0.0 if saturated else longer * (over - t if forward else base))
    gm = longer * (drive if saturated else t)
    # Of the two ways to the current, the one that subtracts next to nothing.
    i = g * volts if t < 0.5 * abs(x) else longer * shape
    whole = g + (gds if forward else gds + gm) + _LEAST
    near, far = g * gds / whole, g * (gds + gm) / whole
    conducts = (not over <= 0.0) & (g > 0.0)  # no number is none that does not
    i = i if conducts else 0.0
    near, far = near if conducts else 0.0, far if conducts else 0.0
    return (i, near, far) if forward else (-i, far, near)


@njit(**_OPTIONS)
def _cells(x: Array, over: Array, g: Array, kp: Array, lam: Array, i: Array, a: Array, b: Array, z: Array) -> None:
    """Fill currents and slopes of a row of cells for volts x across them and the gates' overdrives of lower ends."""
    for c in range(x.size):
        z[c] = _first_root(x[c], over[c], g[c], kp[c], lam[c])
    far = True
    for _ in range(_PASSES):
        far = False
        for c in range(x.size):
            nearer = _next(z[c], x[c], over[c], g[c], kp[c], lam[c])
            far |= (abs(nearer - z[c]) > _CLOSE * nearer) & (over[c] > 0.0) & (g[c] > 0.0)
            z[c] = nearer
        if not far:
            break
    for c in range(x.size):
        i[c] = _flow(z[c], x[c], over[c], g[c], kp[c], lam[c])[0]
    for c in range(x.size):
        a[c] = _flow(z[c], x[c], over[c], g[c], kp[c], lam[c])[1]
    for c in range(x.size):
        b[c] = _flow(z[c], x[c], over[c], g[c], kp[c], lam[c])[2]
    if far:  # modulation so strong that the first root was no start
        for c in range(x.size):
            i[c], a[c], b[c] = _bracketed(x[c], over[c], g[c], kp[c], lam[c])


@njit(**_OPTIONS)
def evaluate(v: Array, u: Array, p: Array, i: Array, a: Array, b: Array) -> None:
    """Fill currents ``i`` and slopes ``a``, ``b`` (m, n) at node voltages v and u."""
    m, n = v.shape
    x, over, z = np.empty(n), np.empty(n), np.empty(n)
    for r in range(m):
        for c in range(n):
            x[c] = v[r, c] - u[r, c]
        for c in range(n):
            over[c] = p[1, r, c] - min(v[r, c], u[r, c]) - p[3, r, c]
        _cells(x, over, p[0, r], p[2, r], p[4, r], i[r], a[r], b[r], z)


@njit(**_OPTIONS)
def precise(across: Array, lower: Array, low: Array, p: Array, i: Array, a: Array, b: Array) -> None:
    """As ``evaluate`` for the volts ``across`` the cells (m, n), whose lower nodes are at ``lower + low``.

    Where the nodes are near each other, or a transistor near its threshold, differences have more digits than the
    doubles v and u.
    """
    m, n = across.shape
    over, z = np.empty(n), np.empty(n)
    for r in range(m):
        for c in range(n):
            # gate - vto with what its rounding leaves.
            gate, vto = p[1, r, c], p[3, r, c]
            whole = gate - vto
            part = whole - gate
            left = (gate - (whole - part)) - (vto + part)
            over[c] = (whole - lower[r, c]) + (left - low[r, c])
        _cells(across[r], over, p[0, r], p[2, r], p[4, r], i[r], a[r], b[r], z)


@njit(**_OPTIONS)
def renew(
    v: Array, u: Array, p: Array, predicted: Array, i: Array, anchor: Array, a: Array, b: Array, j: Array
) -> int:  # fmt: skip
    """Put every cell's tangent ``a v - b u + j`` anew; return the first cell without a finite one, or -1.

    A solve gave v and u. ``predicted`` receives the currents that the old tangents give cells there, i those of the
    law. ``anchor`` are the voltages of the lower ends at which cells were linearised last. A transistor that
    conducted and would now be cut off holds its line no more, and Newton's method would let go of it: it is
    linearised where it conducts less.
    """
    m, n = v.shape
    x, over, z, low = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    bad = -1
    for r in range(m):
        for c in range(n):
            predicted[r, c] = a[r, c] * v[r, c] - b[r, c] * u[r, c] + j[r, c]
        for c in range(n):
            x[c] = v[r, c] - u[r, c]
        for c in range(n):
            low[c] = min(v[r, c], u[r, c])
        for c in range(n):
            over[c] = p[1, r, c] - low[c] - p[3, r, c]
        _cells(x, over, p[0, r], p[2, r], p[4, r], i[r], a[r], b[r], z)
        for c in range(n):
            j[r, c] = i[r, c] - a[r, c] * v[r, c] + b[r, c] * u[r, c]
        for c in range(n):
            off = p[1, r, c] - p[3, r, c]  # an end above this cuts the transistor off
            if low[c] >= off > anchor[r, c]:
                lower = off - _LESS * (off - anchor[r, c])
                y, w = (v[r, c], lower) if v[r, c] >= u[r, c] else (lower, u[r, c])
                flow, a[r, c], b[r, c] = _bracketed(y - w, off - min(y, w), p[0, r, c], p[2, r, c], p[4, r, c])
                j[r, c] = flow - a[r, c] * y + b[r, c] * w
                low[c] = lower
        for c in range(n):
            anchor[r, c] = low[c]
        finite = True
        for c in range(n):
            finite &= (abs(j[r, c]) < np.inf) & (a[r, c] < np.inf) & (b[r, c] < np.inf)
        if bad < 0 and not finite:
            for c in range(n - 1, -1, -1):
                if not (abs(j[r, c]) < np.inf and a[r, c] < np.inf and b[r, c] < np.inf):
                    bad = r * n + c
    return bad
