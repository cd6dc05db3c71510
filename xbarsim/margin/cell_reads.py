"""Reads of one cell in an array whose other cells are in any states."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.kernels import many
from xbarsim.margin.technology import States, Technology
from xbarsim.schemes.reading import Read
from xbarsim.schemes.reading import read as read_cell
from xbarsim.schemes.scheme import Cell, Scheme
from xbarsim.solvers.segments import Segments


class CellReader:
    """Reads one cell of an array in any states."""

    def __init__(
        self, technology: Technology, shape: tuple[int, int], scheme: Scheme, cell: Cell, volts: float
    ) -> None:
        self.technology, self.shape, self.scheme, self.cell, self.volts = technology, shape, scheme, cell, volts
        self.sign = math.copysign(1.0, volts)

    def __call__(self, states: States) -> Read:
        """Read the cell."""
        return read_cell(self.technology.crossbar(states), self.scheme, self.cell, self.volts)

    @property
    def rank(self) -> Callable[[States], Array] | None:
        """What finds many patterns' selected currents at once; None for nonlinear cells and larger arrays."""
        small = max(self.shape) <= many.MOST_LINES
        return self._rank if small and self.technology.device.linear else None

    def _rank(self, patterns: States) -> Array:
        tied, voltages = self.scheme.tie(self.technology.crossbar(patterns[0]), self.cell, self.volts)
        segments = Segments.of(tied)
        sources = segments.sources(voltages[None])
        sides = [side for side, present in zip(SIDES, segments.present, strict=True) if present]
        volts = np.concatenate([sources[side][0] for side in sides])
        cells = np.where(patterns, 1.0 / self.technology.r_on, 1.0 / self.technology.r_off)
        amperes = many.terminal_currents(cells, *segments.couplings(), volts)
        starts = dict(zip(sides, np.cumsum([0, *(sources[side].size for side in sides)]), strict=False))
        sensed: tuple[Side, ...] = ("bit_bottom", "bit_top") if self.scheme.both_bits else ("bit_bottom",)
        outputs = [starts[side] + self.cell[1] for side in sensed if side in starts]
        total: Array = amperes[:, outputs].sum(axis=1)
        return total

    def left(self, low: Array, high: Array) -> Array:
        """Margins of currents in LRS and in HRS; without a current in LRS there is none.

        Parameters
        ----------
        low, high : array
            Amperes in LRS (low resistance) and in HRS, of one shape.
        """
        conducting = low * self.sign > 0.0
        return np.where(conducting, (low - high) / np.where(conducting, low, 1.0), -math.inf)

    def least(self, patterns: States) -> int:
        """Which pattern has the least margin, both states among the same cells.

        Parameters
        ----------
        patterns : (count, rows, cols) array of bool
            True: LRS; the read cell's own state does not count.
        """
        currents = []
        for state in (True, False):
            mixed = patterns.copy()
            mixed[:, self.cell[0], self.cell[1]] = state
            currents.append(self._rank(mixed))
        return int(np.argmin(self.left(*currents)))

    def labelled(self, name: str, states: States) -> Read:
        """Read the cell; errors say under which scheme, in which array and among which pattern.

        Parameters
        ----------
        name : str
            The pattern's, for messages.
        states : (rows, cols) array of bool
            True: LRS.
        """
        try:
            return self(states)
        except SolveError as error:
            kind = ConvergenceError if isinstance(error, ConvergenceError) else SolveError
            state = "LRS" if states[self.cell] else "HRS"
            where = f"{self.scheme.name}, {by(states.shape)}, cell in {state} with pattern {name}"
            raise kind(f"{where}: {error}") from error


def by(shape: tuple[int, ...]) -> str:
    """Write a size as ``rows x cols``."""
    return " x ".join(map(str, shape))
