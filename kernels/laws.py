"""Current laws of cells, and where to linearise them next.

A law takes the voltages of a cell's word-line node v and bit-line node u, and its parameters q, and returns
``(i, a, b)``: the current from v to u, and the slopes ``a = di/dv`` and ``b = -di/du``. A two-terminal law is one of
``x = v - u`` alone, with ``a = b``. Laws start at the origin and never fall: ``i(v, v) = 0``, ``a >= 0``, ``b >= 0``.

Arrays: voltages and currents (m, n); parameters ``p`` (m, n, K), the first of which is the cell's conductance;
``shared`` what all cells have in common (a table's pieces), or empty. ``address`` is that of a user's compiled law.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.compiled import call_compiled
from xbarsim.kernels.intrinsics import intrinsic
from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

LINEAR = 0
SINH = 1
SELECTOR = 2
TRANSISTOR = 3
YAKOPCIC = 4
TABLE = 5
COMPILED = 6

GOOD = 0
NOT_FINITE = 1
FALLING = 2
AGAINST = 3

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_OVERSHOOT = 2.0  # times the predicted current: beyond, a cell is taken at that current, not at its voltage
_NEAR = 0.1  # how near the predicted current is near enough for a point to linearise at
_LESS = 0.1  # of its overdrive: what a transistor keeps at least from one step to the next
_NOISE = 1e-12  # of a cell's current at 1 V
_EPS = 2.2e-16


@intrinsic(call_compiled)
def _call(typing: Any, address: Any, x: Any, q: Any) -> Any:
    """``(i, slope)`` of the law ``void f(double x, double *q, double *i, double *slope)`` at an address."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils

    # None has types that a checker could follow.
    numba_types: Any = types
    alloca_once: Any = cgutils.alloca_once

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        real = ir.DoubleType()
        pointer = real.as_pointer()
        function = ir.FunctionType(ir.VoidType(), [real, pointer, pointer, pointer])
        first = context.make_array(signature.args[2])(context, builder, args[2]).data
        current, slope = alloca_once(builder, real), alloca_once(builder, real)
        builder.call(builder.inttoptr(args[0], function.as_pointer()), [args[1], first, current, slope])
        return context.make_tuple(builder, signature.return_type, [builder.load(current), builder.load(slope)])

    pair: Any = numba_types.UniTuple(numba_types.float64, 2)
    return pair(numba_types.intp, numba_types.float64, q), generate


@njit(**_OPTIONS)
def _power_of_two(t: float) -> float:
    """``2**k`` for ``t = k + 1.5 * 2**52``, whose last bits are k: they are moved to where exponents are."""
    power: float = np.int64((np.float64(t).view(np.int64) << 52) + (1023 << 52)).view(np.float64)
    return power


@njit(**_OPTIONS)
def _sinh(x: float) -> tuple[float, float]:
    """``sinh x`` and ``cosh x``, both right to a few units of the last digit, in steps that vectorise.

    ``e = exp(|x|) - 1`` comes from ``|x| = k ln 2 + r`` and a Taylor polynomial in r, |r| < 0.35.
    """
    y = min(abs(x), 709.0)
    t = y * 1.4426950408889634 + 6755399441055744.0
    k = t - 6755399441055744.0
    r = (y - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    q = 1.0 / 6227020800.0
    q = q * r + 1.0 / 479001600.0
    q = q * r + 1.0 / 39916800.0
    q = q * r + 1.0 / 3628800.0
    q = q * r + 1.0 / 362880.0
    q = q * r + 1.0 / 40320.0
    q = q * r + 1.0 / 5040.0
    q = q * r + 1.0 / 720.0
    q = q * r + 1.0 / 120.0
    q = q * r + 1.0 / 24.0
    q = q * r + 1.0 / 6.0
    q = q * r + 0.5
    scale = _power_of_two(t)
    e = scale * (q * r * r + r) + (scale - 1.0)
    e = np.inf if abs(x) > 709.0 else e
    inverse = 1.0 / (e + 1.0)
    s = 0.5 * (e + (e * inverse if e < np.inf else 1.0))
    return math.copysign(s, x), 0.5 * (e + 1.0 + inverse)


@njit(**_OPTIONS)
def _selector(x: float, g: float, i0: float, v0: float) -> tuple[float, float]:
    """Memristor g in series with a selector ``i = i0 sinh(s / v0)``: find the selector's share s of x.

    ``s - v0 asinh(g (x - s) / i0)`` rises and is convex for s > 0, so Newton's method comes down from an upper bound
    without ever passing the root; ``v0 asinh(g x / i0)`` is such a bound, and a near one.
    """
    if x == 0.0:
        return 0.0, 1.0 / (1.0 / g + v0 / i0)
    y = abs(x)
    s = min(y, v0 * math.asinh(g * y / i0))
    for _ in range(100):
        i = g * (y - s) / i0
        down = (s - v0 * math.asinh(i)) / (1.0 + v0 * g / (i0 * math.sqrt(1.0 + i * i)))
        s -= down
        if not abs(down) > 4.0 * _EPS * s:
            break
    h, c = _sinh(s / v0)
    # The form that subtracts nothing, or next to nothing.
    i = i0 * h if s > 0.5 * y else g * (y - s)
    steep = i0 * c / v0
    return math.copysign(i, x), g * steep / (g + steep)


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
def _transistor(x: float, over: float, g: float, kp: float, lam: float) -> tuple[float, float, float]:
    """Memristor g from v to an inner node, transistor from there to u, for ``x = v - u`` and the gate's overdrive.

    The lower of its two ends is the transistor's source: ``over = gate - min(v, u) - vto``. The root is
    bracketed, and every step that leaves the bracket is replaced by a bisection.
    """
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
def _table(x: float, pieces: Array) -> tuple[float, float]:
    """Cubic pieces ``(from, anchor, c3, c2, c1, c0)``, the first one reaching down without end."""
    low, size = 0, pieces.shape[0]
    while size > 1:  # halved without a branch on x, which nobody could predict
        half = size // 2
        low += half if x >= pieces[low + half, 0] else 0
        size -= half
    c = pieces[low]
    t = x - c[1]
    # Where a piece ends flat, rounding must not make it fall.
    slope = max((3.0 * c[2] * t + 2.0 * c[3]) * t + c[4], 0.0)
    return ((c[2] * t + c[3]) * t + c[4]) * t + c[5], slope


@njit(**_OPTIONS)
def _law(kind: int, address: int, v: float, u: float, q: Array, shared: Array) -> tuple[float, float, float]:
    x = v - u
    if q[0] == 0.0:  # an open cell, whatever the law
        return 0.0, 0.0, 0.0
    if kind == SINH:  # g, v0: i = g v0 sinh(x / v0)
        s, c = _sinh(x / q[1])
        return q[0] * q[1] * s, q[0] * c, q[0] * c
    if kind == SELECTOR:  # g, i0, v0
        i, g = _selector(x, q[0], q[1], q[2])
        return i, g, g
    if kind == TRANSISTOR:  # g, gate, kp, vto, lam
        flow: tuple[float, float, float] = _transistor(x, q[1] - min(v, u) - q[3], q[0], q[2], q[4])
        return flow
    if kind == YAKOPCIC:  # g, b, a2 / a1: i = g / b sinh(b x), the other slope below 0
        s, c = _sinh(q[1] * x)
        g = q[0] if x >= 0.0 else q[0] * q[2]
        return g / q[1] * s, g * c, g * c
    if kind == TABLE:  # g / g0
        i, g = _table(x, shared)
        return q[0] * i, q[0] * g, q[0] * g
    if kind == COMPILED:
        i, g = _call(address, x, q)
        return i, g, g
    return q[0] * x, q[0], q[0]


@njit(**_OPTIONS)
def currents(kind: int, address: int, v: Array, u: Array, p: Array, shared: Array, i: Array) -> None:
    """Fill ``i`` (m, n) with the cells' currents from v to u."""
    m, n = v.shape
    for r in range(m):
        for c in range(n):
            i[r, c] = _law(kind, address, v[r, c], u[r, c], p[r, c], shared)[0]


@njit(**_OPTIONS)
def precise(
    kind: int, address: int, across: Array, lower: Array, low: Array, p: Array, shared: Array, i: Array, a: Array,
    b: Array,
) -> None:  # fmt: skip
    """Fill currents ``i`` and slopes ``a``, ``b`` (m, n) for the volts ``across`` the cells.

    Those of each cell's lower node are ``lower + low``. Where the nodes are near each other, or a transistor near
    its threshold, differences have more digits than the doubles v and u.
    """
    m, n = across.shape
    for r in range(m):
        for c in range(n):
            q = p[r, c]
            if kind == TRANSISTOR and q[0] > 0.0:
                # gate - vto with what its rounding leaves.
                whole = q[1] - q[3]
                part = whole - q[1]
                left = (q[1] - (whole - part)) - (q[3] + part)
                over = (whole - lower[r, c]) + (left - low[r, c])
                i[r, c], a[r, c], b[r, c] = _transistor(across[r, c], over, q[0], q[2], q[4])
            else:
                i[r, c], a[r, c], b[r, c] = _law(kind, address, across[r, c], 0.0, q, shared)


@njit(**_OPTIONS)
def _at_current(kind: int, address: int, near: float, far: float, q: Array, shared: Array, target: float) -> float:
    """Find a voltage between ``near`` and ``far`` at which a two-terminal law gives about the current ``target``."""
    low, high = near, far
    x = 0.5 * (low + high)
    if kind == SELECTOR:
        volts: float = target / q[0] + q[2] * math.asinh(target / q[1])
        return volts
    for trial in range(80):
        i, g, _ = _law(kind, address, x, 0.0, q, shared)
        gap = target - i
        if abs(gap) <= _NEAR * abs(target):
            break
        if abs(i) < abs(target):  # false for NaN, which counts as too far
            low = x
        else:
            high = x
        tangent = x + gap / g
        inside = min(low, high) < tangent < max(low, high)
        # Newton's step and bisection take turns: from far out on a steep law the former hardly moves.
        x = tangent if inside and trial % 2 == 0 else 0.5 * (low + high)
    return x


@njit(**_OPTIONS)
def evaluate(
    kind: int, address: int, v: Array, u: Array, p: Array, shared: Array, i: Array, a: Array, b: Array,
) -> None:  # fmt: skip
    """Fill currents ``i`` and slopes ``a``, ``b`` (m, n) at node voltages v and u."""
    m, n = v.shape
    for r in range(m):
        if kind == SINH:  # the commonest law in a loop that vectorises
            for c in range(n):
                s, h = _sinh((v[r, c] - u[r, c]) / p[r, c, 1])
                closed = p[r, c, 0] > 0.0
                i[r, c] = p[r, c, 0] * p[r, c, 1] * s if closed else 0.0
                a[r, c] = b[r, c] = p[r, c, 0] * h if closed else 0.0
        else:
            for c in range(n):
                i[r, c], a[r, c], b[r, c] = _law(kind, address, v[r, c], u[r, c], p[r, c], shared)


@njit(**_OPTIONS)
def _tame(
    kind: int, address: int, v: Array, u: Array, p: Array, shared: Array, predicted: Array, i: Array, da: Array,
    db: Array, anchor: Array,
) -> None:  # fmt: skip
    """Choose where a row's cells are linearised next: at their voltages, or at the currents predicted."""
    far = False
    for c in range(v.size):
        x = v[c] - u[c]
        outward = (abs(x) > abs(anchor[c])) | (x * anchor[c] < 0.0)
        far |= outward & (not abs(i[c]) <= _OVERSHOOT * abs(predicted[c]))
    for c in range(v.size):
        x = v[c] - u[c]
        outward = far and (abs(x) > abs(anchor[c]) or x * anchor[c] < 0.0)
        if outward and not abs(i[c]) <= _OVERSHOOT * abs(predicted[c]):
            start = anchor[c] if x * anchor[c] > 0.0 else 0.0
            if predicted[c] * x > 0.0:
                x = _at_current(kind, address, start, x, p[c], shared, predicted[c])
            else:
                x = 0.5 * (start + x)
            i[c], da[c], db[c] = _law(kind, address, x, 0.0, p[c], shared)
        anchor[c] = x


@njit(**_OPTIONS)
def _hold(v: Array, u: Array, p: Array, anchor: Array, i: Array, da: Array, db: Array, j: Array) -> None:
    """Fill the offsets j of a row of transistors, ``anchor`` the lower ends at which they were linearised last.

    A transistor that conducted and would now be cut off holds its line no more, and Newton's method would let go of
    it: it is linearised where it conducts less.
    """
    for c in range(v.size):
        low = min(v[c], u[c])
        off = p[c, 1] - p[c, 3]  # an end above this cuts the transistor off
        if low >= off > anchor[c]:
            low = off - _LESS * (off - anchor[c])
            x, y = (v[c], low) if v[c] >= u[c] else (low, u[c])
            i[c], da[c], db[c] = _transistor(x - y, p[c, 1] - min(x, y) - p[c, 3], p[c, 0], p[c, 2], p[c, 4])
            j[c] = i[c] - da[c] * x + db[c] * y
        else:
            j[c] = i[c] - da[c] * v[c] + db[c] * u[c]
        anchor[c] = low


@njit(**_OPTIONS)
def _first_fault(i: Array, a: Array, b: Array, v: Array, u: Array, p: Array) -> tuple[int, int]:
    """Return what is wrong with the first bad law of a row, and where."""
    for c in range(i.size):
        if not (abs(i[c]) < np.inf and a[c] < np.inf and b[c] < np.inf):
            return NOT_FINITE, c
        if a[c] < 0.0 or b[c] < 0.0:
            return FALLING, c
        if i[c] * (v[c] - u[c]) < 0.0 and abs(i[c]) > _NOISE * p[c, 0]:
            return AGAINST, c
    return GOOD, 0


@njit(**_OPTIONS)
def settle(
    kind: int, address: int, v: Array, u: Array, p: Array, shared: Array, predicted: Array, i: Array, da: Array,
    db: Array, anchor: Array, a: Array, b: Array, j: Array,
) -> tuple[int, int]:  # fmt: skip
    """Put every cell's tangent ``a v - b u + j`` anew; return what is wrong with the first bad law, and its cell.

    A solve gave v and u; the old tangents predicted cell currents for them, the laws have ``i``, ``da``, ``db``, which
    become those where the new tangents touch. ``anchor`` (m, n) are the voltages at which cells were linearised last,
    of transistors those at their lower ends.

    A cell that moves outward to where its law gives far more current than its tangent did is linearised at that
    current instead of at that voltage: on a steep law a step in voltage is next to endless in current, while one in
    current is short in voltage.
    """
    m, n = v.shape
    status, cell = GOOD, 0
    for r in range(m):
        if kind == TRANSISTOR:
            _hold(v[r], u[r], p[r], anchor[r], i[r], da[r], db[r], j[r])
        else:
            _tame(kind, address, v[r], u[r], p[r], shared, predicted[r], i[r], da[r], db[r], anchor[r])
            for c in range(n):
                j[r, c] = i[r, c] - da[r, c] * anchor[r, c]
        bad = False
        for c in range(n):
            bad |= not (abs(i[r, c]) < np.inf and 0.0 <= da[r, c] < np.inf and 0.0 <= db[r, c] < np.inf)
            bad |= (i[r, c] * (v[r, c] - u[r, c]) < 0.0) & (abs(i[r, c]) > _NOISE * p[r, c, 0])
            a[r, c], b[r, c] = da[r, c], db[r, c]
        if bad and status == GOOD:
            status, cell = _first_fault(i[r], da[r], db[r], v[r], u[r], p[r])
            cell += r * n
    return status, cell
