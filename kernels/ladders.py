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
def _pass_row(
    g: Array, v: Array, source: Array, ratios: Array, t: Array, size: Array, noise: Array
) -> None:  # fmt: skip
    """Take a row of bit lines' cells g (n,) into the Norton currents t, their sizes and their noise."""
    for j in range(t.size):
        t[j] = ratios[j] * (t[j] + g[j] * (v[j] - source[j]))
        size[j] = ratios[j] * (size[j] + g[j] * abs(v[j] - source[j]))
        noise[j] = ratios[j] * (noise[j] + g[j] * (abs(v[j]) + abs(source[j])))


@njit(**_OPTIONS)
def _kept_dividers(lb: Array, i: int, ratios: Array) -> None:
    """Fill row i's dividers from tiles."""
    panel, q = lb[i // 8], i % 8
    for j in range(ratios.size):
        ratios[j] = panel[j // 8 * 8 + q, j % 8]


@njit(**_OPTIONS)
def _new_dividers(g: Array, ohms: Array, least: float, z: Array, ratios: Array) -> None:
    """Fill a row's dividers for impedances z before cells g and segments ``ohms`` behind; take z on behind them."""
    for j in range(ratios.size):
        zc = _beyond(g[j], z[j])
        r = max(ohms[j], least)
        ratios[j] = _divider(zc, r)[0]
        z[j] = zc + r


@njit(**_OPTIONS)
def _worst(size: Array, noise: Array, loss: float) -> float:
    for j in range(size.size):
        if noise[j] > loss * size[j]:
            loss = noise[j] / size[j] if size[j] > 0.0 else np.inf
    return loss


@njit(**_OPTIONS)
def bit_end_currents(
    g: Array, rb: Array, lb: Array, split: int, joint: Array, v: Array, top: Array, bottom: Array, out_top: Array,
    out_bottom: Array,
) -> float:  # fmt: skip
    """Currents out of the array at the bit lines' ends, for word-node voltages v; as ``word_end_currents``.

    ``lb`` holds the dividers, from the top down to where the lines' parts are ``joint``, and from the bottom up to
    there (:func:`tiles.factor_bits`); those of the other direction are found anew.
    """
    m, n = g.shape
    size, noise, ratios, z = np.empty(n), np.zeros(n), np.empty(n), np.empty(n)
    upper = min(8 * split, m)
    for j in range(n):
        out_bottom[j] = (top[j] - bottom[j]) / max(rb[0, j], TINY)
        size[j] = abs(out_bottom[j])
        out_top[j] = 0.0
    for i in range(upper):
        _kept_dividers(lb, i, ratios)
        _pass_row(g[i], v[i], bottom, ratios, out_bottom, size, noise)
    for j in range(n):
        z[j] = joint[1, j]
    for i in range(upper, m):
        _new_dividers(g[i], rb[i + 1], TINY if i == m - 1 else 0.0, z, ratios)
        _pass_row(g[i], v[i], bottom, ratios, out_bottom, size, noise)
    loss: float = _worst(size, noise, 1.0)
    closed = False
    for j in range(n):
        closed |= rb[0, j] < np.inf
    if not closed:
        return loss
    for j in range(n):
        z[j] = max(rb[m, j], TINY)
        out_top[j] = (bottom[j] - top[j]) / z[j]
        size[j] = abs(out_top[j])
        noise[j] = 0.0
    for i in range(m - 1, upper, -1):
        _kept_dividers(lb, i, ratios)
        _pass_row(g[i], v[i], top, ratios, out_top, size, noise)
    if upper < m:
        # The last of the lower part has no segment behind it there.
        for j in range(n):
            z[j] = joint[2, j]
            ratios[j] = _divider(z[j], rb[upper, j])[0]
            z[j] += rb[upper, j]
        _pass_row(g[upper], v[upper], top, ratios, out_top, size, noise)
    for i in range(upper - 1, -1, -1):
        _new_dividers(g[i], rb[i], TINY if i == 0 else 0.0, z, ratios)
        _pass_row(g[i], v[i], top, ratios, out_top, size, noise)
    for j in range(n):
        if rb[0, j] == np.inf:
            out_top[j] = size[j] = noise[j] = 0.0
    return float(_worst(size, noise, loss))
