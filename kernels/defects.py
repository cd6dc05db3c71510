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

Lines run from their near to their far end, word lines left to right; ``cells`` (lines, nodes) are currents that leave
the line.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

TINY = 1e-30
"""Ohms that stand for an ideal source's zero."""

SAFETY = 4.0

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _through(side: float, r: float) -> float:
    """Conductance of ``side`` in series with r; inf for a source behind 0 ohm."""
    if side == np.inf:
        return 1.0 / r if r > 0.0 else np.inf
    return side / (1.0 + r * side) if r < np.inf else 0.0


@njit(**_OPTIONS)
def _passed(g: float, z: float, r: float) -> tuple[float, float]:
    """Return what part of a Norton current at a node passes the segment r, and the impedance behind that.

    The node's cell is g, z what lies beyond it; both rungs of :mod:`ladders` in one, with their limits.
    """
    if z == np.inf:
        zc = 1.0 / g if g > 0.0 else np.inf
    else:
        zc = z / (1.0 + g * z)
    if r == np.inf:
        return 0.0, np.inf
    return (1.0 if zc == np.inf else zc / (zc + r)), zc + r


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
def turn(layer: Array, out: Array) -> None:
    """Fill ``out`` (n, m) with bit lines ``layer`` (m, n) as lines, their bottom end first."""
    m, n = layer.shape
    # In squares that fit in the cache: one of the two sides is read across its rows.
    for top in range(0, m, 16):
        for left in range(0, n, 16):
            for j in range(left, min(left + 16, n)):
                for i in range(top, min(top + 16, m)):
                    out[j, m - 1 - i] = layer[i, j]


@njit(**_OPTIONS)
def turn_back(lines: Array, out: Array) -> None:
    """Fill ``out`` (m, n) with what :func:`turn` took for ``lines`` (n, m)."""
    m, n = out.shape
    for top in range(0, m, 16):
        for left in range(0, n, 16):
            for i in range(top, min(top + 16, m)):
                for j in range(left, min(left + 16, n)):
                    out[i, j] = lines[j, m - 1 - i]


@njit(**_OPTIONS)
def across(v: Array, low_v: Array, u: Array, low_u: Array, out: Array) -> None:
    """Fill ``out`` (m, n) with ``v - u`` of pairs."""
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            out[i, j] = (v[i, j] - u[i, j]) + (low_v[i, j] - low_u[i, j])


@njit(**_OPTIONS)
def _end_current(
    g: Array, r: Array, across: Array, low: Array, leak: Array, first: float, last: float
) -> float:  # fmt: skip
    """Return the current out at the last end of a line of cells ``g``: its Norton current.

    ``across + low`` are volts at the cells' other nodes, ``leak`` what leaves the line's nodes besides.

    Seen from that end's source, so that two strong sources at equal voltages do not drown what the cells take, and
    of positive terms where all voltages are above that source's.
    """
    n = g.size
    if r[n] == np.inf:
        return 0.0
    near = max(r[0], TINY)
    t: float = (first - last) / near
    z = near
    for j in range(n):
        t += g[j] * ((across[j] - last) + low[j]) - leak[j]
        share, z = _passed(g[j], z, r[j + 1] if j < n - 1 else max(r[n], TINY))
        t *= share
    return t


@njit(**_OPTIONS)
def line_gaps(
    cells: Array, chord: Array, slope: Array, r: Array, x: Array, low: Array, across: Array, low_across: Array,
    leak: Array, first: Array, last: Array, out_first: Array, out_last: Array, leaving: Array, shift: Array, far: Array,
    per_volt: float,
) -> tuple[float, float]:  # fmt: skip
    """Hold lines against Kirchhoff's laws; return the current law's gaps, summed, and the voltage law's, squared.

    Parameters
    ----------
    cells, chord, slope : (lines, nodes)
        Currents out of the line, what they are per volt across, but for ``leak``, and their laws' slopes.
    r : (lines, nodes + 1)
        Ohms of the segments, ends included.
    x, low, across, low_across : (lines, nodes)
        Pairs of voltages on the line and across its cells.
    leak : (lines, nodes)
        What of ``cells`` is not ``chord`` times the volts across.
    first, last : (lines,)
        Volts of the near and far sources.
    out_first, out_last, far : (lines,)
        Receive the currents out at the ends, and the far sources' volts that would put the gaps right.
    leaving, shift : (lines, nodes)
        Receive currents and volts: with ``leaving`` taken from the nodes too, the cells' ends at ``shift`` and the
        far sources at ``far``, a circuit without other sources has the voltages ``error - shift``.
    per_volt : float
        What squares are taken of is times this: one volt over the largest source, so that none overflows.
    """
    lines, n = cells.shape
    flow, beyond = np.empty(n + 1), np.empty(n + 1)
    amperes = squares = 0.0
    for i in range(lines):
        current = _end_current(chord[i], r[i], across[i], low_across[i], leak[i], first[i], last[i])
        out_last[i] = flow[n] = current
        side = beyond[n] = np.inf
        for back in range(1, n + 1):
            j = n - back
            side = slope[i, j] + _through(side, r[i, j + 1])
            current += cells[i, j]
            leaving[i, j] = 0.0
            if r[i, j] == np.inf:
                leaving[i, j] = current
                amperes += abs(current)
                current = 0.0
            flow[j], beyond[j] = current, side
        out_first[i] = _end_current(
            chord[i, ::-1], r[i, ::-1], across[i, ::-1], low_across[i, ::-1], leak[i, ::-1], last[i], first[i]
        )  # fmt: skip
        squares += ((out_first[i] + current) * per_volt) ** 2
        side, total = np.inf, 0.0
        for j in range(n + 1):
            gap = -r[i, j] * flow[j] if r[i, j] < np.inf else 0.0
            if r[i, j] == np.inf:
                total = 0.0
            elif j == 0:
                gap += (first[i] - x[i, 0]) - low[i, 0]
            elif j == n:
                gap += (x[i, n - 1] - last[i]) + low[i, n - 1]
            else:
                gap += (x[i, j - 1] - x[i, j]) + (low[i, j - 1] - low[i, j])
            total += gap
            if gap != 0.0:
                driven = gap * per_volt * _through(min(side, beyond[j]), r[i, j])
                squares += driven * driven
            if j < n:
                shift[i, j] = total
                side = slope[i, j] + _through(side, r[i, j])
        far[i] = -total if r[i, n] < np.inf else 0.0
    return amperes, squares
