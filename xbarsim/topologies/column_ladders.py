"""Columns of ohmic cells, solved: their couplings and voltages, and how far they are from Kirchhoff's laws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.kernels import parallel_lines, parallel_tangents
from xbarsim.topologies.column_layout import ColumnLayout


class LadderSpace:
    """Arrays of one thread for one pattern's columns.

    Attributes
    ----------
    couplings : (6, cols)
        Siemens between the sources at each column's ends, as :data:`parallel_lines.PAIRS`.
    cells, across : (rows, cols)
        The cells that were solved last, and the volts across them from source to bit line.
    """

    def __init__(self, layout: ColumnLayout, rows: int, cols: int) -> None:
        self.layout = layout
        self.couplings, self.shares = np.empty((6, cols)), np.empty((rows, 2, 4, cols))
        self.across, self.down_s, self.down_b = np.empty((3, rows, cols))
        self.above = np.empty((4, cols))
        self.cells = self.across
        self.lifts: tuple[Array, Array] | None = None

    def solve(self, g: Array, volts: Array, out: Array) -> float:
        """Fill the end currents ``out`` (4, cols) of cells ``g`` and ends at ``volts``; return the residual.

        Parameters
        ----------
        g : (rows, cols) array
            Siemens of the cells.
        volts : (4, cols) array
            Of the ends, in the order of ``COLUMN_SIDES``.
        out : (4, cols) array
            Filled with amperes, in that order.
        """
        self._at_ends(g, volts, out)
        return self._residual(volts, self.across, self.across, False, out)

    def solve_leaking(self, g: Array, leak_s: Array, leak_b: Array, volts: Array, out: Array) -> float:
        """As ``solve``, with currents (rows, cols) that leave source- and bit-line nodes besides.

        What these do is added to what the sources do: next to nothing, so that plain sums have all digits.

        Parameters
        ----------
        g : (rows, cols) array
            Siemens of the cells.
        leak_s, leak_b : (rows, cols) array
            Amperes that leave source-line and bit-line nodes.
        volts : (4, cols) array
            Of the ends, in the order of ``COLUMN_SIDES``.
        out : (4, cols) array
            Filled with amperes, in that order.
        """
        self._at_ends(g, volts, out)
        at, (m, n) = self.layout, g.shape
        lift_b, lift_s, work = np.empty((m, n)), np.empty((m, n)), np.empty((6, m, n))
        parallel_tangents.solve(
            g, g, leak_b, leak_s, at.source_siemens, at.bit_siemens, np.zeros((4, n)), lift_b, lift_s, work
        )
        self.across += lift_s - lift_b
        for down, lift in ((self.down_s, lift_s), (self.down_b, lift_b)):
            down += lift
            down[:-1] -= lift[1:]
        self.above[:2] -= lift_s[0]
        self.above[2:] -= lift_b[0]
        for end, siemens, lift in (
            (0, at.source_siemens[0], lift_s[0]),
            (1, at.bit_siemens[0], lift_b[0]),
            (2, at.source_siemens[-1], lift_s[-1]),
            (3, at.bit_siemens[-1], lift_b[-1]),
        ):
            out[end] += siemens * lift
        self.lifts = lift_s, lift_b
        return self._residual(volts, leak_s, leak_b, True, out)

    def _at_ends(self, g: Array, volts: Array, out: Array) -> None:
        """Solve for what the sources at the ends do alone."""
        self.cells, self.lifts = g, None
        at = self.layout
        parallel_lines.reduce(g, at.source_siemens, at.bit_siemens, self.couplings, self.shares)
        parallel_lines.end_currents(self.couplings, volts, out)
        parallel_lines.differences(volts, self.shares, self.across, self.down_s, self.down_b, self.above)

    def _residual(self, volts: Array, leak_s: Array, leak_b: Array, leaking: bool, out: Array) -> float:
        at = self.layout
        return float(
            parallel_lines.residual(
                self.cells, at.source, at.bit, at.source_siemens, at.bit_siemens, volts, self.across, leak_s, leak_b,
                leaking, self.down_s, self.down_b, self.above, out,
            )[0]
        )  # fmt: skip

    def voltages(self, volts: Array, source: Array, bit: Array) -> None:
        """Fill the nodes' voltages (rows, cols).

        Parameters
        ----------
        volts : (4, cols) array
            Of the ends, in the order of ``COLUMN_SIDES``.
        source, bit : (rows, cols) array
            Filled with volts of the two lines' nodes.
        """
        parallel_lines.voltages(np.ascontiguousarray(volts), self.shares, source, bit)
        if self.lifts is not None:
            source += self.lifts[0]
            bit += self.lifts[1]

    def tied(self) -> NDArray[np.bool_]:
        """Return which source- and bit-line nodes (2, rows, cols) have a path to a source: 1 V in all lifts them."""
        lifted = np.empty((2, *self.across.shape))
        self.voltages(np.ones_like(self.above), lifted[0], lifted[1])
        return np.asarray(lifted > 0.5)
