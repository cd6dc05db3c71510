"""Quadratic forms of two blocks' port voltages put together: copies of rows, as :mod:`kron` makes of couplings.

Forms are lower triangles, row after row, their diagonals included. :class:`trees.JoinStep` says how a step is written
down.
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
def _copy(out: Array, to: int, form: Array, at: int, size: int) -> None:
    target, source = out[to : to + size], form[at : at + size]
    for j in range(size):
        target[j] = source[j]


@njit(**_OPTIONS)
def assemble(step: Index, a: Array, b: Array, islands: Array, outer: Array, mixed: Array, inner: Array) -> None:
    """Put the forms of a join's two blocks together.

    Parameters
    ----------
    step : int64
        A join.
    a, b : (ports * ports)
        The blocks' forms.
    islands : (shared,)
        0 for shared ports that have no voltage.
    outer : (boundary * boundary)
        Receives what the ports that stay have among themselves, a lower triangle.
    mixed : (shared * boundary)
        Receives what shared ports have with those that stay.
    inner : (shared * shared)
        Receives what shared ports have among themselves, a lower triangle.
    """
    nodes, boundary = step[SHARED], step[BOUNDARY]
    own_a, own_b = step[PORTS_A] - nodes, step[PORTS_B] - nodes
    last = FIRST + 3 * step[PIECES]
    at = 0
    for piece in range(FIRST, last, 3):
        form, ports = (a, step[PORTS_A]) if step[piece] == 0 else (b, step[PORTS_B])
        for i in range(step[piece + 2]):
            row, to = (step[piece + 1] + i) * ports, at
            for earlier in range(FIRST, piece + 3, 3):
                size = i + 1 if earlier == piece else step[earlier + 2]
                if step[earlier] == step[piece]:
                    _copy(outer, to, form, row + step[earlier + 1], size)
                else:
                    for j in range(to, to + size):
                        outer[j] = 0.0
                to += size
            at += boundary
    for k in range(nodes):
        row_a, row_b, to = (own_a + k) * step[PORTS_A], (own_b + k) * step[PORTS_B], k * boundary
        for piece in range(FIRST, last, 3):
            size = step[piece + 2]
            if islands[k] == 0.0:
                for j in range(to, to + size):
                    mixed[j] = 0.0
            elif step[piece] == 0:
                _copy(mixed, to, a, row_a + step[piece + 1], size)
            else:
                _copy(mixed, to, b, row_b + step[piece + 1], size)
            to += size
        row = inner[k * nodes : k * nodes + k + 1]
        first, second = a[row_a + own_a : row_a + own_a + k + 1], b[row_b + own_b : row_b + own_b + k + 1]
        for j in range(k + 1):
            row[j] = first[j] + second[j]


@njit(**_OPTIONS)
def settle(places: Index, form: Array, out: Array) -> None:
    """Put a form (ports, ports) in another order of ports, lower triangles.

    Parameters
    ----------
    places : (ports,)
        Where each port goes, -1 for those that are left out.
    """
    for i in range(places.size):
        for j in range(i + 1):
            if places[i] >= 0 and places[j] >= 0:
                out[max(places[i], places[j]), min(places[i], places[j])] = form[i, j]
