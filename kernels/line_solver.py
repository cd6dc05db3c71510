"""A circuit's lines, factored once, and its solutions for any sources by conjugate gradients (:mod:`schur`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import schur, tiles
from .coarse import Grid
from .lane_loops import LANES

Array = NDArray[np.float64]


class Lines:
    """Cells and dividers of all lines, and the coarse grid.

    Attributes
    ----------
    factors : (3, panels, width, 8)
        Cells, and dividers ``lw, lb``, as :mod:`tiles` lays them out.
    kw, kb : (panels, width, 8) each, or (panels, width) and (panels, 8)
        The other dividers, or the segments' ohms.
    grid : Grid
        The coarse grid.
    """

    def __init__(self, rows: int, cols: int) -> None:
        self.factors = _tiled(3, rows, cols)
        self.kw: Array
        self.kb: Array
        self.grid: Grid

    @property
    def lw(self) -> Array:
        """The word lines' dividers."""
        lw: Array = self.factors[1]
        return lw

    @property
    def lb(self) -> Array:
        """The bit lines' dividers."""
        lb: Array = self.factors[2]
        return lb

    def factor(self, g: Array, word: Array, bit: Array, *, grid: bool = True) -> None:
        """Take cells g (m, n) and segments ``word`` (m, n+1), ``bit`` (m+1, n); without ``grid`` dividers alone."""
        cells, lw, lb = self.factors
        panels, width, _ = cells.shape
        if tiles.alike(word, bit):
            self.kw, self.kb = np.empty((panels, width)), np.empty((panels, LANES))
        elif not hasattr(self, "kw") or self.kw.ndim == 2:
            self.kw, self.kb = _tiled(2, *g.shape)
        tiles.to_words(g, cells)
        tiles.factor_words(cells, word, lw, self.kw)
        tiles.factor_bits(g, bit, lb, self.kb)
        if grid:
            self.grid = Grid.of(g, word, bit, cells)


class Gradients:
    """Work space of one thread: 8 numbers a node, 10 where cells have currents of their own."""

    def __init__(self, rows: int, cols: int, *, offsets: bool = False) -> None:
        self.work = _tiled(5 if offsets else 3, rows, cols)
        self._directions = _tiled(5, rows, cols)
        panels, width = self.work.shape[1:3]
        self._near_w, self._far_w = np.zeros((2, panels * LANES))
        self._near_b, self._far_b = np.zeros((2, width))

    def spare(self, rows: int, cols: int) -> tuple[Array, ...]:
        """Return four arrays (rows, cols) for what else is to be done between two solves."""
        return tuple(array.reshape(-1)[: rows * cols].reshape(rows, cols) for array in self._directions[:4])

    def solve(
        self, lines: Lines, near_w: Array, far_w: Array, near_b: Array, far_b: Array, tolerance: float, floor: float,
        limit: int, v: Array, u: Array, *, leaving: Array | None = None, entering: Array | None = None,
        guess: bool = False,
    ) -> tuple[int, int, float]:  # fmt: skip
        """Fill v and u (m, n), as :func:`schur.solve`; start from u if that is a ``guess``."""
        rows, cols = u.shape
        if guess:
            tiles.to_words(u, self.work[1])
        else:
            self.work[1] = 0.0
        if leaving is not None and entering is not None:
            tiles.to_words(leaving, self.work[3])
            tiles.to_bits(entering, self.work[4])
        self._near_w[:rows], self._far_w[:rows], self._near_b[:cols], self._far_b[:cols] = near_w, far_w, near_b, far_b
        grid = lines.grid
        outcome: tuple[int, int, float] = schur.solve(
            lines.factors, lines.kw, lines.kb, self.work, self._directions, leaving is not None, self._near_w,
            self._far_w, self._near_b, self._far_b, grid.xs, grid.tx, grid.ty,
            grid.intervals, grid.band, tolerance, floor, limit,
        )  # fmt: skip
        tiles.from_words(self.work[0], v)
        tiles.from_words(self.work[1], u)
        return outcome


def _tiled(count: int, rows: int, cols: int) -> Array:
    """Arrays of nodes whose vectors begin where the machine's cache lines do."""
    shape = count, -(-rows // LANES), -(-cols // LANES) * LANES, LANES
    memory = np.empty(int(np.prod(shape)) + LANES)
    start = -(memory.ctypes.data // memory.itemsize) % LANES
    return memory[start : start + memory.size - LANES].reshape(shape)
