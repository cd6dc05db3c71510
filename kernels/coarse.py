"""A crossbar on a coarse grid: what lines solved one by one leave over is smooth, and few numbers can tell it.

Word and bit lines that cells tie together firmly move as one sheet; solving each line exactly, in turn, corrects such
voltages only step by step. So both layers' voltages are also sought among functions that are bilinear between the
nodes of a coarse grid. Their equations are those of a crossbar again: cells become moments of the cells around, and
the wires between two coarse nodes of a line count as the sum of their ohms, so that one of 0 ohm is nothing special
and a broken one conducts nothing.

A coarse node has two unknowns, word and bit, in this order. Of their equations a banded Cholesky factor is kept:
``band[k, reach]`` is one over the pivot, ``band[k, reach - d]`` the entry d places left of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.lane_loops import LANES, lane_loops
from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

DENSITY = 1.4
"""Coarse intervals in a length over which a difference between the layers falls by e: more cost more than they save."""

FEWEST = 6
"""Intervals of the longer side below which lines alone converge as fast."""

SMALL = 96 * 96
"""Cells of an array on which a grid is to save more than its making: it needs ``FEWEST_OF_SMALL`` intervals."""

FEWEST_OF_SMALL = 9

MOST = 48
"""Intervals of a side: their equations take the fourth power of it."""

_STIFF = 1e-6  # of the wires' mean ohms: what is less makes no difference, but loses digits
_SINGULAR = 1e-12  # pivots below this part of their diagonal entry are rounding errors: nothing holds these nodes
_SAMPLES = 16  # lines that tell how cells and wires are on average
_LARGEST = 1e150  # ohms or siemens beyond these are as good as endless, and their products are no numbers

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


@dataclass(frozen=True)
class Grid:
    """Where the coarse nodes are.

    Attributes
    ----------
    xs : (intervals + 1,)
        Columns of the coarse nodes, first and last included; empty if there is no coarse grid.
    ys : (intervals + 1,)
        Rows, the first ones of panels but for the last.
    tx, ty : (width,), (panels, 8)
        How far each column and row is along its interval.
    intervals : (panels,)
        Which interval of rows each panel is in.
    band : (unknowns, reach + 1)
        Factor of the coarse equations.
    """

    xs: Index
    ys: Index
    tx: Array
    ty: Array
    intervals: Index
    band: Array

    @staticmethod
    def of(g: Array, word: Array, bit: Array, cells: Array) -> Grid:
        """Lay a grid over cells g (m, n), ``cells`` in tiles, if one pays; factor its equations."""
        m, n = g.shape
        panels, width = cells.shape[:2]
        siemens, ohms_w, ohms_b = (_mean(_sample(numbers)) for numbers in (g, word[:, 1:-1], bit[1:-1]))
        wide, high = n * np.sqrt(2.0 * siemens * ohms_w), m * np.sqrt(2.0 * siemens * ohms_b)
        nx, ny = (max(1, round(DENSITY * min(waves, MOST))) for waves in (wide, high))
        nx, ny = min(nx, MOST, max(1, n // LANES)), min(ny, MOST, max(1, panels - 1))
        fewest = FEWEST if g.size >= SMALL else FEWEST_OF_SMALL
        if max(nx, ny) < fewest or min(m, n) < 2 * LANES:
            nodes = np.empty(0, np.int64)
            return Grid(
                nodes, nodes, np.zeros(width), np.zeros((panels, LANES)), np.zeros(panels, np.int64), np.empty((0, 1))
            )
        xs = np.arange(nx + 1) * (n - 1) // nx
        ys = np.arange(ny + 1) * panels // ny * LANES
        ys[-1] = m - 1
        (tx, _), (ty, intervals) = _parts(xs, width), _parts(ys, panels * LANES)
        grid = Grid(
            xs, ys, tx, ty.reshape(panels, LANES), intervals[::LANES].copy(),
            np.zeros((2 * xs.size * ys.size, 2 * min(xs.size, ys.size) + 4)),
        )  # fmt: skip
        assemble(cells, word, bit, grid.ys, grid.xs, grid.tx, grid.ty, ohms_w, ohms_b, grid.band)
        factor(grid.band)
        return grid


def _sample(a: Array) -> Array:
    """Return some lines' numbers; steps are odd, since neighbours may take turns."""
    return a[:: a.shape[0] // _SAMPLES | 1, :: a.shape[1] // _SAMPLES | 1]


def _mean(numbers: Array) -> float:
    """Return the mean of those that are finite, so that products of two means are finite too."""
    whole = np.minimum(numbers[np.isfinite(numbers)], _LARGEST)
    return float(whole.mean()) if whole.size else 0.0


def _parts(nodes: Index, count: int) -> tuple[Array, Index]:
    """How far each line is along its interval, and which interval that is."""
    lines = np.arange(count)
    at = np.minimum(np.searchsorted(nodes, lines, side="right") - 1, nodes.size - 2)
    return (lines - nodes[at]) / (nodes[at + 1] - nodes[at]), at


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _sum(a: Array) -> float:
    """Sum in whatever order is fastest: all terms are positive."""
    total = 0.0
    for j in range(a.size):
        total += a[j]
    return total


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _moments(a: Array, t: Array) -> tuple[float, float, float]:
    """Return sums of a times products of two hats: both falling over the parts t, one rising, both rising."""
    total = once = twice = 0.0
    for j in range(a.size):
        total += a[j]
        once += a[j] * t[j]
        twice += a[j] * t[j] * t[j]
    return total - 2.0 * once + twice, once - twice, twice


@lane_loops()
def _cell_moments(code: Any, g: Any, tx: Any, first: Any, last: Any, sums: Any) -> None:
    """As ``_moments``, of eight word lines' cells from first to below last: ``sums`` (3, 8)."""
    falling, mixed, rising = code.variable(), code.variable(), code.variable()
    whole = code.constant(1.0)
    for j in code.upwards(first, last):
        part = tx.number(j)
        opposite = whole - part
        more, less = part * g[j], opposite * g[j]
        falling.value = opposite * less + falling.value
        mixed.value = part * less + mixed.value
        rising.value = part * more + rising.value
    sums[0], sums[1], sums[2] = falling.value, mixed.value, rising.value


@njit(**_OPTIONS)
def _stop(nodes: Index, k: int) -> int:
    """Where the interval that starts at node k ends; the last line belongs to the last one."""
    stop: int = nodes[k + 1] + (1 if k == nodes.size - 2 else 0)
    return stop


@njit(**_OPTIONS)
def _add(band: Array, a: int, b: int, value: float) -> None:
    if a >= b:
        band[a, band.shape[1] - 1 - (a - b)] += value


@njit(**_OPTIONS)
def _add_cells(band: Array, moments: Array, corners: Index) -> None:
    """``moments[p, q]`` between corners, whose pairs along y (both upper, mixed, both lower) and x they are of."""
    for a in range(4):
        for b in range(4):
            value = moments[a // 2 + b // 2, a % 2 + b % 2]
            _add(band, 2 * corners[a], 2 * corners[b], value)
            _add(band, 2 * corners[a] + 1, 2 * corners[b] + 1, value)
            _add(band, 2 * corners[a] + 1, 2 * corners[b], -value)
            _add(band, 2 * corners[a], 2 * corners[b] + 1, -value)


@njit(**_OPTIONS)
def _add_wires(band: Array, siemens: Array, corners: Index, layer: int) -> None:
    """Wires along x (word, 0) or along y (bit, 1): ``siemens[p]`` for pairs of the partner direction's hats."""
    for a in range(4):
        for b in range(4):
            if layer == 0:
                value = siemens[a // 2 + b // 2] * (1.0 if a % 2 == b % 2 else -1.0)
            else:
                value = siemens[a % 2 + b % 2] * (1.0 if a // 2 == b // 2 else -1.0)
            _add(band, 2 * corners[a] + layer, 2 * corners[b] + layer, value)


@njit(**_OPTIONS)
def _add_end(band: Array, siemens: Array, first: int, second: int) -> None:
    """Line ends between two neighbouring unknowns: ``siemens[p]`` for pairs of their hats."""
    _add(band, first, first, siemens[0])
    _add(band, first, second, siemens[1])
    _add(band, second, first, siemens[1])
    _add(band, second, second, siemens[2])


@njit(**_OPTIONS)
def assemble(
    g: Array, rw: Array, rb: Array, ys: Index, xs: Index, tx: Array, ty: Array, ohms_w: float, ohms_b: float,
    band: Array,
) -> None:  # fmt: skip
    """Fill ``band`` with the coarse crossbar's equations.

    ``g`` (panels, width, 8) are the cells, ``rw`` (m, n+1) and ``rb`` (m+1, n) the lines' segments, of ``ohms_w`` and
    ``ohms_b`` in the mean. Unknowns of a coarse line of the shorter direction follow one another.
    """
    m, n = rb.shape[0] - 1, rb.shape[1]
    ny, nx = ys.size - 1, xs.size - 1
    band[:] = 0.0
    cells, words, ends, sums = np.zeros((nx, 3, 3)), np.zeros((nx, 3)), np.zeros((2, 3)), np.empty((3, 8))
    passing, top, bottom = np.zeros(n), np.empty(n), np.empty(n)
    corners = np.empty(4, np.int64)
    low_w, low_b = _STIFF * max(ohms_w, _STIFF * ohms_b), _STIFF * max(ohms_b, _STIFF * ohms_w)
    for j in range(n):
        top[j], bottom[j] = 1.0 / max(rb[0, j], low_b), 1.0 / max(rb[m, j], low_b)
    for y in range(ny):
        cells[:] = 0.0
        words[:] = 0.0
        ends[:] = 0.0
        passing[:] = 0.0
        last = _stop(ys, y)
        for i in range(ys[y], last):
            t = ty[i // 8, i % 8]
            weights = ((1.0 - t) * (1.0 - t), (1.0 - t) * t, t * t)
            left, right = 1.0 / max(rw[i, 0], low_w), 1.0 / max(rw[i, n], low_w)
            for p in range(3):
                ends[0, p] += weights[p] * left
                ends[1, p] += weights[p] * right
            for x in range(nx):
                siemens = 1.0 / max(_sum(rw[i, xs[x] + 1 : xs[x + 1] + 1]), low_w)
                for p in range(3):
                    words[x, p] += weights[p] * siemens
            if i < ys[y + 1]:
                for j in range(n):
                    passing[j] += rb[i + 1, j]
        for j in range(n):
            passing[j] = 1.0 / max(passing[j], low_b)
        for b in range(ys[y] // 8, (last + 7) // 8):
            for x in range(nx):
                _cell_moments(g[b], tx, xs[x], _stop(xs, x), sums)
                for a in range(min(8, last - 8 * b)):
                    t = ty[b, a]
                    for q in range(3):
                        cells[x, 0, q] += (1.0 - t) * (1.0 - t) * sums[q, a]
                        cells[x, 1, q] += (1.0 - t) * t * sums[q, a]
                        cells[x, 2, q] += t * t * sums[q, a]
        for x in range(nx):
            for a in range(4):
                at_y, at_x = y + a // 2, x + a % 2
                corners[a] = at_x * (ny + 1) + at_y if ny < nx else at_y * (nx + 1) + at_x
            span = slice(xs[x], _stop(xs, x))
            _add_cells(band, cells[x], corners)
            _add_wires(band, words[x], corners, 0)
            _add_wires(band, _moments(passing[span], tx[span]), corners, 1)
            if x == 0:
                _add_end(band, ends[0], 2 * corners[0], 2 * corners[2])
            if x == nx - 1:
                _add_end(band, ends[1], 2 * corners[1], 2 * corners[3])
            if y == 0:
                _add_end(band, _moments(top[span], tx[span]), 2 * corners[0] + 1, 2 * corners[1] + 1)
            if y == ny - 1:
                _add_end(band, _moments(bottom[span], tx[span]), 2 * corners[2] + 1, 2 * corners[3] + 1)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _inner(a: Array, b: Array) -> float:
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@njit(**_OPTIONS)
def factor(band: Array) -> None:
    """Turn the equations in ``band`` into their Cholesky factor; unknowns that nothing holds stay at 0."""
    count, width = band.shape
    reach = width - 1
    for k in range(count):
        row = band[k]
        for d in range(min(reach, k), 0, -1):
            partner = band[k - d]
            # What both rows have left of column k - d.
            shared = min(reach - d, k - d)
            at = reach - d
            value = row[at] - _inner(row[at - shared : at], partner[reach - shared : reach])
            row[at] = value * partner[reach]
        at = min(reach, k)
        pivot = row[reach] - _inner(row[reach - at : reach], row[reach - at : reach])
        row[reach] = 1.0 / np.sqrt(pivot) if pivot > _SINGULAR * row[reach] else 0.0
