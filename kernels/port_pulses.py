"""A few cells of a crossbar under one pulse, where all other cells rest: those cells at the ports of a network.

Seen from cells whose states move, everything else is a linear network with sources that all follow one waveform a(t)::

    v = a(t) open - ohms i(v, x)        dx/dt = f(v, x)

``open`` are the volts across the cells' places without the cells for a = 1, ``ohms`` what a current through one takes
from the volts across each. Steps are those of an implicit Runge-Kutta method whose last stage is the step's end; the
caller hands its numbers over. Each stage is Newton's method on v and x with the states eliminated: a cell moves x by
``move + gain dv`` and takes ``slope dv`` more, so that dv solves ``(1 + ohms slope) dv = a open - ohms (i + i_x move) -
v``, a system as large as there are cells.

What leaves a bound is held there (:mod:`state_laws`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit
from xbarsim.kernels.state_laws import evaluate

Array = NDArray[np.float64]

FINISHED = 0
TOO_SMALL = 1

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_NEWTON = 20
"""Newton steps of a stage."""

_GROWTH = 0.9
"""Largest share of itself by which a state may grow in a stage: beyond, the stage is ambiguous."""

_FLATTEST = 0.05
"""Least pivot of the ports' system, whose rows are about 1: below, falling currents make the stage ambiguous."""

_SMALLEST = 1e-13  # of a piece of the waveform
_EXACT = 1e-13  # of the volts, and of a state's range, to which stages are solved
_STALLED = 1e-10
_ENERGY = 10.0
"""Part of a pulse's energy by which a step may be wrong, as a multiple of the same part of a state's range."""

_LEAST, _MOST, _SAFETY = 0.2, 5.0, 0.9


@njit(**_OPTIONS)
def _eliminate(system: Array, b: Array) -> float:
    """Solve a small system in place of b; return the least pivot, of rows that are about 1."""
    n = b.size
    least = np.inf
    for k in range(n):
        best = k
        for r in range(k + 1, n):
            if abs(system[r, k]) > abs(system[best, k]):
                best = r
        least = min(least, abs(system[best, k]))
        if not least > 0.0:
            return 0.0
        for c in range(k, n):
            system[k, c], system[best, c] = system[best, c], system[k, c]
        b[k], b[best] = b[best], b[k]
        for r in range(k + 1, n):
            share = system[r, k] / system[k, k]
            for c in range(k, n):
                system[r, c] -= share * system[k, c]
            b[r] -= share * b[k]
    for k in range(n - 1, -1, -1):
        for c in range(k + 1, n):
            b[k] -= system[k, c] * b[c]
        b[k] /= system[k, k]
    return least


@njit(**_OPTIONS)
def _stage(
    kind: int, current: int, motion: int, p: Array, free: Array, scale: float, open_volts: Array, ohms: Array,
    volts: float, begun: Array, d: float, v: Array, x: Array, amperes: Array, rates: Array, stiff: Array,
    system: Array, work: Array,
) -> tuple[bool, float]:  # fmt: skip
    """Find v and x (n) of a stage, from those at hand; return whether it was found, and how exactly.

    ``volts`` are what counts as large, ``begun`` the states without the stage's own share d of the step.
    Fills the cells' ``amperes``, their states' ``rates`` and what is ``stiff``, ``1 - d f_x``.
    """
    n = v.size
    laws, at = np.empty((6, 1, n)), np.empty((2, 1, n))
    off, before = np.inf, np.inf
    for step in range(_NEWTON + 1):
        worst = 0.0
        for s in range(n):  # a view in another shape would need numba's run-time library
            at[0, 0, s], at[1, 0, s] = v[s], x[s]
        evaluate(kind, current, motion, at[0], at[1], p, laws[0], laws[1], laws[2], laws[3], laws[4], laws[5])
        for s in range(n):
            i, iv, ix = laws[0, 0, s], laws[1, 0, s], laws[2, 0, s]
            f, fv, fx = free[s] * laws[3, 0, s], free[s] * laws[4, 0, s], free[s] * laws[5, 0, s]
            low, high = p[0, 0, s], p[1, 0, s]
            target = begun[s] + d * f
            pinned = (x[s] <= low and target <= low) or (x[s] >= high and target >= high)
            stay = 0.0 if pinned else 1.0
            stiff[s] = 1.0 - stay * d * fx
            gain = stay * d * fv / stiff[s]
            if (1.0 - stiff[s] > _GROWTH and gain != 0.0) or not abs(i) < np.inf or not abs(f) < np.inf:
                return False, np.inf
            amperes[s] = i
            work[0, s] = stay * (target - x[s]) / stiff[s]  # move
            work[1, s] = gain
            work[2, s] = iv + ix * gain  # slope
            work[3, s] = ix
            worst = max(worst, abs(work[0, s]) / (high - low))
        for r in range(n):
            miss = scale * open_volts[r] - v[r]
            row = 1.0
            for s in range(n):
                miss -= ohms[r, s] * amperes[s]
                row += ohms[r, s] * abs(work[2, s])
            worst = max(worst, abs(miss) / volts)
            work[4, r] = miss / row
            for s in range(n):
                work[4, r] -= ohms[r, s] * work[3, s] * work[0, s] / row
                system[r, s] = (ohms[r, s] * work[2, s] + (1.0 if r == s else 0.0)) / row
        off = worst
        if off <= _EXACT or (off <= _STALLED and off > 0.3 * before):
            for s in range(n):
                rates[s] = (x[s] - begun[s]) / d
            return True, off
        if step == _NEWTON or not off < np.inf:
            return False, off
        before = off
        if _eliminate(system, work[4]) < _FLATTEST / (1.0 + n):
            return False, off
        for s in range(n):
            v[s] += work[4, s]
            x[s] = min(max(x[s] + work[0, s] + work[1, s] * work[4, s], p[0, 0, s]), p[1, 0, s])
    return False, off


@njit(**_OPTIONS)
def _copy(source: Array, target: Array) -> None:
    """Copy numbers one by one: arrays' own ways need numba's run-time library, which kernels are loaded without."""
    for k in range(source.size):
        target[k] = source[k]


@njit(**_OPTIONS)
def _largest(numbers: Array) -> float:
    """Return the largest size, for the same reason."""
    largest = 0.0
    for number in numbers:
        largest = max(largest, abs(number))
    return largest


@njit(**_OPTIONS)
def run(
    kind: int, current: int, motion: int, p: Array, free: Array, times: Array, scales: Array, open_volts: Array,
    ohms: Array, method: Array, beside: Array, tolerance: float, least: float, x: Array, joules: Array, ratios: Array,
    peaks: Array,
) -> tuple[int, int, int, float, float]:  # fmt: skip
    """Take cells through a waveform of straight lines.

    Parameters
    ----------
    kind, current, motion, p : int, int, int, (K, 1, n)
        The cells' laws (:mod:`state_laws`).
    free : (n,)
        1 for states that move, 0 for those that are stuck.
    times, scales : (points,)
        Seconds, in order, and a(t) there; two points at one time are a jump.
    open_volts, ohms : (n,), (n, n)
        The network: volts for a = 1, and volts that an ampere takes.
    method : (5, 3)
        The stages' nodes, what each takes of the rates of all (lower triangle, one share on the diagonal), and the
        error's weights. The last stage's are the step's.
    beside : (4,)
        Weights of the rate at a step's begin and of the stages', by which a rule of fourth order differs. Where a
        waveform falls below a threshold amid a step, the stages may all be at rest while the begin was not.
    tolerance : float
        Part of a state's range by which a step may be wrong; of the way to a rest, ``f / f_x``, where that is less, as
        motions that fade both ways leave it as slowly as they came (:mod:`stage_tangents`).
    least : float
        Part of the range below which that way does not count; 1 for motions that do not fade so.
    x : (n,)
        States; receives those at the end.
    joules : (2, n)
        Receives the integrals of ``a i`` and of ``v i``.
    ratios : (2, n)
        Receives the least and the largest ``i / a``.
    peaks : (n,)
        Receives the volts across each cell that were farthest from 0.

    Returns
    -------
    status, accepted, rejected : int
        ``DONE``, or ``TOO_SMALL`` where no step was small enough; and the steps.
    residual : float
        How far stages were from their equations, at most: a part of the volts or of a state's range.
    time : float
        Where it ended.
    """
    n = x.size
    shape = (3, n)
    rates, amperes, stage_volts = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    v, v0, x0, begun, stiff = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n)
    system, work, last = np.empty((n, n)), np.empty((5, n)), np.zeros(n)
    before = scales[0]
    joules[:] = 0.0
    ratios[0], ratios[1] = np.inf, -np.inf
    peaks[:] = 0.0
    top = _largest(scales)
    volts = max(top * _largest(open_volts), 1e-300)
    accepted = rejected = 0
    residual, gamma = 0.0, method[3, 2]
    for piece in range(times.size - 1):
        begin, stop = times[piece], times[piece + 1]
        length = stop - begin
        if not length > 0.0:
            continue
        rise = (scales[piece + 1] - scales[piece]) / length
        since, h = 0.0, length
        jumped = abs(scales[piece] - before) > 1e-12 * top
        before = scales[piece + 1]
        while since < length:
            left = length - since
            h = 0.5 * left if 0.5 * left < h < left else min(h, left)
            d = gamma * h
            _copy(v, v0)
            _copy(x, x0)
            good, worst = True, 0.0
            for k in range(3):
                scale = scales[piece] + rise * (since + method[0, k] * h)
                for s in range(n):
                    begun[s] = x0[s]
                    for earlier in range(k):
                        begun[s] += h * method[1 + k, earlier] * rates[earlier, s]
                    guess = begun[s] + d * (rates[k - 1, s] if k > 0 else last[s])
                    x[s] = min(max(guess, p[0, 0, s]), p[1, 0, s])
                good, off = _stage(
                    kind, current, motion, p, free, scale, open_volts, ohms, volts, begun, d, v, x, amperes[k],
                    rates[k], stiff, system, work,
                )  # fmt: skip
                if not good:
                    break
                worst = max(worst, off)
                _copy(v, stage_volts[k])
            error = np.inf
            if good:
                error = 0.0
                for s in range(n):
                    first = rates[0, s] if jumped else last[s]
                    more, wrong, part, siemens = beside[0] * first, 0.0, 0.0, 0.0
                    for k in range(3):
                        scale = scales[piece] + rise * (since + method[0, k] * h)
                        more += beside[1 + k] * rates[k, s]
                        wrong += method[4, k] * rates[k, s]
                        part += method[4, k] * scale * amperes[k, s]
                        if scale != 0.0:
                            siemens = max(siemens, abs(amperes[k, s] / scale))
                    wrong = h * max(abs(wrong), abs(more))
                    if siemens > 0.0:
                        whole = top * top * siemens * (times[-1] - times[0])
                        error = max(error, h * abs(part) / (_ENERGY * tolerance * whole))
                    span = p[1, 0, s] - p[0, 0, s]
                    speed, slope = abs(rates[2, s]), abs(stiff[s] - 1.0) / d
                    way = max(speed / slope, least * span) if speed < slope * span else span
                    error = max(error, wrong / (way * max(1.0, stiff[s]) * tolerance))
            if not error <= 1.0:
                rejected += 1
                _copy(v0, v)
                _copy(x0, x)
                h *= max(_LEAST, _SAFETY * error ** (-1.0 / 3.0)) if error < np.inf else _LEAST
                if h < _SMALLEST * length:
                    return TOO_SMALL, accepted, rejected, residual, begin + since
                continue
            accepted += 1
            jumped = False
            residual = max(residual, worst)
            for k in range(3):
                scale = scales[piece] + rise * (since + method[0, k] * h)
                for s in range(n):
                    joules[0, s] += h * method[3, k] * scale * amperes[k, s]
                    joules[1, s] += h * method[3, k] * stage_volts[k, s] * amperes[k, s]
                    if abs(scale) > 1e-6 * top:
                        ratios[0, s] = min(ratios[0, s], amperes[k, s] / scale)
                        ratios[1, s] = max(ratios[1, s], amperes[k, s] / scale)
                    if abs(stage_volts[k, s]) > abs(peaks[s]):
                        peaks[s] = stage_volts[k, s]
            _copy(rates[2], last)
            since = length if h == left else since + h
            h *= min(_MOST, _SAFETY * max(error, 1e-10) ** (-1.0 / 3.0))
    return FINISHED, accepted, rejected, residual, times[-1]


@njit(**_OPTIONS)
def restless(
    base: Array, responses: Array, ratios: Array, low_scale: float, high_scale: float, low: Array, high: Array,
    places: NDArray[np.int64],
) -> int:  # fmt: skip
    """Count cells across which a pulse may have had volts beyond ``low`` and ``high`` (rows, cols); list the first.

    Volts across a cell are ``a (base + sum_s r_s response_s)`` with a between the two scales and r between the
    ``ratios`` (2, n); ``responses`` (n, rows, cols) are volts across for an ampere at each port. ``places`` receives
    flat indices, as many as it holds.
    """
    rows, cols = base.shape
    count = 0
    for r in range(rows):
        for c in range(cols):
            middle, half = base[r, c], 0.0
            for s in range(responses.shape[0]):
                middle += 0.5 * (ratios[0, s] + ratios[1, s]) * responses[s, r, c]
                half += 0.5 * (ratios[1, s] - ratios[0, s]) * abs(responses[s, r, c])
            least, most = middle - half, middle + half
            lowest = min(low_scale * least, low_scale * most, high_scale * least, high_scale * most)
            highest = max(low_scale * least, low_scale * most, high_scale * least, high_scale * most)
            if not (lowest >= low[r, c] and highest <= high[r, c]):
                if count < places.size:
                    places[count] = r * cols + c
                count += 1
    return count
