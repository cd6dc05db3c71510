"""1T1R with source lines along bit lines, each between two bit lines that share it: columns in pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, Locked, broadcast, checked_array, checked_cells
from xbarsim.crossbar import Crossbar, LineEnds
from xbarsim.devices import Device, Linear
from xbarsim.errors import InputError
from xbarsim.topologies.source_line_array import COLUMN_SIDES, ColumnSide, checked_ends, checked_law


@dataclass(frozen=True, eq=False, repr=False)
class SharedSourceArray(Locked):
    """Cells of two neighbouring columns on either side of one source line, which both share.

    ``conductance[i, j]`` joins bit-line node ``b[i, j]`` to source-line node ``s[i, j // 2]`` while the gate of row i
    is on. Half as many source lines as a :class:`SourceLineArray` has, and each carries the currents of two columns.

    Parameters
    ----------
    conductance : array_like, (rows, cols)
        Memristors in siemens, >= 0; 0 is an open cell; an even number of columns.
    source_wire : array_like, scalar or (rows - 1, cols / 2)
        Ohms between ``s[i, k]`` and ``s[i+1, k]``; 0 is ideal, ``inf`` a broken wire.
    bit_wire : array_like, scalar or (rows - 1, cols)
        Ohms between ``b[i, j]`` and ``b[i+1, j]``.
    driver : array_like, scalar or (cols / 2,)
        Ohms from each source line's source to ``s[0, k]``.
    sense : array_like, scalar or (cols,)
        Ohms from ``b[rows-1, j]`` to virtual ground.
    access : array_like, scalar or (rows, cols)
        Ohms of a transistor that is on, in series with its memristor.
    ends : mapping of side to LineEnds, optional
        As a ``SourceLineArray``'s.
    device : Device, optional
        The cells' law, of two terminals; the first is at the bit line. Linear by default.

    Raises
    ------
    InputError
        An argument is NaN, negative, not numeric or of the wrong shape, columns are odd in number, or ``device`` has
        three terminals.
    """

    conductance: Array
    source_wire: Array
    bit_wire: Array
    driver: Array
    sense: Array
    access: Array
    ends: dict[ColumnSide, LineEnds] = field(default_factory=dict)
    device: Device = field(default_factory=Linear)

    def __init__(
        self,
        conductance: ArrayLike,
        *,
        source_wire: ArrayLike = 0.0,
        bit_wire: ArrayLike = 0.0,
        driver: ArrayLike = 0.0,
        sense: ArrayLike = 0.0,
        access: ArrayLike = 0.0,
        ends: Mapping[ColumnSide, LineEnds] | None = None,
        device: Device | None = None,
    ) -> None:
        g = checked_cells(conductance)
        rows, cols = g.shape
        if cols % 2:
            raise InputError(
                f"conductance has {cols} columns: two share a source line, so give an even number, the last of cells "
                "of 0 S if need be"
            )
        g.setflags(write=False)
        values: dict[str, Any] = {"conductance": g}
        for name, value, shape, inf_ok in (
            ("source_wire", source_wire, (rows - 1, cols // 2), True),
            ("bit_wire", bit_wire, (rows - 1, cols), True),
            ("driver", driver, (cols // 2,), True),
            ("sense", sense, (cols,), True),
            ("access", access, (rows, cols), False),
        ):
            values[name] = broadcast(name, checked_array(name, value, inf_ok=inf_ok), shape)
        values["ends"] = checked_ends(ends, _lines(cols), values)
        values["device"] = checked_law(device, (rows, cols), values["access"])
        if not values["device"].two_terminal:
            raise InputError(
                f"device is {values['device']!r}, of three terminals: cells around shared source lines have two, and "
                "gates are on or off; take a SourceLineArray, or a netlist"
            )
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, cols)``."""
        rows, cols = self.conductance.shape
        return rows, cols

    @cached_property
    def boundary(self) -> dict[ColumnSide, LineEnds]:
        """All four sides with their defaults filled in, an array entry for each line."""
        ends = {
            "source_top": LineEnds(0.0, self.driver),
            "bit_top": LineEnds(0.0, np.inf),
            "source_bottom": LineEnds(0.0, np.inf),
            "bit_bottom": LineEnds(0.0, self.sense),
        } | dict(self.ends)
        lines = _lines(self.shape[1])
        return {side: ends[side].for_lines(side, lines[side]) for side in COLUMN_SIDES}

    @cached_property
    def cells(self) -> Array:
        """Siemens of linear cells that are on, their transistors included: ``g / (1 + access g)``, (rows, cols)."""
        return np.ascontiguousarray(self.conductance / (1.0 + self.access * self.conductance))

    def crossbar(self, on: Array) -> Crossbar:
        """Return the crossbar that the array is while the rows ``on`` (rows,), 0 or 1, conduct.

        Its word lines 3 k, 3 k + 1 and 3 k + 2 are bit line 2 k, source line k and bit line 2 k + 1, from top to
        bottom; bit lines 2 i and 2 i + 1 are the inner nodes of row i's cells to the left and to the right of source
        lines. A cell g is two cells 2 g in series.

        Parameters
        ----------
        on : (rows,) array
            1 where a row's gates are open, else 0.
        """
        return self.with_cells(self.cells * on[:, None])

    def with_cells(self, siemens: Array) -> Crossbar:
        """Return the crossbar that the array is with ohmic cells, as ``crossbar``.

        Parameters
        ----------
        siemens : (rows, cols) array
            Of the cells, 0 of those that are off.
        """
        rows, cols = self.shape
        halves = 2.0 * siemens.T
        cells = np.zeros((3 * cols // 2, 2 * rows))
        cells[0::3, 0::2] = cells[1::3, 0::2] = halves[0::2]
        cells[2::3, 1::2] = cells[1::3, 1::2] = halves[1::2]
        along = np.zeros((3 * cols // 2, 2 * rows - 1))
        along[:, 1::2] = woven(self.source_wire.T, self.bit_wire.T)
        across = np.full((3 * cols // 2 - 1, 2 * rows), np.inf)
        across[0::3, 0::2] = across[1::3, 1::2] = 0.0
        ends = self.boundary
        right = LineEnds(
            woven(ends["source_bottom"].voltage, ends["bit_bottom"].voltage),
            woven(ends["source_bottom"].resistance, ends["bit_bottom"].resistance),
        )
        return Crossbar(
            cells,
            word_wire=along,
            bit_wire=across,
            driver=woven(ends["source_top"].resistance, ends["bit_top"].resistance),
            sense=np.inf,
            ends={"word_right": right},
        )

    def __repr__(self) -> str:
        rows, cols = self.shape
        law = "" if self.device.linear else f", {self.device!r}"
        return f"SharedSourceArray({rows} x {cols}, {cols // 2} source lines{law})"


def woven(source: Array, bit: Array, axis: int = 0) -> Array:
    """Return numbers of source lines between those of their bit lines, of 3 lines a pair along ``axis``.

    Parameters
    ----------
    source : array
        Numbers of the source lines along ``axis``, one a pair of bit lines.
    bit : array
        Numbers of the bit lines along ``axis``, two a pair.
    axis : int
        Which axis counts lines.
    """
    source, bit = np.moveaxis(source, axis, 0), np.moveaxis(bit, axis, 0)
    table = np.empty((3 * source.shape[0], *source.shape[1:]))
    table[0::3], table[1::3], table[2::3] = bit[0::2], source, bit[1::2]
    return np.moveaxis(table, 0, axis)


def unwoven(lines: Array, axis: int = 0) -> tuple[Array, Array]:
    """Return the numbers of source lines and of bit lines that ``woven`` put together.

    Parameters
    ----------
    lines : array
        Numbers of three lines a pair along ``axis``: bit, source, bit.
    axis : int
        Which axis counts lines.
    """
    lines = np.moveaxis(lines, axis, 0)
    bit = np.empty((2 * (lines.shape[0] // 3), *lines.shape[1:]))
    bit[0::2], bit[1::2] = lines[0::3], lines[2::3]
    return np.moveaxis(lines[1::3], 0, axis), np.moveaxis(bit, 0, axis)


def _lines(cols: int) -> dict[ColumnSide, int]:
    return {side: cols // 2 if side.startswith("source") else cols for side in COLUMN_SIDES}
