"""Columns of ohmic cells, solved: their couplings and voltages, and how far they are from Kirchhoff's laws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.kernels import parallel_lines
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

    def solve(self, g: Array, volts: Array, out: Array) -> float:
        """Fill the end currents ``out`` (4, cols) of cells ``g`` and ends at ``volts``; return the residual."""
        self.cells = g
        at = self.layout
        parallel_lines.reduce(g, at.source_siemens, at.bit_siemens, self.couplings, self.shares)
        parallel_lines.end_currents(self.couplings, volts, out)
        parallel_lines.differences(volts, self.shares, self.across, self.down_s, self.down_b, self.above)
        return float(
            parallel_lines.residual(
                g, at.source, at.bit, at.source_siemens, at.bit_siemens, volts, self.across, self.down_s, self.down_b,
                self.above, out,
            )[0]
        )  # fmt: skip

    def voltages(self, volts: Array, source: Array, bit: Array) -> None:
        """Fill the nodes' voltages (rows, cols)."""
        parallel_lines.voltages(np.ascontiguousarray(volts), self.shares, source, bit)

    def tied(self) -> NDArray[np.bool_]:
        """Return which source- and bit-line nodes (2, rows, cols) have a path to a source: 1 V in all lifts them."""
        lifted = np.empty((2, *self.across.shape))
        self.voltages(np.ones_like(self.above), lifted[0], lifted[1])
        return np.asarray(lifted > 0.5)
