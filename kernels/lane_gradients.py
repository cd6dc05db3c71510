"""Gradients of maps that were reduced side by side: the reduction of :mod:`lanes` backwards.

``D[i, j]`` is a loss's derivative by the coupling of nodes i and j. Those of the nodes that remain stay as they are
when an eliminated node k comes back. With ``p_j = c[k, j] / d`` its share in each of them, its own are::

    D[k, j] = m_j - sum_i p_i m_i / 2,    m_j = sum_i D[i, j] p_i

which is ``H[k, k] + H[j, j] - 2 H[k, j]`` for ``H = P Ybar P'``, with P the extension of the ports' voltages to the
eliminated nodes and Ybar the derivatives by the ports' admittances. Rows kept ``s = p sqrt(d)``.

Derivatives are never moved: each has its place in the row of the node that is eliminated first, and a block finds
those by its ports' couplings in the rows of the blocks around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit
from xbarsim.kernels.vectors import LANES, every, four_rows, load, madd, minus, one_row, plus, save, times, width

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

# Columns of a schedule's steps, as :class:`lane_schedule.LaneStep` describes them.
LEAF, OUT, PORTS, PLACES, ROW, COL, RUNS, SHARED, ROWS, LD = range(10)
D, LINKS = 16, 17


@njit(**_OPTIONS)
def _settle(store: Array, m: int, s: int, degree: int, factor_place: int) -> None:
    """Turn a node's sums ``sum_i D[i, j] s_i`` at m, for its row s, into its derivatives."""
    t0, t1, t2, t3 = every(0.0), every(0.0), every(0.0), every(0.0)
    for j in range(0, degree - 3, 4):
        t0 = madd(load(store, m + j), load(store, s + j), t0)
        t1 = madd(load(store, m + j + 1), load(store, s + j + 1), t1)
        t2 = madd(load(store, m + j + 2), load(store, s + j + 2), t2)
        t3 = madd(load(store, m + j + 3), load(store, s + j + 3), t3)
    for j in range(degree - degree % 4, degree):
        t0 = madd(load(store, m + j), load(store, s + j), t0)
    factor = load(store, factor_place)
    total = plus(plus(t0, t1), plus(t2, t3))
    shift = times(times(total, every(0.5)), times(factor, factor))
    for j in range(degree):
        save(store, m + j, minus(times(load(store, m + j), factor), shift))


@njit(**_OPTIONS)
def _leaf_back(store: Array, step: Index, program: Index, links: Index) -> None:
    """Find the derivatives by all couplings of a leaf from those of its ports; they lie as the couplings do."""
    out, d, ports, sides = step[OUT], step[D], step[PORTS], links[0]
    at, i = 1 + sides, 0
    for side in range(sides):
        j = 0
        for partner in range(side + 1):
            place, down, across = links[at], links[at + 1], links[at + 2]
            for a in range(links[1 + side]):
                for b in range(links[1 + partner]):
                    value = load(store, place + a * down + b * across) if place >= 0 else every(0.0)
                    save(store, d + (i + a) * ports + j + b, value)
            at += 3
            j += links[1 + partner]
        i += links[1 + side]
    for k in range(program[2] - 1, -1, -1):
        at = program[3 + k]
        s, m, degree = out + program[at], d + program[at], program[at + 1]
        at += 2
        save(store, m, every(0.0))
        for i in range(1, degree):
            share, total = load(store, s + i), every(0.0)
            for j in range(i):
                derivative = load(store, d + program[at + j])
                total = madd(derivative, load(store, s + j), total)
                save(store, m + j, madd(derivative, share, load(store, m + j)))
            save(store, m + i, total)
            at += i
        _settle(store, m, s, degree, s + degree)


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
def _from_ports(store: Array, step: Index, links: Index) -> None:
    """Sum up what a join's eliminated nodes get from the derivatives by its ports' couplings.

    A few columns at a time, so that those derivatives are read once.
    """
    shared, rows, d, ld, sides = step[SHARED], step[ROWS], step[D], step[LD], links[0]
    col = 0
    for side in range(sides):
        for j in range(0, links[1 + side], 4):
            n = min(4, links[1 + side] - j)
            row, begun = 0, False
            for partner in range(sides):
                near, far = max(side, partner), min(side, partner)
                at = 1 + sides + 3 * (near * (near + 1) // 2 + far)
                place, across, down, count = links[at], links[at + 1], links[at + 2], links[1 + partner]
                if side < partner:
                    across, down = down, across
                if place >= 0:
                    first = 0
                    while first < shared:
                        to, x = d + first * ld + col + j, rows + first * ld + row
                        base = to if begun else -1
                        m = 4 if shared - first >= 4 else 1
                        _rows(store, m, n, to, ld, base, ld, 1, x, ld, 1, place + j * across, across, down, count)
                        first += m
                    begun = True
                row += count
            if not begun:
                for e in range(shared):
                    for c in range(n):
                        save(store, d + e * ld + col + j + c, every(0.0))
        col += links[1 + side]


@njit(**_OPTIONS)
def _join_back(store: Array, step: Index, links: Index) -> None:
    """Find the derivatives by a join's eliminated nodes' couplings from those of its ports."""
    ports, shared, rows, d, ld = step[PORTS], step[SHARED], step[ROWS], step[D], step[LD]
    _from_ports(store, step, links)
    first = 0
    while first < shared:
        m = 4 if shared - first >= 4 else 1
        node, row, target = ports + first, rows + first * ld, d + first * ld
        _rows(store, m, ports, target, ld, target, ld, 1, row + ports, ld, 1, d, 1, ld, first)
        _rows(store, m, first, target + ports, ld, -1, 0, 0, row, ld, 1, d, ld, 1, node)
        for e in range(m):
            target, s = d + (first + e) * ld, row + e * ld
            for f in range(e):
                # The nodes before it in this panel: what they add to its sums, and its sums at them.
                earlier = d + (first + f) * ld
                _rows(store, 1, node, target, 0, target, 0, 1, s + node + f, 0, 0, earlier, 1, 0, 1)
                total = every(0.0)
                for j in range(node + e):
                    total = madd(load(store, earlier + j), load(store, s + j), total)
                save(store, target + node + f, total)
            _settle(store, target, s, node + e, s + node + e)
            save(store, target + node + e, every(0.0))
            for f in range(first + e):
                save(store, d + f * ld + node + e, load(store, target + ports + f))
        first += m


@njit(**_OPTIONS)
def gradients(steps: Index, places: Index, store: Array, cotangents: Array, out: Array) -> None:
    """Carry derivatives by maps, which are the couplings between the left and the bottom ports, back to the cells.

    Parameters
    ----------
    steps, places : int64
        The schedule by which :func:`lanes.reduce` left ``store``, one that keeps all.
    store : (entries * LANES,)
        Its work space.
    cotangents : (count, left, bottom)
        Derivatives of a loss by the maps.
    out : (count, m, n)
        Receives its derivatives by the cells.
    """
    entries, lanes = store.size // LANES, width()
    count = cotangents.shape[0]
    for part in range(0, count, lanes):
        filled = min(lanes, count - part)
        region = store[part * entries : (part + lanes) * entries]
        for q in range(lanes):
            for i in range(cotangents.shape[1]):
                for j in range(cotangents.shape[2]):
                    cotangent = cotangents[part + q, i, j] if q < filled else 0.0
                    region[(i * cotangents.shape[2] + j) * lanes + q] = cotangent
        for s in range(steps.shape[0] - 1, -1, -1):
            step = steps[s]
            links = places[step[LINKS] :]
            if step[LEAF] == 0:
                _join_back(region, step, links)
                continue
            program = places[step[PLACES] :]
            _leaf_back(region, step, program, links)
            for k in range(program[1]):
                at = 3 + program[2] + 4 * k
                if program[at + 1] == 0:
                    i, j = step[ROW] + program[at + 2], step[COL] + program[at + 3]
                    for q in range(filled):
                        out[part + q, i, j] = region[(step[D] + program[at]) * lanes + q]
