"""Quadratic forms of node voltages in small blocks of a crossbar, carried to their ports: leaves side by side.

A form ``x' M x`` of the voltages of all nodes is one of the ports' voltages once the inner nodes follow from these.
When node k goes, ``x_k = sum_j p_j x_j`` with ``p_j = c_kj / d``, so that::

    M_ij += p_i q_j + q_i p_j,    q_j = M_kj + p_j M_kk / 2

beside the couplings' own star-mesh step ``c_ij += c_ki p_j`` (:mod:`kron`). A vector has a lane for each leaf.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit
from xbarsim.kernels.vectors import LANES, every, load, madd, plus, quotient, save, times, width

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

# The columns' numbers of :class:`leaves.Step`, which are constants to the compiler.
CELL, OUT, TOTAL, BOUNDARY, PLACES_A, A, LD_A, PORTS_A, PLACES_B, B, LD_B, PORTS_B, ROW, COL = range(14)


@njit(**_OPTIONS)
def _clear(store: Array, out: int, total: int) -> None:
    zero = every(0.0)
    for e in range(out, out + total * total):
        save(store, e, zero)


@njit(**_OPTIONS)
def _put(store: Array, place: int, values: Array, top: Index, left: Index, row: int, col: int, sign: float) -> None:
    """Add each leaf's entry of a matrix to its lane of a place."""
    lanes = top.size
    for q in range(lanes):
        store[place * lanes + q] += sign * values[top[q] + row, left[q] + col]


@njit(**_OPTIONS)
def _cell(
    step: Index, places: Index, g: Array, cw: Array, cb: Array, across: Array, word_nodes: Array, bit_nodes: Array,
    top: Index, left: Index, store: Array, forms: Array,
) -> None:  # fmt: skip
    """Write one cell's couplings and its share of the form."""
    out, total, at, row, col = step[OUT], step[TOTAL], step[PLACES_A], step[ROW], step[COL]
    word, bit = places[at], places[at + 1]
    between, own_word, own_bit = (
        out + max(word, bit) * total + min(word, bit), out + word * total + word, out + bit * total + bit
    )  # fmt: skip
    _put(store, between, g, top, left, row, col, 1.0)
    _put(forms, between, across, top, left, row, col, -1.0)
    _put(forms, own_word, word_nodes, top, left, row, col, 1.0)
    _put(forms, own_bit, bit_nodes, top, left, row, col, 1.0)
    for side in range(4):
        port = places[at + 2 + side]
        if port >= 0:
            node = word if side < 2 else bit
            e = out + max(node, port) * total + min(node, port)
            if side < 2:
                _put(store, e, cw, top, left, row, col + side, 1.0)
            else:
                _put(store, e, cb, top, left, row + side - 2, col, 1.0)


@njit(**_OPTIONS)
def _scatter(store: Array, part: int, ld: int, ports: int, places: Index, at: int, out: int, total: int) -> None:
    """Add a part's lower triangle to the joint network's, its diagonal included."""
    for a in range(ports):
        pa = places[at + a]
        for b in range(a + 1):
            pb = places[at + b]
            e = out + max(pa, pb) * total + min(pa, pb)
            save(store, e, plus(load(store, e), load(store, part + a * ld + b)))


@njit(**_OPTIONS)
def _take(
    store: Array, forms: Array, out: int, total: int, k: int, last: int, share: Array, carried: Array, at: int
) -> None:
    """Write down what node k brings to those before it, at ``at``; rows ``last`` to k - 1 receive it."""
    row = out + k * total
    pivot = every(0.0)
    for j in range(k):
        pivot = plus(pivot, load(store, row + j))
    inverse = quotient(every(1.0), pivot)
    half = times(every(0.5), load(forms, row + k))
    for j in range(k):
        p = times(load(store, row + j), inverse)
        save(share, at + j, p)
        save(carried, at + j, madd(p, half, load(forms, row + j)))
    for i in range(last, k):
        c, p, q, to = load(store, row + i), load(share, at + i), load(carried, at + i), out + i * total
        for j in range(i + 1):
            p_j = load(share, at + j)
            save(store, to + j, madd(c, p_j, load(store, to + j)))
            save(forms, to + j, madd(p, load(carried, at + j), madd(q, p_j, load(forms, to + j))))


@njit(**_OPTIONS)
def _add_last(
    store: Array, forms: Array, to: int, rows: int, total: int, i: int, first: int, last: int, share: Array,
    carried: Array,
) -> None:  # fmt: skip
    """Add what four nodes bring to row i, columns ``first`` to ``last``."""
    c_0, p_0, q_0 = load(store, rows + 3 * total + i), load(share, i), load(carried, i)
    c_1, p_1, q_1 = load(store, rows + 2 * total + i), load(share, total + i), load(carried, total + i)
    c_2, p_2, q_2 = load(store, rows + total + i), load(share, 2 * total + i), load(carried, 2 * total + i)
    c_3, p_3, q_3 = load(store, rows + i), load(share, 3 * total + i), load(carried, 3 * total + i)
    for j in range(first, last):
        s_0, s_1 = load(share, j), load(share, total + j)
        s_2, s_3 = load(share, 2 * total + j), load(share, 3 * total + j)
        coupling = madd(c_0, s_0, madd(c_1, s_1, madd(c_2, s_2, madd(c_3, s_3, load(store, to + j)))))
        form = madd(q_0, s_0, madd(q_1, s_1, madd(q_2, s_2, madd(q_3, s_3, load(forms, to + j)))))
        form = madd(p_0, load(carried, j), madd(p_1, load(carried, total + j), form))
        form = madd(p_2, load(carried, 2 * total + j), madd(p_3, load(carried, 3 * total + j), form))
        save(store, to + j, coupling)
        save(forms, to + j, form)


@njit(**_OPTIONS)
def _add_four(
    store: Array, forms: Array, to: int, rows: int, total: int, i: int, columns: int, share: Array, carried: Array
) -> None:
    """Add what four nodes bring to rows i and i + 1: what each of them brings to a column is read once for both."""
    under = to + total
    c_0, p_0, q_0 = load(store, rows + 3 * total + i), load(share, i), load(carried, i)
    c_1, p_1, q_1 = load(store, rows + 2 * total + i), load(share, total + i), load(carried, total + i)
    c_2, p_2, q_2 = load(store, rows + total + i), load(share, 2 * total + i), load(carried, 2 * total + i)
    c_3, p_3, q_3 = load(store, rows + i), load(share, 3 * total + i), load(carried, 3 * total + i)
    i += 1
    d_0, r_0, u_0 = load(store, rows + 3 * total + i), load(share, i), load(carried, i)
    d_1, r_1, u_1 = load(store, rows + 2 * total + i), load(share, total + i), load(carried, total + i)
    d_2, r_2, u_2 = load(store, rows + total + i), load(share, 2 * total + i), load(carried, 2 * total + i)
    d_3, r_3, u_3 = load(store, rows + i), load(share, 3 * total + i), load(carried, 3 * total + i)
    for j in range(columns):
        s_0, s_1 = load(share, j), load(share, total + j)
        s_2, s_3 = load(share, 2 * total + j), load(share, 3 * total + j)
        t_0, t_1 = load(carried, j), load(carried, total + j)
        t_2, t_3 = load(carried, 2 * total + j), load(carried, 3 * total + j)
        save(store, to + j, madd(c_0, s_0, madd(c_1, s_1, madd(c_2, s_2, madd(c_3, s_3, load(store, to + j))))))
        save(store, under + j, madd(d_0, s_0, madd(d_1, s_1, madd(d_2, s_2, madd(d_3, s_3, load(store, under + j))))))
        form = madd(q_0, s_0, madd(q_1, s_1, madd(q_2, s_2, madd(q_3, s_3, load(forms, to + j)))))
        save(forms, to + j, madd(p_0, t_0, madd(p_1, t_1, madd(p_2, t_2, madd(p_3, t_3, form)))))
        form = madd(u_0, s_0, madd(u_1, s_1, madd(u_2, s_2, madd(u_3, s_3, load(forms, under + j)))))
        save(forms, under + j, madd(r_0, t_0, madd(r_1, t_1, madd(r_2, t_2, madd(r_3, t_3, form)))))
    _add_last(store, forms, under, rows, total, i, i, i + 1, share, carried)


@njit(**_OPTIONS)
def _eliminate(store: Array, forms: Array, out: int, total: int, boundary: int, share: Array, carried: Array) -> None:
    """Eliminate all nodes from ``boundary`` on, the last first: four at a time, whose rows are read once for all."""
    k = total
    while k - boundary >= 4:
        k -= 4
        for e in range(4):
            _take(store, forms, out, total, k + 3 - e, k, share, carried, e * total)
        rows = out + k * total
        for i in range(0, k - 1, 2):
            _add_four(store, forms, out + i * total, rows, total, i, i + 1, share, carried)
        if k % 2:
            _add_last(store, forms, out + (k - 1) * total, rows, total, k - 1, 0, k, share, carried)
    for node in range(k - 1, boundary - 1, -1):
        _take(store, forms, out, total, node, 0, share, carried, 0)


@njit(**_OPTIONS)
def carry(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, across: Array, word_nodes: Array, bit_nodes: Array,
    top: Index, left: Index, store: Array, forms: Array, share: Array, carried: Array, out: Array,
) -> None:  # fmt: skip
    """Carry a form of node voltages to the ports of at most ``LANES`` leaves of one shape.

    Parameters
    ----------
    steps, places : int64
        The leaves' schedule (:class:`blocks.Schedule`).
    g, cw, cb : (m, n), (m, n+1), (m+1, n)
        Cells, and couplings of the word- and bit-line segments, ends included, in siemens.
    across, word_nodes, bit_nodes : (m, n)
        The form: ``sum word_nodes v**2 + bit_nodes u**2 - 2 across u v``.
    top, left : (LANES,)
        Each leaf's first row and column; lanes without a leaf repeat another's.
    store, forms : (entries * LANES)
        Work space.
    share, carried : (4 * most ports of a network * LANES)
        Work space.
    out : (leaves, ports, ports)
        Receives the forms of the ports, both triangles.
    """
    lanes = width()
    last = steps[steps.shape[0] - 1]
    for first in range(0, LANES, lanes):
        if first >= out.shape[0]:
            break
        tops, lefts = top[first : first + lanes], left[first : first + lanes]
        for s in range(steps.shape[0]):
            step = steps[s]
            at, total = step[OUT], step[TOTAL]
            _clear(store, at, total)
            _clear(forms, at, total)
            if step[CELL]:
                _cell(step, places, g, cw, cb, across, word_nodes, bit_nodes, tops, lefts, store, forms)
            else:
                for part, ld, ports, place in (
                    (step[A], step[LD_A], step[PORTS_A], step[PLACES_A]),
                    (step[B], step[LD_B], step[PORTS_B], step[PLACES_B]),
                ):
                    _scatter(store, part, ld, ports, places, place, at, total)
                    _scatter(forms, part, ld, ports, places, place, at, total)
            _eliminate(store, forms, at, total, step[BOUNDARY], share, carried)
        for i in range(out.shape[1]):
            for j in range(i + 1):
                e = (last[OUT] + i * last[TOTAL] + j) * lanes
                for q in range(min(lanes, out.shape[0] - first)):
                    out[first + q, i, j] = out[first + q, j, i] = forms[e + q]
