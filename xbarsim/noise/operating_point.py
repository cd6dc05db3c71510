"""Cells at their operating point: what noise of theirs depends on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.solution import Solution
from xbarsim.solvers.segments import Segments


@dataclass(frozen=True, eq=False)
class OperatingPoint:
    """All cells for one vector of input voltages, each array (rows, cols); 0 V and 0 A in islands.

    Attributes
    ----------
    volts, amperes : array
        Across and through each cell.
    slope : array
        Of the current by the word node's voltage, siemens.
    chord : array
        Current over voltage; the slope where there is no voltage.
    """

    volts: Array
    amperes: Array
    slope: Array
    chord: Array

    @staticmethod
    def of(solution: Solution, vector: int | None) -> OperatingPoint:
        """Take one vector of a solution with fields.

        Parameters
        ----------
        solution : Solution
            With its fields.
        vector : int or None
            Which of a batch; None: the solution has no batch.

        Raises
        ------
        InputError
            A cell has a negative slope.
        """
        crossbar = solution.crossbar

        def of_vector(field: Array) -> Array:
            return np.ascontiguousarray(np.nan_to_num(field if vector is None else field[vector]))

        volts, amperes = of_vector(solution.device_voltages), of_vector(solution.device_currents)
        if crossbar.device.linear:
            conductance = Segments.of(crossbar).g
            return OperatingPoint(volts, amperes, conductance, conductance)
        lower = np.zeros_like(volts)
        if not crossbar.device.two_terminal:
            lower = np.minimum(of_vector(solution.word_voltages), of_vector(solution.bit_voltages))
        slope = _slopes(crossbar, volts, lower)
        moved = np.abs(volts) > 0.0
        chord = np.where(moved, amperes / np.where(moved, volts, 1.0), slope)
        return OperatingPoint(volts, amperes, slope, np.maximum(chord, 0.0))


def _slopes(crossbar: Crossbar, volts: Array, lower: Array) -> Array:
    amperes, slopes, down = (np.empty(volts.shape) for _ in range(3))
    cells = crossbar.device.cells(Segments.of(crossbar).g)
    cells.precise(volts, lower, np.zeros_like(volts), amperes, slopes, down)
    least = np.minimum(slopes, down)
    if (least < 0.0).any():
        i, j = np.unravel_index(int(np.argmin(least)), least.shape)
        raise InputError(
            f"cell [{i}, {j}] has a slope of {least[i, j]:.3g} S at {volts[i, j]:.3g} V: noise has no bound there"
        )
    return slopes
