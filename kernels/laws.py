"""Current laws of two-terminal cells, and where to linearise them next.

A law takes the volts ``x = v - u`` from a cell's word-line to its bit-line node, and its parameters q, and returns
the current ``i`` that way and its slope ``a = di/dx``. Laws start at the origin and never fall: ``i(0) = 0``,
``a >= 0``. Cells with a gate are no such laws: :mod:`channels`.

Arrays: voltages and currents (m, n); parameters ``p`` (K, m, n), the first of which is the cell's conductance;
``shared`` what all cells have in common (a table's pieces), or empty. ``address`` is that of a user's compiled law.
Loops over a row fill one or two arrays each: with more the compiler would not know them apart, and not vectorise.
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

_INLINE: dict[str, Any] = {**_OPTIONS, "forceinline": True}  # into loops that vectorise

_OVERSHOOT = 2.0  # times the predicted current: beyond, a cell is taken at that current, not at its voltage
_NEAR = 0.1  # how near the predicted current is near enough for a point to linearise at
_NOISE = 1e-12  # of a cell's current at 1 V
_STEEPEST = 709.0  # beyond its exponential is no double
_CLOSE = 3e-6  # from so near a root the next step of third order is right to the last digit
_PASSES = 60

_SHIFT = 1.5 * 2.0**52  # doubles of this size have no digits after the point


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


@njit(**_INLINE)
def _power_of_two(t: float) -> float:
    """``2**(k - 1)`` for ``t = k + _SHIFT``, whose last bits are k: they are moved to where exponents are."""
    power: float = np.int64((np.float64(t).view(np.int64) << 52) + (1022 << 52)).view(np.float64)
    return power


@njit(**_INLINE)
def _sinh(x: float) -> tuple[float, float]:
    """``sinh x`` and ``cosh x``, both right to a few units of the last digit, in steps that vectorise; inf past 709.

    ``|x| = k ln 2 + r`` with ``|r| < 0.35``, whose own ``s = sinh r`` and ``c = cosh r`` are Taylor polynomials::

        sinh |x| = s (2^k + 2^-k) / 2 + c (2^k - 2^-k) / 2
        cosh |x| = c (2^k + 2^-k) / 2 + s (2^k - 2^-k) / 2
    """
    y = min(abs(x), _STEEPEST)
    t = y * 1.4426950408889634 + _SHIFT
    k = t - _SHIFT
    r = (y - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    w = r * r
    s = 1.0 / 6227020800.0
    s = s * w + 1.0 / 39916800.0
    s = s * w + 1.0 / 362880.0
    s = s * w + 1.0 / 5040.0
    s = s * w + 1.0 / 120.0
    s = s * w + 1.0 / 6.0
    s = s * w * r + r
    c = 1.0 / 87178291200.0
    c = c * w + 1.0 / 479001600.0
    c = c * w + 1.0 / 3628800.0
    c = c * w + 1.0 / 40320.0
    c = c * w + 1.0 / 720.0
    c = c * w + 1.0 / 24.0
    c = c * w + 0.5
    c = c * w + 1.0
    half = _power_of_two(t)
    inverse = _power_of_two(_SHIFT - min(k, 1000.0))  # of 2^-k what still counts, and what is no subnormal
    total, gap = half + inverse, half - inverse
    beyond = abs(x) > _STEEPEST
    return math.copysign(np.inf if beyond else s * total + c * gap, x), np.inf if beyond else c * total + s * gap


@njit(**_INLINE)
def _selector_from(z: float, most: float, gv: float, i0: float, gy: float) -> tuple[float, float, float]:
    """One step from z towards the root of ``gv z + i0 sinh z = gy``; return (z, and sinh and cosh before).

    The step is Chebyshev's, of third order; from far below the root it is nearer to Newton's, which passes it.
    ``most`` is an upper bound, from which steps come down without passing the root.
    """
    s, c = _sinh(z)
    whole = gv + i0 * c
    down = (gv * z + i0 * s - gy) / whole
    bounded = max(down, -1.0)
    return min(z - (down + 0.5 * (i0 * s / whole) * bounded * bounded), most), s, c


@njit(**_OPTIONS)
def _selector(x: Array, g: Array, i0: Array, v0: Array, near: Array, i: Array, a: Array, z: Array, most: Array) -> None:
    """Fill a row of memristors g in series with selectors ``i = i0 sinh(s / v0)``, whose currents are ``near``.

    The selectors' shares ``z = s / v0`` obey ``g v0 z + i0 sinh z = g |x|``, convex: they are below the root of the
    tangent at 0, and below ``asinh(g |x| / i0)``, here from a logarithm that is straight between powers of 2 and off
    by 0.06 at most. Each pass is a step for all cells, and what the last one would have changed is
    added to sinh and cosh as their series: one pass is enough where currents are known to a thousandth of z.
    """
    for c in range(x.size):
        steep = np.float64(1.0 + 2.0 * (g[c] * abs(x[c]) / i0[c])).view(np.int64)
        most[c] = min(0.06 + 0.6931471805599453 * (steep * 2.0**-52 - 1023.0), _STEEPEST)
    for c in range(x.size):
        most[c] = min(most[c], g[c] * abs(x[c]) / (g[c] * v0[c] + i0[c]))
    for c in range(x.size):
        guess = (abs(x[c]) - abs(near[c]) / max(g[c], 1e-300)) / v0[c]  # of open cells any number
        z[c] = min(guess, most[c]) if guess > 0.0 else most[c]
    for _ in range(_PASSES):
        far = 0
        for c in range(x.size):
            closer, s, h = _selector_from(z[c], most[c], g[c] * v0[c], i0[c], g[c] * abs(x[c]))
            up = closer - z[c]
            far += abs(up) > _CLOSE * min(z[c], 1.0)
            z[c] = closer
            curve = 1.0 + 0.5 * up * up
            sinh, steep = s * curve + h * up, i0[c] * (h * curve + s * up)
            volts = abs(x[c]) - v0[c] * closer
            # The form that subtracts nothing, or next to nothing.
            flow = i0[c] * sinh if v0[c] * closer > volts else g[c] * volts
            closed = g[c] > 0.0
            i[c] = math.copysign(flow, x[c]) if closed else 0.0
            a[c] = g[c] * steep / (g[c] * v0[c] + steep) if closed else 0.0
        if far == 0:
            break


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
def _law(kind: int, address: int, x: float, q: Array, shared: Array) -> tuple[float, float]:
    if q[0] == 0.0:  # an open cell, whatever the law
        return 0.0, 0.0
    if kind == TABLE:  # g / g0
        i, a = _table(x, shared)
        return q[0] * i, q[0] * a
    if kind == COMPILED:
        i, a = _call(address, x, q)
        return i, a
    return q[0] * x, q[0]


@njit(**_OPTIONS)
def _exponential(x: Array, g: Array, steep: Array, ratio: Array, inverse: bool, i: Array, a: Array) -> None:
    """Fill a row of ``i = g / b sinh(b x)``, with ``g ratio`` below 0; ``steep`` is b, or 1 / b where ``inverse``."""
    if inverse:
        for c in range(x.size):
            s, h = _sinh(x[c] / steep[c])
            closed = g[c] > 0.0
            i[c] = g[c] * steep[c] * s if closed else 0.0
            a[c] = g[c] * h if closed else 0.0
    else:
        for c in range(x.size):
            s, h = _sinh(x[c] * steep[c])
            siemens = g[c] if x[c] >= 0.0 else g[c] * ratio[c]
            closed = g[c] > 0.0
            i[c] = siemens / steep[c] * s if closed else 0.0
            a[c] = siemens * h if closed else 0.0


@njit(**_OPTIONS)
def _row(
    kind: int, address: int, r: int, x: Array, p: Array, shared: Array, near: Array, i: Array, a: Array, spare: Array
) -> None:
    """Fill currents and slopes of row r at the volts x; they are near the currents ``near``, or those are 0."""
    if kind == SINH:  # g, v0: i = g v0 sinh(x / v0)
        _exponential(x, p[0, r], p[1, r], p[1, r], True, i, a)
    elif kind == YAKOPCIC:  # g, b, a2 / a1: i = g / b sinh(b x), the other slope below 0
        _exponential(x, p[0, r], p[1, r], p[2, r], False, i, a)
    elif kind == SELECTOR:  # g, i0, v0
        _selector(x, p[0, r], p[1, r], p[2, r], near, i, a, spare[0], spare[1])
    else:
        q = np.empty(p.shape[0])
        for c in range(x.size):
            for k in range(q.size):
                q[k] = p[k, r, c]
            i[c], a[c] = _law(kind, address, x[c], q, shared)


@njit(**_OPTIONS)
def evaluate(
    kind: int, address: int, v: Array, u: Array, p: Array, shared: Array, near: Array, i: Array, a: Array
) -> None:
    """Fill currents ``i`` and slopes ``a`` (m, n) at node voltages v and u; ``near`` are currents near i, or 0."""
    m, n = v.shape
    x, spare = np.empty(n), np.empty((2, n))
    for r in range(m):
        for c in range(n):
            x[c] = v[r, c] - u[r, c]
        _row(kind, address, r, x, p, shared, near[r], i[r], a[r], spare)


@njit(**_OPTIONS)
def _at_current(
    kind: int, address: int, near: float, far: float, r: int, c: int, p: Array, shared: Array, target: float
) -> float:
    """Find a voltage between ``near`` and ``far`` at which a law gives about the current ``target``."""
    g = p[0, r, c]
    if kind == SELECTOR:
        return float(target / g + p[2, r, c] * math.asinh(target / p[1, r, c]))
    if kind == SINH:
        return float(p[1, r, c] * math.asinh(target / (g * p[1, r, c])))
    if kind == YAKOPCIC:
        b = p[1, r, c]
        return float(math.asinh(b * target / (g if target >= 0.0 else g * p[2, r, c])) / b)
    q = np.empty(p.shape[0])
    for k in range(q.size):
        q[k] = p[k, r, c]
    low, high = near, far
    x = 0.5 * (low + high)
    for trial in range(80):
        i, slope = _law(kind, address, x, q, shared)
        gap = target - i
        if abs(gap) <= _NEAR * abs(target):
            break
        if abs(i) < abs(target):  # false for NaN, which counts as too far
            low = x
        else:
            high = x
        tangent = x + gap / slope
        inside = min(low, high) < tangent < max(low, high)
        # Newton's step and bisection take turns: from far out on a steep law the former hardly moves.
        x = tangent if inside and trial % 2 == 0 else 0.5 * (low + high)
    return x


@njit(**_OPTIONS)
def _overshoots(x: Array, anchor: Array, predicted: Array, i: Array) -> bool:
    """Whether a cell of a row moved outward to where the law gives far more current than predicted."""
    far = False
    for c in range(x.size):
        outward = (abs(x[c]) > abs(anchor[c])) | (x[c] * anchor[c] < 0.0)
        far |= outward & (not abs(i[c]) <= _OVERSHOOT * abs(predicted[c]))
    return far


@njit(**_OPTIONS)
def _tame(
    kind: int, address: int, r: int, x: Array, p: Array, shared: Array, predicted: Array, i: Array, anchor: Array
) -> None:
    """Move the volts x of a row's overshooting cells to where the laws give the currents predicted."""
    for c in range(x.size):
        outward = abs(x[c]) > abs(anchor[c]) or x[c] * anchor[c] < 0.0
        if outward and not abs(i[c]) <= _OVERSHOOT * abs(predicted[c]):
            start = anchor[c] if x[c] * anchor[c] > 0.0 else 0.0
            if predicted[c] * x[c] > 0.0:
                x[c] = _at_current(kind, address, start, x[c], r, c, p, shared, predicted[c])
            else:
                x[c] = 0.5 * (start + x[c])


@njit(**_OPTIONS)
def _faulty(x: Array, g: Array, i: Array, a: Array) -> bool:
    """Whether a law of a row is not what a cell's must be."""
    bad = False
    for c in range(x.size):
        bad |= not ((abs(i[c]) < np.inf) & (a[c] < np.inf) & (a[c] >= 0.0))
        bad |= (i[c] * x[c] < 0.0) & (abs(i[c]) > _NOISE * g[c])
    return bad


@njit(**_OPTIONS)
def _first_fault(x: Array, g: Array, i: Array, a: Array) -> tuple[int, int]:
    """Return what is wrong with the first bad law of a row, and where."""
    for c in range(x.size):
        if not (abs(i[c]) < np.inf and a[c] < np.inf):
            return NOT_FINITE, c
        if a[c] < 0.0:
            return FALLING, c
        if i[c] * x[c] < 0.0 and abs(i[c]) > _NOISE * g[c]:
            return AGAINST, c
    return GOOD, 0


@njit(**_OPTIONS)
def _put(x: Array, i: Array, slope: Array, anchor: Array, a: Array, j: Array) -> None:
    """Put a row's tangents where laws have currents i and slopes at volts x."""
    for c in range(x.size):
        anchor[c] = x[c]
    for c in range(x.size):
        a[c] = slope[c]
    for c in range(x.size):
        j[c] = i[c] - slope[c] * x[c]


@njit(**_OPTIONS)
def renew(
    kind: int, address: int, v: Array, u: Array, p: Array, shared: Array, predicted: Array, i: Array, anchor: Array,
    a: Array, j: Array,
) -> tuple[int, int]:  # fmt: skip
    """Put every cell's tangent ``a (v - u) + j`` anew; return what is wrong with the first bad law, and its cell.

    A solve gave v and u. ``predicted`` receives the currents that the old tangents give cells there, i those of the
    laws. ``anchor`` are the voltages at which cells were linearised last. A cell that moves outward to where its law
    gives far more current than its tangent did is linearised at that current instead of at that voltage: on a steep
    law a step in voltage is next to endless in current, while one in current is short in voltage.
    """
    m, n = v.shape
    status, cell = GOOD, 0
    x, spare, flow, slope, tangent = np.empty(n), np.empty((2, n)), np.empty(n), np.empty(n), np.empty(n)
    for r in range(m):
        for c in range(n):
            x[c] = v[r, c] - u[r, c]
        for c in range(n):
            predicted[r, c] = a[r, c] * x[c] + j[r, c]
        _row(kind, address, r, x, p, shared, predicted[r], i[r], slope, spare)
        amperes, siemens = i[r], slope
        if _overshoots(x, anchor[r], predicted[r], i[r]):
            _tame(kind, address, r, x, p, shared, predicted[r], i[r], anchor[r])
            amperes, siemens = flow, tangent
            _row(kind, address, r, x, p, shared, predicted[r], amperes, siemens, spare)
        if _faulty(x, p[0, r], amperes, siemens) and status == GOOD:
            status, cell = _first_fault(x, p[0, r], amperes, siemens)
            cell += r * n
        _put(x, amperes, siemens, anchor[r], a[r], j[r])
    return status, cell
