"""A crossbar's lines as ladders: their factors, and the currents at their ends.

Nothing here is ever formed from sums of ``1/r`` or differences of conductances. Seen from a line's *near* end (word
lines: left; bit lines: bottom) the far part of it, its cells held at zero on their other side, is an impedance z::

    zc = z / (1 + g z)        node and its cell in parallel with what lies beyond
    l  = zc / (zc + r)        the share of a Norton current that passes the next segment r (and the voltage divider)
    k  = r l                  r and zc in parallel
    z <- zc + r

A source of 0 ohm is one of ``TINY`` ohm: no other resistance of the circuit notices.

Arrays: ``g`` (m, n); ``rw`` (m, n+1) word-line segments with the left end first and the right end last; ``rb``
(m+1, n) bit-line segments, top end first. All are C-contiguous float64. Resistances may be ``inf``. The end currents'
functions take dividers as :mod:`tiles` lays them out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

TINY = 1e-30
"""Ohms that stand for an ideal source's zero."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


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
def word_end_currents(
    g: Array, rw: Array, lw: Array, u: Array, left: Array, right: Array, out_left: Array, out_right: Array
) -> float:
    """Currents out of the array at the word lines' ends, for bit-node voltages u; return the digits' worst loss.

    Each is the Norton current of its line with that end's source as the zero of voltage: sums of
    ``g (u - source)`` alone, so that two strong sources at equal voltages do not drown what the cells take. Where a
    cell ties its bit node so firmly to this source that u is the source's voltage but for rounding, the differences
    carry few digits: the loss is the largest ratio of ``sum g (|u| + |source|)`` to ``sum g |u - source|``.
    """
    m, n = g.shape
    loss = 1.0
    for i in range(m):
        panel, q = lw[i // 8], i % 8
        far = max(rw[i, n], TINY)
        t = (right[i] - left[i]) / far
        size = abs(t)
        noise = 0.0
        for j in range(n - 1, -1, -1):
            t += g[i, j] * (u[i, j] - left[i])
            size += g[i, j] * abs(u[i, j] - left[i])
            noise += g[i, j] * (abs(u[i, j]) + abs(left[i]))
            ratio = panel[j, q]
            t *= ratio
            size *= ratio
            noise *= ratio
        out_left[i] = t
        if noise > loss * size:
            loss = noise / size if size > 0.0 else np.inf
        t = 0.0
        if far < np.inf:
            near = max(rw[i, 0], TINY)
            t = (left[i] - right[i]) / near
            size = abs(t)
            noise = 0.0
            z = near
            for j in range(n):
                t += g[i, j] * (u[i, j] - right[i])
                size += g[i, j] * abs(u[i, j] - right[i])
                noise += g[i, j] * (abs(u[i, j]) + abs(right[i]))
                zc = _beyond(g[i, j], z)
                r = rw[i, j + 1] if j < n - 1 else far
                ratio = _divider(zc, r)[0]
                t *= ratio
                size *= ratio
                noise *= ratio
                z = zc + r
            if noise > loss * size:
                loss = noise / size if size > 0.0 else np.inf
        out_right[i] = t
    return loss


@njit(**_OPTIONS)
def bit_end_currents(
    g: Array, rb: Array, lb: Array, v: Array, top: Array, bottom: Array, out_top: Array, out_bottom: Array
) -> float:
    """Currents out of the array at the bit lines' ends, for word-node voltages v; as ``word_end_currents``."""
    m, n = g.shape
    size, noise = np.empty(n), np.zeros(n)
    for j in range(n):
        out_bottom[j] = (top[j] - bottom[j]) / max(rb[0, j], TINY)
        size[j] = abs(out_bottom[j])
        out_top[j] = 0.0
    ratios = np.empty(n)
    for i in range(m):
        panel, q = lb[i // 8], i % 8
        for j in range(n):
            ratios[j] = panel[j // 8 * 8 + q, j % 8]
        for j in range(n):
            out_bottom[j] = ratios[j] * (out_bottom[j] + g[i, j] * (v[i, j] - bottom[j]))
            size[j] = ratios[j] * (size[j] + g[i, j] * abs(v[i, j] - bottom[j]))
            noise[j] = ratios[j] * (noise[j] + g[i, j] * (abs(v[i, j]) + abs(bottom[j])))
    loss = 1.0
    for j in range(n):
        if noise[j] > loss * size[j]:
            loss = noise[j] / size[j] if size[j] > 0.0 else np.inf
        far = max(rb[0, j], TINY)
        if far < np.inf:
            near = max(rb[m, j], TINY)
            t = (bottom[j] - top[j]) / near
            total, unsure = abs(t), 0.0
            z = near
            for i in range(m - 1, -1, -1):
                t += g[i, j] * (v[i, j] - top[j])
                total += g[i, j] * abs(v[i, j] - top[j])
                unsure += g[i, j] * (abs(v[i, j]) + abs(top[j]))
                zc = _beyond(g[i, j], z)
                r = rb[i, j] if i > 0 else far
                ratio = _divider(zc, r)[0]
                t *= ratio
                total *= ratio
                unsure *= ratio
                z = zc + r
            if unsure > loss * total:
                loss = unsure / total if total > 0.0 else np.inf
            out_top[j] = t
    return loss
