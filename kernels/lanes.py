"""Many crossbars of one shape reduced side by side, one in each lane of a vector.

Couplings are those of :mod:`kron`; nothing is subtracted on the way to them. A leaf follows a list of its nodes, each
with the neighbours that it has when it is eliminated. Larger blocks are dense: with d the sum of node k's couplings its
row becomes ``s[k, j] = c[k, j] / sqrt(d)``, and ``c[i, j] += s[k, i] s[k, j]`` for all nodes that remain.

A lane's numbers depend on no other lane.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit
from xbarsim.kernels.vectors import (
    LANES,
    every,
    four_rows,
    load,
    madd,
    one_row,
    plus,
    quotient,
    root,
    save,
    times,
    width,
)

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

# Columns of a schedule's steps, as :class:`lane_schedule.LaneStep` describes them.
LEAF, OUT, PORTS, PLACES, ROW, COL, RUNS, SHARED, ROWS, LD, A, PORTS_A, SHARED_A, B, PORTS_B, SHARED_B = range(16)


@njit(**_OPTIONS)
def _eliminate(store: Array, row: int, degree: int, factor_place: int) -> None:
    """Turn a node's couplings into its shares; their common factor goes to a place of its own."""
    pivot = every(0.0)
    for j in range(degree):
        pivot = plus(pivot, load(store, row + j))
    factor = quotient(every(1.0), root(pivot))
    save(store, factor_place, factor)
    for j in range(degree):
        save(store, row + j, times(load(store, row + j), factor))


@njit(**_OPTIONS)
def _gather(
    store: Array, to: int, couplings: Index, count: int, step: Index, part: int, g: Array, cw: Array, cb: Array,
    origin: Index, row_size: Index,
) -> None:  # fmt: skip
    """Write a leaf's couplings to their places: (place, 0 for a cell, 1 and 2 for wires, row, column) each."""
    lanes, alike = width(), True
    for q in range(1, lanes):
        alike &= origin[1, part + q] == origin[1, part] and origin[2, part + q] == origin[2, part]
    for k in range(count):
        place, kind = to + couplings[4 * k], couplings[4 * k + 1]
        at = (step[ROW] + couplings[4 * k + 2]) * row_size[kind] + step[COL] + couplings[4 * k + 3]
        if kind == 0:
            for q in range(lanes):
                store[place * lanes + q] = g[origin[kind, part + q] + at]
        elif alike:
            save(store, place, every(cw[origin[1, part] + at] if kind == 1 else cb[origin[2, part] + at]))
        elif kind == 1:
            for q in range(lanes):
                store[place * lanes + q] = cw[origin[kind, part + q] + at]
        else:
            for q in range(lanes):
                store[place * lanes + q] = cb[origin[kind, part + q] + at]


@njit(**_OPTIONS)
def _leaf(
    store: Array, step: Index, program: Index, part: int, g: Array, cw: Array, cb: Array, origin: Index, row_size: Index
) -> None:
    """Eliminate a leaf's nodes; their rows follow its couplings, each with its factor behind it."""
    out, size, couplings, nodes = step[OUT], program[0], program[1], program[2]
    zero = every(0.0)
    for k in range(size):
        save(store, out + k, zero)
    _gather(store, out, program[3 + nodes :], couplings, step, part, g, cw, cb, origin, row_size)
    for k in range(nodes):
        at = program[3 + k]
        row, degree = out + program[at], program[at + 1]
        at += 2
        _eliminate(store, row, degree, row + degree)
        for i in range(1, degree):
            share = load(store, row + i)
            for j in range(i):
                to = out + program[at + j]
                save(store, to, madd(share, load(store, row + j), load(store, to)))
            at += i


@njit(**_OPTIONS)
def _rows(
    store: Array, m: int, n: int, to: int, to_r: int, base: int, base_r: int, base_c: int, x: int, x_r: int, x_t: int,
    y: int, y_c: int, y_t: int, count: int,
) -> None:  # fmt: skip
    """Do ``four_rows`` or ``one_row``, for m = 4 or 1: in one place, since what they emit is long."""
    if m == 4:
        four_rows(store, n, to, to_r, base, base_r, base_c, x, x_r, x_t, y, y_c, y_t, count)
    else:
        one_row(store, n, to, to_r, base, base_r, base_c, x, x_r, x_t, y, y_c, y_t, count)


@njit(**_OPTIONS)
def _join(store: Array, step: Index, runs: Index) -> None:
    """Eliminate the ports that two parts share; write the couplings of those that remain."""
    ports, shared, rows, ld = step[PORTS], step[SHARED], step[ROWS], step[LD]
    a, ld_a, shared_a, b, ld_b, shared_b = (
        step[A],
        step[PORTS_A],
        step[SHARED_A],
        step[B],
        step[PORTS_B],
        step[SHARED_B],
    )
    for e in range(1, shared):
        for f in range(e):
            to = a + (shared_a + e) * ld_a + shared_a + f
            save(store, to, plus(load(store, to), load(store, b + (shared_b + e) * ld_b + shared_b + f)))
    end = shared
    while end > 0:
        m = 4 if end >= 4 else 1
        first = end - m
        row, node, later, terms = rows + first * ld, ports + first, rows + end * ld, shared - end
        for r in range(step[RUNS] + 1):
            if r < step[RUNS]:
                start, count, at = runs[4 * r], runs[4 * r + 1], runs[4 * r + 3]
                base, of, common = (b, ld_b, shared_b) if runs[4 * r + 2] else (a, ld_a, shared_a)
            else:
                start, count, base, of, common, at = ports, end, a, ld_a, shared_a, shared_a
            # Only a part's lower triangle counts.
            if common >= at:
                base, down, across = base + (common + first) * of + at, of, 1
            else:
                base, down, across = base + at * of + common + first, 1, of
            x, y = later + node, later + start
            _rows(store, m, count, row + start, ld, base, down, across, x, 1, ld, y, 1, ld, terms)
        for e in range(m - 1, -1, -1):
            pivot_row = row + e * ld
            _eliminate(store, pivot_row, node + e, pivot_row + node + e)
            for f in range(e):
                to = row + f * ld
                _rows(store, 1, node + f, to, ld, to, ld, 1, pivot_row + node + f, 1, ld, pivot_row, 1, ld, 1)
        end = first
    _spread(store, step, runs)


@njit(**_OPTIONS)
def _spread(store: Array, step: Index, runs: Index) -> None:
    """Write the couplings of a join's ports: those of its parts and what the eliminated ones share out."""
    ports, shared, rows, ld = step[PORTS], step[SHARED], step[ROWS], step[LD]
    for r in range(step[RUNS]):
        start, count, second, at = runs[4 * r], runs[4 * r + 1], runs[4 * r + 2], runs[4 * r + 3]
        part, of = (step[B], step[PORTS_B]) if second else (step[A], step[PORTS_A])
        i = 0
        while i < count:
            m = 4 if count - i >= 4 else 1
            row = rows + start + i
            for t in range(r + 1):
                across = runs[4 * t]
                base = part + (at + i) * of + runs[4 * t + 3] if runs[4 * t + 2] == second else -1
                columns = runs[4 * t + 1] if t < r else i + m
                to = step[OUT] + (start + i) * ports + across
                _rows(store, m, columns, to, ports, base, of, 1, row, 1, ld, rows + across, 1, ld, shared)
            i += m


@njit(**_OPTIONS)
def reduce(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, origin: Index, row_size: Index, count: int,
    store: Array,
) -> None:  # fmt: skip
    """Reduce crossbars of one shape to their ports.

    Parameters
    ----------
    steps, places : int64
        Their schedule (:class:`lane_schedule.LaneSchedule`).
    g, cw, cb : float64
        Cells, and couplings of the word- and bit-line segments, ends included, in siemens, of all crossbars.
    origin : (3, LANES)
        Where in ``g``, ``cw`` and ``cb`` each crossbar's begin; lanes without one repeat another.
    row_size : (3,)
        How far apart rows are there.
    count : int
        How many crossbars there are, ``LANES`` at most.
    store : (entries * LANES,)
        Work space, in which the schedule keeps what it keeps. Nothing in it may be smaller than normal doubles: places
        that do not count are computed with as well, which must not slow the others.
    """
    entries, lanes = store.size // LANES, width()
    for part in range(0, count, lanes):
        region = store[part * entries : (part + lanes) * entries]
        for s in range(steps.shape[0]):
            step = steps[s]
            if step[LEAF]:
                _leaf(region, step, places[step[PLACES] :], part, g, cw, cb, origin, row_size)
            else:
                _join(region, step, places[step[PLACES] :])


@njit(**_OPTIONS)
def couplings(store: Array, at: int, ports: int, later: int, earlier: int, out: Array) -> None:
    """Fill ``out`` (count, m, n) with the couplings of m ports from ``earlier`` on to n from ``later`` on.

    They stand at ``at``, a square of ``ports``.
    """
    entries, lanes = store.size // LANES, width()
    for part in range(0, out.shape[0], lanes):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                place = part * entries + (at + (later + j) * ports + earlier + i) * lanes
                for q in range(min(lanes, out.shape[0] - part)):
                    out[part + q, i, j] = store[place + q]


@njit(**_OPTIONS)
def port_currents(
    steps: Index, places: Index, g: Array, cw: Array, cb: Array, origin: Index, row_size: Index, volts: Array,
    store: Array, out: Array,
) -> None:  # fmt: skip
    """Find what flows out at the ports of crossbars that differ in their cells alone, for the same sources.

    Parameters
    ----------
    steps, places, cw, cb, row_size, store
        As those of ``reduce``.
    g : float64
        Cells of all crossbars, one after the other.
    origin : (3, LANES)
        Work space.
    volts : (ports,)
        The sources'.
    out : (count, ports)
        Receives amperes.
    """
    count, ports = out.shape
    entries, lanes, size = store.size // LANES, width(), g.size // count
    at = steps[steps.shape[0] - 1, OUT]
    origin[:] = 0
    for start in range(0, count, LANES):
        filled = min(LANES, count - start)
        for q in range(LANES):
            origin[0, q] = (start + min(q, filled - 1)) * size
        reduce(steps, places, g, cw, cb, origin, row_size, filled, store)
        for q in range(filled):
            amperes, part = out[start + q], q - q % lanes
            for k in range(ports):
                amperes[k] = 0.0
                for t in range(k):
                    place = part * entries + (at + k * ports + t) * lanes + q - part
                    current = store[place] * (volts[t] - volts[k])
                    amperes[k] += current
                    amperes[t] -= current
