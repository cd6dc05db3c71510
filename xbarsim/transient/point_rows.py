"""Rows of numbers, one for each point of a run, of which nobody knows how many there will be."""

from __future__ import annotations

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.resources import check_memory

_BLOCK = 1 << 18
"""Numbers that are asked for at a time."""


class PointRows:
    """The rows so far, in blocks.

    Parameters
    ----------
    width : int
        Numbers of a row.
    least : float
        How many rows there will be at least.

    Raises
    ------
    TooLargeError
        They would not fit in memory.
    """

    def __init__(self, width: int, least: float) -> None:
        self._width, self._rows = width, max(16, _BLOCK // width)
        self._blocks: list[Array] = []
        self._filled = 0
        self._check(least)

    def add(self, *parts: Array) -> None:
        """Keep a row that parts make up, one after the other.

        Raises
        ------
        TooLargeError
            There is no room for more.
        """
        if not self._blocks or self._filled == self._rows:
            self._check((len(self._blocks) + 1) * self._rows)
            self._blocks.append(np.empty((self._rows, self._width)))
            self._filled = 0
        np.concatenate(parts, out=self._blocks[-1][self._filled])
        self._filled += 1

    def table(self) -> Array:
        """Return all rows (points, width)."""
        if not self._blocks:
            return np.empty((0, self._width))
        return np.concatenate([*self._blocks[:-1], self._blocks[-1][: self._filled]])

    def _check(self, points: float) -> None:
        check_memory(
            16.0 * points * self._width,  # twice, while blocks are joined
            f"recording {self._width - 1} numbers at {points:.0f} points or more",
            "record less (Recording.currents, cells, node_voltages), or raise max_step or reltol",
        )
