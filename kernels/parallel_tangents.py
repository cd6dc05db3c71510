"""Columns of two parallel lines between cells' tangents: Newton's linear solve for source lines along bit lines.

A cell carries ``a v - b u``, and a current besides, from its bit-line node at v to its source-line node at u. Nodes are
taken away from the top down, source line's first. What a node's current couples to it passes on in shares: its pivot is
the sum of its column, all of whose entries are positive though the matrix of tangents is not symmetric, and nothing is
subtracted but the currents besides. ``to_s`` and ``to_b`` are what a volt of the bit-line and of the source-line node
sends to the node across, ``lost`` what it sends to the sources at the top.

Arrays: tangents and voltages (m, n); ``cs``, ``cb`` (m+1, n) siemens of the lines' segments, both ends included, top
first; volts (4, n) of the sources: source line's top, bit line's top, source line's bottom, bit line's bottom.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _inverse(a: Array, b: Array, c: Array, inverse: Array) -> None:
    for j in range(inverse.size):
        total = a[j] + b[j] + c[j]
        inverse[j] = 1.0 / total if total > 0.0 else 0.0


@njit(**_OPTIONS)
def _product(a: Array, b: Array, out: Array) -> None:
    for j in range(out.size):
        out[j] = a[j] * b[j]


@njit(**_OPTIONS)
def _add_product(a: Array, b: Array, out: Array) -> None:
    for j in range(out.size):
        out[j] += a[j] * b[j]


@njit(**_OPTIONS)
def _scale(by: Array, out: Array) -> None:
    for j in range(out.size):
        out[j] *= by[j]


@njit(**_OPTIONS)
def _from_below(still: Array, near: Array, x: Array, far: Array, y: Array, out: Array) -> None:
    for j in range(out.size):
        out[j] = still[j] + near[j] * x[j] + far[j] * y[j]


@njit(**_OPTIONS)
def solve(
    a: Array, b: Array, leave_v: Array, leave_u: Array, cs: Array, cb: Array, volts: Array, v: Array, u: Array,
    work: Array,
) -> None:  # fmt: skip
    """Fill the voltages v of the bit lines' nodes and u of the source lines'; 0 where nothing ties a node.

    ``leave_v`` and ``leave_u`` (m, n) are the currents that leave nodes besides ``a v - b u``, which goes from a
    bit-line to a source-line node: a tangent's ``j`` and ``-j``, and what leaks. ``work`` is (6, m, n).
    """
    m, n = a.shape
    state = np.zeros((8, n))
    lost_s, lost_b, in_s, in_b, to_s, to_b, inverse, share = (
        state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7],
    )  # fmt: skip
    for c in range(n):
        lost_s[c] = cs[0, c]
    for c in range(n):
        lost_b[c] = cb[0, c]
    _product(cs[0], volts[0], in_s)
    _product(cb[0], volts[1], in_b)
    for i in range(m):
        for c in range(n):
            to_s[c] += a[i, c]
        for c in range(n):
            to_b[c] += b[i, c]
        for c in range(n):
            in_s[c] -= leave_u[i, c]
        for c in range(n):
            in_b[c] -= leave_v[i, c]
        _inverse(to_b, cs[i + 1], lost_s, inverse)
        _product(in_s, inverse, work[0, i])
        _product(to_s, inverse, work[1, i])
        _product(cs[i + 1], inverse, work[2, i])
        _product(to_b, inverse, share)
        _add_product(in_s, share, in_b)
        _add_product(lost_s, work[1, i], lost_b)
        _scale(work[2, i], in_s)
        _scale(work[2, i], to_s)
        _scale(work[2, i], to_b)
        _scale(work[2, i], lost_s)
        _inverse(to_s, cb[i + 1], lost_b, inverse)
        _product(in_b, inverse, work[3, i])
        _product(to_b, inverse, work[4, i])
        _product(cb[i + 1], inverse, work[5, i])
        _product(to_s, inverse, share)
        _add_product(in_b, share, in_s)
        _add_product(lost_b, work[4, i], lost_s)
        _scale(work[5, i], in_b)
        _scale(work[5, i], to_s)
        _scale(work[5, i], to_b)
        _scale(work[5, i], lost_b)
    _from_below(work[3, m - 1], work[4, m - 1], volts[2], work[5, m - 1], volts[3], v[m - 1])
    _from_below(work[0, m - 1], work[1, m - 1], v[m - 1], work[2, m - 1], volts[2], u[m - 1])
    for back in range(1, m):
        i = m - 1 - back
        _from_below(work[3, i], work[4, i], u[i + 1], work[5, i], v[i + 1], v[i])
        _from_below(work[0, i], work[1, i], v[i], work[2, i], u[i + 1], u[i])
