"""Kron reduction of a crossbar to its line ends, by joining blocks of cells pair by pair.

A network is kept as its couplings only: ``c[a, b] >= 0`` siemens between nodes a and b, the lower triangle of a
square array. Eliminating node k joins all its neighbours (star-mesh)::

    d = sum_j c[k, j];    c[i, j] += c[k, i] c[k, j] / d

The pivot d is summed anew from couplings each time (Grassmann, Taksar and Heyman, Oper. Res. 33, 1985), so nothing
is ever subtracted: every coupling comes out with nearly full relative accuracy, whatever the ratio of wires to cells. A
node with d = 0 belongs to an island and is skipped. A resistance of 0 is 1e30 S, a broken one 0 S.

Nodes to be eliminated come last. Panels of them are eliminated row by row and then applied to the rest as one
symmetric rank-k update by BLAS. Small blocks are too small for that: :mod:`leaves` reduces those side by side.

A voltage on the way back is a weighted mean of others. It is taken as the difference from the heaviest of them and
kept as a pair of numbers whose sum has twice the digits: differences along wires and across cells then keep all of
theirs, however near to each other the nodes are.
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

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@cache
def dsyrk_address() -> int:
    """Address of the BLAS routine that SciPy ships; ``merge`` takes it as an argument so that it can be cached."""
    return blas_address("dsyrk")


def _update(dsyrk: int, n: int, k: int, a: Array, c: Array) -> None:
    c[:n, :n] += np.tril(a[:k, :n].T @ a[:k, :n])


@intrinsic(_update)
def _dsyrk(typing: Any, address: Any, n: Any, k: Any, a: Any, c: Any) -> Any:
    """``C += A' A`` on the lower triangle of ``c[:n, :n]``, A = ``a[:k, :n]``, through a BLAS address.

    To BLAS, whose matrices lie column by column, C is an upper triangle and A stands upright.
    """
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils

    # None has types; what it builds is typed by numba.
    alloca_once: Any = cgutils.alloca_once

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, word, real = ir.IntType(8), ir.IntType(32), ir.DoubleType()

        def stored(value: Any) -> Any:
            slot = alloca_once(builder, value.type)
            builder.store(value, slot)
            return slot

        def matrix(k: int) -> tuple[Any, Any]:
            """Return where an array's numbers are, and how many a row has."""
            array = context.make_array(signature.args[k])(context, builder, args[k])
            columns = builder.extract_value(array.shape, 1)
            return builder.bitcast(array.data, byte.as_pointer()), stored(builder.trunc(columns, word))

        unit = stored(ir.Constant(real, 1.0))
        uplo, trans = (stored(ir.Constant(byte, ord(letter))) for letter in "UN")
        n, k = (stored(builder.trunc(args[place], word)) for place in (1, 2))
        arguments = [uplo, trans, n, k, unit, *matrix(3), unit, *matrix(4)]
        kinds = [byte, byte, word, word, real, byte, word, real, byte, word]
        function = ir.FunctionType(ir.VoidType(), [kind.as_pointer() for kind in kinds])
        builder.call(builder.inttoptr(args[0], function.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, a, c), generate


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
def eliminate(joint: Array, boundary: int, inverse: Array, panel: Array, dsyrk: int) -> None:
    """Eliminate all nodes from ``boundary`` on; fill ``inverse`` (total - boundary,) with 1/pivot, 0 for islands.

    Rows from ``boundary`` on end as ``c[k, :k]``, each as it was when k was eliminated: what ``extend`` needs.
    ``panel`` is work space, (PANEL, total).
    """
    total = joint.shape[0]
    end = total
    while end > boundary:
        start = max(boundary, end - PANEL)
        for k in range(end - 1, start - 1, -1):
            row = joint[k, :k]
            pivot = _sum(row)
            inv = 1.0 / pivot if pivot > 0.0 else 0.0
            inverse[k - boundary] = inv
            for i in range(start, k):
                share = row[i] * inv
                if share > 0.0:
                    target = joint[i, :i]
                    for j in range(i):
                        target[j] += share * row[j]
            root = np.sqrt(inv)
            scaled = panel[k - start]
            for j in range(start):
                scaled[j] = root * row[j]
        if start > 1:
            _dsyrk(dsyrk, start, end - start, panel, joint)
        end = start


@njit(**_OPTIONS)
def merge(
    a: Array, ports_a: int, places_a: Index, b: Array, ports_b: int, places_b: Index, boundary: int, joint: Array,
    inverse: Array, panel: Array, dsyrk: int,
) -> None:  # fmt: skip
    """Join two blocks in the zeroed ``joint`` (total, total) and eliminate the ports they share."""
    _scatter(a, ports_a, places_a, joint)
    _scatter(b, ports_b, places_b, joint)
    eliminate(joint, boundary, inverse, panel, dsyrk)


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
    boundary = total - eliminated
    for e in range(eliminated):
        k = boundary + e
        for q in range(x.shape[1]):
            x[k, q] = 0.0
        for j in range(k):
            share = rows[e, j] * inverse[e]
            if share > 0.0:
                for q in range(x.shape[1]):
                    x[k, q] += share * x[j, q]


@njit(**_OPTIONS)
def extend_pairs(rows: Array, inverse: Array, x: Array, low: Array) -> None:
    """As ``extend``, for voltages ``x + low``: ``x[k] = x[h] + sum_j c[k, j] (x[j] - x[h]) / d``, h the heaviest."""
    eliminated, total = rows.shape
    boundary = total - eliminated
    batch = x.shape[1]
    above = np.empty(batch)
    for e in range(eliminated):
        k = boundary + e
        heaviest = 0
        for j in range(k):
            if rows[e, j] > rows[e, heaviest]:
                heaviest = j
        above[:] = 0.0
        for j in range(k):
            share = rows[e, j] * inverse[e]
            if share > 0.0 and j != heaviest:
                for q in range(batch):
                    above[q] += share * ((x[j, q] - x[heaviest, q]) + (low[j, q] - low[heaviest, q]))
        alone = inverse[e] == 0.0
        for q in range(batch):
            base = 0.0 if alone else x[heaviest, q]
            more = above[q] + (0.0 if alone else low[heaviest, q])
            whole = base + more
            part = whole - base
            x[k, q] = whole
            low[k, q] = (base - (whole - part)) + (more - part)


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
