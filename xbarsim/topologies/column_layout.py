"""Columns of source and bit lines as their kernels see them: each line a row of segments, both ends included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.errors import SolveError
from xbarsim.kernels.parallel_lines import TINY
from xbarsim.topologies.source_line_array import COLUMN_SIDES, SourceLineArray

Mask = NDArray[np.bool_]

_ENDS = (("source", 0, 2), ("bit", 1, 3))
"""Each line's top and bottom in ``COLUMN_SIDES``."""


@dataclass(frozen=True)
class ColumnLayout:
    """Contiguous arrays of one array, apart from its cells and the source_top voltages.

    Attributes
    ----------
    source, bit : (rows + 1, cols)
        Ohms of the lines' segments, top first; ``TINY`` for 0.
    source_siemens, bit_siemens : (rows + 1, cols)
        Their conductances.
    volts : (4, cols)
        Fixed voltages of the ends, in the order of ``COLUMN_SIDES``.
    joined : (2, cols) of bool
        The source lines, and the bit lines, whose two sources 0 ohm joins. Their bottom is open in ``source``, and
        their top in ``bit``; the current is shared equally between the two.
    whole : bool
        Whether every line is in one piece and tied at one end at least: then nothing floats.
    """

    source: Array
    bit: Array
    source_siemens: Array
    bit_siemens: Array
    volts: Array
    joined: Mask
    whole: bool

    @staticmethod
    def of(array: SourceLineArray) -> ColumnLayout:
        """Lay out ``array``."""
        rows, cols = array.shape
        ends = array.boundary
        source, bit = np.empty((2, rows + 1, cols))
        for line, wire, name in ((source, array.source_wire, "source"), (bit, array.bit_wire, "bit")):
            line[0], line[-1] = ends[f"{name}_top"].resistance, ends[f"{name}_bottom"].resistance  # type: ignore[index]
            line[1:-1] = wire
        joined = np.array([~line.any(axis=0) for line in (source, bit)])
        source[-1, joined[0]] = np.inf
        bit[0, joined[1]] = np.inf
        whole = all(
            np.isfinite(line[1:-1]).all() and np.isfinite(line[[0, -1]]).any(axis=0).all() for line in (source, bit)
        )
        for line in (source, bit):
            np.maximum(line, TINY, out=line)
        siemens = [1.0 / line for line in (source, bit)]
        volts = np.array([ends[side].voltage for side in COLUMN_SIDES])
        return ColumnLayout(source, bit, siemens[0], siemens[1], volts, joined, bool(whole))

    def sources(self, voltages: Array) -> Array:
        """Return all ends' voltages (batch, 4, cols) for those of source_top (batch, cols).

        Parameters
        ----------
        voltages : (batch, cols) array
            Volts of the source_top ends.

        Raises
        ------
        SolveError
            A line joins two sources of different voltage by 0 ohm.
        """
        volts = np.tile(self.volts, (voltages.shape[0], 1, 1))
        volts[:, 0] = voltages
        self.check_conflicts(volts)
        return volts

    def check_conflicts(self, volts: Array) -> None:
        """Check that 0 ohm joins no ends (batch, 4, cols) of different voltage.

        Parameters
        ----------
        volts : (batch, 4, cols) array
            Of all ends, in the order of ``COLUMN_SIDES``.

        Raises
        ------
        SolveError
            It does.
        """
        for line, (name, top, bottom) in enumerate(_ENDS):
            conflict = self.joined[line] & (volts[:, top] != volts[:, bottom])
            if conflict.any():
                vector, k = (int(index) for index in np.argwhere(conflict)[0])
                raise SolveError(
                    f"ends {name}_top[{k}] and {name}_bottom[{k}] are joined by 0 ohm but hold "
                    f"{volts[vector, top, k]:g} V and {volts[vector, bottom, k]:g} V: give one of them, or the wire "
                    "between them, a resistance"
                )

    def shared(self, currents: Array) -> Array:
        """Return end currents (..., 4, cols) with half of a joined line's at each of its ends.

        Parameters
        ----------
        currents : (..., 4, cols) array
            Amperes at all ends, a joined line's in any split.
        """
        halves = currents.copy()
        for line, (_, top, bottom) in enumerate(_ENDS):
            total = currents[..., top, :] + currents[..., bottom, :]
            for end in (top, bottom):
                halves[..., end, :] = np.where(self.joined[line], 0.5 * total, currents[..., end, :])
        return halves
