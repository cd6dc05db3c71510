"""How far a solution is from Kirchhoff's laws.

Arrays: cells ``g`` and node voltages ``v``, ``u`` (m, n); ``rw`` (m, n+1) word-line segments with the left end first,
``rb`` (m+1, n) bit-line segments with the top end first; for each side the sources' volts and the currents out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

SAFETY = 4.0
"""How many times the root of a sum of squares what rounding adds up to may be."""

LARGE = 1e30
"""Siemens of an end of 0 ohm behind wires of 0 ohm."""

FLOOR = 1e-18
"""Part of what a line's cells would take at the sources' voltages below which no current counts as one."""

TINIEST = 1e-100
"""Volts below which squares, and one over it above which they, are left to :mod:`defects`."""

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
def _driven(
    inner: float, first: float, last: float, total: float, cell: float, wire: float, near: float, far: float
) -> float:
    """Squared currents that a line's gaps drive around, at most: ``inner`` is the sum of their squares in its wires.

    No gap drives more than the line's cells and the weaker of its ends conduct, and none in an end, ``first`` and
    ``last``, more than that end, ``near`` or ``far`` ohms, and the rest. Cells conduct no more than their ``total``,
    nor than an endless ladder of the largest ``cell`` and the smallest ``wire``: ``cell / 2 + sqrt(cell^2 / 4 +
    cell / wire)``. An end of 0 ohm conducts what the wires do.
    """
    cells, wires = total, LARGE
    if 0.0 < wire < np.inf:
        wires = 1.0 / wire
        cells = min(total, cell + np.sqrt(cell * wires))
    a = 1.0 / near if near > 0.0 else LARGE
    b = 1.0 / far if far > 0.0 else LARGE
    squares = inner * (cells + min(a, b, wires)) ** 2
    squares += (first * min(a, cells + min(b, wires))) ** 2 + (last * min(b, cells + min(a, wires))) ** 2
    driven: float = squares
    return driven


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _row(
    i: int, g: Array, v: Array, u: Array, r: Array, amperes: Array, totals: Array, largest: Array
) -> tuple[float, float, float, float]:
    """Fill row i's cell currents and update the columns' sums and largest cells.

    Return the row's sum of cells and the largest, and the smallest and the largest of its wires.
    """
    n = g.shape[1]
    total = most = ohms = 0.0
    wire = np.inf
    for j in range(n):
        cell = g[i, j]
        amperes[j] = cell * (v[i, j] - u[i, j])
        totals[j] += cell
        largest[j] = cell if cell > largest[j] else largest[j]
        total += cell
        most = cell if cell > most else most
    for j in range(1, n):
        wire = r[i, j] if r[i, j] < wire else wire
        ohms = r[i, j] if r[i, j] > ohms else ohms
    return total, most, wire, ohms


@njit(**_OPTIONS)
def _along(
    i: int, r: Array, v: Array, amperes: Array, broken: bool, current: float
) -> tuple[float, float, float, float]:
    """Follow word line i from its first node, which ``current`` enters.

    Return its squared gaps, the currents missing at breaks, their squares, and what leaves the last node.
    """
    inner = missing = squares = 0.0
    current -= amperes[0]
    for j in range(1, amperes.size):
        if broken and r[i, j] == np.inf:
            missing += current
            squares += current * current
            current = 0.0
        else:
            gap = v[i, j - 1] - v[i, j] - r[i, j] * current
            inner += gap * gap
        current -= amperes[j]
    return inner, missing, squares, current


@njit(**_OPTIONS)
def _down(i: int, r: Array, u: Array, current: Array, inner: Array, wire: Array) -> tuple[float, float]:
    """Add the squared gaps of the bit-line segments above row i; return the currents missing at breaks, and squares."""
    n = inner.size
    missing = squares = 0.0
    broken = False
    for j in range(n):
        broken |= r[i, j] == np.inf
        wire[j] = r[i, j] if r[i, j] < wire[j] else wire[j]
    if not broken:
        for j in range(n):
            gap = u[i - 1, j] - u[i, j] - r[i, j] * current[j]
            inner[j] += gap * gap
        return 0.0, 0.0
    for j in range(n):
        if r[i, j] == np.inf:
            missing += current[j]
            squares += current[j] * current[j]
            current[j] = 0.0
        else:
            inner[j] += (u[i - 1, j] - u[i, j] - r[i, j] * current[j]) ** 2
    return missing, squares


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
    """How far a solution is from Kirchhoff's laws, as a bound of its end currents' errors.

    Flows are running sums of device currents from the word lines' left and the bit lines' top end. What they leave
    of the current law at breaks and last nodes, and what their gaps in the voltage law would drive around, is what
    the end currents can be wrong by, as :mod:`defects` says, only that the latter's bounds are those of whole
    lines. It is relative to the largest end current. 0 where all sources are 0; inf where squares of volts might leave
    the range of doubles.
    """
    m, n = g.shape
    volts: float = _largest(left, right, top, bottom)
    if volts == 0.0:
        return 0.0
    if not TINIEST < volts < 1.0 / TINIEST:
        return np.inf
    missing = squares = largest = most = 0.0
    line, totals, cell = np.empty(n), np.zeros(n), np.zeros(n)
    for i in range(m):
        total, largest_cell, thinnest, widest = _row(i, g, v, u, rw, line, totals, cell)
        most = max(most, total)
        first = left[i] - v[i, 0] + rw[i, 0] * out_left[i] if rw[i, 0] < np.inf else 0.0
        last = v[i, n - 1] - right[i] - rw[i, n] * out_right[i] if rw[i, n] < np.inf else 0.0
        inner, lost, lost2, current = _along(i, rw, v, line, widest == np.inf, -out_left[i])
        lost += current - out_right[i]
        missing += lost
        squares += lost2 + (current - out_right[i]) ** 2
        squares += _driven(inner, first, last, total, largest_cell, thinnest, rw[i, 0], rw[i, n])
        largest = max(largest, abs(out_left[i]), abs(out_right[i]))
    currents, gaps, wires = np.empty(n), np.zeros(n), np.full(n, np.inf)
    for j in range(n):
        currents[j] = -out_top[j]
        largest = max(largest, abs(out_top[j]), abs(out_bottom[j]))
    for i in range(m):
        if i > 0:
            lost, lost2 = _down(i, rb, u, currents, gaps, wires)
            missing += lost
            squares += lost2
        for j in range(n):
            currents[j] += g[i, j] * (v[i, j] - u[i, j])
    for j in range(n):
        first = top[j] - u[0, j] + rb[0, j] * out_top[j] if rb[0, j] < np.inf else 0.0
        last = u[m - 1, j] - bottom[j] - rb[m, j] * out_bottom[j] if rb[m, j] < np.inf else 0.0
        lost = currents[j] - out_bottom[j]
        missing += lost
        squares += lost * lost + _driven(gaps[j], first, last, totals[j], cell[j], wires[j], rb[0, j], rb[m, j])
    error = abs(missing) + SAFETY * np.sqrt(squares)
    scale = max(largest, FLOOR * most * volts)
    if not error < np.inf:
        return np.inf
    return error / scale if scale > 0.0 else 0.0


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _conduct(g: Array, r: Array, totals: Array, largest: Array) -> tuple[float, float, float, float]:
    """Update the columns' sums and largest conductances by a row; return the same of the row, and of its wires."""
    total = most = ohms = 0.0
    wire = np.inf
    for j in range(g.size):
        totals[j] += g[j]
        total += g[j]
    for j in range(g.size):
        largest[j] = g[j] if g[j] > largest[j] else largest[j]
        most = g[j] if g[j] > most else most
    for j in range(1, g.size):
        wire = r[j] if r[j] < wire else wire
        ohms = r[j] if r[j] > ohms else ohms
    return total, most, wire, ohms


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _shared(amperes: Array, first: Array, last: Array) -> tuple[float, float]:
    """Return what a line's nodes take from its first and from its last end."""
    near = far = 0.0
    for j in range(amperes.size):
        near += first[j] * amperes[j]
        far += last[j] * amperes[j]
    return near, far


@njit(**_OPTIONS)
def end_currents(
    drawn: Array, received: Array, shares: Array, across: Array, down: Array, out_left: Array, out_right: Array,
    out_top: Array, out_bottom: Array,
) -> float:  # fmt: skip
    """Fill the currents out of the ends of lines whose nodes' currents are known; return the largest.

    ``drawn`` (m, n) is what word nodes take, ``received`` what bit nodes receive, ``shares`` (4, m, n) what part of a
    node's current passes the left, right, top and bottom end (bare wires' dividers). ``across`` (m,) and ``down`` (n,)
    flow along the lines besides, from left to right and from top to bottom.
    """
    m, n = drawn.shape
    largest = 0.0
    for i in range(m):
        near, far = _shared(drawn[i], shares[0, i], shares[1, i])
        out_left[i], out_right[i] = -near - across[i], across[i] - far
        largest = max(largest, abs(out_left[i]), abs(out_right[i]))
    for j in range(n):
        out_top[j], out_bottom[j] = -down[j], down[j]
    for i in range(m):
        for j in range(n):
            out_top[j] += shares[2, i, j] * received[i, j]
        for j in range(n):
            out_bottom[j] += shares[3, i, j] * received[i, j]
    for j in range(n):
        largest = max(largest, abs(out_top[j]), abs(out_bottom[j]))
    return largest


@njit(**_OPTIONS)
def _follow(r: Array, v: Array, drawn: Array, broken: bool, current: float) -> tuple[float, float, float, float, float]:
    """As ``_along``, for nodes that take the currents ``drawn``, with the squares of what gaps drive in their wires.

    A gap drives no more than itself over its own wire's ohms; that is returned second.
    """
    inner = driven = missing = squares = 0.0
    current -= drawn[0]
    for j in range(1, drawn.size):
        if broken and r[j] == np.inf:
            missing += current
            squares += current * current
            current = 0.0
        else:
            gap = v[j - 1] - v[j] - r[j] * current
            inner += gap * gap
            driven += (gap / r[j]) ** 2 if r[j] > 0.0 else np.inf
        current -= drawn[j]
    return inner, driven, missing, squares, current


@njit(**_OPTIONS)
def _follow_down(
    r: Array, above: Array, below: Array, current: Array, inner: Array, driven: Array, wire: Array
) -> tuple[float, float]:
    """As ``_down``, with the squares of what gaps drive in their own wires added to ``driven``."""
    missing = squares = 0.0
    for j in range(inner.size):
        if r[j] == np.inf:
            missing += current[j]
            squares += current[j] * current[j]
            current[j] = 0.0
        else:
            gap = above[j] - below[j] - r[j] * current[j]
            inner[j] += gap * gap
            driven[j] += (gap / r[j]) ** 2 if r[j] > 0.0 else np.inf
        wire[j] = r[j] if r[j] < wire[j] else wire[j]
    return missing, squares


@njit(**_OPTIONS)
def current_error(
    drawn: Array, received: Array, gw: Array, gb: Array, rw: Array, rb: Array, left: Array, right: Array, top: Array,
    bottom: Array, v: Array, u: Array, out_left: Array, out_right: Array, out_top: Array, out_bottom: Array,
) -> float:  # fmt: skip
    """Amperes that the end currents can be wrong by, where nodes' currents are known: those of cells of any law.

    ``drawn`` (m, n) is what cells, and capacitances, take from the word nodes, ``received`` what bit nodes receive;
    ``gw`` and ``gb`` are the slopes of these in the nodes' volts. Otherwise as ``residual``, but for the scale.
    """
    m, n = v.shape
    missing = squares = 0.0
    totals, cell = np.zeros(n), np.zeros(n)
    for i in range(m):
        total, largest_cell, thinnest, widest = _conduct(gw[i], rw[i], totals, cell)
        first = left[i] - v[i, 0] + rw[i, 0] * out_left[i] if rw[i, 0] < np.inf else 0.0
        last = v[i, n - 1] - right[i] - rw[i, n] * out_right[i] if rw[i, n] < np.inf else 0.0
        inner, driven, lost, lost2, current = _follow(rw[i], v[i], drawn[i], widest == np.inf, -out_left[i])
        lost += current - out_right[i]
        missing += lost
        squares += lost2 + (current - out_right[i]) ** 2
        whole = _driven(inner, 0.0, 0.0, total, largest_cell, thinnest, rw[i, 0], rw[i, n])
        squares += min(whole, driven) + _driven(0.0, first, last, total, largest_cell, thinnest, rw[i, 0], rw[i, n])
    currents, gaps, driven_down, wires = np.empty(n), np.zeros(n), np.zeros(n), np.full(n, np.inf)
    totals[:] = 0.0
    cell[:] = 0.0
    for j in range(n):
        currents[j] = -out_top[j]
    for i in range(m):
        if i > 0:
            lost, lost2 = _follow_down(rb[i], u[i - 1], u[i], currents, gaps, driven_down, wires)
            missing += lost
            squares += lost2
        for j in range(n):
            currents[j] += received[i, j]
            totals[j] += gb[i, j]
            cell[j] = gb[i, j] if gb[i, j] > cell[j] else cell[j]
    for j in range(n):
        first = top[j] - u[0, j] + rb[0, j] * out_top[j] if rb[0, j] < np.inf else 0.0
        last = u[m - 1, j] - bottom[j] - rb[m, j] * out_bottom[j] if rb[m, j] < np.inf else 0.0
        lost = currents[j] - out_bottom[j]
        missing += lost
        whole = _driven(gaps[j], 0.0, 0.0, totals[j], cell[j], wires[j], rb[0, j], rb[m, j])
        squares += lost * lost + min(whole, driven_down[j])
        squares += _driven(0.0, first, last, totals[j], cell[j], wires[j], rb[0, j], rb[m, j])
    error = abs(missing) + SAFETY * np.sqrt(squares)
    return error if error < np.inf else np.inf


@njit(**_OPTIONS)
def ends_and_error(
    drawn: Array, received: Array, shares: Array, through_word: Array, through_bit: Array, gw: Array, gb: Array,
    rw: Array, rb: Array, left: Array, right: Array, top: Array, bottom: Array, v: Array, u: Array, out_left: Array,
    out_right: Array, out_top: Array, out_bottom: Array,
) -> tuple[float, float]:  # fmt: skip
    """Fill the end currents as ``end_currents``; return the largest, and ``current_error``.

    ``through_word`` and ``through_bit`` are siemens from one end of a line to the other.
    """
    across, down = np.empty(left.size), np.empty(top.size)
    for i in range(left.size):
        across[i] = (left[i] - right[i]) * through_word[i]
    for j in range(top.size):
        down[j] = (top[j] - bottom[j]) * through_bit[j]
    largest = end_currents(drawn, received, shares, across, down, out_left, out_right, out_top, out_bottom)
    error = current_error(
        drawn, received, gw, gb, rw, rb, left, right, top, bottom, v, u, out_left, out_right, out_top, out_bottom
    )
    return largest, error
