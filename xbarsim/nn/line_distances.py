"""Distances of what lines would hold from rows of weights, block by block of a chip's cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.checks import Array
from xbarsim.kernels import row_errors
from xbarsim.nn.physical_lines import LineBlock, PhysicalLines
from xbarsim.nn.tile_places import Indices

_CHUNK = 1 << 16
"""Cells that are looked at together: they stay in the processor's caches."""

_FEW = 64
"""Distinct weights up to which products over indicators are quicker than looking at each cell for each row."""


class LineDistances:
    """``sum_j |w_pj - t_qj(w_pj)|^power`` for rows of weights p on physical lines q.

    Parameters
    ----------
    matrix : (rows, cols) array
        Weights of the outputs that ``physical`` has.
    physical : PhysicalLines
        The lines.
    goal : sequence of (rows, cols) array, optional
        Siemens of each plane that are written instead of those of the matrix.
    power : int
        1 or 2.
    """

    def __init__(
        self, matrix: Array, physical: PhysicalLines, goal: Sequence[Array] | None = None, power: int = 1
    ) -> None:
        self._power = power
        self._matrix, self._physical = np.ascontiguousarray(matrix), physical
        values = np.unique(matrix)
        self._values = values if goal is None and len(values) <= _FEW else None
        self._goals: list[Sequence[Array]]
        if self._values is None:
            self._goals = [physical.goals(self._matrix) if goal is None else goal]
        else:
            self._goals = [physical.goals(np.full((1, matrix.shape[1]), value)) for value in values]

    def whole(self) -> Array:
        """Return them over all blocks, (rows, lines)."""
        if self._values is not None:
            goals = zip(self._values, self._goals, strict=True)
            apart = [self._raised(value - self._physical.realised(goal)[0]) for value, goal in goals]
            return _by_value(self._matrix, apart, self._values)
        costs = np.zeros((self._physical.shape[0], len(self._matrix)))
        for block in self._physical.blocks:
            costs[block.lines] += self.of(block).T
        return np.ascontiguousarray(costs.T)

    def of(self, block: LineBlock, rows: Indices | None = None) -> Array:
        """Return the part of a block's cells, (rows, lines); ``rows``: which of the matrix, None: all.

        Parameters
        ----------
        block : LineBlock
            Some physical lines, and some outputs of the matrix.
        rows : (count,) array of int, optional
            Which of the matrix; None: all.
        """
        inputs = slice(None) if rows is None else rows
        weights = self._matrix[inputs][:, block.cols]
        if self._values is not None:
            goals = zip(self._values, self._goals, strict=True)
            apart = [
                self._raised(value - block.realised([plane[:, block.cols] for plane in goal])) for value, goal in goals
            ]
            return _by_value(weights, apart, self._values)
        siemens = [plane[inputs][:, block.cols] for plane in self._goals[0]]
        straight = block.straight()
        if straight is None:
            return self._cell_by_cell(weights, siemens, block)
        costs = np.zeros((len(weights), len(block.lines)))
        row_errors.add_distances(costs, np.ascontiguousarray(weights), *straight, np.stack(siemens), self._power == 2)
        return costs

    def _cell_by_cell(self, weights: Array, siemens: Sequence[Array], block: LineBlock) -> Array:
        costs = np.empty((len(weights), len(block.lines)))
        step = max(1, _CHUNK // (len(block.lines) * len(block.cols)))
        for first in range(0, len(weights), step):
            rows = slice(first, first + step)
            apart = block.realised([plane[rows, None] for plane in siemens])
            apart -= weights[rows, None]
            costs[rows] = self._raised(apart).sum(axis=2)
        return costs

    def _raised(self, apart: Array) -> Array:
        """Return distances of differences, which it overwrites."""
        return np.abs(apart, out=apart) if self._power == 1 else np.square(apart, out=apart)


def _by_value(weights: Array, apart: Sequence[Array], values: Array) -> Array:
    """Return costs from how far each cell, (lines, cols), is from each of few distinct weights."""
    costs = np.zeros((len(weights), len(apart[0])))
    for value, cells in zip(values, apart, strict=True):
        costs += (weights == value).astype(float) @ cells.T
    return costs
