"""Small systems of equations as full matrices: summed, factored and solved, row after row.

Matrices of circuits are mostly zeros even where they are small: elimination skips what a row does not have.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .native import njit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SPLIT = 134217729.0
"""2^27 + 1: cuts a double into halves whose products are exact (Dekker, Numer. Math. 18, 224, 1971)."""


@njit(cache=True)
def add(base: Floats, place: Ints, sign: Floats, stamp: Ints, slopes: Floats, table: Floats) -> None:
    """Fill ``table`` (n, n) with ``base`` (n, n) and ``sign[k] slopes[stamp[k]]`` at ``place[k]``, row by row."""
    n = base.shape[1]
    for i in range(n):
        for j in range(n):
            table[i, j] = base[i, j]
    for k in range(place.size):
        table[place[k] // n, place[k] % n] += sign[k] * slopes[stamp[k]]


@njit(cache=True)
def left(
    starts: Ints, columns: Ints, high: Floats, low: Floats, x: Floats, right: Floats, flow_rows: Ints,
    flow_numbers: Ints, flow_signs: Floats, amounts: Floats, gap: Floats, lost: Floats,
) -> None:  # fmt: skip
    """Fill ``gap`` (n,) with ``right - (high + low) x - flows``, summed with nearly twice the digits of a double.

    ``starts``, ``columns``, ``high`` and ``low`` are a matrix by rows; flow ``flow_numbers[k]`` of ``amounts`` counts
    in equation ``flow_rows[k]``. ``lost`` (n,) is room to work in.
    """
    for row in range(right.size):
        total, tail = right[row], 0.0
        for k in range(starts[row], starts[row + 1]):
            a, b = -high[k], x[columns[k]]
            product = a * b
            cut = _SPLIT * a
            a_high = cut - (cut - a)
            cut = _SPLIT * b
            b_high = cut - (cut - b)
            a_low, b_low = a - a_high, b - b_high
            tail += ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
            tail -= low[k] * b
            more = total + product
            part = more - total
            tail += (total - (more - part)) + (product - part)
            total = more
        gap[row], lost[row] = total, tail
    for k in range(flow_rows.size):
        row, amount = flow_rows[k], -flow_signs[k] * amounts[flow_numbers[k]]
        more = gap[row] + amount
        part = more - gap[row]
        lost[row] += (gap[row] - (more - part)) + (amount - part)
        gap[row] = more
    for row in range(right.size):
        gap[row] += lost[row]


@njit(cache=True)
def factor(a: Floats, row_scale: Floats, column_scale: Floats, pivots: Ints) -> bool:
    """Factor ``a`` (n, n) in place, rows and columns scaled to largest entries of 1, by rows with the largest pivots.

    Returns
    -------
    bool
        Whether it has factors that are numbers.
    """
    n = a.shape[0]
    column_scale[:] = 0.0
    for i in range(n):
        largest = 0.0
        for j in range(n):
            largest = max(largest, abs(a[i, j]))
        if not 0.0 < largest < math.inf:
            return False
        row_scale[i] = 1.0 / largest
        for j in range(n):
            a[i, j] *= row_scale[i]
            column_scale[j] = max(column_scale[j], abs(a[i, j]))
    for j in range(n):
        if not 0.0 < column_scale[j] < math.inf:
            return False
        column_scale[j] = 1.0 / column_scale[j]
    for i in range(n):
        for j in range(n):
            a[i, j] *= column_scale[j]
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[best, k]):
                best = i
        pivots[k] = best
        if best != k:
            for j in range(n):
                a[k, j], a[best, j] = a[best, j], a[k, j]
        pivot = a[k, k]
        if not 0.0 < abs(pivot) < math.inf:
            return False
        for i in range(k + 1, n):
            if a[i, k] != 0.0:
                share = a[i, k] / pivot
                a[i, k] = share
                for j in range(k + 1, n):
                    a[i, j] -= share * a[k, j]
    return True


@njit(cache=True)
def solve(a: Floats, row_scale: Floats, column_scale: Floats, pivots: Ints, right: Floats, x: Floats) -> None:
    """Fill ``x`` (n,) with the solution for ``right`` (n,), by what ``factor`` left."""
    n = right.size
    for i in range(n):
        x[i] = right[i] * row_scale[i]
    for k in range(n):
        x[k], x[pivots[k]] = x[pivots[k]], x[k]
    for i in range(n):
        total = x[i]
        for j in range(i):
            total -= a[i, j] * x[j]
        x[i] = total
    for i in range(n - 1, -1, -1):
        total = x[i]
        for j in range(i + 1, n):
            total -= a[i, j] * x[j]
        x[i] = total / a[i, i]
    for i in range(n):
        x[i] *= column_scale[i]


@njit(cache=True)
def largest(x: Floats, column_scale: Floats) -> float:
    """Return the largest ``|x / column_scale|``; NaN or infinity where some of ``x`` (n,) are."""
    top = 0.0
    for i in range(x.size):
        size: float = abs(x[i] / column_scale[i])
        if not size <= top:
            top = size
        if not size < math.inf:
            return size
    return top


@njit(cache=True)
def finite(column: Floats) -> bool:
    """Return whether all of ``column`` (n,) are numbers."""
    for i in range(column.size):  # noqa: SIM110 -- a generator is slow in a kernel
        if not abs(column[i]) < math.inf:
            return False
    return True


@njit(cache=True)
def judge(
    starts: Ints, columns: Ints, high: Floats, flow_rows: Ints, flow_numbers: Ints, flow_signs: Floats,
    slope_rows: Ints, slope_numbers: Ints, plus: Ints, minus: Ints, nodes: int, groups: Ints, ties: Floats,
    x: Floats, values: Floats, right: Floats, amounts: Floats, slopes: Floats, negligible: Floats, rounding: float,
    digit: float, least: float, gap: Floats, allowed: Floats, sizes: Floats, ratios: Floats,
) -> float:  # fmt: skip
    """Fill ``ratios`` (n,) with each equation's violation ``gap`` (n,) in terms of its sizes, as ``mna.Residual`` does.

    The first ``nodes`` equations are balances. ``values`` are what places have: ground, voltages, currents; ``plus``
    and ``minus`` are those of each slope's control. ``rounding`` of a slope's share, and ``negligible`` (n,), are no
    violation but a last ``digit``; ``least`` of the largest balance is what each balance counts as. ``sizes`` (n,) are
    filled with the sums of terms' sizes, ``allowed`` (n,) with what is no violation.

    Returns
    -------
    float
        The largest of them.
    """
    n = right.size
    volts = top = driven = 0.0
    for k in range(nodes + 1):
        volts = max(volts, abs(values[k]))
    for row in range(n):
        size = abs(right[row])
        if row >= nodes:
            driven = max(driven, size)
        for k in range(starts[row], starts[row + 1]):
            size += abs(high[k] * x[columns[k]])
        sizes[row] = size
        allowed[row] = negligible[row]
    volts += driven
    for k in range(flow_rows.size):
        sizes[flow_rows[k]] += abs(amounts[flow_numbers[k]])
    for k in range(slope_rows.size):
        stamp = slope_numbers[k]
        size = max(abs(values[plus[stamp]]), abs(values[minus[stamp]]))
        allowed[slope_rows[k]] += abs(rounding * slopes[stamp] * size)
    for row in range(nodes):
        top = max(top, sizes[row])
    for row in range(n):
        ratios[row] = max(sizes[row], least * top if row < nodes else volts)
    for k in range(groups.size):
        ratios[groups[k]] = max(sizes[groups[k]], ties[k] * volts)
    worst = 0.0
    for row in range(n):
        size, violation = ratios[row], abs(gap[row])
        if not (size < math.inf and violation < math.inf):
            ratios[row] = math.inf
        elif size > 0.0:
            ratios[row] = max(violation - allowed[row], min(violation, digit * size)) / size
        else:
            ratios[row] = 0.0
        worst = max(worst, ratios[row])
    return worst
