"""Reads: one cell under a scheme, and matrix-vector products with lines tied at both ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.crossbar import Array, Crossbar, LineEnds, Side, checked_array
from xbarsim.schemes.scheme import Cell, Scheme, check_untied, scheme_of, with_ends
from xbarsim.solution import Solution
from xbarsim.solvers.solve import solve, solve_points


@dataclass(frozen=True)
class Read:
    """One cell read: currents in amperes, positive as the sense amplifier sees them.

    Attributes
    ----------
    scheme : Scheme
        How the lines were tied.
    cell : (row, column)
        The selected cell.
    read_voltage : float
        Volts of the selected word line's source.
    solution : Solution
        The whole circuit, as tied.
    """

    scheme: Scheme
    cell: Cell
    read_voltage: float
    solution: Solution

    @property
    def selected_current(self) -> float:
        """What comes out of the selected bit line, at both ends where both are sensed."""
        sides: tuple[Side, ...] = ("bit_bottom", "bit_top") if self.scheme.both_bits else ("bit_bottom",)
        return float(sum(self.solution.end_currents[side][self.cell[1]] for side in sides))

    @property
    def cell_current(self) -> float:
        """What the selected cell carries."""
        return float(self.solution.device_currents[self.cell])

    @property
    def sneak_current(self) -> float:
        """The rest: ``selected_current - cell_current``, what the selected line's other cells bring or take."""
        column = self.solution.device_currents[:, self.cell[1]]
        return math.fsum(np.delete(column, self.cell[0]))

    @property
    def power(self) -> float:
        """Watts that all sources deliver together."""
        return float(self.solution.power)

    @property
    def cell_voltage(self) -> float:
        """Volts across the selected cell."""
        return float(self.solution.device_voltages[self.cell])

    @property
    def stress(self) -> float:
        """Largest voltage across any other cell, without its sign: what disturbs half-selected cells."""
        across = np.abs(self.solution.device_voltages)
        across[self.cell] = 0.0
        return float(np.nanmax(across))

    @property
    def word_line_voltages(self) -> Array:
        """Volts of each word line at its left end, (rows,); NaN where nothing holds it."""
        volts: Array = self.solution.word_voltages[:, 0]
        return volts

    @property
    def bit_line_voltages(self) -> Array:
        """Volts of each bit line at its bottom end, (cols,); NaN where nothing holds it."""
        volts: Array = self.solution.bit_voltages[-1]
        return volts


def read(
    crossbar: Crossbar, scheme: str | Scheme, cell: Cell, read_voltage: float, *, threads: int | None = None
) -> Read:
    """Read one cell.

    Parameters
    ----------
    crossbar : Crossbar
        The array, without ``ends``.
    scheme : str or Scheme
        A name, as ``floating`` or ``half+both``, or a scheme.
    cell : (row, column)
        The selected cell.
    read_voltage : float
        Volts of the selected word line's source, not 0.
    threads : int, optional
        As for ``solve``.

    Raises
    ------
    InputError
        As ``Scheme.tie`` and ``scheme_of``.
    SolveError, ConvergenceError
        As ``solve``.
    """
    read_scheme = scheme_of(scheme)
    tied, voltages = read_scheme.tie(crossbar, cell, read_voltage)
    i, j = cell
    return Read(read_scheme, (int(i), int(j)), float(read_voltage), solve(tied, voltages, threads=threads))


def mvm(
    crossbar: Crossbar,
    voltages: ArrayLike,
    *,
    both_words: bool = False,
    both_bits: bool = False,
    fields: bool = False,
    threads: int | None = None,
) -> Solution:
    """Return the array's product with lines tied at both ends; without, it is ``solve``.

    Parameters
    ----------
    crossbar : Crossbar
        The array, without ``ends``.
    voltages : array_like, (rows,) or (batch, rows)
        Volts of the word lines.
    both_words : bool
        Drive word lines at their right ends too, through the same ``driver``.
    both_bits : bool
        Sense bit lines at their top ends too, through the same ``sense``: a column's output is then
        ``solution.currents + solution.end_currents["bit_top"]``, what leaves by its bottom and by its top.
    fields, threads
        As for ``solve``.

    Returns
    -------
    Solution
        Its ``currents`` are those at the bottom ends alone.

    Raises
    ------
    InputError, SolveError, ConvergenceError
        As ``solve``; InputError too where the crossbar has ``ends``.

    Examples
    --------
    >>> from xbarsim import Crossbar
    >>> array = Crossbar([[1e-3, 2e-3], [3e-3, 1e-3]], word_wire=2.0, bit_wire=2.0, sense=50.0)
    >>> (1e6 * mvm(array, [0.2, 0.1]).currents).round(2)
    array([416.37, 432.18])
    >>> both = mvm(array, [0.2, 0.1], both_bits=True)
    >>> (1e6 * (both.currents + both.end_currents["bit_top"])).round(2)
    array([454.48, 463.43])
    """
    check_untied(crossbar)
    volts = checked_array("voltages", voltages, signed=True)
    ends = crossbar.boundary
    driver, sense = ends["word_left"].resistance, ends["bit_bottom"].resistance
    tied: dict[Side, LineEnds] = {"word_left": LineEnds(0.0, driver), "bit_bottom": LineEnds(0.0, sense)}
    if both_words:
        tied["word_right"] = LineEnds(volts if volts.shape == driver.shape else 0.0, driver)
    if both_bits:
        tied["bit_top"] = LineEnds(0.0, sense)
    changed = with_ends(crossbar, tied, crossbar.device)
    if volts.ndim != 2 or volts.shape[1:] != driver.shape:  # one vector, or what solve refuses
        return solve(changed, volts, threads=threads)
    still = np.zeros((volts.shape[0], sense.size))
    right = volts if both_words else np.zeros_like(volts)
    sources: dict[Side, ArrayLike] = {
        "word_left": volts, "word_right": right, "bit_top": still, "bit_bottom": still,
    }  # fmt: skip
    return solve_points(changed, sources, fields=fields, threads=threads)
