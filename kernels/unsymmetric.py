"""Node voltages where cells are not symmetric, as transistors, by biconjugate gradients, each line solved exactly.

Cells take ``a v - b u`` from their word nodes and bring it to their bit nodes. Word lines' cells are ``a`` then, bit
lines' cells ``b``, and ``v = Aw^-1 (b u + sw)``, ``u = Ab^-1 (a v + sb)``.

Lines are ladders, with dividers l and k of :mod:`ladders` for each node: injected currents s run towards the near end
(word lines: left; bit lines: bottom), ``y <- s + l' y'``, and voltages come back, ``v <- l v' + k y``. For positive
data every operation is a sum or product of positive numbers, so results keep their relative accuracy component by
component, from wires of 1e-12 ohm to broken ones.

Arrays are C-contiguous float64, (m, n) but for those of the lines: ``lw, kw, lb, kb`` dividers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

CONVERGED = 0
NOT_CONVERGED = 1

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _word_lines(s: Array, lw: Array, kw: Array, near: Array, far: Array, v: Array, y: Array, arriving: Array) -> None:
    """Solve every word line for injected currents ``s``.

    ``near`` (m,) are the left source voltages, ``far`` (m,) the Norton currents of the right ends, ``y`` (n, 4) is
    work space; ``arriving`` (m,) receives the currents that would flow into grounded left sources. Four lines run
    at a time: each is a recurrence, and four of them hide its latency.
    """
    m, n = s.shape
    whole = m - m % 4
    for i in range(0, whole, 4):
        s0, s1, s2, s3 = s[i], s[i + 1], s[i + 2], s[i + 3]
        l0, l1, l2, l3 = lw[i], lw[i + 1], lw[i + 2], lw[i + 3]
        k0, k1, k2, k3 = kw[i], kw[i + 1], kw[i + 2], kw[i + 3]
        x0, x1, x2, x3 = v[i], v[i + 1], v[i + 2], v[i + 3]
        t0, t1, t2, t3 = far[i], far[i + 1], far[i + 2], far[i + 3]
        for back in range(1, n + 1):
            at = np.uint64(n - back)  # unsigned: no test for indices that count from the end
            t0 += s0[at]
            t1 += s1[at]
            t2 += s2[at]
            t3 += s3[at]
            y[at, 0], y[at, 1], y[at, 2], y[at, 3] = t0, t1, t2, t3
            t0 *= l0[at]
            t1 *= l1[at]
            t2 *= l2[at]
            t3 *= l3[at]
        arriving[i], arriving[i + 1], arriving[i + 2], arriving[i + 3] = t0, t1, t2, t3
        t0, t1, t2, t3 = near[i], near[i + 1], near[i + 2], near[i + 3]
        for j in range(n):
            t0 = l0[j] * t0 + k0[j] * y[j, 0]
            t1 = l1[j] * t1 + k1[j] * y[j, 1]
            t2 = l2[j] * t2 + k2[j] * y[j, 2]
            t3 = l3[j] * t3 + k3[j] * y[j, 3]
            x0[j], x1[j], x2[j], x3[j] = t0, t1, t2, t3
    for i in range(whole, m):
        t0 = far[i]
        for back in range(1, n + 1):
            at = np.uint64(n - back)
            t0 += s[i, at]
            y[at, 0] = t0
            t0 *= lw[i, at]
        arriving[i] = t0
        t0 = near[i]
        for j in range(n):
            t0 = lw[i, j] * t0 + kw[i, j] * y[j, 0]
            v[i, j] = t0


@njit(**_OPTIONS)
def _down(g: Array, v: Array, lb: Array, y: Array) -> None:
    """Norton currents down all bit lines: ``y[i] = g v + lb y[i-1]``; row 0 of y holds what enters on top.

    Two rows at a time, so that the row between them stays in registers. The columns advance together.
    """
    m, n = g.shape
    for j in range(n):
        y[0, j] += g[0, j] * v[0, j]
    for i in range(1, m - 1, 2):
        for j in range(n):
            t = g[i, j] * v[i, j] + lb[i - 1, j] * y[i - 1, j]
            y[i, j] = t
            y[i + 1, j] = g[i + 1, j] * v[i + 1, j] + lb[i, j] * t
    if m % 2 == 0:
        for j in range(n):
            y[m - 1, j] = g[m - 1, j] * v[m - 1, j] + lb[m - 2, j] * y[m - 2, j]


@njit(**_OPTIONS)
def _down_with(g: Array, v: Array, offset: Array, lb: Array, y: Array) -> None:
    """As ``_down``, with a current ``offset`` (m, n) of its own into each node."""
    m, n = g.shape
    for j in range(n):
        y[0, j] += g[0, j] * v[0, j] + offset[0, j]
    for i in range(1, m):
        for j in range(n):
            y[i, j] = g[i, j] * v[i, j] + offset[i, j] + lb[i - 1, j] * y[i - 1, j]


@njit(**_OPTIONS)
def _bit_lines(
    g: Array, v: Array, offset: Array, lb: Array, kb: Array, near: Array, far: Array, u: Array, arriving: Array
) -> None:
    """Solve every bit line for the injected currents ``g v``, and ``offset`` if that is not empty.

    ``near`` (n,) are the bottom source voltages, ``far`` (n,) the Norton currents of the top ends; ``arriving``
    (n,) receives the currents that would flow into grounded bottom sources.
    """
    m, n = g.shape
    for j in range(n):
        u[0, j] = far[j]
    if offset.size > 0:
        _down_with(g, v, offset, lb, u)
    else:
        _down(g, v, lb, u)
    for j in range(n):
        arriving[j] = lb[m - 1, j] * u[m - 1, j]
        u[m - 1, j] = kb[m - 1, j] * u[m - 1, j] + lb[m - 1, j] * near[j]
    for pair in range(1, m - 1, 2):
        i = m - 1 - pair
        for j in range(n):
            t = lb[i, j] * u[i + 1, j] + kb[i, j] * u[i, j]
            u[i, j] = t
            u[i - 1, j] = lb[i - 1, j] * t + kb[i - 1, j] * u[i - 1, j]
    if m % 2 == 0:
        for j in range(n):
            u[0, j] = lb[0, j] * u[1, j] + kb[0, j] * u[0, j]


@njit(**_OPTIONS)
def _into_word_lines(g: Array, u: Array, offset: Array, s: Array) -> None:
    """``s = g u - offset``: what the cells send into the word lines for bit-node voltages u."""
    m, n = g.shape
    for i in range(m):
        for j in range(n):
            s[i, j] = g[i, j] * u[i, j]
    if offset.size > 0:
        for i in range(m):
            for j in range(n):
                s[i, j] -= offset[i, j]


@njit(**_OPTIONS)
def _miss(
    a: Array, b: Array, lw: Array, kw: Array, lb: Array, kb: Array, p: Array, u: Array, s: Array, y: Array, image: Array
) -> None:
    """``image = p - Aw^-1 b Ab^-1 a p``, by passes over the lines alone; u and s (m, n) are work space."""
    m, n = a.shape
    zero_w, zero_b, spare_w, spare_b = np.zeros(m), np.zeros(n), np.empty(m), np.empty(n)
    empty = np.empty((0, 0))
    _bit_lines(a, p, empty, lb, kb, zero_b, zero_b, u, spare_b)
    _into_word_lines(b, u, empty, s)
    _word_lines(s, lw, kw, zero_w, zero_w, image, y, spare_w)
    for i in range(m):
        for j in range(n):
            image[i, j] = p[i, j] - image[i, j]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _inner(x: Array, y: Array) -> float:
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += x[i, j] * y[i, j]
    return total


@njit(**_OPTIONS)
def solve(
    a: Array, b: Array, leaving: Array, entering: Array, lw: Array, kw: Array, lb: Array, kb: Array, near_w: Array,
    far_w: Array, near_b: Array, far_b: Array, tolerance: float, max_iterations: int, v: Array, u: Array,
    arriving_w: Array, arriving_b: Array, work: Array, y: Array,
) -> tuple[int, int]:  # fmt: skip
    """Solve one boundary, for cells that take ``a v - b u + leaving`` and bring ``a v - b u + entering``.

    Fill v, u (m, n) and the ends' ``arriving`` currents; return (status, iterations). On entry u holds a guess, or
    zeros. The dividers are those of word lines with cells ``a`` and bit lines with cells ``b``; ``near_w`` (m,) are
    the left source voltages, ``far_w`` the Norton currents of the right ends, ``near_b`` and ``far_b`` (n,) the same
    of bottom and top ends.
    Biconjugate gradients (van der Vorst, SIAM J. Sci. Stat. Comput. 13, 631, 1992) on ``v - Aw^-1 b Ab^-1 a v``, whose
    every product is a pass over both layers. They stop when no node's balance moves it by more than ``tolerance`` of
    the largest voltage; the balance is recomputed from the lines, and they start anew if it is not so.

    ``work`` is (8, m, n), ``y`` (n, 4).
    """
    m, n = a.shape
    r, shadow, p, image, step, turned, spare_u, spare_s = (
        work[0], work[1], work[2], work[3], work[4], work[5], work[6], work[7],
    )  # fmt: skip
    iterations = 0
    _into_word_lines(b, u, leaving, spare_s)
    _word_lines(spare_s, lw, kw, near_w, far_w, v, y, arriving_w)
    status = NOT_CONVERGED
    for _ in range(40):
        # One pass over both layers; what it changes is the residual.
        _bit_lines(a, v, entering, lb, kb, near_b, far_b, u, arriving_b)
        _into_word_lines(b, u, leaving, spare_s)
        _word_lines(spare_s, lw, kw, near_w, far_w, spare_u, y, arriving_w)
        worst = volts = 0.0
        for i in range(m):
            for j in range(n):
                r[i, j] = spare_u[i, j] - v[i, j]
                shadow[i, j] = r[i, j]
                p[i, j] = r[i, j]
                worst = max(worst, abs(r[i, j]))
                volts = max(volts, abs(v[i, j]), abs(u[i, j]))
        if worst <= tolerance * volts or volts == 0.0:
            status = CONVERGED
            break
        if iterations >= max_iterations:
            break
        rho = _inner(shadow, r)
        while iterations < max_iterations:
            iterations += 1
            _miss(a, b, lw, kw, lb, kb, p, spare_u, spare_s, y, image)
            down = _inner(shadow, image)
            if down == 0.0:
                break
            alpha = rho / down
            for i in range(m):
                for j in range(n):
                    step[i, j] = r[i, j] - alpha * image[i, j]
            _miss(a, b, lw, kw, lb, kb, step, spare_u, spare_s, y, turned)
            size = _inner(turned, turned)
            omega = _inner(turned, step) / size if size > 0.0 else 0.0
            worst = 0.0
            for i in range(m):
                for j in range(n):
                    v[i, j] += alpha * p[i, j] + omega * step[i, j]
                    r[i, j] = step[i, j] - omega * turned[i, j]
                    worst = max(worst, abs(r[i, j]))
            if worst <= 0.3 * tolerance * volts or omega == 0.0:
                break
            before = rho
            rho = _inner(shadow, r)
            if rho == 0.0:
                break
            beta = rho / before * (alpha / omega)
            for i in range(m):
                for j in range(n):
                    p[i, j] = r[i, j] + beta * (p[i, j] - omega * image[i, j])
    return status, iterations
