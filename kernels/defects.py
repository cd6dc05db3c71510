"""What voltages leave of Kirchhoff's laws, as currents at the line ends, and as sources that would put it right.

Voltages come as pairs ``x + low`` of twice a double's digits, so that cells' currents ``g (v - u)`` keep all of theirs
where v and u are nearly equal. A line's flows are running sums of its cells' currents: what these leave of the voltage
law in a segment r is a gap ``dv - r i``, an electromotive force that would drive the wrong current through it, and
what they leave of the current law gathers at breaks and open ends. A solution of the circuit with those as its only
sources, cells as steep as their laws are there, is the error: added to the voltages it leaves gaps as small as eps
times the old ones times how much rounding is magnified.

How large the error of an end's current can be follows without solving for it. All current that is fed in at a node
leaves by the ends, each of which takes a share between 0 and 1; and a gap e in a segment drives at most
``e min(1/r, what conducts on the one side, on the other)`` around. The former are added up; the latter, as rounding
leaves them, are as often positive as negative, and the root of their squares' sum is taken ``SAFETY`` times.

Lines run from their near to their far end: word lines left to right, bit lines from the bottom up. They are followed
three times: out to the far end for the current there, back for all flows, the gaps that these leave and the current out
at the near end, and out again to add the gaps up; each time node by node, eight lines in a vector (:mod:`line_passes`).
Bit lines lie that way, a row of the array being a node of each; word lines are turned, some at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.lane_loops import LANES
from xbarsim.kernels.line_passes import (
    CURRENT,
    FAR,
    FIRST,
    LAST,
    LOST,
    NEAR,
    NORTON,
    OUT,
    PASSING,
    SIDE,
    SQUARES,
    TOTAL,
    add_gaps,
    add_sources,
    run_back,
    run_back_of,
    run_out,
    run_out_of,
    turn,
    turn_back,
)
from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

TINY = 1e-30
"""Ohms that stand for an ideal source's zero."""

SAFETY = 4.0

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_CHORD, _SEGMENT, _X, _LOW, _ACROSS, _LOW_ACROSS, _SHIFT, _LEAVING, _CELLS, _SLOPE, _LEAK = range(11)
"""Arrays of a block of turned lines; those from cells on are for cells that are not ohmic."""

_TURNED = 16
"""Word lines that are turned together."""


@njit(**_OPTIONS)
def _lay(bits: bool, a: Array, line: int, out: Array) -> None:
    """Fill ``out`` (nodes, width) with the lines from ``line`` on; beyond the last one it comes again."""
    m, n = a.shape
    width = out.shape[1]
    if bits:
        for i in range(m):
            for q in range(width):
                out[m - 1 - i, q] = a[i, min(line + q, n - 1)]
        return
    end = m - 1
    for k in range(line, line + width, LANES):
        turn(
            a[min(k, end)], a[min(k + 1, end)], a[min(k + 2, end)], a[min(k + 3, end)], a[min(k + 4, end)],
            a[min(k + 5, end)], a[min(k + 6, end)], a[min(k + 7, end)], width, k - line, out,
        )  # fmt: skip
    for j in range(n - n % LANES, n):
        for q in range(width):
            out[j, q] = a[min(line + q, end), j]


@njit(**_OPTIONS)
def _put(bits: bool, lines: Array, line: int, a: Array) -> None:
    """Take back into ``a`` what :func:`_lay` would have laid out."""
    m, n = a.shape
    width = lines.shape[1]
    if bits:
        for i in range(m):
            for q in range(min(width, n - line)):
                a[i, line + q] = lines[m - 1 - i, q]
        return
    end = m - 1
    for k in range(line, line + width, LANES):
        turn_back(
            lines, width, k - line, a[min(k, end)], a[min(k + 1, end)], a[min(k + 2, end)], a[min(k + 3, end)],
            a[min(k + 4, end)], a[min(k + 5, end)], a[min(k + 6, end)], a[min(k + 7, end)],
        )  # fmt: skip
    for q in range(min(width, m - line)):
        for j in range(n - n % LANES, n):
            a[line + q, j] = lines[j, q]


@njit(**_OPTIONS)
def _follow(
    ohmic: bool, cells: Array, chord: Array, slope: Array, r: Array, x: Array, low: Array, across: Array,
    low_across: Array, leak: Array, leaving: Array, shift: Array, pitch: int, start: int, start_r: int,
    pitch_leaving: int, start_leaving: int, nodes: int, lines: Array, per_volt: float,
) -> None:  # fmt: skip
    """Follow a block of lines out, back and out again."""
    width, ahead = lines.shape[1] // LANES, np.empty((nodes, lines.shape[1]))
    for q in range(lines.shape[1]):
        lines[SIDE, q] = lines[PASSING, q] = 1.0 / lines[NEAR, q]
        lines[NORTON, q] = (lines[FIRST, q] - lines[LAST, q]) / lines[NEAR, q]
    if ohmic:
        run_out(chord, r, across, low_across, pitch, start, start_r, nodes, lines, width, ahead)
    else:
        run_out_of(chord, slope, leak, r, across, low_across, pitch, start, start_r, nodes, lines, width, ahead)
    for q in range(lines.shape[1]):
        lines[CURRENT, q] = lines[OUT, q] = lines[NORTON, q] if lines[FAR, q] < np.inf else 0.0
        lines[LOST, q] = lines[SQUARES, q] = 0.0
        if ohmic:
            lines[PASSING, q] = lines[SIDE, q]
        lines[SIDE, q] = 1.0 / lines[FAR, q]
        lines[NORTON, q] = (lines[LAST, q] - lines[FIRST, q]) / lines[FAR, q]
    if ohmic:
        run_back(
            per_volt, chord, r, x, low, across, low_across, leaving, shift, pitch, start, start_r, pitch_leaving,
            start_leaving, nodes, lines, width, ahead,
        )  # fmt: skip
    else:
        run_back_of(
            per_volt, chord, cells, slope, leak, r, x, low, across, low_across, leaving, shift, pitch, start, start_r,
            pitch_leaving, start_leaving, nodes, lines, width, ahead,
        )  # fmt: skip
    for q in range(lines.shape[1]):
        if not lines[NEAR, q] < np.inf:
            lines[NORTON, q] = 0.0
        lines[SQUARES, q] += ((lines[NORTON, q] + lines[CURRENT, q]) * per_volt) ** 2
    add_gaps(shift, pitch, start, nodes, lines, width)


@njit(**_OPTIONS)
def _severed(bits: bool, r: Array) -> bool:
    """Whether a segment between a node and its near end is broken."""
    broken = False
    m, n = r.shape
    for i in range(1 if bits else 0, m):
        for j in range(n if bits else n - 1):
            broken |= r[i, j] == np.inf
    return broken


@njit(**_OPTIONS)
def _begin(line: int, near: Array, far: Array, first: Array, last: Array, lines: Array) -> None:
    for q in range(lines.shape[1]):
        k = min(line + q, first.size - 1)
        lines[FIRST, q], lines[LAST, q] = first[k], last[k]
        lines[NEAR, q], lines[FAR, q] = max(near[k], TINY), max(far[k], TINY)


@njit(**_OPTIONS)
def _finish(line: int, lines: Array, out_first: Array, out_last: Array, far: Array) -> tuple[float, float]:
    amperes = squares = 0.0
    for q in range(min(lines.shape[1], far.size - line)):
        out_first[line + q], out_last[line + q] = lines[NORTON, q], lines[OUT, q]
        far[line + q] = -lines[TOTAL, q]
        amperes += lines[LOST, q]
        squares += lines[SQUARES, q]
    return amperes, squares


@njit(**_OPTIONS)
def line_gaps(
    bits: bool, ohmic: bool, cells: Array, chord: Array, slope: Array, r: Array, x: Array, low: Array, across: Array,
    low_across: Array, leak: Array, first: Array, last: Array, out_first: Array, out_last: Array, leaving: Array,
    shift: Array, far: Array, per_volt: float,
) -> tuple[float, float, bool]:  # fmt: skip
    """Hold the lines of an array against Kirchhoff's laws.

    Parameters
    ----------
    bits : bool
        Whether they are bit lines, from the bottom up, or word lines.
    ohmic : bool
        Whether cells take ``chord`` times the volts across: what is said of ``cells``, ``slope`` and ``leak`` is not
        read then.
    cells, chord, slope : (m, n)
        Currents out of the line, what they are per volt across, but for ``leak``, and their laws' slopes.
    r : (m, n + 1), or (m + 1, n) for bit lines
        Ohms of the segments, ends included.
    x, low, across, low_across : (m, n)
        Pairs of voltages on the line and across its cells.
    leak : (m, n)
        What of ``cells`` is not ``chord`` times the volts across.
    first, last : (lines,)
        Volts of the near and far sources.
    out_first, out_last, far : (lines,)
        Receive the currents out at the ends, and the far sources' volts that would put the gaps right.
    leaving, shift : (m, n)
        Receive currents, where any segment is broken, and volts: with ``leaving`` taken from the nodes too, the cells'
        ends at ``shift`` and the far sources at ``far``, a circuit without other sources has the voltages
        ``error - shift``.
    per_volt : float
        What squares are taken of is times this: one volt over the largest source, so that none overflows.

    Returns
    -------
    tuple of float, float, bool
        The current law's gaps, summed, the voltage law's, squared, and whether a segment before a node is broken.
    """
    m, n = chord.shape
    count, nodes = (n, m) if bits else (m, n)
    near, end = (r[m], r[0]) if bits else (r[:, 0], r[:, n])
    broken: bool = _severed(bits, r)
    amperes = squares = 0.0
    line = n - n % LANES if bits else 0
    if line > 0:
        lines = np.empty((SQUARES + 1, line))
        unbroken, bottom = np.empty((1, line)), (m - 1) * n
        _begin(0, near, end, first, last, lines)
        _follow(
            ohmic, cells, chord, slope, r, x, low, across, low_across, leak, leaving if broken else unbroken, shift,
            -n, bottom, bottom + n, -n if broken else 0, bottom if broken else 0, nodes, lines, per_volt,
        )  # fmt: skip
        amperes, squares = _finish(0, lines, out_first, out_last, far)
    width = LANES if bits or m <= LANES else _TURNED
    lines = np.empty((SQUARES + 1, width))
    # An odd number of vectors each, so that arrays do not all fall into the same sets of the cache.
    block = np.empty((_LEAVING + 1 if ohmic else _LEAK + 1, (nodes + 1) | 1, width))
    while line < count:
        _lay(bits, chord, line, block[_CHORD, :nodes])
        _lay(bits, r, line, block[_SEGMENT, : nodes + 1])
        _lay(bits, x, line, block[_X, :nodes])
        _lay(bits, low, line, block[_LOW, :nodes])
        _lay(bits, across, line, block[_ACROSS, :nodes])
        _lay(bits, low_across, line, block[_LOW_ACROSS, :nodes])
        if not ohmic:
            _lay(bits, cells, line, block[_CELLS, :nodes])
            _lay(bits, slope, line, block[_SLOPE, :nodes])
            _lay(bits, leak, line, block[_LEAK, :nodes])
        _begin(line, near, end, first, last, lines)
        _follow(
            ohmic, block[_CHORD if ohmic else _CELLS], block[_CHORD], block[_CHORD if ohmic else _SLOPE],
            block[_SEGMENT], block[_X], block[_LOW], block[_ACROSS], block[_LOW_ACROSS],
            block[_CHORD if ohmic else _LEAK], block[_LEAVING], block[_SHIFT], width, 0, 0, width if broken else 0, 0,
            nodes, lines, per_volt,
        )  # fmt: skip
        lost, driven = _finish(line, lines, out_first, out_last, far)
        amperes += lost
        squares += driven
        _put(bits, block[_SHIFT, :nodes], line, shift)
        if broken:
            _put(bits, block[_LEAVING, :nodes], line, leaving)
        line += width
    return amperes, squares, broken


@njit(**_OPTIONS)
def sources(a: Array, b: Array, dv: Array, du: Array, broken: bool, leaving: Array, entering: Array) -> None:
    """Take together what :func:`line_gaps` left at breaks, and what slopes a, b (m, n) make of its volts.

    ``leaving`` and ``entering`` (m, n) come as what leaves word and bit lines if any line is ``broken``. Else they
    would be the same, and only ``leaving`` is filled.
    """
    m, n = dv.shape
    if not broken:
        add_sources(a, b, dv, du, leaving)
        whole = m * n // LANES * LANES
        for k in range(whole, m * n):
            i, j = k // n, k % n
            leaving[i, j] = a[i, j] * dv[i, j] - b[i, j] * du[i, j]
        return
    for i in range(m):
        for j in range(n):
            common = a[i, j] * dv[i, j] - b[i, j] * du[i, j]
            leaving[i, j] += common
            entering[i, j] = common - entering[i, j]


@njit(**_OPTIONS)
def exchange(x: Array, low: Array, more: Array, shift: Array) -> None:
    """Add ``more`` and ``shift`` (m, n) to the pairs ``x + low``; what was there before takes their places."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            volts, less = x[i, j], low[i, j] + (more[i, j] + shift[i, j])
            whole = volts + less
            part = whole - volts
            more[i, j], shift[i, j] = volts, low[i, j]
            low[i, j] = (volts - (whole - part)) + (less - part)
            x[i, j] = whole


@njit(**_OPTIONS)
def add(x: Array, low: Array, more: Array) -> None:
    """Add ``more`` (m, n) to the pairs ``x + low``."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            less = low[i, j] + more[i, j]
            whole = x[i, j] + less
            part = whole - x[i, j]
            low[i, j] = (x[i, j] - (whole - part)) + (less - part)
            x[i, j] = whole


@njit(**_OPTIONS)
def across(v: Array, low_v: Array, u: Array, low_u: Array, out: Array) -> None:
    """Fill ``out`` (m, n) with ``v - u`` of pairs."""
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            out[i, j] = (v[i, j] - u[i, j]) + (low_v[i, j] - low_u[i, j])
