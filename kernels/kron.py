"""Kron reduction of a crossbar to its line ends, by joining blocks of cells pair by pair.

A network is kept as its couplings only: ``c[a, b] >= 0`` siemens between nodes a and b, the lower triangle of a
square array, row after row. Eliminating node k joins all its neighbours (star-mesh)::

    d = sum_j c[k, j];    c[i, j] += c[k, i] c[k, j] / d

The pivot d is summed anew from couplings each time (Grassmann, Taksar and Heyman, Oper. Res. 33, 1985), so nothing
is ever subtracted: every coupling comes out with nearly full relative accuracy, whatever the ratio of wires to cells. A
node with d = 0 belongs to an island and is skipped. A resistance of 0 is 1e30 S, a broken one 0 S.

Nodes to be eliminated come last, and go a panel at a time, the last one first. What the nodes after a panel add to it
is one product of matrices. Within it a pivot needs of the nodes before the panel only the sum of their couplings,
which follows the elimination as any coupling does. So the panel's own square is eliminated alone, and gives the matrix
that turns the panel's rows into what they are when their nodes go. Each is kept as ``y[k, :] = c[k, :] / sqrt(d)``:
all together add ``y' y`` to the nodes that stay. Every factor of every product is non-negative. Small blocks are
too small for that: :mod:`lanes` reduces those side by side.

A block's ports that it shares with its next partner come last, in the same order on both sides: joining copies rows.
:class:`trees.JoinStep` says how a step is written down.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.blas import blas_address
from xbarsim.kernels.intrinsics import intrinsic
from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

PANEL = 32
"""Most nodes that are eliminated at a time."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

# The columns' numbers, which are constants to the compiler.
SHARED, BOUNDARY, PORTS_A, PORTS_B, A, B, C, ROWS, ROOTS, PIECES, FIRST = range(11)

_SMALLEST = float(np.finfo(np.float64).tiny)

_PLAIN, _TURNED = ord("N"), ord("T")


@cache
def blas_addresses() -> tuple[int, int]:
    """Addresses of the routines dgemm and dsyrk that SciPy ships; arguments, so that kernels can be kept."""
    return blas_address("dgemm"), blas_address("dsyrk")


def _matrix(a: Array, at: int, rows: int, cols: int, stride: int) -> Array:
    return np.lib.stride_tricks.as_strided(a[at:], (rows, cols), (stride * a.itemsize, a.itemsize))


def _call(context: Any, builder: Any, address: Any, kinds: str, values: list[Any]) -> Any:
    """Call a BLAS routine: letters, words and reals go by their address, arrays (p) have theirs."""
    from llvmlite import ir
    from numba.core import cgutils

    # None has types; what it builds is typed by numba.
    alloca_once: Any = cgutils.alloca_once
    forms = {"c": ir.IntType(8), "i": ir.IntType(32), "d": ir.DoubleType()}
    pointers = []
    for kind, operand in zip(kinds, values, strict=True):
        value = operand
        if kind != "p":
            if isinstance(operand, float | int):
                value = ir.Constant(forms[kind], operand)
            elif kind != "d":
                value = builder.trunc(operand, forms[kind])
            slot = alloca_once(builder, forms[kind])
            builder.store(value, slot)
            value = slot
        pointers.append(value)
    function = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in pointers])
    builder.call(builder.inttoptr(address, function.as_pointer()), pointers)
    return context.get_dummy_value()


def _pointer(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at])


def _product(
    gemm: int, form_a: int, m: int, n: int, k: int, a: Array, at_a: int, stride_a: int, b: Array, at_b: int,
    stride_b: int, beta: float, c: Array, at_c: int, stride_c: int,
) -> None:  # fmt: skip
    left = _matrix(a, at_a, m, k, stride_a) if form_a == _PLAIN else _matrix(a, at_a, k, m, stride_a).T
    out, product = _matrix(c, at_c, m, n, stride_c), left @ _matrix(b, at_b, k, n, stride_b)
    out[:] = product if beta == 0.0 else beta * out + product


@intrinsic(_product)
def _gemm(
    typing: Any, gemm: Any, form_a: Any, m: Any, n: Any, k: Any, a: Any, at_a: Any, stride_a: Any, b: Any, at_b: Any,
    stride_b: Any, beta: Any, c: Any, at_c: Any, stride_c: Any,
) -> Any:  # fmt: skip
    """``C = op(A) B + beta C``, C being m x n; a matrix starts at a place of a flat array and has a row stride.

    To BLAS, whose matrices lie column by column, all are turned: ``C' = B' op(A)'``.
    """
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pa, pb, pc = (_pointer(context, builder, signature.args[k], args[k], args[k + 1]) for k in (5, 8, 12))
        values = [_PLAIN, args[1], args[3], args[2], args[4], 1.0, pb, args[10], pa, args[7], args[11], pc, args[14]]
        return _call(context, builder, args[0], "cciiidpipidpi", values)

    i = types.intp
    return types.void(i, i, i, i, i, a, i, i, b, i, i, types.float64, c, i, i), generate


def _square(syrk: int, n: int, k: int, a: Array, at_a: int, stride_a: int, c: Array, at_c: int, stride_c: int) -> None:
    rows, lower = _matrix(a, at_a, k, n, stride_a), np.tril_indices(n)
    # Above the diagonal is memory that nothing has been written to.
    _matrix(c, at_c, n, n, stride_c)[lower] += (rows.T @ rows)[lower]


@intrinsic(_square)
def _syrk(
    typing: Any, syrk: Any, n: Any, k: Any, a: Any, at_a: Any, stride_a: Any, c: Any, at_c: Any, stride_c: Any
) -> Any:
    """``C += A' A`` on the lower triangle, n x n, which to BLAS is an upper one."""
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pa, pc = (_pointer(context, builder, signature.args[k], args[k], args[k + 1]) for k in (3, 6))
        values = [ord("U"), _PLAIN, args[1], args[2], 1.0, pa, args[5], 1.0, pc, args[8]]
        return _call(context, builder, args[0], "cciidpidpi", values)

    i = types.intp
    return types.void(i, i, i, a, i, i, c, i, i), generate


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _sum(a: Array) -> float:
    """Sum in whatever order is fastest: all terms are positive."""
    total = 0.0
    for j in range(a.size):
        total += a[j]
    return total


@njit(**_OPTIONS)
def _copy(out: Array, to: int, a: Array, at: int, size: int) -> None:
    target, source = out[to : to + size], a[at : at + size]
    for j in range(size):
        target[j] = source[j]


@njit(**_OPTIONS)
def _pivots(x: Array, stride: int, before: int, y: Array, at: int, roots: Array, turn: Array, outside: Array) -> None:
    """Eliminate a panel's nodes among themselves, the last one first.

    Parameters
    ----------
    x, stride
        The panel's rows, with all that later nodes add; its own square begins at column ``before``.
    y, at
        Receives the columns of that square, as they are when each node goes, each row divided by the root of
        its pivot.
    roots : (size,)
        Receives ``1 / sqrt(pivot)``, 0 for islands.
    turn : (size * size)
        Receives the matrix that makes the earlier columns of ``y`` from those of ``x``.
    rest : (size,)
        Work space.
    """
    size = roots.size
    for k in range(size):
        outside[k] = _sum(x[k * stride : k * stride + before])
    for k in range(size - 1, -1, -1):
        square = x[k * stride + before : k * stride + before + k]
        shares = turn[k * size : k * size + k]
        pivot = outside[k] + _sum(square)
        inverse = 1.0 / pivot if pivot >= _SMALLEST else 0.0
        roots[k] = np.sqrt(inverse)
        for i in range(k):
            share = square[i] * inverse
            shares[i] = share
            outside[i] += share * outside[k]
            earlier = x[i * stride + before : i * stride + before + i]
            for j in range(i):
                earlier[j] += share * square[j]
        final = y[at + k * stride + before : at + k * stride + before + k]
        for j in range(k):
            final[j] = roots[k] * square[j]
    # Row i gets what it had, and of each later node's final row the share that it took.
    for i in range(size - 1, -1, -1):
        row = turn[i * size : i * size + size]
        row[i:] = 0.0
        row[i] = 1.0
        for k in range(i + 1, size):
            share = turn[k * size + i]
            later = turn[k * size : k * size + size]
            for m in range(k, size):
                row[m] += share * later[m]
    for i in range(size):
        row = turn[i * size : i * size + size]
        row[:i] = 0.0
        for m in range(i, size):
            row[m] *= roots[i]


@njit(**_OPTIONS)
def _panel_size(nodes: int) -> int:
    return 16 if nodes < 128 else PANEL


@njit(**_OPTIONS)
def _eliminate_panel(
    start: int, end: int, nodes: int, boundary: int, rows: Array, at: int, roots: Array, work: Array, gemm: int
) -> None:
    """Eliminate the shared nodes from ``start`` to ``end``, whose rows lie at the start of ``work`` as they came."""
    total = boundary + nodes
    size = end - start
    turn = work[PANEL * total : PANEL * total + size * size]
    outside = work[PANEL * (total + PANEL) : PANEL * (total + PANEL) + size]
    if end < nodes:
        later = at + end * total
        _gemm(
            gemm, _TURNED, size, boundary + end, nodes - end, rows, later + boundary + start, total, rows, later,
            total, 1.0, work, 0, total,
        )  # fmt: skip
    first_row = at + start * total
    before = boundary + start
    _pivots(work, total, before, rows, first_row, roots[start:end], turn, outside)
    _gemm(gemm, _PLAIN, size, before, size, turn, 0, size, work, 0, total, 0.0, rows, first_row, total)


def work_size(total: int) -> int:
    """Numbers of work space that eliminating nodes of a network of ``total`` takes."""
    return PANEL * (total + PANEL + 1)


@njit(**_OPTIONS)
def _shared_rows(step: Index, a: Array, at_a: int, b: Array, at_b: int, start: int, end: int, work: Array) -> None:
    """Write the rows of some shared nodes: couplings to the kept ones, then to the shared ones before."""
    nodes, total = step[SHARED], step[BOUNDARY] + step[SHARED]
    ports_a, ports_b = step[PORTS_A], step[PORTS_B]
    own_a, own_b = ports_a - nodes, ports_b - nodes
    for k in range(start, end):
        row_a, row_b = at_a + (own_a + k) * ports_a, at_b + (own_b + k) * ports_b
        at = (k - start) * total
        for piece in range(FIRST, FIRST + 3 * step[PIECES], 3):
            block, row = (a, row_a) if step[piece] == 0 else (b, row_b)
            _copy(work, at, block, row + step[piece + 1], step[piece + 2])
            at += step[piece + 2]
        _copy(work, at, a, row_a + own_a, k)
        if ports_b > 0:
            before, more = work[at : at + k], b[row_b + own_b : row_b + own_b + k]
            for j in range(k):
                before[j] += more[j]


@njit(**_OPTIONS)
def _kept_rows(step: Index, a: Array, at_a: int, b: Array, at_b: int, c: Array, at_c: int) -> None:
    """Write what the kept ports have between them: nothing from one block to the other."""
    at = at_c
    last = FIRST + 3 * step[PIECES]
    for piece in range(FIRST, last, 3):
        block, start, ports = (a, at_a, step[PORTS_A]) if step[piece] == 0 else (b, at_b, step[PORTS_B])
        for i in range(step[piece + 2]):
            row, to = start + (step[piece + 1] + i) * ports, at
            for earlier in range(FIRST, piece + 3, 3):
                size = i if earlier == piece else step[earlier + 2]
                if step[earlier] == step[piece]:
                    _copy(c, to, block, row + step[earlier + 1], size)
                else:
                    c[to : to + size] = 0.0
                to += size
            at += step[BOUNDARY]


@njit(**_OPTIONS)
def _join(
    step: Index, a: Array, at_a: int, b: Array, at_b: int, c: Array, at_c: int, rows: Array, at_rows: int, roots: Array,
    work: Array, gemm: int, syrk: int,
) -> None:  # fmt: skip
    nodes, boundary = step[SHARED], step[BOUNDARY]
    end = nodes
    while end > 0:
        start = max(0, end - _panel_size(nodes))
        _shared_rows(step, a, at_a, b, at_b, start, end, work)
        _eliminate_panel(start, end, nodes, boundary, rows, at_rows, roots, work, gemm)
        end = start
    if boundary > 0:
        _kept_rows(step, a, at_a, b, at_b, c, at_c)
        _syrk(syrk, boundary, nodes, rows, at_rows, boundary + nodes, c, at_c, boundary)


@njit(**_OPTIONS)
def merge(
    step: Index, a: Array, b: Array, c: Array, rows: Array, roots: Array, work: Array, gemm: int, syrk: int
) -> None:
    """Join two blocks and eliminate the ports they share.

    Parameters
    ----------
    step : int64
        A join (:class:`trees.JoinStep`). Without ports of b it eliminates the last ports of a.
    a, b, c : (ports * ports)
        The blocks' couplings; c receives those of what they make.
    rows, roots : (shared * total), (shared,)
        Receive each shared node's couplings when it went, times its root: ``1 / sqrt(pivot)``, 0 for islands.
    """
    _join(step, a, 0, b, 0, c, 0, rows, 0, roots, work, gemm, syrk)


@njit(**_OPTIONS)
def _place_leaf(step: Index, leaf: Array, at_leaf: int, c: Array, at_c: int) -> None:
    """Write a leaf's couplings in the order of ports that its next join wants."""
    ports = step[PORTS_A]
    row = 0
    for piece in range(FIRST, FIRST + 3 * step[PIECES], 3):
        for i in range(step[piece + 2]):
            port, at = step[piece + 1] + i, at_c + row * ports
            for earlier in range(FIRST, piece + 3, 3):
                source = step[earlier + 1]
                size = i if earlier == piece else step[earlier + 2]
                if source <= port:
                    _copy(c, at, leaf, at_leaf + port * ports + source, size)
                else:
                    for j in range(size):
                        c[at + j] = leaf[at_leaf + (source + j) * ports + port]
                at += size
            row += 1


@njit(**_OPTIONS)
def merge_tree(
    steps: Index, leaves: Array, sources: Index, store: Array, out: Array, keep: bool, rows: Array, roots: Array,
    work: Array, gemm: int, syrk: int,
) -> None:  # fmt: skip
    """Join leaves and blocks, from the bottom up, until one is left.

    Parameters
    ----------
    steps : (count, width)
        Leaves to place and joins (:class:`trees.JoinStep`).
    leaves, sources
        The leaves' couplings, and where in them each begins.
    store : (cells of the tree)
        Blocks that are not yet joined.
    out : (ports * ports)
        Receives the last block's couplings, lower triangle.
    keep : bool
        Give all joins ``rows`` and ``roots`` of their own; otherwise they share the first ones.
    """
    for s in range(steps.shape[0]):
        step = steps[s]
        last = s == steps.shape[0] - 1
        c, at_c = (out, 0) if last else (store, step[C])
        if step[SHARED] == 0:
            _place_leaf(step, leaves, sources[step[A]], c, at_c)
        else:
            at_rows, at_roots = (step[ROWS], step[ROOTS]) if keep else (0, 0)
            _join(
                step, store, step[A], store, step[B], c, at_c, rows, at_rows, roots[at_roots : at_roots + step[SHARED]],
                work, gemm, syrk,
            )  # fmt: skip


@njit(**_OPTIONS)
def harmonic(nodes: int, boundary: int, rows: Array, roots: Array, out: Array, work: Array, gemm: int) -> None:
    """Fill ``out`` (nodes * boundary) with the eliminated nodes' voltages for 1 V at each kept one, 0 V at the others.

    ``rows`` and ``roots`` are those of ``merge``. Each row is a weighted mean of the rows before and of unit vectors.
    """
    total = boundary + nodes
    start = 0
    while start < nodes:
        end = min(nodes, start + _panel_size(nodes))
        size = end - start
        turn = work[PANEL * total : PANEL * total + size * size]
        for k in range(size):
            row = (start + k) * total
            for j in range(boundary):
                work[k * boundary + j] = rows[row + j]
            for m in range(size):
                turn[k * size + m] = 0.0
            turn[k * size + k] = roots[start + k]
            for j in range(k):
                share = roots[start + k] * rows[row + boundary + start + j]
                for m in range(j + 1):
                    turn[k * size + m] += share * turn[j * size + m]
        if start > 0:
            first = start * total + boundary
            _gemm(
                gemm, _PLAIN, size, boundary, start, rows, first, total, out, 0, boundary, 1.0, work, 0, boundary
            )  # fmt: skip
        at = start * boundary
        _gemm(gemm, _PLAIN, size, boundary, size, turn, 0, size, work, 0, boundary, 0.0, out, at, boundary)
        start = end
