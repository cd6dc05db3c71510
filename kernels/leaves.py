"""Node voltages in small blocks of a crossbar, the leaves of its Kron reduction: leaves of one shape side by side.

As :mod:`kron` eliminates nodes, with its innermost index over leaves; voltages come back as pairs (:mod:`ports`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


class Step(NamedTuple):
    """A row of a leaf's schedule: one cell's network, or two parts joined, and nodes eliminated.

    Attributes
    ----------
    cell : int
        1 for a cell, 0 for a join.
    out, total, boundary : int
        Where in the storage its network goes, its nodes (the storage's leading dimension), and how many are kept.
    places_a, places_b : int
        Where in the schedule's places those of the parts' ports start; a cell has the first only.
    a, b, ld_a, ld_b, ports_a, ports_b : int
        Where a join's parts lie in the storage, their leading dimensions, and how many ports they have.
    row, col : int
        Of the cell, or of the block's first.
    x, x_a, x_b : int
        Where the voltages of its nodes go, and those of its parts.
    """

    cell: int
    out: int
    total: int
    boundary: int
    places_a: int
    a: int = 0
    ld_a: int = 0
    ports_a: int = 0
    places_b: int = 0
    b: int = 0
    ld_b: int = 0
    ports_b: int = 0
    row: int = 0
    col: int = 0
    x: int = 0
    x_a: int = 0
    x_b: int = 0


# The columns' numbers, which are constants to the compiler.
CELL, OUT, TOTAL, BOUNDARY, PLACES_A, A, LD_A, PORTS_A, PLACES_B, B, LD_B, PORTS_B, ROW, COL, X, X_A, X_B = range(17)


@njit(**_OPTIONS)
def _clear(store: Array, out: int, total: int) -> None:
    for e in range(out, out + total * total):
        for q in range(store.shape[1]):
            store[e, q] = 0.0


@njit(**_OPTIONS)
def _leaf_cell(
    step: Index, places: Index, g: Array, cw: Array, cb: Array, top: Index, left: Index, store: Array
) -> None:
    """Write one cell's couplings, in all lanes."""
    out, total, at, row, col = step[OUT], step[TOTAL], step[PLACES_A], step[ROW], step[COL]
    word, bit = places[at], places[at + 1]
    _clear(store, out, total)
    for q in range(top.size):
        store[out + max(word, bit) * total + min(word, bit), q] = g[top[q] + row, left[q] + col]
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
def _leaf_scatter(store: Array, part: int, ld: int, ports: int, places: Index, at: int, out: int, total: int) -> None:
    for a in range(ports):
        pa = places[at + a]
        for b in range(a):
            pb = places[at + b]
            source = store[part + a * ld + b]
            target = store[out + max(pa, pb) * total + min(pa, pb)]
            for q in range(source.size):
                target[q] += source[q]


@njit(**_OPTIONS)
def _leaf_eliminate(store: Array, out: int, total: int, boundary: int, inverse: Array, share: Array) -> None:
    """``eliminate`` in all lanes; each row's unused diagonal place keeps 1/pivot."""
    lanes = store.shape[1]
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
            store[row + k, q] = inverse[q]
        for i in range(1, k):
            c = store[row + i]
            for q in range(lanes):
                share[q] = c[q] * inverse[q]
            for j in range(i):
                c = store[row + j]
                target = store[out + i * total + j]
                for q in range(lanes):
                    target[q] += share[q] * c[q]


@njit(**_OPTIONS)
def _leaf_forward(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, top: Index, left: Index, store: Array
) -> None:
    lanes = top.size
    inverse, share = np.empty(lanes), np.empty(lanes)
    for s in range(steps.shape[0]):
        step = steps[s]
        out, total, boundary = step[OUT], step[TOTAL], step[BOUNDARY]
        if step[CELL]:
            _leaf_cell(step, places, g, cw, cb, top, left, store)
        else:
            _clear(store, out, total)
            _leaf_scatter(store, step[A], step[LD_A], step[PORTS_A], places, step[PLACES_A], out, total)
            _leaf_scatter(store, step[B], step[LD_B], step[PORTS_B], places, step[PLACES_B], out, total)
        _leaf_eliminate(store, out, total, boundary, inverse, share)


@njit(**_OPTIONS)
def eliminate_leaves(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, top: Index, left: Index, store: Array
) -> None:
    """Reduce leaves of one shape side by side, with all that their schedule keeps in ``store`` (entries, lanes).

    Parameters
    ----------
    steps, places : int64
        Their schedule (:class:`blocks.Schedule`).
    g, cw, cb : (m, n), (m, n+1), (m+1, n)
        Cells, and couplings of the word- and bit-line segments, ends included, in siemens.
    top, left : (lanes,)
        Each leaf's first row and column.
    """
    _leaf_forward(steps, places, g, cw, cb, top, left, store)


@njit(**_OPTIONS)
def _backward_pairs(steps: Index, places: Index, store: Array, x: Array, low: Array) -> None:
    """Fill ``x + low`` (voltages, lanes) with all nodes' voltages, from those of the ports, which the last step has.

    They are taken as differences from each node's heaviest neighbour.
    """
    lanes = x.shape[1]
    heaviest, base, low_base, above = np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    for s in range(steps.shape[0] - 1, -1, -1):
        step = steps[s]
        out, total, boundary, at = step[OUT], step[TOTAL], step[BOUNDARY], step[X]
        for k in range(boundary, total):
            row = out + k * total
            for q in range(lanes):
                heaviest[q], base[q], low_base[q], above[q] = 0.0, 0.0, 0.0, 0.0
            for j in range(k):
                for q in range(lanes):
                    if store[row + j, q] > heaviest[q]:
                        heaviest[q], base[q], low_base[q] = store[row + j, q], x[at + j, q], low[at + j, q]
            for j in range(k):
                for q in range(lanes):
                    above[q] += store[row + j, q] * ((x[at + j, q] - base[q]) + (low[at + j, q] - low_base[q]))
            for q in range(lanes):
                more = above[q] * store[row + k, q] + low_base[q]
                whole = base[q] + more
                part = whole - base[q]
                x[at + k, q] = whole
                low[at + k, q] = (base[q] - (whole - part)) + (more - part)
        if not step[CELL]:
            # One by one: a row's own copy needs numba's run-time library, which kept kernels are loaded without.
            for numbers in (x, low):
                for a in range(step[PORTS_A]):
                    source = at + places[step[PLACES_A] + a]
                    for q in range(lanes):
                        numbers[step[X_A] + a, q] = numbers[source, q]
                for b in range(step[PORTS_B]):
                    source = at + places[step[PLACES_B] + b]
                    for q in range(lanes):
                        numbers[step[X_B] + b, q] = numbers[source, q]


@njit(**_OPTIONS)
def leaf_voltages(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, top: Index, left: Index, store: Array, pairs: Array,
    ports: Array, v: Array, u: Array,
) -> None:  # fmt: skip
    """Voltages of every node of leaves whose port voltages are known; the schedule must be one that keeps all.

    Voltages are pairs: ``pairs`` (2, voltages, lanes) is work space, ``ports`` (2, batch, ports, lanes) what is known;
    fills ``v, u`` (2, batch, m, n).
    """
    _leaf_forward(steps, places, g, cw, cb, top, left, store)
    last = steps[steps.shape[0] - 1]
    x, low = pairs[0], pairs[1]
    for vector in range(ports.shape[1]):
        for a in range(ports.shape[2]):
            for q in range(top.size):
                x[last[X] + a, q], low[last[X] + a, q] = ports[0, vector, a, q], ports[1, vector, a, q]
        _backward_pairs(steps, places, store, x, low)
        for s in range(steps.shape[0]):
            step = steps[s]
            if step[CELL]:
                word, bit = step[X] + places[step[PLACES_A]], step[X] + places[step[PLACES_A] + 1]
                for q in range(top.size):
                    i, j = top[q] + step[ROW], left[q] + step[COL]
                    v[0, vector, i, j], v[1, vector, i, j] = x[word, q], low[word, q]
                    u[0, vector, i, j], u[1, vector, i, j] = x[bit, q], low[bit, q]
