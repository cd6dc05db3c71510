"""A pulse on selected cells: how high, how long, and on which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.schemes.scheme import Cell, checked_cell


@dataclass(frozen=True)
class WritePulse:
    """A trapezoid of volts on the selected word lines, the selected bit lines at 0 V.

    Attributes
    ----------
    cells : (row, column) or a sequence of such
        The selected cells: all of one row or all of one column.
    amplitude : float
        Volts, not 0; negative ones pulse the other way.
    width : float
        Seconds at the full amplitude, above 0.
    rise, fall : float
        Seconds from 0 to the amplitude, and back; 0 jumps.
    gap : float
        Seconds at 0 V after the pulse.

    Raises
    ------
    InputError
        A number is out of its bounds, or the cells are of several rows and columns.
    """

    cells: tuple[Cell, ...]
    amplitude: float
    width: float
    rise: float = 0.0
    fall: float = 0.0
    gap: float = 0.0

    def __init__(
        self,
        cells: Cell | Sequence[Cell],
        amplitude: float,
        width: float,
        rise: float = 0.0,
        fall: float = 0.0,
        gap: float = 0.0,
    ) -> None:
        object.__setattr__(self, "cells", _as_cells(cells))
        check_shape(amplitude, width, rise, fall, gap)
        for name, value in (
            ("amplitude", amplitude), ("width", width), ("rise", rise), ("fall", fall), ("gap", gap),
        ):  # fmt: skip
            object.__setattr__(self, name, float(value))

    @property
    def rows(self) -> list[int]:
        """The selected word lines."""
        return sorted({i for i, _ in self.cells})

    @property
    def cols(self) -> list[int]:
        """The selected bit lines."""
        return sorted({j for _, j in self.cells})

    @property
    def waveform(self) -> tuple[Array, Array]:
        """Times from the pulse's begin to its end, the gap left out, and the share of the amplitude there."""
        times = np.cumsum([0.0, self.rise, self.width, self.fall])
        return times, np.array([0.0, 1.0, 1.0, 0.0])

    def check_cells(self, shape: tuple[int, int]) -> None:
        """Check that the cells are in an array of ``(rows, cols)``.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.
        """
        for cell in self.cells:
            checked_cell(shape, cell)


def _as_cells(cells: Cell | Sequence[Cell]) -> tuple[Cell, ...]:
    listed = list(cells)
    if len(listed) == 2 and not any(isinstance(part, Sequence | np.ndarray) for part in listed):
        listed = [(listed[0], listed[1])]
    pairs = tuple(_as_pair(cell) for cell in listed)
    if not pairs:
        raise InputError("cells is empty: a pulse needs one (row, column) at least")
    if len(set(pairs)) < len(pairs):
        raise InputError("cells has one of them twice")
    if len({i for i, _ in pairs}) > 1 and len({j for _, j in pairs}) > 1:
        raise InputError(
            f"cells are of several rows and columns, as {list(pairs[0])} and {list(pairs[-1])}: where lines cross, "
            "others would get the whole pulse too; give the cells of one row or of one column"
        )
    return pairs


def _as_pair(cell: object) -> Cell:
    try:
        i, j = (int(index) for index in cell if int(index) == index)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError(f"cells holds {cell!r}: each must be (row, column), whole numbers") from None
    return i, j


def is_number(value: object) -> bool:
    """Tell whether something is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def check_shape(amplitude: float, width: float, rise: float, fall: float, gap: float) -> None:
    """Check a pulse's volts and seconds.

    Raises
    ------
    InputError
        The amplitude is 0 or no number, the width is not above 0, or another time is below 0.
    """
    if not is_number(amplitude) or amplitude == 0.0:
        raise InputError(f"amplitude is {amplitude!r}: a pulse needs volts, finite and not 0")
    if not (is_number(width) and width > 0.0):
        raise InputError(f"width is {width!r}: a pulse needs seconds above 0")
    for name, seconds in (("rise", rise), ("fall", fall), ("gap", gap)):
        if not (is_number(seconds) and seconds >= 0.0):
            raise InputError(f"{name} is {seconds!r}: it must be seconds, 0 or more")
