"""What a solve of an array with source lines returns, with the evidence that it obeys Kirchhoff's laws."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.topologies.shared_source_array import SharedSourceArray
from xbarsim.topologies.source_line_array import ColumnSide, SourceLineArray


@dataclass(frozen=True, repr=False)
class SourceLineSolution:
    """The state of an array for one pattern of gates, or for a batch of patterns.

    Attributes
    ----------
    array : SourceLineArray or SharedSourceArray
        The circuit; of the latter, source lines are half as many as bit lines.
    end_currents : dict of side to (cols,) or (batch, cols)
        Amperes at every line end, positive out of the array. Two sources joined by 0 ohm share their current equally.
    power : float or (batch,)
        Watts that the sources deliver.
    residual : float
        Bound of the error of any end current, relative to the largest of its pattern's; the worst over the batch. It
        is what cells' currents, running down the lines, leave of Kirchhoff's laws.
    iterations : int or (batch,) of int
        Newton steps; 0 for linear cells.
    method : str
        ``ladder`` for linear cells, ``newton`` for others; of a ``SharedSourceArray`` its crossbar's.
    floating : list of str
        Nodes ``s[i, j]`` and ``b[i, j]`` that have no path to a source, in one pattern at least. Their voltages there
        are NaN, their currents 0.
    """

    array: SourceLineArray | SharedSourceArray
    end_currents: dict[ColumnSide, Array]
    power: float | Array
    residual: float
    iterations: int | NDArray[np.int64]
    method: str
    floating: list[str]
    _source: Array | None = field(default=None)
    _bit: Array | None = field(default=None)
    _across: Array | None = field(default=None)
    _cells: Array | None = field(default=None)

    @property
    def currents(self) -> Array:
        """Output currents in amperes, ``(cols,)`` or ``(batch, cols)``: those at ``bit_bottom``."""
        return self.end_currents["bit_bottom"]

    @property
    def source_voltages(self) -> Array:
        """Volts at source-line nodes ``s[i, j]``, ``(..., rows, cols)``.

        Raises
        ------
        InputError
            A batch was solved without ``fields=True``.
        """
        return self._field(self._source)

    @property
    def bit_voltages(self) -> Array:
        """Volts at bit-line nodes ``b[i, j]``, ``(..., rows, cols)``; raises as ``source_voltages``."""
        return self._field(self._bit)

    @property
    def device_voltages(self) -> Array:
        """Volts across the cells from source to bit line, ``(..., rows, cols)``; raises as ``source_voltages``."""
        return self._field(self._across)

    @property
    def device_currents(self) -> Array:
        """Amperes through the cells from source to bit line, ``(..., rows, cols)``; raises as ``source_voltages``."""
        return self._field(self._cells)

    def _field(self, value: Array | None) -> Array:
        if value is None:
            raise InputError(
                "a batch keeps end currents only: solve_source_lines(..., fields=True) keeps node voltages and device "
                "currents"
            )
        return value

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.currents.shape))
        return (
            f"SourceLineSolution({shape} currents, method={self.method!r}, residual={self.residual:.1e}, "
            f"iterations={int(np.max(self.iterations, initial=0))}, floating={len(self.floating)})"
        )
