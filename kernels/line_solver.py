"""A circuit's lines, factored once, and its solutions for any sources by conjugate gradients (:mod:`schur`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ladders, schur, tiles
from .coarse import Grid
from .lane_loops import LANES
from .meeting import run_both

Array = NDArray[np.float64]
Index = NDArray[np.int64]


SPLIT_CELLS = 256 * 256
"""Cells of an array from which on two threads may share its bit lines."""


class Lines:
    """Cells and dividers of all lines, and the coarse grid.

    Attributes
    ----------
    factors : (3, panels, width, 8)
        Cells, and dividers ``lw, lb``, as :mod:`tiles` lays them out.
    kw, kb : (panels, width, 8) each, or (panels, width) and (panels, 8)
        The other dividers, or the segments' ohms.
    split : int
        Panels of the bit lines' upper parts: all of them, or half.
    joint : (3, width)
        What both parts are where they meet (:func:`tiles.factor_bits`).
    ends : (width,)
        Siemens of the bottom ends.
    grid : Grid
        The coarse grid.
    """

    def __init__(self, rows: int, cols: int) -> None:
        self.factors = _tiled(3, rows, cols)
        self.kw: Array
        self.kb: Array
        self.grid: Grid
        panels, width = self.factors.shape[1:3]
        self.split = panels if rows * cols < SPLIT_CELLS or panels < 4 else (panels + 1) // 2
        self.joint, self.ends = np.zeros((3, width)), np.zeros(width)
        self._word_siemens: Array | None = None

    @property
    def halved(self) -> bool:
        """Whether the bit lines are in two parts."""
        return bool(self.split < self.factors.shape[1])

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

    def factor(
        self, g: Array, word: Array, bit: Array, *, shunts: tuple[Array, Array] | None = None, grid: bool = True,
        again: bool = False, threads: int = 1,
    ) -> None:  # fmt: skip
        """Take cells g (m, n) and segments ``word`` (m, n+1), ``bit`` (m+1, n); without ``grid`` dividers alone.

        ``shunts`` (m, n) are siemens from the word and from the bit nodes to ground: lines hold them, the coarse grid,
        which only preconditions, does not. With wires as they were, ``again`` takes other cells and keeps that grid.
        """
        cells, lw, lb = self.factors
        panels, width, _ = cells.shape
        if again:
            grid = False
        elif tiles.alike(word, bit):
            self.kw, self.kb = np.empty((panels, width)), np.empty((panels, LANES))
        elif not hasattr(self, "kw") or self.kw.ndim == 2:
            self.kw, self.kb = _tiled(2, *g.shape)
        tiles.to_words(g, cells)

        def words() -> None:
            tiles.factor_words(cells if shunts is None else self._grounded(g + shunts[0]), word, lw, self.kw)
            if grid:
                self.grid = Grid.of(g, word, bit, cells)

        def bits() -> None:
            tiles.factor_bits(g if shunts is None else g + shunts[1], bit, lb, self.kb, self.split, self.joint)
            np.divide(1.0, np.maximum(bit[-1], tiles.TINY), out=self.ends[: g.shape[1]])

        self.run_layers(words, bits, threads)

    def _grounded(self, siemens: Array) -> Array:
        """Lay out what conducts at the word nodes, in work space that is kept."""
        if self._word_siemens is None:
            self._word_siemens = _tiled(1, *siemens.shape)[0]
        tiles.to_words(siemens, self._word_siemens)
        return self._word_siemens

    def end_currents(
        self, g: Array, word: Array, bit: Array, volts: list[Array], v: Array, u: Array, out: list[Array], *,
        threads: int = 1,
    ) -> float:  # fmt: skip
        """Fill the currents ``out`` of the left, right, top and bottom ends; return the digits' worst loss.

        ``volts`` are the ends' sources, v and u (m, n) the node voltages that were solved for.
        """
        left, right, top, bottom = volts
        losses = np.empty(2)

        def words() -> None:
            losses[0] = ladders.word_end_currents(g, word, self.lw, u, left, right, out[0], out[1])

        def bits() -> None:
            losses[1] = ladders.bit_end_currents(
                g, bit, self.lb, self.split, self.joint, v, top, bottom, out[2], out[3]
            )  # fmt: skip

        self.run_layers(words, bits, threads)
        return float(losses.max())

    def run_layers(self, words: Callable[[], Any], bits: Callable[[], Any], threads: int) -> None:
        """Do what concerns word lines and what concerns bit lines, in two threads where that pays."""
        run_layers(words, bits, threads if self.halved else 1)


def run_layers(words: Callable[[], Any], bits: Callable[[], Any], threads: int) -> None:
    """Do what concerns word lines and what concerns bit lines, in two threads where there are as many."""

    def alone() -> None:
        words()
        bits()

    if threads < 2:
        alone()
    else:
        run_both(lambda part, _: bits() if part else words(), alone)


class Gradients:
    """Work space of one thread: 8 numbers a node, 10 once cells have had currents of their own."""

    def __init__(self, rows: int, cols: int) -> None:
        self.work = _tiled(5, rows, cols)
        self._directions = _tiled(5, rows, cols)
        panels, width = self.work.shape[1:3]
        self._near_w, self._far_w = np.zeros((2, panels * LANES))
        self._near_b, self._far_b = np.zeros((2, width))
        self._carries, self._sums = np.zeros((7, width)), np.zeros((2, 2))

    def spare(self, rows: int, cols: int) -> tuple[Array, ...]:
        """Return four arrays (rows, cols) for what else is to be done between two solves."""
        return tuple(array.reshape(-1)[: rows * cols].reshape(rows, cols) for array in self._directions[:4])

    def solve(
        self, lines: Lines, near_w: Array, far_w: Array, near_b: Array, far_b: Array, tolerance: float, floor: float,
        limit: int, v: Array, u: Array, *, leaving: Array | None = None, entering: Array | None = None,
        guess: bool = False, threads: int = 1,
    ) -> tuple[int, int, float]:  # fmt: skip
        """Fill v and u (m, n), as :func:`schur.solve`; start from u if that is a ``guess``.

        Of several ``threads`` two are used where the lines are in two parts; no number depends on it.
        """
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
        coarse = np.zeros((2, grid.band.shape[0]))

        def run(first: int, last: int, gate: Index) -> tuple[int, int, float]:
            outcome: tuple[int, int, float] = schur.solve(
                lines.factors, lines.kw, lines.kb, lines.split, lines.joint, lines.ends, self.work, self._directions,
                leaving is not None, self._near_w, self._far_w, self._near_b, self._far_b, grid.xs, grid.tx, grid.ty,
                grid.intervals, grid.band, tolerance, floor, limit, self._carries, self._sums, coarse, gate, first,
                last,
            )  # fmt: skip
            return outcome

        def alone() -> tuple[int, int, float]:
            return run(0, 1 + lines.halved, np.zeros(0, np.int64))

        if threads < 2 or not lines.halved:
            outcome = alone()
        else:
            outcome = run_both(lambda part, gate: run(part, part + 1, gate), alone)
        tiles.from_words(self.work[0], v)
        tiles.from_words(self.work[1], u)
        return outcome


def _tiled(count: int, rows: int, cols: int) -> Array:
    """Arrays of nodes whose vectors begin where the machine's cache lines do."""
    shape = count, -(-rows // LANES), -(-cols // LANES) * LANES, LANES
    memory = np.empty(int(np.prod(shape)) + LANES)
    start = -(memory.ctypes.data // memory.itemsize) % LANES
    return memory[start : start + memory.size - LANES].reshape(shape)


_GAP = 136  # numbers


def apart(count: int, rows: int, cols: int) -> list[Array]:
    """Return arrays a few cache lines apart: those of one cell do not all fall into the same sets."""
    cells = rows * cols
    block = np.empty(count * (cells + _GAP))
    return [block[k : k + cells].reshape(rows, cols) for k in range(0, block.size, cells + _GAP)]
