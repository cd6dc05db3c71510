"""What capacitances at a crossbar's nodes carry in a stage of a step, and what the step's error is worth in volts.

Arrays of three layers (3, m, n) are of the capacitances from word nodes to ground, from bit nodes to ground, and across
the cells. In a stage each is a conductance of ``siemens`` beside a current, its ``history``::

    amperes = siemens volts - history
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _volts(layer: int, v: float, u: float) -> float:
    """Return the volts across a capacitance of a layer."""
    return v - u if layer == 2 else (v if layer == 0 else u)


@njit(**_OPTIONS)
def histories(
    siemens: Array, v: Array, u: Array, charging: Array, stage: int, first: float, second: float, history: Array
) -> None:
    """Fill a stage's histories, from node volts v, u at the step's begin.

    ``charging`` (3, 3, m, n) are the amperes of the stages before this one, ``first`` and ``second`` what it takes of
    them.
    """
    m, n = v.shape
    for layer in range(3):
        for r in range(m):
            for c in range(n):
                history[layer, r, c] = siemens[layer, r, c] * _volts(layer, v[r, c], u[r, c])
            if stage > 0:
                for c in range(n):
                    history[layer, r, c] += first * charging[0, layer, r, c]
            if stage > 1:
                for c in range(n):
                    history[layer, r, c] += second * charging[1, layer, r, c]


@njit(**_OPTIONS)
def flows(
    siemens: Array, history: Array, v: Array, u: Array, i: Array, charging: Array, drawn: Array, received: Array
) -> None:
    """Fill a stage's ``charging`` (3, m, n), and what word nodes give and bit nodes get with the cells' amperes i."""
    m, n = v.shape
    for r in range(m):
        for c in range(n):
            charging[0, r, c] = siemens[0, r, c] * v[r, c] - history[0, r, c]
        for c in range(n):
            charging[1, r, c] = siemens[1, r, c] * u[r, c] - history[1, r, c]
        for c in range(n):
            charging[2, r, c] = siemens[2, r, c] * (v[r, c] - u[r, c]) - history[2, r, c]
        for c in range(n):
            drawn[r, c] = i[r, c] + charging[2, r, c] + charging[0, r, c]
        for c in range(n):
            received[r, c] = i[r, c] + charging[2, r, c] - charging[1, r, c]


@njit(**_OPTIONS)
def ohmic(g: Array, v: Array, u: Array, i: Array) -> None:
    """Fill the amperes of cells of ``g`` siemens."""
    m, n = g.shape
    for r in range(m):
        for c in range(n):
            i[r, c] = g[r, c] * (v[r, c] - u[r, c])


@njit(**_OPTIONS)
def slopes(a: Array, b: Array, siemens: Array, across: Array, whole: Array) -> None:
    """Fill both layers' slopes (2, m, n) of cells with what is across them, and with what goes to ground too."""
    m, n = a.shape
    for r in range(m):
        for c in range(n):
            across[0, r, c] = a[r, c] + siemens[2, r, c]
        for c in range(n):
            across[1, r, c] = b[r, c] + siemens[2, r, c]
        for c in range(n):
            whole[0, r, c] = across[0, r, c] + siemens[0, r, c]
        for c in range(n):
            whole[1, r, c] = across[1, r, c] + siemens[1, r, c]


@njit(**_OPTIONS)
def offsets(cells: Array, history: Array, leaving: Array, entering: Array) -> None:
    """Fill what leaves word nodes and enters bit nodes besides what slopes tell, for the same of the ``cells``."""
    m, n = cells.shape
    for r in range(m):
        for c in range(n):
            leaving[r, c] = cells[r, c] - history[2, r, c] - history[0, r, c]
        for c in range(n):
            entering[r, c] = cells[r, c] - history[2, r, c] + history[1, r, c]


@njit(**_OPTIONS)
def remainders(
    charging: Array, first: float, second: float, third: float, farads: Array, d: float, leaving: Array, entering: Array
) -> tuple[float, int]:  # fmt: skip
    """Fill offsets of the amperes ``first charging[0] + ...`` in a circuit without sources.

    Return a bound of the volts that they make within d seconds, those which capacitances to ground alone would hold,
    and the node. It is inf where others than those are charged.
    """
    m, n = leaving.shape
    worst, cell = 0.0, 0
    for r in range(m):
        for c in range(n):
            leaving[r, c] = -(
                first * (charging[0, 2, r, c] + charging[0, 0, r, c])
                + second * (charging[1, 2, r, c] + charging[1, 0, r, c])
                + third * (charging[2, 2, r, c] + charging[2, 0, r, c])
            )
        for c in range(n):
            entering[r, c] = -(
                first * (charging[0, 2, r, c] - charging[0, 1, r, c])
                + second * (charging[1, 2, r, c] - charging[1, 1, r, c])
                + third * (charging[2, 2, r, c] - charging[2, 1, r, c])
            )
        for c in range(n):
            coulombs, limit = d * abs(leaving[r, c]), worst * farads[0, r, c]
            if coulombs > limit:
                worst, cell = coulombs / farads[0, r, c], r * n + c
            coulombs, limit = d * abs(entering[r, c]), worst * farads[1, r, c]
            if coulombs > limit:
                worst, cell = coulombs / farads[1, r, c], r * n + c
    return worst, cell


@njit(**_OPTIONS)
def farthest(v: Array, u: Array) -> tuple[float, int]:
    """Return the largest of node volts, inf where one is no number, and its cell."""
    m, n = v.shape
    worst, cell = 0.0, 0
    for r in range(m):
        for c in range(n):
            size = max(abs(v[r, c]), abs(u[r, c]))
            if not size <= worst:
                worst, cell = size, r * n + c
                if not size < np.inf:
                    return np.inf, cell
    return worst, cell
