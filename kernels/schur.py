"""Node voltages of a crossbar by conjugate gradients on the word layer, each line solved exactly.

With v the word-line and u the bit-line node voltages, Kirchhoff's current law is ``[Aw -G; -G Ab][v; u] = [sw; sb]``.
Aw and Ab are sets of independent lines (tridiagonal), so eliminating u leaves ``(Aw - G Ab^-1 G) v = sw + G Ab^-1 sb``,
solved by conjugate gradients preconditioned with ``Aw^-1``.

Nothing here is ever formed from sums of ``1/r`` or differences of conductances: a line is a ladder. Seen from
its *near* end (word lines: left; bit lines: bottom) the far part of the line, its cells held at zero on their
other side, is an impedance z::

    zc = z / (1 + g z)        node and its cell in parallel with what lies beyond
    l  = zc / (zc + r)        the share of a Norton current that passes the next segment r (and the voltage divider)
    k  = r l                  r and zc in parallel
    z <- zc + r

Injected currents s run towards the near end, ``y <- s + l' y'``, and voltages come back, ``v <- l v' + k y``.
For positive data every operation is a sum or product of positive numbers, so results keep their relative
accuracy component by component, from wires of 1e-12 ohm to broken ones. A source of 0 ohm is one of ``TINY`` ohm:
no other resistance of the circuit notices.

Arrays: ``g`` (m, n); ``rw`` (m, n+1) word-line segments with the left end first and the right end last; ``rb``
(m+1, n) bit-line segments, top end first. All are C-contiguous float64. Resistances may be ``inf``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

TINY = 1e-30
"""Ohms that stand for an ideal source's zero."""

CONVERGED = 0
NOT_CONVERGED = 1

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _dot(a: Array, b: Array) -> float:
    """``a . b``; only here may the compiler reorder a sum, to keep several in flight."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@njit(**_OPTIONS)
def _beyond(g: float, z: float) -> float:
    """Impedance of a cell g in parallel with z; z may be inf, g may be 0."""
    if z == np.inf:
        return 1.0 / g if g > 0.0 else np.inf
    return z / (1.0 + g * z)


@njit(**_OPTIONS)
def _divider(zc: float, r: float) -> tuple[float, float]:
    """``l = zc/(zc + r)`` and ``k = r l`` with their limits; a node with nothing on either side gets 0, 0."""
    if r == np.inf:
        return 0.0, (0.0 if zc == np.inf else zc)
    if zc == np.inf:
        return 1.0, r
    ratio = zc / (zc + r)
    return ratio, r * ratio


@njit(**_OPTIONS)
def factor_word(g: Array, rw: Array, lw: Array, kw: Array, zw: Array) -> None:
    """Fill the word lines' dividers ``lw, kw`` (m, n) and ``zw`` (m,), the impedance seen from each left source."""
    m, n = g.shape
    # Eight lines side by side keep the dividers busy; one line alone waits for each division.
    for top in range(0, m, 8):
        bottom = min(top + 8, m)
        for i in range(top, bottom):
            zw[i] = max(rw[i, n], TINY)
        for j in range(n - 1, -1, -1):
            for i in range(top, bottom):
                zc = _beyond(g[i, j], zw[i])
                r = rw[i, j] if j > 0 else max(rw[i, 0], TINY)
                lw[i, j], kw[i, j] = _divider(zc, r)
                zw[i] = zc + r


@njit(**_OPTIONS)
def factor_bit(g: Array, rb: Array, lb: Array, kb: Array, zb: Array) -> None:
    """Fill the bit lines' dividers ``lb, kb`` (m, n) and ``zb`` (n,), the impedance seen from each bottom source."""
    m, n = g.shape
    for j in range(n):
        zb[j] = max(rb[0, j], TINY)
    for i in range(m):
        last = i == m - 1
        for j in range(n):
            zc = _beyond(g[i, j], zb[j])
            r = max(rb[m, j], TINY) if last else rb[i + 1, j]
            lb[i, j], kb[i, j] = _divider(zc, r)
            zb[j] = zc + r


@njit(**_OPTIONS)
def _word_lines(s: Array, lw: Array, kw: Array, near: Array, far: Array, v: Array, y: Array, arriving: Array) -> float:
    """Solve every word line for injected currents ``s``; return ``s . v``.

    ``near`` (m,) are the left source voltages, ``far`` (m,) the Norton currents of the right ends, ``y`` (n, 4) is
    work space; ``arriving`` (m,) receives the currents that would flow into grounded left sources. Four lines run
    at a time: each is a recurrence, and four of them hide its latency.
    """
    m, n = s.shape
    dot = 0.0
    whole = m - m % 4
    for i in range(0, whole, 4):
        t0, t1, t2, t3 = far[i], far[i + 1], far[i + 2], far[i + 3]
        for j in range(n - 1, -1, -1):
            t0 += s[i, j]
            t1 += s[i + 1, j]
            t2 += s[i + 2, j]
            t3 += s[i + 3, j]
            y[j, 0] = t0
            y[j, 1] = t1
            y[j, 2] = t2
            y[j, 3] = t3
            t0 *= lw[i, j]
            t1 *= lw[i + 1, j]
            t2 *= lw[i + 2, j]
            t3 *= lw[i + 3, j]
        arriving[i], arriving[i + 1], arriving[i + 2], arriving[i + 3] = t0, t1, t2, t3
        v0, v1, v2, v3 = near[i], near[i + 1], near[i + 2], near[i + 3]
        d0 = d1 = d2 = d3 = 0.0
        for j in range(n):
            v0 = lw[i, j] * v0 + kw[i, j] * y[j, 0]
            v1 = lw[i + 1, j] * v1 + kw[i + 1, j] * y[j, 1]
            v2 = lw[i + 2, j] * v2 + kw[i + 2, j] * y[j, 2]
            v3 = lw[i + 3, j] * v3 + kw[i + 3, j] * y[j, 3]
            d0 += s[i, j] * v0
            d1 += s[i + 1, j] * v1
            d2 += s[i + 2, j] * v2
            d3 += s[i + 3, j] * v3
            v[i, j] = v0
            v[i + 1, j] = v1
            v[i + 2, j] = v2
            v[i + 3, j] = v3
        dot += (d0 + d1) + (d2 + d3)
    for i in range(whole, m):
        t0 = far[i]
        for j in range(n - 1, -1, -1):
            t0 += s[i, j]
            y[j, 0] = t0
            t0 *= lw[i, j]
        arriving[i] = t0
        v0 = near[i]
        for j in range(n):
            v0 = lw[i, j] * v0 + kw[i, j] * y[j, 0]
            dot += s[i, j] * v0
            v[i, j] = v0
    return dot


@njit(**_OPTIONS)
def _bit_lines(
    g: Array, v: Array, lb: Array, kb: Array, near: Array, far: Array, u: Array, arriving: Array
) -> None:
    """Solve every bit line for the injected currents ``g v``.

    ``near`` (n,) are the bottom source voltages, ``far`` (n,) the Norton currents of the top ends; ``arriving``
    (n,) receives the currents that would flow into grounded bottom sources.
    """
    m, n = g.shape
    for j in range(n):
        u[0, j] = far[j] + g[0, j] * v[0, j]
    for i in range(1, m):
        for j in range(n):
            u[i, j] = g[i, j] * v[i, j] + lb[i - 1, j] * u[i - 1, j]
    for j in range(n):
        arriving[j] = lb[m - 1, j] * u[m - 1, j]
        u[m - 1, j] = kb[m - 1, j] * u[m - 1, j] + lb[m - 1, j] * near[j]
    for i in range(m - 2, -1, -1):
        for j in range(n):
            u[i, j] = lb[i, j] * u[i + 1, j] + kb[i, j] * u[i, j]


@njit(**_OPTIONS)
def _step(
    g: Array, lb: Array, kb: Array, beta: float, z: Array, r: Array, p: Array, w: Array, u: Array, arriving: Array
) -> float:
    """Next direction ``p = z + beta p`` and its image ``q = w - G Ab^-1 G p``, written over z; return ``p . q``.

    One pass down the bit lines and one back up, rows innermost so that all lines advance together; ``u`` (n,) is
    work space, ``arriving`` (n,) receives the currents that p sends into grounded bottom ends.
    """
    m, n = g.shape
    for i in range(m):
        for j in range(n):
            p[i, j] = z[i, j] + beta * p[i, j]
            w[i, j] = r[i, j] + beta * w[i, j]
        if i == 0:
            for j in range(n):
                z[i, j] = g[i, j] * p[i, j]
        else:
            for j in range(n):
                z[i, j] = g[i, j] * p[i, j] + lb[i - 1, j] * z[i - 1, j]
    for j in range(n):
        arriving[j] = lb[m - 1, j] * z[m - 1, j]
        u[j] = 0.0
    curvature = 0.0
    for back in range(m):
        i = m - 1 - back
        for j in range(n):
            u[j] = lb[i, j] * u[j] + kb[i, j] * z[i, j]
            z[i, j] = w[i, j] - g[i, j] * u[j]
        curvature += _dot(p[i], z[i])
    return curvature


@njit(**_OPTIONS)
def _outputs_settled(change: Array, total: Array, alpha: float, tolerance: float) -> bool:
    """Add ``alpha * change`` to the outputs ``total``; whether each moved by less than ``tolerance`` of itself.

    Outputs below 1e-8 of the largest may be true zeros (bipolar inputs) and are held to 1e-8 of it.
    """
    largest = 0.0
    for j in range(total.size):
        total[j] += alpha * change[j]
        largest = max(largest, abs(total[j]))
    settled = True
    for j in range(total.size):
        if abs(alpha * change[j]) > tolerance * max(abs(total[j]), 1e-8 * largest):
            settled = False
    return settled


@njit(**_OPTIONS)
def solve(
    g: Array,
    lw: Array,
    kw: Array,
    lb: Array,
    kb: Array,
    near_w: Array,
    far_w: Array,
    near_b: Array,
    far_b: Array,
    tolerance: float,
    max_iterations: int,
    v: Array,
    u: Array,
    arriving_w: Array,
    arriving_b: Array,
    work: Array,
    y: Array,
) -> tuple[int, int]:
    """Solve one boundary; fill v, u (m, n) and the ends' ``arriving`` currents; return (status, iterations).

    Conjugate gradients start from the word lines alone (u = 0), where the residual is ``G u``, and never multiply
    by Aw: with ``z = Aw^-1 r`` and ``p = z + beta p``, ``w = Aw p`` follows as ``w = r + beta w``. They stop
    when the residual's energy ``r . Aw^-1 r`` has fallen by ``tolerance**2`` and no output moves any more. One more
    pass over both layers then recomputes everything from positive quantities.

    ``work`` is (4, m, n), ``y`` (n, 4).
    """
    m, n = g.shape
    r, z, p, w = work[0], work[1], work[2], work[3]
    zero_w = np.zeros(m)
    spare_w = np.empty(m)
    spare_b = np.empty(n)
    change = np.empty(n)
    for i in range(m):
        for j in range(n):
            r[i, j] = 0.0
    _word_lines(r, lw, kw, near_w, far_w, v, y, arriving_w)
    _bit_lines(g, v, lb, kb, near_b, far_b, u, arriving_b)
    for i in range(m):
        for j in range(n):
            r[i, j] = g[i, j] * u[i, j]
            p[i, j] = 0.0
            w[i, j] = 0.0
    first = _word_lines(r, lw, kw, zero_w, zero_w, z, y, spare_w)
    energy = first
    beta = 0.0
    status = CONVERGED if first == 0.0 else NOT_CONVERGED
    iterations = 0
    while status == NOT_CONVERGED and iterations < max_iterations:
        iterations += 1
        curvature = _step(g, lb, kb, beta, z, r, p, w, spare_b, change)
        if not curvature > 0.0:
            # Rounding has exhausted the direction: p is as good as zero.
            status = CONVERGED
            break
        alpha = energy / curvature
        for i in range(m):
            for j in range(n):
                v[i, j] += alpha * p[i, j]
                r[i, j] -= alpha * z[i, j]
        settled = _outputs_settled(change, arriving_b, alpha, tolerance)
        new_energy = _word_lines(r, lw, kw, zero_w, zero_w, z, y, spare_w)
        if new_energy <= tolerance * tolerance * first and settled:
            status = CONVERGED
        beta = new_energy / energy
        energy = new_energy
    _bit_lines(g, v, lb, kb, near_b, far_b, u, arriving_b)
    for i in range(m):
        for j in range(n):
            r[i, j] = g[i, j] * u[i, j]
    _word_lines(r, lw, kw, near_w, far_w, v, y, arriving_w)
    _bit_lines(g, v, lb, kb, near_b, far_b, u, arriving_b)
    return status, iterations
