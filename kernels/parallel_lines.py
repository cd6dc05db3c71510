"""Columns of two parallel lines with cells between them: 1T1R with source lines along bit lines.

A column is a network between the four sources at its lines' ends, numbered 0 source line's top, 1 bit line's top, 2
source line's bottom, 3 bit line's bottom. Nodes are taken away from the top down, each by star-mesh: couplings ``c_a``
of a node put ``c_a c_b / sum c`` between each pair of its neighbours, and its voltage is their mean with the weights
``c_a / sum c``. Nothing is subtracted, so that the couplings between the sources that are left are right to the last
digits, component by component, whatever the ratio of wires to cells (Grassmann, Taksar and Heyman, Oper. Res. 33,
1985). On the way back, voltages are carried as differences, which are means of differences: cells and wires keep the
digits of what they carry where lines are at next to one voltage.

Arrays: cells ``g`` (m, n) siemens, rows inside a column m; the lines' segments ``rs``, ``rb`` (m+1, n) ohms, the ends
included, top first, and ``cs``, ``cb`` their siemens, 1 / ``TINY`` for 0 ohm. Volts and currents out of the array
(4, n). Loops over columns fill one array each, or the compiler would not know them apart, and not vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TINY = 1e-30
"""Ohms that stand for zero: no resistance of a circuit notices."""

PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""The sources that ``couplings`` lie between, in order."""

SAFETY = 4.0
"""How many times the root of a sum of squares what rounding adds up to may be."""

FLOOR = 1e-18
"""Part of what cells would take at the sources' voltages below which no current counts as one."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _inverse(a: Array, b: Array, c: Array, d: Array, inverse: Array) -> None:
    """Fill ``1 / (a + b + c + d)``; 0 for a node without couplings, the last of an island."""
    for j in range(inverse.size):
        total = a[j] + b[j] + c[j] + d[j]
        inverse[j] = 1.0 / total if total > 0.0 else 0.0


@njit(**_OPTIONS)
def _product(a: Array, b: Array, out: Array) -> None:
    for j in range(out.size):
        out[j] = a[j] * b[j]


@njit(**_OPTIONS)
def _scale(by: Array, out: Array) -> None:
    for j in range(out.size):
        out[j] *= by[j]


@njit(**_OPTIONS)
def _add_product(a: Array, b: Array, out: Array) -> None:
    for j in range(out.size):
        out[j] += a[j] * b[j]


@njit(**_OPTIONS)
def _take_away(k0: Array, k1: Array, across: Array, wire: Array, shares: Array, inverse: Array) -> None:
    """Fill the ``shares`` (4, n) of a node's couplings: to sources 0 and 1, across the column, and on to the next."""
    _inverse(k0, k1, across, wire, inverse)
    _product(k0, inverse, shares[0])
    _product(k1, inverse, shares[1])
    _product(across, inverse, shares[2])
    _product(wire, inverse, shares[3])


@njit(**_OPTIONS)
def reduce(g: Array, cs: Array, cb: Array, couplings: Array, shares: Array) -> None:
    """Fill the ``couplings`` (6, n) between each column's sources, and the ``shares`` (m, 2, 4, n) of its nodes."""
    m, n = g.shape
    inverse = np.empty(n)
    k01, k0s, k1s, k0b, k1b, ksb = couplings[0], couplings[1], couplings[3], couplings[2], couplings[4], couplings[5]
    for j in range(n):
        k01[j] = 0.0
        k1s[j] = 0.0
        k0b[j] = 0.0
        ksb[j] = 0.0
    for j in range(n):
        k0s[j] = cs[0, j]
    for j in range(n):
        k1b[j] = cb[0, j]
    for i in range(m):
        for j in range(n):
            ksb[j] += g[i, j]
        at_s, at_b = shares[i, 0], shares[i, 1]
        _take_away(k0s, k1s, ksb, cs[i + 1], at_s, inverse)
        _add_product(k0s, at_s[1], k01)
        _add_product(k0s, at_s[2], k0b)
        _add_product(k1s, at_s[2], k1b)
        _scale(at_s[3], k0s)
        _scale(at_s[3], k1s)
        _scale(at_s[3], ksb)
        _take_away(k0b, k1b, ksb, cb[i + 1], at_b, inverse)
        _add_product(k0b, at_b[1], k01)
        _add_product(k0b, at_b[2], k0s)
        _add_product(k1b, at_b[2], k1s)
        _scale(at_b[3], k0b)
        _scale(at_b[3], k1b)
        _scale(at_b[3], ksb)


@njit(**_OPTIONS)
def end_currents(couplings: Array, volts: Array, out: Array) -> None:
    """Fill the currents ``out`` (4, n) of each column's ends."""
    n = volts.shape[1]
    out[:] = 0.0
    pair = 0
    for a in range(4):
        for b in range(a + 1, 4):
            for j in range(n):
                out[a, j] += couplings[pair, j] * (volts[b, j] - volts[a, j])
            for j in range(n):
                out[b, j] += couplings[pair, j] * (volts[a, j] - volts[b, j])
            pair += 1


@njit(**_OPTIONS)
def _mean(w: Array, x: Array, y: Array, z: Array, a: int, b: int, c: int, sign: float, out: Array) -> None:
    """Fill ``w[a] x + w[b] y + sign w[c] z``."""
    for j in range(out.size):
        out[j] = w[a, j] * x[j] + w[b, j] * y[j] + sign * w[c, j] * z[j]


@njit(**_OPTIONS)
def differences(volts: Array, shares: Array, across: Array, down_s: Array, down_b: Array, above: Array) -> None:
    """Fill the voltages ``across`` the cells (m, n) from source to bit line, and down the lines' segments.

    ``down_s``, ``down_b`` (m, n) are those from each node to the one below, or the source there; ``above`` (4, n) what
    the sources at the top are above the nodes of the first row: 0 and 1 above the source line's, 0 and 1 above the
    bit line's. With ``W = V0 - V1`` and ' for the next row down::

        V0 - b = w1 W + w2 (V0 - s') + w3 (V0 - b')      V1 - b = -w0 W + w2 (V1 - s') + w3 (V1 - b')
        b - s' = w0 (V0 - s') + w1 (V1 - s') - w3 (s' - b')
        s - b  = w0 (V0 - b) + w1 (V1 - b) - w3 (b - s')
    """
    m, n = across.shape
    whole, less, below, slant = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    s0, s1, b0, b1 = above[0], above[1], above[2], above[3]
    spare_0, spare_1 = np.empty(n), np.empty(n)
    for x, y, out in ((0, 1, whole), (1, 0, less), (2, 3, below), (0, 2, s0), (1, 2, s1), (0, 3, b0), (1, 3, b1)):
        for j in range(n):
            out[j] = volts[x, j] - volts[y, j]
    for back in range(m):
        i = m - 1 - back
        at_s, at_b = shares[i, 0], shares[i, 1]
        _mean(at_b, s0, s1, below, 0, 1, 3, -1.0, slant)
        _mean(at_b, b0, b1, below, 0, 1, 2, 1.0, down_b[i])
        _mean(at_s, s0, s1, slant, 0, 1, 2, 1.0, down_s[i])
        _mean(at_b, whole, s0, b0, 1, 2, 3, 1.0, spare_0)
        _mean(at_b, less, s1, b1, 0, 2, 3, 1.0, spare_1)
        for j in range(n):
            b0[j] = spare_0[j]
        for j in range(n):
            b1[j] = spare_1[j]
        _mean(at_s, whole, b0, s0, 1, 2, 3, 1.0, spare_0)
        _mean(at_s, less, b1, s1, 0, 2, 3, 1.0, spare_1)
        for j in range(n):
            s0[j] = spare_0[j]
        for j in range(n):
            s1[j] = spare_1[j]
        _mean(at_s, b0, b1, slant, 0, 1, 3, -1.0, below)
        for j in range(n):
            across[i, j] = below[j]


@njit(**_OPTIONS)
def voltages(volts: Array, shares: Array, s: Array, b: Array) -> None:
    """Fill the nodes' voltages (m, n); 0 where nothing ties a node."""
    m, n = s.shape
    next_s, next_b = volts[2].copy(), volts[3].copy()
    for back in range(m):
        i = m - 1 - back
        at_s, at_b = shares[i, 0], shares[i, 1]
        _mean(at_b, volts[0], volts[1], next_s, 0, 1, 2, 1.0, b[i])
        _add_product(at_b[3], next_b, b[i])
        _mean(at_s, volts[0], volts[1], b[i], 0, 1, 2, 1.0, s[i])
        _add_product(at_s[3], next_s, s[i])
        for j in range(n):
            next_s[j] = s[i, j]
        for j in range(n):
            next_b[j] = b[i, j]


@njit(**_OPTIONS)
def _pass_wire(ohms: Array, siemens: Array, down: Array, loop: Array, current: Array, squares: Array) -> None:
    """Add the squares of what the gaps of a row of wires drive around."""
    for j in range(current.size):
        gap = (down[j] - ohms[j] * current[j]) * min(loop[j], siemens[j])
        squares[j] += gap * gap


@njit(**_OPTIONS)
def _pass_broken(
    ohms: Array, siemens: Array, down: Array, loop: Array, current: Array, missing: Array, squares: Array
) -> None:
    """As ``_pass_wire`` for a row with breaks: what flows into one is missing."""
    for j in range(current.size):
        if ohms[j] < np.inf:
            squares[j] += ((down[j] - ohms[j] * current[j]) * min(loop[j], siemens[j])) ** 2
        else:
            missing[j] += current[j]
            squares[j] += current[j] * current[j]
            current[j] = 0.0


@njit(**_OPTIONS)
def _line(
    sign: float, g: Array, cells: Array, r: Array, c: Array, across: Array, leak: Array, leaking: bool, down: Array,
    above: Array, out_top: Array, out_bottom: Array, missing: Array, squares: Array,
) -> None:  # fmt: skip
    """Follow each column's line down, which cells leave with ``sign``; add the currents missing, and squares.

    A gap in the voltage law drives no more than itself over its segment's ohms, and no more than the line's ``cells``
    and the weaker of its ends conduct; in an end, than that end or the line's cells and the rest.
    """
    m, n = g.shape
    wire, loop, current = np.zeros(n), np.empty(n), np.empty(n)
    if m == 1:
        wire[:] = 1.0 / TINY
    for i in range(1, m):
        for j in range(n):
            wire[j] = max(wire[j], c[i, j])
    for j in range(n):
        loop[j] = cells[j] + min(c[0, j], c[m, j], wire[j])
    for j in range(n):
        current[j] = -out_top[j]
    for j in range(n):
        if c[0, j] > 0.0:
            squares[j] += ((above[j] - r[0, j] * current[j]) * min(c[0, j], cells[j] + min(c[m, j], wire[j]))) ** 2
    for i in range(m):
        for j in range(n):
            current[j] -= sign * g[i, j] * across[i, j]
        if leaking:
            for j in range(n):
                current[j] -= leak[i, j]
        if i < m - 1:
            broken = False
            for j in range(n):
                broken |= r[i + 1, j] == np.inf
            if broken:
                _pass_broken(r[i + 1], c[i + 1], down[i], loop, current, missing, squares)
            else:
                _pass_wire(r[i + 1], c[i + 1], down[i], loop, current, squares)
    for j in range(n):
        lost = current[j] - out_bottom[j]
        missing[j] += lost
        squares[j] += lost * lost
        if c[m, j] > 0.0:
            gap = down[m - 1, j] - r[m, j] * out_bottom[j]
            squares[j] += (gap * min(c[m, j], cells[j] + min(c[0, j], wire[j]))) ** 2


@njit(**_OPTIONS)
def residual(
    g: Array, rs: Array, rb: Array, cs: Array, cb: Array, volts: Array, across: Array, leak_s: Array, leak_b: Array,
    leaking: bool, down_s: Array, down_b: Array, above: Array, out: Array,
) -> tuple[float, float]:  # fmt: skip
    """Return what the end currents can be wrong by, of the largest of them, and the largest in amperes.

    Flows are running sums of the cells' currents from the top. What they leave of the current law at breaks and last
    nodes, and what their gaps in the voltage law would drive around, is what the end currents can be wrong by. Columns
    have nothing to do with each other: the worst counts. ``leak_s`` and ``leak_b`` (m, n) are what leaves nodes
    besides, where cells are ``leaking``.
    """
    m, n = g.shape
    cells, missing, squares = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(m):
        for j in range(n):
            cells[j] += g[i, j]
    _line(1.0, g, cells, rs, cs, across, leak_s, leaking, down_s, above[0], out[0], out[2], missing, squares)
    _line(-1.0, g, cells, rb, cb, across, leak_b, leaking, down_b, above[3], out[1], out[3], missing, squares)
    error = largest = most = top = 0.0
    for j in range(n):
        worst = abs(missing[j]) + SAFETY * np.sqrt(squares[j])
        error = worst if not worst <= error else error
        most = max(most, cells[j])
    for end in range(4):
        for j in range(n):
            largest = max(largest, abs(out[end, j]))
            top = max(top, abs(volts[end, j]))
    scale = max(largest, FLOOR * most * top)
    if not error < np.inf:
        return np.inf, largest
    return (error / scale if scale > 0.0 else 0.0), largest
