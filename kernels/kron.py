"""Kron reduction of a crossbar to its line ends, by joining blocks of cells pair by pair.

A network is kept as its couplings only: ``c[a, b] >= 0`` siemens between nodes a and b, the lower triangle of a
square array. Eliminating node k joins all its neighbours (star-mesh)::

    d = sum_j c[k, j];    c[i, j] += c[k, i] c[k, j] / d

The pivot d is summed anew from couplings each time (Grassmann, Taksar and Heyman, Oper. Res. 33, 1985), so nothing
is ever subtracted: every coupling comes out with nearly full relative accuracy, whatever the ratio of wires to cells. A
node with d = 0 belongs to an island and is skipped. A resistance of 0 is 1e30 S, a broken one 0 S.

Nodes to be eliminated come last. Panels of them are eliminated row by row and then applied to the rest as one
symmetric rank-k update by BLAS. Small blocks are too small for that: leaves of equal shape are reduced side by
side, one in each lane of the innermost index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

PANEL = 32

# Neither has types; what they build is typed by numba.
_intrinsic: Any = intrinsic
_alloca_once: Any = cgutils.alloca_once

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}


def dsyrk_address() -> int:
    """Address of the BLAS routine that SciPy ships; ``merge`` takes it as an argument so that it can be cached."""
    address: int = get_cython_function_address("scipy.linalg.cython_blas", "dsyrk")
    return address


@_intrinsic
def _dsyrk(typing: Any, address: Any, n: Any, k: Any, a: Any, lda: Any, c: Any, ldc: Any) -> Any:
    """``C += A A'`` on the upper triangle of column-major C (n, n), A (n, k), through a BLAS address."""
    signature = types.void(types.intp, types.intc, types.intc, types.voidptr, types.intc, types.voidptr, types.intc)

    def generate(context: Any, builder: Any, _: Any, args: Any) -> Any:
        byte, word, real = ir.IntType(8), ir.IntType(32), ir.DoubleType()

        def stored(value: Any) -> Any:
            slot = _alloca_once(builder, value.type)
            builder.store(value, slot)
            return slot

        address, n, k, a, lda, c, ldc = args
        one = ir.Constant(real, 1.0)
        uplo = stored(ir.Constant(byte, ord("U")))
        trans = stored(ir.Constant(byte, ord("N")))
        arguments = [uplo, trans, stored(n), stored(k), stored(one), a, stored(lda), stored(one), c, stored(ldc)]
        kinds = [byte, byte, word, word, real, byte, word, real, byte, word]
        function = ir.FunctionType(ir.VoidType(), [kind.as_pointer() for kind in kinds])
        builder.call(builder.inttoptr(address, function.as_pointer()), arguments)
        return context.get_dummy_value()

    return signature, generate


@_intrinsic
def _pointer(typing: Any, array: Any, offset: Any) -> Any:
    """Address of ``array.flat[offset]`` of a contiguous float64 array."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())

    return types.voidptr(array, types.intp), generate


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _sum(a: Array) -> float:
    """Sum in whatever order is fastest: all terms are positive."""
    total = 0.0
    for j in range(a.size):
        total += a[j]
    return total


@njit(**_OPTIONS)
def _scatter(part: Array, ports: int, places: Index, joint: Array) -> None:
    """Add a part's couplings to the joint network's lower triangle."""
    for a in range(ports):
        pa = places[a]
        for b in range(a):
            pb = places[b]
            if pa > pb:
                joint[pa, pb] += part[a, b]
            else:
                joint[pb, pa] += part[a, b]


@njit(**_OPTIONS)
def eliminate(joint: Array, kept: int, inverse: Array, panel: Array, dsyrk: int) -> None:
    """Eliminate all nodes from ``kept`` on; fill ``inverse`` (total - kept,) with 1/pivot, 0 for islands.

    Rows from ``kept`` on end as ``c[k, :k]``, each as it was when k was eliminated: what ``extend`` needs.
    ``panel`` is work space, (PANEL, total).
    """
    total = joint.shape[0]
    end = total
    while end > kept:
        start = max(kept, end - PANEL)
        for k in range(end - 1, start - 1, -1):
            row = joint[k, :k]
            pivot = _sum(row)
            inv = 1.0 / pivot if pivot > 0.0 else 0.0
            inverse[k - kept] = inv
            for i in range(start, k):
                share = row[i] * inv
                if share > 0.0:
                    other = joint[i, :i]
                    for j in range(i):
                        other[j] += share * row[j]
            root = np.sqrt(inv)
            scaled = panel[k - start]
            for j in range(start):
                scaled[j] = root * row[j]
        if start > 1:
            _dsyrk(
                dsyrk,
                np.intc(start),
                np.intc(end - start),
                _pointer(panel, 0),
                np.intc(panel.shape[1]),
                _pointer(joint, 0),
                np.intc(total),
            )
        end = start


@njit(**_OPTIONS)
def merge(
    a: Array,
    ports_a: int,
    places_a: Index,
    b: Array,
    ports_b: int,
    places_b: Index,
    kept: int,
    joint: Array,
    inverse: Array,
    panel: Array,
    dsyrk: int,
) -> None:
    """Join two blocks in the zeroed ``joint`` (total, total) and eliminate the ports they share."""
    _scatter(a, ports_a, places_a, joint)
    _scatter(b, ports_b, places_b, joint)
    eliminate(joint, kept, inverse, panel, dsyrk)


@njit(**_OPTIONS)
def symmetric(lower: Array, whole: Array) -> None:
    """Fill ``whole`` (ports, ports) with the first nodes' couplings, both triangles, and a diagonal of 0."""
    ports = whole.shape[0]
    # In squares that fit in the cache: one of the two sides is written across its rows.
    for row in range(0, ports, 32):
        for col in range(0, row + 1, 32):
            for i in range(row, min(row + 32, ports)):
                for j in range(col, min(col + 32, i)):
                    whole[i, j] = lower[i, j]
                    whole[j, i] = lower[i, j]
    for i in range(ports):
        whole[i, i] = 0.0


@njit(**_OPTIONS)
def extend(rows: Array, inverse: Array, x: Array) -> None:
    """Extend voltages x (total, batch), known on the kept nodes, to the eliminated ones.

    ``x[k] = sum_{j<k} c[k, j] x[j] / d``: a weighted mean. ``rows`` (eliminated, total) are what ``eliminate`` left.
    """
    eliminated, total = rows.shape
    kept = total - eliminated
    for e in range(eliminated):
        k = kept + e
        for q in range(x.shape[1]):
            x[k, q] = 0.0
        for j in range(k):
            share = rows[e, j] * inverse[e]
            if share > 0.0:
                for q in range(x.shape[1]):
                    x[k, q] += share * x[j, q]


@njit(**_OPTIONS)
def _clear(store: Array, out: int, total: int) -> None:
    lanes = store.shape[1]
    block = store.reshape(store.size)[out * lanes : (out + total * total) * lanes]
    for e in range(block.size):
        block[e] = 0.0


@njit(**_OPTIONS)
def _leaf_cell(
    step: Index, places: Index, g: Array, cw: Array, cb: Array, top: Index, left: Index, store: Array
) -> None:
    """Write one cell's couplings, in all lanes."""
    out, total, at, row, col = step[1], step[2], step[4], step[12], step[13]
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
def _leaf_eliminate(store: Array, out: int, total: int, kept: int, inverse: Array, share: Array) -> None:
    """``eliminate`` in all lanes; each row's unused diagonal place keeps 1/pivot."""
    lanes = store.shape[1]
    for k in range(total - 1, kept - 1, -1):
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
        out, total, kept = step[1], step[2], step[3]
        if step[0] == 1:
            _leaf_cell(step, places, g, cw, cb, top, left, store)
        else:
            _clear(store, out, total)
            _leaf_scatter(store, step[5], step[6], step[7], places, step[4], out, total)
            _leaf_scatter(store, step[9], step[10], step[11], places, step[8], out, total)
        _leaf_eliminate(store, out, total, kept, inverse, share)


@njit(**_OPTIONS)
def reduce_leaves(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, top: Index, left: Index, store: Array, out: Array
) -> None:
    """Reduce leaves of one shape side by side.

    Parameters
    ----------
    steps, places : int64
        Their schedule (:class:`blocks.Schedule`).
    g, cw, cb : (m, n), (m, n+1), (m+1, n)
        Cells, and couplings of the word- and bit-line segments, ends included, in siemens.
    top, left : (lanes,)
        Each leaf's first row and column.
    store : (entries, lanes)
        Work space.
    out : (lanes, ports, ports)
        Receives each leaf's couplings, lower triangle.
    """
    _leaf_forward(steps, places, g, cw, cb, top, left, store)
    last = steps[steps.shape[0] - 1]
    for a in range(out.shape[1]):
        for b in range(a):
            for q in range(top.size):
                out[q, a, b] = store[last[1] + a * last[2] + b, q]


@njit(**_OPTIONS)
def _leaf_backward(steps: Index, places: Index, store: Array, x: Array) -> None:
    """Fill x (voltages, lanes) with all nodes' voltages, from those of the ports, which the last step has."""
    lanes = x.shape[1]
    for s in range(steps.shape[0] - 1, -1, -1):
        step = steps[s]
        out, total, kept, at = step[1], step[2], step[3], step[14]
        for k in range(kept, total):
            mean, row = x[at + k], out + k * total
            for q in range(lanes):
                mean[q] = 0.0
            for j in range(k):
                share, known = store[row + j], x[at + j]
                for q in range(lanes):
                    mean[q] += share[q] * known[q]
            inverse = store[row + k]
            for q in range(lanes):
                mean[q] *= inverse[q]
        if step[0] != 1:
            for a in range(step[7]):
                for q in range(lanes):
                    x[step[15] + a, q] = x[at + places[step[4] + a], q]
            for b in range(step[11]):
                for q in range(lanes):
                    x[step[16] + b, q] = x[at + places[step[8] + b], q]


@njit(**_OPTIONS)
def leaf_voltages(
    steps: Index,
    places: Index,
    g: Array,
    cw: Array,
    cb: Array,
    top: Index,
    left: Index,
    store: Array,
    x: Array,
    ports: Array,
    v: Array,
    u: Array,
) -> None:
    """Voltages of every node of leaves whose port voltages are known; the schedule must be one that keeps all.

    ``x`` (voltages, lanes) is work space, ``ports`` (batch, ports, lanes) what is known; fills ``v, u`` (batch, m, n).
    """
    _leaf_forward(steps, places, g, cw, cb, top, left, store)
    for vector in range(ports.shape[0]):
        last = steps[steps.shape[0] - 1]
        for a in range(ports.shape[1]):
            for q in range(top.size):
                x[last[14] + a, q] = ports[vector, a, q]
        _leaf_backward(steps, places, store, x)
        for s in range(steps.shape[0]):
            step = steps[s]
            if step[0] == 1:
                word, bit = x[step[14] + places[step[4]]], x[step[14] + places[step[4] + 1]]
                for q in range(top.size):
                    v[vector, top[q] + step[12], left[q] + step[13]] = word[q]
                    u[vector, top[q] + step[12], left[q] + step[13]] = bit[q]


@njit(**_OPTIONS)
def leaf_gradients(
    steps: Index,
    places: Index,
    g: Array,
    cw: Array,
    cb: Array,
    top: Index,
    left: Index,
    store: Array,
    x: Array,
    weights: Array,
    drops: Array,
    out: Array,
) -> None:
    """``out[cell] = sum_ab weights[a, b] d_a d_b`` with d_a the cell's voltage for 1 V at port a, 0 V at the others.

    The schedule must be one that keeps all. ``weights`` (ports, ports, lanes); ``x`` (voltages, lanes) and ``drops``
    (cells, ports, lanes) are work space; fills the leaves' cells in ``out`` (m, n).
    """
    lanes, ports = top.size, weights.shape[0]
    _leaf_forward(steps, places, g, cw, cb, top, left, store)
    last = steps[steps.shape[0] - 1]
    for a in range(ports):
        for b in range(ports):
            for q in range(lanes):
                x[last[14] + b, q] = 1.0 if a == b else 0.0
        _leaf_backward(steps, places, store, x)
        cell = 0
        for s in range(steps.shape[0]):
            step = steps[s]
            if step[0] == 1:
                word, bit, drop = x[step[14] + places[step[4]]], x[step[14] + places[step[4] + 1]], drops[cell, a]
                for q in range(lanes):
                    drop[q] = word[q] - bit[q]
                cell += 1
    cell = 0
    total, inner = np.empty(lanes), np.empty(lanes)
    for s in range(steps.shape[0]):
        step = steps[s]
        if step[0] == 1:
            total[:] = 0.0
            for a in range(ports):
                inner[:] = 0.0
                for b in range(ports):
                    weight, drop = weights[a, b], drops[cell, b]
                    for q in range(lanes):
                        inner[q] += weight[q] * drop[q]
                drop = drops[cell, a]
                for q in range(lanes):
                    total[q] += inner[q] * drop[q]
            for q in range(lanes):
                out[top[q] + step[12], left[q] + step[13]] = total[q]
            cell += 1


@njit(**_OPTIONS)
def terminal_currents(couplings: Array, volts: Array, out: Array) -> None:
    """Currents out of the network at its terminals: ``sum_t c[k, t] (V_t - V_k)``.

    ``couplings`` (ports, ports), ``volts`` (batch, ports), ``out`` (batch, ports).
    """
    for b in range(volts.shape[0]):
        for k in range(couplings.shape[0]):
            zero = volts[b, k]
            total = 0.0
            for t in range(couplings.shape[0]):
                total += couplings[k, t] * (volts[b, t] - zero)
            out[b, k] = total
