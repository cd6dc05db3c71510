"""Cells whose state moves: the current ``i(v, x)`` and the motion ``f(v, x) = dx/dt``, with exact slopes.

v are the volts from a cell's word-line to its bit-line node, x its state. Arrays: voltages, states and results (m, n);
parameters ``p`` (K, m, n), the first two of which are the state's bounds, low and high, and the others those that a
kind's function lists. Addresses are those of a user's compiled functions, 0 otherwise.

**Bounds.** The laws hold within them: a state beyond a bound is taken at the bound, slopes included. A state at a bound
that its motion would leave rests there, and an explicit part of a step takes 0 for it. ``evaluate`` gives the motion as
the law has it: an implicit step ``x = x0 + h f(v, x)`` is a complementarity problem, whose Newton steps are put back
between the bounds (``min(max(x, low), high)``), and a state at a bound is solved when its equation pushes it outward.
Were the motion cut off there instead, the equation would have no root where f does not fade towards the bound.

Loops over a row fill one or two arrays and read a few: with more the compiler would not know them apart, and not
vectorise. Motions beyond thresholds are the exception, as most cells have none.

A jump in v stays one, as Biolek's window has it at 0 V: slopes are those of the side on which v is, at 0 those above.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.compiled import call_compiled_state_law
from xbarsim.kernels.intrinsics import intrinsic
from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Three = tuple[float, float, float]
"""``(f, df/dv, df/dx)``."""

VTEAM, ION_DRIFT, YAKOPCIC, GAP, COMPILED = range(5)
NO_WINDOW, JOGLEKAR, BIOLEK, PRODROMAKIS = range(4)

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_INLINE: dict[str, Any] = {**_OPTIONS, "forceinline": True}

_STEEPEST = 709.0  # beyond its exponential is no double
_SHIFT = 1.5 * 2.0**52  # doubles of this size have no digits after the point
_VOLTS_PER_KELVIN = 8.617333262145179e-5  # k / q, of the SI's exact constants
_PER_NANOMETRE = 1e9


@intrinsic(call_compiled_state_law)
def _call(typing: Any, address: Any, v: Any, q: Any) -> Any:
    """``(value, d/dv, d/dx)`` of ``void f(double v, double *q, double *out)`` at an address; q begins with x."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils

    # None has types that a checker could follow.
    numba_types: Any = types
    alloca_once: Any = cgutils.alloca_once

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        real = ir.DoubleType()
        pointer = real.as_pointer()
        function = ir.FunctionType(ir.VoidType(), [real, pointer, pointer])
        first = context.make_array(signature.args[2])(context, builder, args[2]).data
        out = alloca_once(builder, ir.ArrayType(real, 3))
        start = builder.bitcast(out, pointer)
        builder.call(builder.inttoptr(args[0], function.as_pointer()), [args[1], first, start])
        places = [builder.gep(start, [ir.Constant(ir.IntType(64), k)]) for k in range(3)]
        return context.make_tuple(builder, signature.return_type, [builder.load(place) for place in places])

    triple: Any = numba_types.UniTuple(numba_types.float64, 3)
    return triple(numba_types.intp, numba_types.float64, q), generate


@njit(**_INLINE)
def _power_of_two(t: float) -> float:
    """``2**(k - 1)`` for ``t = k + _SHIFT``, whose last bits are k: they are moved to where exponents are."""
    power: float = np.int64((np.float64(t).view(np.int64) << 52) + (1022 << 52)).view(np.float64)
    return power


@njit(**_INLINE)
def _near_zero(r: float) -> tuple[float, float]:
    """``sinh r`` and ``cosh r`` for ``|r| < 0.35``: Taylor polynomials."""
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
    return s, c


@njit(**_INLINE)
def _remainder(x: float) -> tuple[float, float]:
    """``(k + _SHIFT, r)`` of ``x = k ln 2 + r``, ``|r| < 0.35``."""
    t = x * 1.4426950408889634 + _SHIFT
    k = t - _SHIFT
    return t, (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10


@njit(**_INLINE)
def _exp(x: float) -> float:
    """``exp x`` to a few units of the last digit, in steps that vectorise; 0 below -700, inf past 709."""
    t, r = _remainder(min(max(x, -700.0), _STEEPEST))
    s, c = _near_zero(r)
    value = 2.0 * _power_of_two(t) * (s + c)
    value = 0.0 if x < -700.0 else value
    value = np.inf if x > _STEEPEST else value
    return value if x == x else np.nan


@njit(**_INLINE)
def _sinh(x: float) -> tuple[float, float]:
    """``sinh x`` and ``cosh x`` to a few units of the last digit, in steps that vectorise; inf past 709.

    ``|x| = k ln 2 + r``, whose ``s = sinh r`` and ``c = cosh r`` give::

        sinh |x| = s (2^k + 2^-k) / 2 + c (2^k - 2^-k) / 2
        cosh |x| = c (2^k + 2^-k) / 2 + s (2^k - 2^-k) / 2
    """
    t, r = _remainder(min(abs(x), _STEEPEST))
    s, c = _near_zero(r)
    half = _power_of_two(t)
    inverse = _power_of_two(_SHIFT - min(t - _SHIFT, 1000.0))  # of 2^-k what still counts, and what is no subnormal
    total, gap = half + inverse, half - inverse
    beyond = abs(x) > _STEEPEST
    h = np.inf if beyond else c * total + s * gap
    return math.copysign(np.inf if beyond else s * total + c * gap, x), h if x == x else np.nan


@njit(**_INLINE)
def _window(code: float, k: float, y: float, rising: bool) -> tuple[float, float]:
    """Return a window at ``y``, 0 to 1 between the bounds, and its slope; k is its exponent.

    * Joglekar and Wolf, Eur. J. Phys. 30, 661 (2009): ``1 - (2 y - 1)^2k``.
    * Biolek, Biolek and Biolkova, Radioengineering 18, 210 (2009): ``1 - y^2k`` where y rises, else ``1 - (y - 1)^2k``.
    * Prodromakis et al., IEEE Trans. Electron Devices 58, 3099 (2011): ``1 - ((y - 1/2)^2 + 3/4)^k``.
    """
    if code == NO_WINDOW:
        return 1.0, 0.0
    if code == PRODROMAKIS:
        z, lift, inner = y - 0.5, 0.75, 1.0
    elif code == JOGLEKAR:
        z, lift, inner = 2.0 * y - 1.0, 0.0, 2.0
    else:
        z, lift, inner = (y if rising else y - 1.0), 0.0, 1.0
    square = z * z + lift
    less = square ** (k - 1.0)
    return 1.0 - less * square, -2.0 * k * inner * z * less


@njit(**_INLINE)
def _vteam_motion(v: float, y: float, p: Array, r: int, c: int) -> Three:
    """Return ``(f, fv, fx)`` of VTEAM at ``y``, 0 to 1 between the bounds."""
    f, fv, fx = 0.0, 0.0, 0.0
    down = v < p[7, r, c]
    if down or v > p[8, r, c]:
        k, volts, alpha = (p[5, r, c], p[7, r, c], p[9, r, c]) if down else (p[6, r, c], p[8, r, c], p[10, r, c])
        over = v / volts - 1.0
        less = over ** (alpha - 1.0)
        w, wy = _window(p[11, r, c], p[12, r, c], y, not down)
        f, fv, fx = k * less * over * w, k * alpha * less / volts * w, k * less * over * wy / (p[1, r, c] - p[0, r, c])
    return f, fv, fx


@njit(**_OPTIONS)
def _vteam_row(
    v: Array, x: Array, p: Array, r: int, i: Array, iv: Array, ix: Array, f: Array, fv: Array, fx: Array, spare: Array
) -> None:  # fmt: skip
    """Kvatinsky et al. 2015; p: low, high, r_on, r_off, gain, k_on, k_off, v_on, v_off, alpha_on, alpha_off, window, k.

    x is low where the cell has r_on; gain is ln(r_off / r_on), or 0, in all cells, where the resistance is linear in x.
    """
    low, high, r_on, r_off, gain, y = p[0, r], p[1, r], p[2, r], p[3, r], p[4, r], spare[0]
    for c in range(x.size):
        y[c] = (min(max(x[c], low[c]), high[c]) - low[c]) / (high[c] - low[c])
    if gain[0] > 0.0:
        for c in range(x.size):
            iv[c] = _exp(-gain[c] * y[c]) / r_on[c]
        for c in range(x.size):
            ix[c] = -gain[c] / (high[c] - low[c]) * iv[c] * v[c]
    else:
        for c in range(x.size):
            iv[c] = 1.0 / (r_on[c] + (r_off[c] - r_on[c]) * y[c])
        for c in range(x.size):
            ix[c] = -iv[c] * iv[c] * (r_off[c] - r_on[c]) / (high[c] - low[c]) * v[c]
    for c in range(x.size):
        i[c] = iv[c] * v[c]
    for c in range(x.size):
        f[c], fv[c], fx[c] = _vteam_motion(v[c], y[c], p, r, c)


@njit(**_OPTIONS)
def _ion_drift_row(
    v: Array, x: Array, p: Array, r: int, i: Array, iv: Array, ix: Array, f: Array, fv: Array, fx: Array, spare: Array
) -> None:  # fmt: skip
    """Strukov et al. 2008; p: low, high, r_on, r_off, rate, window, exponent. ``dx/dt = rate i w(x)``.

    The window is the same in all cells.
    """
    low, high, r_on, r_off, rate = p[0, r], p[1, r], p[2, r], p[3, r], p[4, r]
    y, w, wx = spare[0], spare[1], spare[2]
    for c in range(x.size):
        y[c] = min(max(x[c], low[c]), high[c])
    for c in range(x.size):
        iv[c] = 1.0 / (r_off[c] - (r_off[c] - r_on[c]) * y[c])
    for c in range(x.size):
        i[c] = iv[c] * v[c]
    for c in range(x.size):
        ix[c] = iv[c] * i[c] * (r_off[c] - r_on[c])
    if p[5, r, 0] == NO_WINDOW:
        for c in range(x.size):
            f[c] = rate[c] * i[c]
        for c in range(x.size):
            fv[c] = rate[c] * iv[c]
        for c in range(x.size):
            fx[c] = rate[c] * ix[c]
        return
    for c in range(x.size):
        w[c], wx[c] = _window(p[5, r, c], p[6, r, c], y[c], v[c] >= 0.0)
    for c in range(x.size):
        f[c] = rate[c] * i[c] * w[c]
    for c in range(x.size):
        fv[c] = rate[c] * iv[c] * w[c]
    for c in range(x.size):
        fx[c] = rate[c] * (ix[c] * w[c] + i[c] * wx[c])


@njit(**_INLINE)
def _yakopcic_motion(v: float, x: float, p: Array, r: int, c: int) -> Three:
    """Return ``(f, fv, fx)`` of Yakopcic's cells."""
    f, fv, fx = 0.0, 0.0, 0.0
    up, down = v > p[7, r, c], v < -p[8, r, c]
    if up or down:
        e = _exp(abs(v))
        k = p[5, r, c] if up else p[6, r, c]
        eta = p[13, r, c]
        drive, slope = k * (e - _exp(p[7, r, c] if up else p[8, r, c])), k * e
        fade, bend = 1.0, 0.0
        if (eta > 0.0) == up:
            far = x - p[11, r, c]
            if far >= 0.0:
                e, room = _exp(-p[9, r, c] * far), 1.0 - p[11, r, c]
                fade = e * (1.0 - x) / room
                bend = -p[9, r, c] * fade - e / room
        else:
            room = 1.0 - p[12, r, c]
            if x <= room:
                e = _exp(p[10, r, c] * (x - room))
                fade = e * x / room
                bend = p[10, r, c] * fade + e / room
        signed = eta if up else -eta
        f, fv, fx = signed * drive * fade, eta * slope * fade, signed * drive * bend
    return f, fv, fx


@njit(**_OPTIONS)
def _yakopcic_row(
    v: Array, x: Array, p: Array, r: int, i: Array, iv: Array, ix: Array, f: Array, fv: Array, fx: Array, spare: Array
) -> None:  # fmt: skip
    """Yakopcic et al. 2011, 2013; p: low, high, a1, a2, b, ap, an, vp, vn, alphap, alphan, xp, xn, eta."""
    low, high, a1, a2, b, y, a = p[0, r], p[1, r], p[2, r], p[3, r], p[4, r], spare[0], spare[1]
    for c in range(x.size):
        y[c] = min(max(x[c], low[c]), high[c])
    for c in range(x.size):
        a[c] = a1[c] if v[c] >= 0.0 else a2[c]
    for c in range(x.size):
        s, h = _sinh(b[c] * v[c])
        ix[c] = a[c] * s
        iv[c] = a[c] * b[c] * h
    for c in range(x.size):
        iv[c] *= y[c]
    for c in range(x.size):
        i[c] = ix[c] * y[c]
    for c in range(x.size):
        f[c], fv[c], fx[c] = _yakopcic_motion(v[c], y[c], p, r, c)


@njit(**_OPTIONS)
def _gap_row(
    v: Array, x: Array, p: Array, r: int, i: Array, iv: Array, ix: Array, f: Array, fv: Array, fx: Array, spare: Array
) -> None:  # fmt: skip
    """Jiang et al. 2016; p: low, high, i0, g0, v0, velocity, gamma0, beta, a0 / L, eg, er, t0, rth, offset, sign.

    The gap is ``offset + sign x``, sign 1 or -1. ``w`` is the local field's energy per applied volt::

        i = i0 exp(-gap / g0) sinh(v / v0)              T = t0 + rth v i
        w = a0 / L (gamma0 - beta (gap / nm)^3)
        dgap/dt = -velocity (exp((w v - eg) / (k T / q)) - exp(-(w v + er) / (k T / q)))
    """
    low, high, i0, g0, v0, velocity, gamma0, beta = (
        p[0, r],
        p[1, r],
        p[2, r],
        p[3, r],
        p[4, r],
        p[5, r],
        p[6, r],
        p[7, r],
    )
    field, eg, er, t0, rth, offset, sign = p[8, r], p[9, r], p[10, r], p[11, r], p[12, r], p[13, r], p[14, r]
    gap, per_volt, w, grown, lost, hotter = spare[0], spare[1], spare[2], spare[3], spare[4], spare[5]
    for c in range(x.size):
        gap[c] = offset[c] + sign[c] * min(max(x[c], low[c]), high[c])
    for c in range(x.size):
        s, h = _sinh(v[c] / v0[c])
        i[c] = s
        iv[c] = h / v0[c]
    for c in range(x.size):
        w[c] = i0[c] * _exp(-gap[c] / g0[c])
    for c in range(x.size):
        i[c] *= w[c]
    for c in range(x.size):
        iv[c] *= w[c]
    for c in range(x.size):
        ix[c] = -sign[c] * i[c] / g0[c]
    for c in range(x.size):
        per_volt[c] = 1.0 / (_VOLTS_PER_KELVIN * (t0[c] + rth[c] * v[c] * i[c]))
    for c in range(x.size):
        length = gap[c] * _PER_NANOMETRE
        w[c] = field[c] * (gamma0[c] - beta[c] * length * length * length)
    for c in range(x.size):
        grown[c] = (w[c] * v[c] - eg[c]) * per_volt[c]
    for c in range(x.size):
        lost[c] = -(w[c] * v[c] + er[c]) * per_volt[c]
    # The logarithmic slopes of the two exponentials: in v, then in x.
    for c in range(x.size):
        hotter[c] = rth[c] * (i[c] + v[c] * iv[c]) * _VOLTS_PER_KELVIN * per_volt[c]
    for c in range(x.size):
        fv[c] = w[c] * per_volt[c] - grown[c] * hotter[c]
    for c in range(x.size):
        f[c] = w[c] * per_volt[c] + lost[c] * hotter[c]
    for c in range(x.size):
        hotter[c] = rth[c] * v[c] * ix[c] * _VOLTS_PER_KELVIN * per_volt[c]
    for c in range(x.size):
        length = gap[c] * _PER_NANOMETRE
        w[c] = -3.0 * sign[c] * _PER_NANOMETRE * field[c] * beta[c] * length * length
    for c in range(x.size):
        w[c] *= v[c] * per_volt[c]
    for c in range(x.size):
        fx[c] = w[c] - grown[c] * hotter[c]
    for c in range(x.size):
        w[c] += lost[c] * hotter[c]
    for c in range(x.size):
        grown[c] = -sign[c] * velocity[c] * _exp(grown[c])
    for c in range(x.size):
        lost[c] = -sign[c] * velocity[c] * _exp(lost[c])
    for c in range(x.size):
        fv[c] = fv[c] * grown[c] + f[c] * lost[c]
    for c in range(x.size):
        fx[c] = fx[c] * grown[c] + w[c] * lost[c]
    for c in range(x.size):
        f[c] = grown[c] - lost[c]


@njit(**_OPTIONS)
def _compiled_row(
    current: int, motion: int, v: Array, x: Array, p: Array, r: int, i: Array, iv: Array, ix: Array, f: Array,
    fv: Array, fx: Array, q: Array,
) -> None:  # fmt: skip
    """Fill row r with the results of a user's own two functions of ``(v, x, *p[2:])``; q holds what they take."""
    for c in range(x.size):
        q[0] = min(max(x[c], p[0, r, c]), p[1, r, c])
        for k in range(2, p.shape[0]):
            q[k - 1] = p[k, r, c]
        i[c], iv[c], ix[c] = _call(current, v[c], q)
        f[c], fv[c], fx[c] = _call(motion, v[c], q)


@njit(**_OPTIONS)
def evaluate(
    kind: int, current_address: int, motion_address: int, v: Array, x: Array, p: Array, i: Array, iv: Array, ix: Array,
    f: Array, fv: Array, fx: Array,
) -> None:  # fmt: skip
    """Fill currents i, motions f and their slopes in v and in x (m, n) at the volts v and the states x."""
    m, n = v.shape
    spare, q = np.empty((6, n)), np.empty(p.shape[0])
    for r in range(m):
        if kind == VTEAM:
            _vteam_row(v[r], x[r], p, r, i[r], iv[r], ix[r], f[r], fv[r], fx[r], spare)
        elif kind == ION_DRIFT:
            _ion_drift_row(v[r], x[r], p, r, i[r], iv[r], ix[r], f[r], fv[r], fx[r], spare)
        elif kind == YAKOPCIC:
            _yakopcic_row(v[r], x[r], p, r, i[r], iv[r], ix[r], f[r], fv[r], fx[r], spare)
        elif kind == GAP:
            _gap_row(v[r], x[r], p, r, i[r], iv[r], ix[r], f[r], fv[r], fx[r], spare)
        else:
            _compiled_row(current_address, motion_address, v[r], x[r], p, r, i[r], iv[r], ix[r], f[r], fv[r], fx[r], q)
