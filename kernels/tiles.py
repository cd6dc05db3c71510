"""A crossbar's nodes in tiles of eight by eight, as :mod:`schur` goes through them, and its lines' dividers.

An array (m, n) of nodes becomes (panels, width, 8), panels of eight rows, both sizes rounded up to eights. In the word
layer's order the eight nodes of a column of a panel follow one another: what runs along eight word lines is one stream
of vectors. In the bit layer's order each tile, eight vectors, is turned: its rows follow one another. Beyond the last
row and column there are no cells, and dividers pass on what arrives.

Dividers are those of :mod:`ladders`.
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
def to_words(a: Array, out: Array) -> None:
    """Lay out a (m, n) in the word layer's order; what is beyond becomes 0."""
    m, n = a.shape
    for b in range(out.shape[0]):
        panel = out[b]
        for q in range(8):
            i = 8 * b + q
            if i < m:
                row = a[i]
                for j in range(n):
                    panel[j, q] = row[j]
            else:
                for j in range(n):
                    panel[j, q] = 0.0
        for j in range(n, out.shape[1]):
            panel[j] = 0.0


@njit(**_OPTIONS)
def from_words(tiled: Array, out: Array) -> None:
    """Fill ``out`` (m, n) from the word layer's order."""
    m, n = out.shape
    for i in range(m):
        panel, row, q = tiled[i // 8], out[i], i % 8
        for j in range(n):
            row[j] = panel[j, q]


@njit(**_OPTIONS)
def to_bits(a: Array, out: Array) -> None:
    """Lay out a (m, n) in the bit layer's order; what is beyond becomes 0."""
    m, n = a.shape
    for b in range(out.shape[0]):
        for first in range(0, out.shape[1], 8):
            for q in range(8):
                row = out[b, first + q]
                i = 8 * b + q
                for c in range(8):
                    j = first + c
                    row[c] = a[i, j] if i < m and j < n else 0.0


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
def alike(rw: Array, rb: Array) -> bool:
    """Whether each column's word-line segments, and each row's bit-line segments, have the same ohms, not inf."""
    for i in range(rw.shape[0]):
        for j in range(rw.shape[1] - 1):
            if not rw[i, j] == rw[0, j] < np.inf:
                return False
    for i in range(1, rb.shape[0]):
        for j in range(rb.shape[1]):
            if not rb[i, j] == rb[i, 0] < np.inf:
                return False
    return True


@njit(**_OPTIONS)
def factor_words(g: Array, rw: Array, lw: Array, kw: Array) -> None:
    """Fill the word lines' dividers for cells g (panels, width, 8) and segments ``rw`` (m, n+1).

    Where segments are alike, ``kw`` is (panels, width) and receives their ohms.
    """
    m, n = rw.shape[0], rw.shape[1] - 1
    z = np.empty(8)
    for b in range(g.shape[0]):
        for q in range(8):
            z[q] = max(rw[8 * b + q, n], TINY) if 8 * b + q < m else 1.0
        for j in range(n, g.shape[1]):
            lw[b, j] = 1.0
            kw[b, j] = 0.0
        for back in range(1, n + 1):
            j = n - back
            ohms = rw[0, j] if j > 0 else max(rw[0, 0], TINY)
            if kw.ndim == 2:
                kw[b, j] = ohms
            for q in range(8):
                i = min(8 * b + q, m - 1)
                r = ohms
                if kw.ndim == 3:
                    r = rw[i, j] if j > 0 else max(rw[i, 0], TINY)
                zc = _beyond(g[b, j, q], z[q])
                ratio, k = _divider(zc, r)
                lw[b, j, q] = ratio
                if kw.ndim == 3:
                    kw[b, j, q] = k
                z[q] = zc + r


@njit(**_OPTIONS)
def _factor_row(g: Array, b: int, q: int, ohms: Array, least: float, z: Array, lb: Array, kb: Array) -> None:
    """Take row q of panel b of bit lines, with segments ``ohms`` (n,) behind it, onto the impedances z."""
    m, n = g.shape
    i = 8 * b + q
    if kb.ndim == 2:
        kb[b, q] = max(ohms[0], least) if i < m else 0.0
    for first in range(0, lb.shape[1], 8):
        for c in range(8):
            j = first + c
            ratio, k = 1.0, 0.0
            if i < m and j < n:
                zc = _beyond(g[i, j], z[j])
                r = max(ohms[j], least)
                ratio, k = _divider(zc, r)
                z[j] = zc + r
            lb[b, first + q, c] = ratio
            if kb.ndim == 3:
                kb[b, first + q, c] = k


@njit(**_OPTIONS)
def factor_bits(g: Array, rb: Array, lb: Array, kb: Array, split: int, joint: Array) -> None:
    """Fill the bit lines' dividers for cells g (m, n) and segments ``rb`` (m+1, n).

    Panels below ``split`` are followed from the top down, the others from the bottom up; the segment between them is
    the upper ones'. Where they meet, ``joint[0]`` (3, width) is the impedance of both, ``joint[1]`` that of the upper
    part and ``joint[2]`` that of the lower one. Where segments are alike, ``kb`` is (panels, 8) and receives their
    ohms.
    """
    m, n = g.shape
    panels, width = lb.shape[0], lb.shape[1]
    z, no_ohms = np.ones(width), np.zeros(n)
    for j in range(n):
        z[j] = max(rb[0, j], TINY)
    for b in range(split):
        for q in range(8):
            i = 8 * b + q
            _factor_row(g, b, q, rb[min(i, m - 1) + 1], TINY if i == m - 1 else 0.0, z, lb, kb)
    if split == panels:
        return
    for j in range(n):
        joint[1, j] = z[j]
        z[j] = max(rb[m, j], TINY)
    for b in range(panels - 1, split - 1, -1):
        for q in range(7, -1, -1):
            i = 8 * b + q
            _factor_row(g, b, q, rb[min(i, m)] if i > 8 * split else no_ohms, 0.0, z, lb, kb)
    joint[0] = 0.0
    for j in range(n):
        joint[2, j] = z[j]
        parallel = _beyond(1.0 / joint[1, j], z[j])
        joint[0, j] = parallel if parallel < np.inf else 0.0  # what nothing holds stays at 0
