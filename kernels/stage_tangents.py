"""One implicit stage of cells whose states move: their tangents with the states eliminated, and the states' steps.

A stage asks each cell for ``x = begun + d f(v, x)``, d the stage's own share of the step in seconds, and the circuit
for Kirchhoff's laws with currents ``i(v, x)``, v the volts across the cell. Newton's method on both moves x by::

    dx = (begun + d f - x + d f_v dv) / (1 - d f_x) = move + gain dv

so that a cell's current changes by ``i_x move + (i_v + i_x gain) dv``: the circuit sees an ohmic cell of that slope
and an offset, and no state. A state at one of its bounds which the motion presses further out stays there.

Arrays are (m, n), one entry a cell. Loops fill few arrays each, so that they vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_FLATTEST = 0.05
"""Of a cell's slope at a fixed state: what is left of it at least, since lines cannot be solved with falling cells."""

_GROWTH = 0.9
"""Largest ``d f_x``: a state that grows faster makes the stage ambiguous, and the step must be smaller."""


@njit(**_OPTIONS)
def condense(
    begun: Array, d: float, x: Array, low: Array, high: Array, iv: Array, ix: Array, f: Array, fv: Array, fx: Array,
    slope: Array, move: Array, gain: Array,
) -> tuple[float, int, bool]:  # fmt: skip
    """Fill the condensed slopes, ``move`` and ``gain``; return (largest move of a state's range, its cell, fit).

    It is not fit where a state's growth makes the stage ambiguous, or a law gave no number: the cell is that one.
    """
    m, n = x.shape
    worst, cell, fit = 0.0, 0, True
    for r in range(m):
        for c in range(n):
            target = begun[r, c] + d * f[r, c]
            held = (x[r, c] <= low[r, c]) & (target <= low[r, c]) | (x[r, c] >= high[r, c]) & (target >= high[r, c])
            stay = 0.0 if held else 1.0
            stiff = 1.0 - stay * d * fx[r, c]
            move[r, c] = stay * (target - x[r, c]) / stiff
            gain[r, c] = stay * d * fv[r, c] / stiff
        for c in range(n):
            whole = iv[r, c] + ix[r, c] * gain[r, c]
            slope[r, c] = max(whole, _FLATTEST * iv[r, c])
        for c in range(n):
            part = abs(move[r, c]) / (high[r, c] - low[r, c])
            bad = not ((part < np.inf) & (abs(slope[r, c]) < np.inf)) or d * fx[r, c] > _GROWTH and gain[r, c] != 0.0
            if bad and fit:
                fit, cell = False, r * n + c
            if part > worst and fit:
                worst, cell = part, r * n + c
    return worst, cell, fit


@njit(**_OPTIONS)
def offsets(i: Array, ix: Array, move: Array, slope: Array, v: Array, u: Array, j: Array) -> None:
    """Fill what cells take besides ``slope (v - u)``."""
    m, n = i.shape
    for r in range(m):
        for c in range(n):
            j[r, c] = i[r, c] + ix[r, c] * move[r, c] - slope[r, c] * (v[r, c] - u[r, c])


@njit(**_OPTIONS)
def follow(
    move: Array, gain: Array, v: Array, u: Array, before: Array, low: Array, high: Array, x: Array
) -> None:
    """Move the states x to where the volts v - u, ``before`` until then, want them, within their bounds."""
    m, n = x.shape
    for r in range(m):
        for c in range(n):
            far = x[r, c] + move[r, c] + gain[r, c] * (v[r, c] - u[r, c] - before[r, c])
            x[r, c] = min(max(far, low[r, c]), high[r, c])


@njit(**_OPTIONS)
def worst_error(error: Array, low: Array, high: Array, d: float, fx: Array) -> tuple[float, int]:
    """Return the largest part of its range that a state is estimated to be wrong by, and its cell.

    What a stiff motion would undo by itself, ``1 / (1 - d f_x)``, does not count.
    """
    m, n = error.shape
    worst, cell = 0.0, 0
    for r in range(m):
        for c in range(n):
            part = abs(error[r, c]) / ((high[r, c] - low[r, c]) * max(1.0, 1.0 - d * fx[r, c]))
            if not part <= worst:
                worst, cell = part, r * n + c
    return worst, cell
