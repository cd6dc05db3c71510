"""Laws that are known between two voltages only: what is said where a solution leads beyond them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.devices import Device
from xbarsim.errors import ExtrapolationError, ExtrapolationWarning

_SLACK = 1e-9
"""What voltages may exceed a range by, relative to it: less is rounding."""


@dataclass(frozen=True)
class Beyond:
    """The cell of a solution that is farthest beyond its law's range.

    Attributes
    ----------
    excess : float
        Volts beyond.
    voltage : float
        Volts across the cell.
    cell : (row, column)
        Which it is.
    vector : int
        In which solution of a batch.
    device : Device
        Whose law it is.
    place : str
        What names the circuit among several, instead of a vector's number.
    """

    excess: float
    voltage: float
    cell: tuple[int, int]
    vector: int
    device: Device
    place: str = ""

    def __str__(self) -> str:
        low, high = self.device.span or (-np.inf, np.inf)
        i, j = self.cell
        where = self.place or f"vector {self.vector}"
        return (
            f"cell [{i}, {j}] is at {self.voltage:.4g} V ({where}) and the curve was measured from "
            f"{low:g} V to {high:g} V"
        )


def farthest(device: Device, conductance: Array, across: Array, vector: int) -> Beyond | None:
    """Return the cell that is farthest beyond the range of its law; None if none is, or the law has no bounds.

    Parameters
    ----------
    device : Device
        The cells' law.
    conductance, across : (rows, cols)
        Siemens, of which 0 is an open cell, and volts from word to bit line; NaN counts as within.
    vector : int
        Which solution it is.
    """
    if device.span is None:
        return None
    low, high = device.span
    excess = np.where(conductance > 0.0, np.fmax(across - high, low - across), -np.inf)
    worst = int(np.nanargmax(excess)) if not np.isnan(excess).all() else 0
    i, j = divmod(worst, across.shape[1])
    if not excess[i, j] > _SLACK * max(abs(low), abs(high)):
        return None
    return Beyond(float(excess[i, j]), float(across[i, j]), (i, j), vector, device)


_collecting: ContextVar[list[Beyond] | None] = ContextVar("collecting", default=None)
_place: ContextVar[str] = ContextVar("place", default="")


def report(cases: list[Beyond]) -> None:
    """Warn of the farthest of all cases, or raise where the device refuses what is beyond.

    Raises
    ------
    ExtrapolationError
        The device refuses.
    """
    if not cases:
        return
    worst = max(cases, key=lambda case: case.excess)
    worst = replace(worst, place=worst.place or _place.get())
    if worst.device.refuses_beyond:
        raise ExtrapolationError(f'{worst}: measure further, or extend="line" goes on as a straight line')
    gathered = _collecting.get()
    if gathered is not None:
        gathered.append(worst)
        return
    warnings.warn(
        f'{worst}: currents beyond are those of a straight line; measure further, or extend="error" refuses them',
        ExtrapolationWarning,
        stacklevel=_outside(),
    )


@contextmanager
def collected(place: str = "") -> Iterator[list[Beyond]]:
    """Gather cases instead of warning of each; who gathers says it, by ``report``.

    ``place`` names the circuits that are solved inside, where several are.
    """
    gathered: list[Beyond] = []
    token, outer = _collecting.set(gathered), _place.set(place)
    try:
        yield gathered
    finally:
        _collecting.reset(token)
        _place.reset(outer)


def _outside() -> int:
    """Return the stack level of the first caller that is not in this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "xbarsim":
        frame = frame.f_back
        level += 1
    return level
