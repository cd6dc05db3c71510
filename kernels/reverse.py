"""The way back through a join, and to a leaf, of derivatives by couplings: what is no product of matrices.

Derivatives by the couplings of a network's nodes are a lower triangle, row after row, like the couplings, with zeros on
the diagonal. :class:`trees.JoinStep` says how a step is written down.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

# The columns' numbers, which are constants to the compiler.
SHARED, BOUNDARY, PORTS_A, PORTS_B, A, B, C, ROWS, ROOTS, PIECES, FIRST = range(11)


@njit(**_OPTIONS)
def _copy(out: Array, to: int, a: Array, at: int, size: int, less: float) -> None:
    target, source = out[to : to + size], a[at : at + size]
    for j in range(size):
        target[j] = source[j] - less


@njit(**_OPTIONS)
def _to_part(
    step: Index, part: int, ports: int, adjoint: Array, across: Array, among: Array, roots: Array, out: Array
) -> None:
    nodes, boundary, last = step[SHARED], step[BOUNDARY], FIRST + 3 * step[PIECES]
    inner = ports - nodes
    at = 0
    for piece in range(FIRST, last, 3):
        if step[piece] == part:
            for i in range(step[piece + 2]):
                row, beside = (step[piece + 1] + i) * ports, 0
                for earlier in range(FIRST, piece + 3, 3):
                    size = i if earlier == piece else step[earlier + 2]
                    if step[earlier] == part:
                        _copy(out, row + step[earlier + 1], adjoint, (at + i) * boundary + beside, size, 0.0)
                    beside += size
                out[row + step[piece + 1] + i] = 0.0
        at += step[piece + 2]
    for e in range(nodes):
        row, beside = (inner + e) * ports, 0
        half = 0.5 * among[e * nodes + e]
        for piece in range(FIRST, last, 3):
            if step[piece] == part:
                _copy(out, row + step[piece + 1], across, e * boundary + beside, step[piece + 2], half)
            beside += step[piece + 2]
        for f in range(e):
            # An island has no current, whatever joins it to other nodes.
            joined = roots[e] > 0.0 and roots[f] > 0.0
            half_f = 0.5 * among[f * nodes + f]
            out[row + inner + f] = among[e * nodes + f] - half - half_f if joined else 0.0
        out[row + inner + e] = 0.0


@njit(**_OPTIONS)
def hand_down(
    step: Index, adjoint: Array, across: Array, among: Array, roots: Array, out_a: Array, out_b: Array
) -> None:
    """Give a join's two blocks the derivatives by their ports' couplings.

    Parameters
    ----------
    step : int64
        A join.
    adjoint : (boundary * boundary)
        D, the derivatives by the kept ports' couplings.
    across, among : (shared * boundary), (shared * shared)
        ``P D`` and ``P D P'`` (lower triangle), with P the eliminated ports' voltages for 1 V at each kept one.
    roots : (shared,)
        As :func:`kron.merge` left them: 0 for islands.
    out_a, out_b : (ports * ports)
        Receive the derivatives.
    """
    _to_part(step, 0, step[PORTS_A], adjoint, across, among, roots, out_a)
    _to_part(step, 1, step[PORTS_B], adjoint, across, among, roots, out_b)


@njit(**_OPTIONS)
def settle(step: Index, adjoint: Array, out: Array) -> None:
    """Put derivatives by a leaf's couplings in its own order of ports, in both triangles of ``out`` (ports, ports)."""
    last = FIRST + 3 * step[PIECES]
    ports, at = step[PORTS_A], 0
    for piece in range(FIRST, last, 3):
        for i in range(step[piece + 2]):
            row, beside = step[piece + 1] + i, at * ports
            for earlier in range(FIRST, piece + 3, 3):
                size, first = i if earlier == piece else step[earlier + 2], step[earlier + 1]
                for j in range(size):
                    value = adjoint[beside + j]
                    out[row, first + j] = value
                    out[first + j, row] = value
                beside += size
            out[row, row] = 0.0
            at += 1
