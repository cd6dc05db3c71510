"""Quadratic forms of node voltages in small blocks of a crossbar, carried to their ports: leaves side by side.

A form ``x' M x`` of the voltages of all nodes is one of the ports' voltages once the inner nodes follow from these.
When node k goes, ``x_k = sum_j p_j x_j`` with ``p_j = c_kj / d``, so that::

    M_ij += p_i q_j + q_i p_j,    q_j = M_kj + p_j M_kk / 2

beside the couplings' own star-mesh step (:mod:`kron`). The innermost index is over leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.leaves import (
    BOUNDARY,
    CELL,
    COL,
    LD_A,
    LD_B,
    OUT,
    PLACES_A,
    PLACES_B,
    PORTS_A,
    PORTS_B,
    ROW,
    TOTAL,
    A,
    B,
)
from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _clear(store: Array, out: int, total: int) -> None:
    for e in range(out, out + total * total):
        row = store[e]
        for q in range(row.size):
            row[q] = 0.0


@njit(**_OPTIONS)
def _cell(
    step: Index, places: Index, g: Array, cw: Array, cb: Array, across: Array, word_nodes: Array, bit_nodes: Array,
    top: Index, left: Index, store: Array, forms: Array,
) -> None:  # fmt: skip
    """Write one cell's couplings and its share of the form, in all lanes."""
    out, total, at, row, col = step[OUT], step[TOTAL], step[PLACES_A], step[ROW], step[COL]
    word, bit = places[at], places[at + 1]
    between = out + max(word, bit) * total + min(word, bit)
    _clear(store, out, total)
    _clear(forms, out, total)
    for q in range(top.size):
        i, j = top[q] + row, left[q] + col
        store[between, q] = g[i, j]
        forms[between, q] = -across[i, j]
        forms[out + word * total + word, q] = across[i, j] + word_nodes[i, j]
        forms[out + bit * total + bit, q] = across[i, j] + bit_nodes[i, j]
    for side in range(4):
        port = places[at + 2 + side]
        if port >= 0:
            node = word if side < 2 else bit
            e = out + max(node, port) * total + min(node, port)
            for q in range(top.size):
                i, j = top[q] + row, left[q] + col
                if side < 2:
                    store[e, q] = cw[i, j + side]
                else:
                    store[e, q] = cb[i + side - 2, j]


@njit(**_OPTIONS)
def _scatter(store: Array, part: int, ld: int, ports: int, places: Index, at: int, out: int, total: int) -> None:
    """Add a part's lower triangle to the joint network's, its diagonal included."""
    for a in range(ports):
        pa = places[at + a]
        for b in range(a + 1):
            pb = places[at + b]
            source = store[part + a * ld + b]
            target = store[out + max(pa, pb) * total + min(pa, pb)]
            for q in range(source.size):
                target[q] += source[q]


@njit(**_OPTIONS)
def _eliminate(store: Array, forms: Array, out: int, total: int, boundary: int, share: Array, carried: Array) -> None:
    lanes = store.shape[1]
    inverse = share[total]
    for k in range(total - 1, boundary - 1, -1):
        row = out + k * total
        for q in range(lanes):
            inverse[q] = 0.0
        for j in range(k):
            c = store[row + j]
            for q in range(lanes):
                inverse[q] += c[q]
        for q in range(lanes):
            inverse[q] = 1.0 / inverse[q] if inverse[q] > 0.0 else 0.0
        own = forms[row + k]
        for j in range(k):
            c, form, p, half = store[row + j], forms[row + j], share[j], carried[j]
            for q in range(lanes):
                p[q] = c[q] * inverse[q]
                half[q] = form[q] + 0.5 * p[q] * own[q]
        for i in range(k):
            p, half = share[i], carried[i]
            for j in range(i + 1):
                e = out + i * total + j
                target, form, c, p_j, half_j = store[e], forms[e], store[row + j], share[j], carried[j]
                for q in range(lanes):
                    target[q] += p[q] * c[q]
                    form[q] += p[q] * half_j[q] + half[q] * p_j[q]


@njit(**_OPTIONS)
def carry(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, across: Array, word_nodes: Array, bit_nodes: Array,
    top: Index, left: Index, store: Array, forms: Array, share: Array, carried: Array, out: Array,
) -> None:  # fmt: skip
    """Carry a form of node voltages to the ports of leaves of one shape.

    Parameters
    ----------
    steps, places : int64
        The leaves' schedule (:class:`blocks.Schedule`).
    g, cw, cb : (m, n), (m, n+1), (m+1, n)
        Cells, and couplings of the word- and bit-line segments, ends included, in siemens.
    across, word_nodes, bit_nodes : (m, n)
        The form: ``sum across (v - u)**2 + word_nodes v**2 + bit_nodes u**2``.
    top, left : (lanes,)
        Each leaf's first row and column.
    store, forms : (entries, lanes)
        Work space.
    share, carried : (most ports of a network + 1, lanes)
        Work space.
    out : (lanes, ports, ports)
        Receives the forms of the ports, both triangles.
    """
    for s in range(steps.shape[0]):
        step = steps[s]
        at, total = step[OUT], step[TOTAL]
        if step[CELL]:
            _cell(step, places, g, cw, cb, across, word_nodes, bit_nodes, top, left, store, forms)
        else:
            _clear(store, at, total)
            _clear(forms, at, total)
            for part, ld, ports, first in ((step[A], step[LD_A], step[PORTS_A], step[PLACES_A]),
                                           (step[B], step[LD_B], step[PORTS_B], step[PLACES_B])):  # fmt: skip
                _scatter(store, part, ld, ports, places, first, at, total)
                _scatter(forms, part, ld, ports, places, first, at, total)
        _eliminate(store, forms, at, total, step[BOUNDARY], share, carried)
    last = steps[steps.shape[0] - 1]
    for i in range(out.shape[1]):
        for j in range(i + 1):
            e = last[OUT] + i * last[TOTAL] + j
            for q in range(out.shape[0]):
                out[q, i, j] = out[q, j, i] = forms[e, q]
