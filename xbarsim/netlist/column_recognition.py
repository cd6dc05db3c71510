"""What a circuit is that is an array with source lines along bit lines: its doubled crossbar, and its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Side
from xbarsim.netlist.recognition import Recognition
from xbarsim.solution import Solution

if TYPE_CHECKING:
    from xbarsim.topologies import ColumnSide, SourceLineArray, SourceLineSolution

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ColumnRecognition:
    """An array with source lines along bit lines that a circuit is.

    Attributes
    ----------
    array : SourceLineArray
        Its columns; the device's own gates are the netlist's.
    doubled : Recognition
        The circuit as the crossbar of both its lines as :func:`~xbarsim.topologies.doubled_crossbar` lays it out: the
        places of nodes, ties and ammeters, in which results are reported. Its crossbar's cells are halves of cells,
        or, of nonlinear ones, of what stood in for them.
    """

    array: SourceLineArray
    doubled: Recognition

    @property
    def reason(self) -> str:
        """Why the circuit is no crossbar."""
        rows, cols = self.array.shape
        array = f"it is an array of {rows} x {cols} cells with source lines along bit lines"
        left_out = self.doubled.left_out
        return f"{array}, solved as one" if left_out is None else f"{array}, solved as a network since {left_out}"

    def sources(self, volts: Mapping[Side, Floats]) -> dict[ColumnSide, Floats]:
        """Return the columns' source voltages (points, cols) of the doubled crossbar's."""
        top, bottom = volts["word_left"], volts["word_right"]
        return {
            "source_top": top[:, 0::2],
            "bit_top": top[:, 1::2],
            "source_bottom": bottom[:, 0::2],
            "bit_bottom": bottom[:, 1::2],
        }

    def as_doubled(self, solution: SourceLineSolution) -> Solution:
        """Return a batch's fields and end currents in the doubled crossbar's places."""
        crossbar = self.doubled.crossbar
        assert crossbar is not None
        source, bit, flow = (
            field.swapaxes(-1, -2)
            for field in (solution.source_voltages, solution.bit_voltages, solution.device_currents)
        )
        halves = crossbar.conductance[0::2]
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.where(halves > 0.0, source - flow / halves, bit)
        ends = solution.end_currents
        still = np.zeros((source.shape[0], crossbar.shape[1]))
        return Solution(
            crossbar=crossbar,
            end_currents={
                "word_left": _alternate(ends["source_top"], ends["bit_top"]),
                "word_right": _alternate(ends["source_bottom"], ends["bit_bottom"]),
                "bit_top": still,
                "bit_bottom": still,
            },
            power=solution.power,
            residual=solution.residual,
            iterations=solution.iterations,
            method=solution.method,
            floating=solution.floating,
            _word=_alternate(source, bit),
            _bit=_alternate(inner, inner),
            _across=_alternate(source - inner, bit - inner),
            _cells=_alternate(flow, -flow),
        )


def _alternate(source: Floats, bit: Floats) -> Floats:
    """Return (points, 2 cols, ...): each column's source line, then its bit line."""
    pairs = np.stack([source, bit], axis=2)
    return pairs.reshape(pairs.shape[0], -1, *pairs.shape[3:])
