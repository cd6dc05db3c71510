"""One vector's output currents on many crossbars of one shape side by side, by conjugate gradients.

They share nothing with the reduction of :mod:`lanes`, whose maps they are held against. The method is that of
:mod:`schur`: bit lines eliminated, word lines the preconditioner. Word lines are driven at their left ends, all other
ends are at 0 V. Lines are ladders of couplings here: with y the admittance of a cell and of all that lies beyond it,
and c the coupling of the segment towards the near end, ``k = 1 / (c + y)`` and ``l = c k``, and l y is what lies beyond
the next cell; every number is a sum or product of positive ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit
from xbarsim.kernels.vectors import every, load, madd, minus, plus, quotient, save, times, width

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FIELDS = 9
"""Vectors of work space a cell: the cell, both layers' dividers, p and Aw p, the residual, and z or p's image."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _gather(store: Array, to: int, flat: Array, origin: Index, part: int, at: int) -> None:
    """Write one number of each crossbar to a place."""
    lanes = width()
    for q in range(lanes):
        store[to * lanes + q] = flat[origin[part + q] + at]


@njit(**_OPTIONS)
def _dividers(
    store: Array, m: int, n: int, cw: Array, cb: Array, origin: Index, part: int, at: int, spare: int
) -> None:
    """Fill the dividers from the cells at 0: of the word lines at ``at``, of the bit lines behind them."""
    size = m * n
    lw, kw, lb, kb = at, at + size, at + 2 * size, at + 3 * size
    for i in range(m):
        _gather(store, spare, cw, origin[1], part, i * (n + 1) + n)
        beyond = load(store, spare)
        for j in range(n - 1, -1, -1):
            e = i * n + j
            _gather(store, spare, cw, origin[1], part, i * (n + 1) + j)
            c, y = load(store, spare), plus(load(store, e), beyond)
            k = quotient(every(1.0), plus(c, y))
            share = times(c, k)
            save(store, kw + e, k)
            save(store, lw + e, share)
            beyond = times(share, y)
    for j in range(n):
        _gather(store, spare, cb, origin[2], part, j)
        beyond = load(store, spare)
        for i in range(m):
            e = i * n + j
            _gather(store, spare, cb, origin[2], part, (i + 1) * n + j)
            c, y = load(store, spare), plus(load(store, e), beyond)
            k = quotient(every(1.0), plus(c, y))
            share = times(c, k)
            save(store, kb + e, k)
            save(store, lb + e, share)
            beyond = times(share, y)


@njit(**_OPTIONS)
def _word_line(store: Array, n: int, s: int, lw: int, kw: int, near: float, v: int, y: int) -> None:
    """Solve one word line for injected currents s and a left source of ``near`` volts; y (n) is work space."""
    t = every(0.0)
    for j in range(n - 1, -1, -1):
        share, current = load(store, lw + j), load(store, s + j)
        save(store, y + j, plus(t, current))
        t = madd(share, t, times(share, current))
    t = every(near)
    for j in range(n):
        t = madd(load(store, lw + j), t, times(load(store, kw + j), load(store, y + j)))
        save(store, v + j, t)


@njit(**_OPTIONS)
def _bit_lines(store: Array, m: int, n: int, v: int, lb: int, kb: int, y: int, arriving: int, u: int) -> None:
    """Solve all bit lines for voltages v across the cells to them: y becomes the currents that they send back.

    ``arriving`` (n) receives what flows into the bottom ends, u (n) is work space.
    """
    for j in range(n):
        save(store, y + j, times(load(store, j), load(store, v + j)))
        save(store, u + j, every(0.0))
    for e in range(n, m * n):
        passed = times(load(store, lb + e - n), load(store, y + e - n))
        save(store, y + e, madd(load(store, e), load(store, v + e), passed))
    last = (m - 1) * n
    for j in range(n):
        save(store, arriving + j, times(load(store, lb + last + j), load(store, y + last + j)))
    for i in range(m - 1, -1, -1):
        for j in range(n):
            e = i * n + j
            t = madd(load(store, lb + e), load(store, u + j), times(load(store, kb + e), load(store, y + e)))
            save(store, u + j, t)
            save(store, y + e, times(load(store, e), t))


@njit(**_OPTIONS)
def _settled(store: Array, n: int, change: int, arriving: int, tolerance: float, unsettled: Array) -> bool:
    """Mark the lanes in which no output was changed by more than a part of the largest; return whether all are."""
    lanes = width()
    everywhere = True
    for q in range(lanes):
        moved = largest = 0.0
        for j in range(n):
            moved = max(moved, abs(store[(change + j) * lanes + q]))
            largest = max(largest, abs(store[(arriving + j) * lanes + q]))
        if moved <= tolerance * largest:
            unsettled[q] = 0.0
        everywhere &= unsettled[q] == 0.0
    return everywhere


@njit(**_OPTIONS)
def _conjugate(store: Array, m: int, n: int, volts: Array, tolerance: float, most: int) -> int:
    """Solve one part of the lanes; the currents come to stand first among the vectors behind the fields."""
    size = m * n
    lw, kw, lb, kb, p, w, r, z = (
        size, 2 * size, 3 * size, 4 * size, 5 * size, 6 * size, 7 * size, 8 * size,
    )  # fmt: skip
    arriving = FIELDS * size
    change, u, active = arriving + n, arriving + 2 * n, arriving + 3 * n
    zero = every(0.0)
    for e in range(size):
        save(store, p + e, zero)
        save(store, w + e, zero)
    for i in range(m):
        e = i * n
        _word_line(store, n, w + e, lw + e, kw + e, volts[i], z + e, u)
    _bit_lines(store, m, n, z, lb, kb, r, arriving, u)
    energy = zero
    for i in range(m):
        e = i * n
        _word_line(store, n, r + e, lw + e, kw + e, 0.0, z + e, u)
        for j in range(e, e + n):
            energy = madd(load(store, r + j), load(store, z + j), energy)
    save(store, active, every(1.0))
    unsettled = store[active * width() : (active + 1) * width()]
    ratio = zero
    for step in range(most):
        for e in range(size):
            save(store, p + e, madd(ratio, load(store, p + e), load(store, z + e)))
            save(store, w + e, madd(ratio, load(store, w + e), load(store, r + e)))
        _bit_lines(store, m, n, p, lb, kb, z, change, u)
        curvature = zero
        for e in range(size):
            image = minus(load(store, w + e), load(store, z + e))
            save(store, z + e, image)
            curvature = madd(load(store, p + e), image, curvature)
        length = times(quotient(energy, curvature), load(store, active))
        for j in range(n):
            moved = times(length, load(store, change + j))
            save(store, change + j, moved)
            save(store, arriving + j, plus(load(store, arriving + j), moved))
        if _settled(store, n, change, arriving, tolerance, unsettled):
            return step + 1
        before, energy = energy, zero
        for e in range(size):
            save(store, r + e, minus(load(store, r + e), times(length, load(store, z + e))))
        for i in range(m):
            e = i * n
            _word_line(store, n, r + e, lw + e, kw + e, 0.0, z + e, u)
            for j in range(e, e + n):
                energy = madd(load(store, r + j), load(store, z + j), energy)
        ratio = quotient(energy, before)
    return most


@njit(**_OPTIONS)
def output_currents(
    m: int, n: int, g: Array, cw: Array, cb: Array, origin: Index, volts: Array, tolerance: float, most: int,
    store: Array, out: Array, settled: Array,
) -> int:  # fmt: skip
    """Solve one vector on ``LANES`` crossbars at most; return how many steps that took at most.

    Parameters
    ----------
    m, n : int
        Their rows and columns.
    g, cw, cb, origin
        As those of :func:`lanes.reduce`.
    volts : (m,)
        Source voltages at the left.
    tolerance : float
        Part of a crossbar's largest output by which its outputs may still change in the last step.
    most : int
        Steps to take at most.
    store : ((FIELDS * m * n + 4 * n) * LANES,)
        Work space.
    out : (count, n)
        Receives the currents into the bottom sources.
    settled : (count,) of bool
        Receives whether they are settled.
    """
    lanes = width()
    steps = 0
    for part in range(0, out.shape[0], lanes):
        for e in range(m * n):
            _gather(store, e, g, origin[0], part, e)
        _dividers(store, m, n, cw, cb, origin, part, m * n, FIELDS * m * n)
        steps = max(steps, _conjugate(store, m, n, volts, tolerance, most))
        at = FIELDS * m * n
        for q in range(min(lanes, out.shape[0] - part)):
            settled[part + q] = store[(at + 3 * n) * lanes + q] == 0.0
            for j in range(n):
                out[part + q, j] = store[(at + j) * lanes + q]
    return steps
