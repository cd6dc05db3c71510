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

_ARRIVED = 0.03
"""Of an error's weight where a state has come to a bound."""


_LOOSER = 10.0
"""Times the way to a rest, what errors count as parts of: at 1 final states are right to some hundredths of what is
asked for, in one and a half times the steps."""


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc", "nnan"})
def _largest(x: Array) -> float:
    """Return the largest of numbers >= 0; each but NaN counts."""
    most = 0.0
    for c in range(x.size):
        most = x[c] if x[c] > most else most
    return most


@njit(**_OPTIONS)
def _place(x: Array, largest: float) -> int:
    """Return where in x a number first is, or is none."""
    for c in range(x.size):
        if not x[c] < largest:
            return c
    return 0


@njit(**_OPTIONS)
def _unfit(part: Array, slope: Array, growth: Array, gain: Array) -> bool:
    """Whether a state of a row grows too fast for the step, or a law gave no number."""
    bad = False
    for c in range(part.size):
        bad |= not ((part[c] < np.inf) & (abs(slope[c]) < np.inf))
        bad |= (growth[c] > _GROWTH) & ((gain[c] != 0.0) | (part[c] > 0.0))
    return bad


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
    stay, part, growth = np.empty(n), np.empty(n), np.empty(n)
    for r in range(m):
        for c in range(n):
            target = begun[r, c] + d * f[r, c]
            at_low = (x[r, c] <= low[r, c]) & (target <= low[r, c])
            at_high = (x[r, c] >= high[r, c]) & (target >= high[r, c])
            stay[c] = 0.0 if at_low | at_high else 1.0
        for c in range(n):
            growth[c] = d * fx[r, c] * stay[c]
        for c in range(n):
            stay[c] = stay[c] / (1.0 - growth[c])
        for c in range(n):
            move[r, c] = stay[c] * (begun[r, c] + d * f[r, c] - x[r, c])
        for c in range(n):
            gain[r, c] = stay[c] * (d * fv[r, c])
        for c in range(n):
            slope[r, c] = max(iv[r, c] + ix[r, c] * gain[r, c], _FLATTEST * iv[r, c])
        for c in range(n):
            part[c] = abs(move[r, c]) / (high[r, c] - low[r, c])
        if fit and _unfit(part, slope[r], growth, gain[r]):
            fit = False
            for c in range(n):
                odd = not (part[c] < np.inf and abs(slope[r, c]) < np.inf)
                if odd or (growth[c] > _GROWTH and (gain[r, c] != 0.0 or part[c] > 0.0)):
                    cell = r * n + c
                    break
        largest = _largest(part)
        if fit and largest > worst:
            worst, cell = largest, r * n + _place(part, largest)
    return worst, cell, fit


@njit(**_OPTIONS)
def offsets(i: Array, ix: Array, move: Array, slope: Array, v: Array, u: Array, j: Array, before: Array) -> None:
    """Fill what cells take besides ``slope (v - u)``, and the volts across them, ``before``."""
    m, n = i.shape
    for r in range(m):
        for c in range(n):
            before[r, c] = v[r, c] - u[r, c]
        for c in range(n):
            j[r, c] = i[r, c] + ix[r, c] * move[r, c] - slope[r, c] * before[r, c]


@njit(**_OPTIONS)
def follow(
    move: Array, gain: Array, v: Array, u: Array, before: Array, low: Array, high: Array, x: Array
) -> None:  # fmt: skip
    """Move the states x to where the volts v - u, ``before`` until then, want them, within their bounds."""
    m, n = x.shape
    for r in range(m):
        for c in range(n):
            far = x[r, c] + move[r, c] + gain[r, c] * (v[r, c] - u[r, c] - before[r, c])
            x[r, c] = min(max(far, low[r, c]), high[r, c])


@njit(**_OPTIONS)
def settle(move: Array, low: Array, high: Array, x: Array, i: Array, ix: Array, f: Array, fx: Array) -> None:
    """Move the states x the last bit at fixed volts, and currents and motions along their tangents with them.

    What a state misses may be little of its range, and yet all that a short pulse moves it by.
    """
    m, n = x.shape
    moved = np.empty(n)
    for r in range(m):
        for c in range(n):
            moved[c] = min(max(x[r, c] + move[r, c], low[r, c]), high[r, c]) - x[r, c]
        for c in range(n):
            x[r, c] += moved[c]
        for c in range(n):
            i[r, c] += ix[r, c] * moved[c]
        for c in range(n):
            f[r, c] += fx[r, c] * moved[c]


@njit(**_OPTIONS)
def begin(x0: Array, rates: Array, first: float, second: float, begun: Array) -> None:
    """Fill ``begun = x0 + first rates[0] + second rates[1]``: the states but for a stage's own share."""
    m, n = x0.shape
    for r in range(m):
        for c in range(n):
            begun[r, c] = x0[r, c] + first * rates[0, r, c] + second * rates[1, r, c]


@njit(**_OPTIONS)
def guess(begun: Array, d: float, rate: Array, low: Array, high: Array, x: Array) -> None:
    """Take the states to where a ``rate`` leads."""
    m, n = x.shape
    for r in range(m):
        for c in range(n):
            x[r, c] = min(max(begun[r, c] + d * rate[r, c], low[r, c]), high[r, c])


@njit(**_OPTIONS)
def way(begun: Array, d: float, rate: Array, low: Array, high: Array, x: Array) -> float:
    """Return the largest part of its range that a ``rate`` would take a state away from x."""
    m, n = x.shape
    part, most = np.empty(n), 0.0
    for r in range(m):
        for c in range(n):
            ahead = min(max(begun[r, c] + d * rate[r, c], low[r, c]), high[r, c])
            part[c] = abs(ahead - x[r, c]) / (high[r, c] - low[r, c])
        most = max(most, _largest(part))
    return most


@njit(**_OPTIONS)
def find_rates(x: Array, begun: Array, d: float, rate: Array) -> None:
    """Fill the rates that took the states from ``begun`` to x in d seconds."""
    m, n = x.shape
    per_second = 1.0 / d
    for r in range(m):
        for c in range(n):
            rate[r, c] = (x[r, c] - begun[r, c]) * per_second


@njit(**_OPTIONS)
def worst_error(
    rates: Array, begin: Array, weights: Array, beside: Array, x: Array, low: Array, high: Array, d: float, fx: Array,
    turned: Array, least: float,
) -> tuple[float, int]:  # fmt: skip
    """Return the largest part of its range that a state x is wrong by, and its cell.

    Two rules say by what: ``weights`` of the stages' ``rates``, and ``beside`` of the rate at the step's ``begin`` and
    of these, in seconds; the larger counts. What a stiff motion would undo by itself, ``1 / (1 - d f_x)``, does not
    count. A state that has come to a bound is right, whenever it came there; the time matters to its neighbours, but
    less.

    A motion may lead to a rest, ``f / f_x`` away, that the opposite one leaves as slowly: what the way still left is
    wrong by then, as a part of itself, is what the state will be wrong by after. So errors count as parts of ten times
    that way, if it is less than the range, where motions lead away from the rest (``f_x > 0``) or would if volts were
    ``turned``, the slopes then. They do not count below ``least`` of the range; 1 is for motions without such rests.
    """
    m, n = fx.shape
    worst, cell = 0.0, 0
    part, way = np.empty(n), np.empty(n)
    for r in range(m):
        for c in range(n):
            span = high[r, c] - low[r, c]
            f, slope = abs(rates[2, r, c]), abs(fx[r, c])
            fades = ((fx[r, c] > 0.0) | (turned[r, c] > 0.0)) & (_LOOSER * f < slope * span)
            way[c] = max(_LOOSER * f / slope, least * span) if fades else span
        for c in range(n):
            error = weights[0] * rates[0, r, c] + weights[1] * rates[1, r, c] + weights[2] * rates[2, r, c]
            later = beside[1] * rates[0, r, c] + beside[2] * rates[1, r, c] + beside[3] * rates[2, r, c]
            error = max(abs(error), abs(beside[0] * begin[r, c] + later))
            part[c] = error / (way[c] * max(1.0, 1.0 - d * fx[r, c]))
        for c in range(n):
            part[c] *= _ARRIVED if (x[r, c] <= low[r, c]) | (x[r, c] >= high[r, c]) else 1.0
        largest = _largest(part)
        if largest > worst:
            worst, cell = largest, r * n + _place(part, largest)
    return worst, cell


@njit(**_OPTIONS)
def resting(x: Array, low: Array, high: Array, f: Array, rate: Array) -> None:
    """Fill the rates of states x whose motions are f: at a bound that holds a state there is none."""
    m, n = x.shape
    for r in range(m):
        for c in range(n):
            pinned = ((x[r, c] <= low[r, c]) & (f[r, c] < 0.0)) | ((x[r, c] >= high[r, c]) & (f[r, c] > 0.0))
            rate[r, c] = 0.0 if pinned else f[r, c]


@njit(**_OPTIONS)
def shift(nodes: Array, along: bool, moved: Array) -> bool:
    """Add to each line's nodes (m, n), rows if ``along``, what its source ``moved``; return whether any did."""
    m, n = nodes.shape
    still = True
    for k in range(moved.size):
        still &= moved[k] == 0.0
    if still:
        return False
    for r in range(m):
        for c in range(n):
            nodes[r, c] += moved[r] if along else moved[c]
    return True
