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

ENDS = 4
"""Vectors of work space a word line: what its source feeds into it alone, and by p, by z, and in all."""

APART = 5
"""Vectors between fields: a multiple of 4 KB apart, their numbers for a cell would crowd in one place of the cache."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def entries(rows: int, cols: int) -> int:
    """Return how many vectors of work space ``output_currents`` takes."""
    return FIELDS * (rows * cols + APART) + 3 * cols + 5 + ENDS * rows


@njit(**_OPTIONS)
def _gather(store: Array, to: int, count: int, flat: Array, origin: Index, part: int) -> None:
    """Write ``count`` numbers of each crossbar side by side from a place on."""
    lanes, alike = width(), True
    for q in range(1, lanes):
        alike &= origin[part + q] == origin[part]
    if alike:
        for e in range(count):
            save(store, to + e, every(flat[origin[part] + e]))
        return
    # A few at a time: the lanes of each share a cache line.
    for start in range(0, count, 64):
        for q in range(lanes):
            source, target = origin[part + q], to * lanes + q
            for e in range(start, min(start + 64, count)):
                store[target + e * lanes] = flat[source + e]


@njit(**_OPTIONS)
def _divide(store: Array, e: int, l_field: int, k_field: int, segment: int, beyond: int) -> None:
    """Fill a node's dividers from its cell, its segment towards the near end, and what lies beyond it."""
    c, y = load(store, segment), plus(load(store, e), load(store, beyond))
    k = quotient(every(1.0), plus(c, y))
    share = times(c, k)
    save(store, k_field + e, k)
    save(store, l_field + e, share)
    save(store, beyond, times(share, y))


@njit(**_OPTIONS)
def _dividers(store: Array, m: int, n: int, fields: Index, wires: int, spare: int, alone: int) -> None:
    """Fill the dividers of the word lines and of the bit lines.

    ``wires`` is where the segments of the word lines stand, and behind them those of the bit lines; ``spare`` (n or 4,
    if that is more) is work space; ``alone`` (m) receives the word lines' admittances with the bit lines at 0 V.
    Several lines go side by side: one alone would wait for each quotient.
    """
    lw, kw, lb, kb = fields[0], fields[1], fields[2], fields[3]
    for top in range(0, m, 4):
        bottom = min(top + 4, m)
        for i in range(top, bottom):
            save(store, spare + i - top, load(store, wires + i * (n + 1) + n))
        for j in range(n - 1, -1, -1):
            for i in range(top, bottom):
                _divide(store, i * n + j, lw, kw, wires + i * (n + 1) + j, spare + i - top)
        for i in range(top, bottom):
            save(store, alone + i, load(store, spare + i - top))
    wires += m * (n + 1)
    for j in range(n):
        save(store, spare + j, load(store, wires + j))
    for i in range(m):
        for j in range(n):
            _divide(store, i * n + j, lb, kb, wires + (i + 1) * n + j, spare + j)


@njit(**_OPTIONS)
def _bit_lines(
    store: Array, m: int, n: int, ratio: float, fields: Index, change: int, u: int, curvature_place: int
) -> None:
    """Next directions ``p = z + ratio p``, and their images ``w - G Ab^-1 G p`` over z, down the bit lines and up.

    ``change`` (n) receives what p sends into the bottom ends; u (n) is work space.
    """
    lb, kb, p, w, r, z = fields[2], fields[3], fields[4], fields[5], fields[6], fields[7]
    beta = load(store, ratio)
    for j in range(n):
        save(store, u + j, every(0.0))
    for e in range(m * n):
        direction = madd(beta, load(store, p + e), load(store, z + e))
        save(store, p + e, direction)
        save(store, w + e, madd(beta, load(store, w + e), load(store, r + e)))
        current = times(load(store, e), direction)
        if e >= n:
            current = madd(load(store, lb + e - n), load(store, z + e - n), current)
        save(store, z + e, current)
    last = (m - 1) * n
    for j in range(n):
        save(store, change + j, times(load(store, lb + last + j), load(store, z + last + j)))
    curvature = every(0.0)
    for i in range(m - 1, -1, -1):
        for j in range(n):
            e = i * n + j
            t = madd(load(store, lb + e), load(store, u + j), times(load(store, kb + e), load(store, z + e)))
            save(store, u + j, t)
            image = minus(load(store, w + e), times(load(store, e), t))
            save(store, z + e, image)
            curvature = madd(load(store, p + e), image, curvature)
    save(store, curvature_place, curvature)


@njit(**_OPTIONS)
def _word_lines(
    store: Array, m: int, n: int, length_place: int, fields: Index, y: int, energy_place: int, leaving: int
) -> None:  # fmt: skip
    """Residuals ``r`` less so many images z, and their solutions on the word lines over z; y (n) is work space.

    ``leaving`` (m) receives what z sends into the sources.
    """
    lw, kw, r, z = fields[0], fields[1], fields[6], fields[7]
    length, energy = load(store, length_place), every(0.0)
    for i in range(m):
        t = every(0.0)
        for j in range(n - 1, -1, -1):
            e = i * n + j
            share = load(store, lw + e)
            residual = minus(load(store, r + e), times(length, load(store, z + e)))
            save(store, r + e, residual)
            save(store, y + j, plus(t, residual))
            t = madd(share, t, times(share, residual))
        save(store, leaving + i, t)
        t = every(0.0)
        for e in range(i * n, i * n + n):
            t = madd(load(store, lw + e), t, times(load(store, kw + e), load(store, y + e - i * n)))
            save(store, z + e, t)
            energy = madd(load(store, r + e), t, energy)
    save(store, energy_place, energy)


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
def _conjugate(
    store: Array, m: int, n: int, fields: Index, arriving: int, volts: Array, tolerance: float, most: int
) -> int:
    """Solve one part of the lanes; the currents come to stand first among the vectors behind the fields.

    Currents out of the sources are those into the word lines alone, and after them, for as many lines each, those by p,
    by z and in all.
    """
    lw, p, w, r, z = fields[0], fields[4], fields[5], fields[6], fields[7]
    change, u, spare = arriving + n, arriving + 2 * n, arriving + 3 * n
    active, ratio, curvature, length, energy = spare, spare + 1, spare + 2, spare + 3, spare + 4
    alone = spare + 5
    by_p, by_z, drawn = alone + m, alone + 2 * m, alone + 3 * m
    zero, unit = every(0.0), every(1.0)
    for j in range(n):
        save(store, arriving + j, zero)
    for i in range(m):
        t = every(volts[i])
        save(store, drawn + i, times(load(store, alone + i), t))
        save(store, by_p + i, zero)
        save(store, by_z + i, zero)
        for e in range(i * n, i * n + n):
            # With the bit lines at 0 V.
            t = times(load(store, lw + e), t)
            save(store, z + e, t)
            save(store, p + e, zero)
            save(store, w + e, zero)
            save(store, r + e, zero)
    save(store, active, unit)
    save(store, ratio, zero)
    save(store, energy, zero)
    unsettled = store[active * width() : (active + 1) * width()]
    for step in range(most + 1):
        _bit_lines(store, m, n, ratio, fields, change, u, curvature)
        # The word lines alone are taken whole: what the bit lines send back is the first residual.
        before = load(store, energy)
        size_of_step = times(quotient(before, load(store, curvature)), load(store, active)) if step > 0 else unit
        save(store, length, size_of_step)
        for j in range(n):
            moved = times(size_of_step, load(store, change + j))
            save(store, change + j, moved)
            save(store, arriving + j, plus(load(store, arriving + j), moved))
        for i in range(m):
            back = madd(load(store, ratio), load(store, by_p + i), load(store, by_z + i))
            save(store, by_p + i, back)
            save(store, drawn + i, minus(load(store, drawn + i), times(size_of_step, back)))
        if step > 0 and _settled(store, n, change, arriving, tolerance, unsettled):
            return step
        _word_lines(store, m, n, length, fields, u, energy, by_z)
        save(store, ratio, quotient(load(store, energy), before))
    return most


@njit(**_OPTIONS)
def output_currents(
    m: int, n: int, g: Array, cw: Array, cb: Array, origin: Index, volts: Array, tolerance: float, most: int,
    store: Array, drawn: Array, out: Array, settled: Array,
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
    store : (entries(m, n) * LANES,)
        Work space.
    drawn : (count, m)
        Receives the currents out of the left sources.
    out : (count, n)
        Receives the currents into the bottom sources.
    settled : (count,) of bool
        Receives whether they are settled.
    """
    fields = np.arange(1, FIELDS) * (m * n + APART)
    outputs = FIELDS * (m * n + APART)
    lanes = width()
    steps = 0
    for part in range(0, out.shape[0], lanes):
        # Directions and images have no numbers yet: the wires stand in their place.
        wires = fields[4]
        _gather(store, 0, m * n, g, origin[0], part)
        _gather(store, wires, m * (n + 1), cw, origin[1], part)
        _gather(store, wires + m * (n + 1), (m + 1) * n, cb, origin[2], part)
        _dividers(store, m, n, fields, wires, outputs, outputs + 3 * n + 5)
        steps = max(steps, _conjugate(store, m, n, fields, outputs, volts, tolerance, most))
        for q in range(min(lanes, out.shape[0] - part)):
            settled[part + q] = store[(outputs + 3 * n) * lanes + q] == 0.0
            for i in range(m):
                drawn[part + q, i] = store[(outputs + 3 * n + 5 + 3 * m + i) * lanes + q]
            for j in range(n):
                out[part + q, j] = store[(outputs + j) * lanes + q]
    return steps
