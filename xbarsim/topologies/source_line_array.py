"""1T1R with source lines along bit lines: each column two lines side by side, gates along the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, Locked, broadcast, checked_array, checked_cells
from xbarsim.crossbar import LineEnds
from xbarsim.devices import Device, Linear
from xbarsim.errors import InputError

ColumnSide = Literal["source_top", "bit_top", "source_bottom", "bit_bottom"]
COLUMN_SIDES: tuple[ColumnSide, ...] = get_args(ColumnSide)


@dataclass(frozen=True, eq=False, repr=False)
class SourceLineArray(Locked):
    """Cells between a source line and a bit line that run side by side down each column.

    ``conductance[i, j]`` joins bit-line node ``b[i, j]`` to source-line node ``s[i, j]`` while the gate of row i is on;
    gates run along the rows and carry no current. This is the conventional 1T1R array of memories (source lines
    parallel to bit lines), called separate source in CrossSim; 1T1R with source lines along word lines, the
    pseudo-crossbar, is a :class:`~xbarsim.Crossbar`. With ideal wires and ends, the source lines at a voltage V and
    the bit lines at 0 V, ``currents = V * (gates @ conductance)``.

    Parameters
    ----------
    conductance : array_like, (rows, cols)
        Memristors in siemens, >= 0; 0 is an open cell.
    source_wire, bit_wire : array_like, scalar or (rows - 1, cols)
        Ohms between ``s[i, j]`` and ``s[i+1, j]``, and between ``b[i, j]`` and ``b[i+1, j]``; 0 is ideal, ``inf`` a
        broken wire.
    driver : array_like, scalar or (cols,)
        Ohms from each column's source to ``s[0, j]``; ``inf`` leaves the line's top open.
    sense : array_like, scalar or (cols,)
        Ohms from ``b[rows-1, j]`` to virtual ground.
    access : array_like, scalar or (rows, cols)
        Ohms of a transistor that is on, in series with its memristor; for linear cells.
    ends : mapping of side to LineEnds, optional
        What the line ends are tied to, by side: ``source_top``, ``bit_top``, ``source_bottom``, ``bit_bottom``. Left
        out: ``source_top`` is driven through ``driver``, ``bit_bottom`` at 0 V through ``sense``, the rest is open.
        ``source_top`` takes its voltages from ``solve_source_lines``.
    device : Device, optional
        The cells' law; default ``Linear()``. The cell's first terminal is at the bit line, its second, where a
        ``Transistor`` is, at the source line.

    Raises
    ------
    InputError
        An argument is NaN, negative, not numeric or of the wrong shape; the message names it and the first bad index.
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
        values: dict[str, Any] = {"conductance": g}
        for name, value, shape, inf_ok in (
            ("source_wire", source_wire, (rows - 1, cols), True),
            ("bit_wire", bit_wire, (rows - 1, cols), True),
            ("driver", driver, (cols,), True),
            ("sense", sense, (cols,), True),
            ("access", access, (rows, cols), False),
        ):
            values[name] = broadcast(name, checked_array(name, value, inf_ok=inf_ok), shape)
        g.setflags(write=False)
        values["ends"] = checked_ends(ends, dict.fromkeys(COLUMN_SIDES, int(cols)), values)
        values["device"] = checked_law(device, (rows, cols), values["access"])
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, cols)``."""
        rows, cols = self.conductance.shape
        return rows, cols

    @cached_property
    def boundary(self) -> dict[ColumnSide, LineEnds]:
        """All four sides with their defaults filled in, an array entry for each column."""
        ends = {
            "source_top": LineEnds(0.0, self.driver),
            "bit_top": LineEnds(0.0, np.inf),
            "source_bottom": LineEnds(0.0, np.inf),
            "bit_bottom": LineEnds(0.0, self.sense),
        } | dict(self.ends)
        return {side: ends[side].for_lines(side, self.shape[1]) for side in COLUMN_SIDES}

    @cached_property
    def cells(self) -> Array:
        """Siemens of linear cells that are on, their transistors included: ``g / (1 + access g)``, (rows, cols)."""
        return np.ascontiguousarray(self.conductance / (1.0 + self.access * self.conductance))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SourceLineArray):
            return NotImplemented
        arrays = ("conductance", "source_wire", "bit_wire", "access")
        return (
            all(np.array_equal(getattr(self, name), getattr(other, name)) for name in arrays)
            and self.boundary == other.boundary
            and self.device == other.device
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        rows, cols = self.shape
        parts = [f"{rows} x {cols}"]
        for name in ("source_wire", "bit_wire", "driver", "sense", "access"):
            array = getattr(self, name)
            if array.size and (name != "access" or array.any()):
                low, high = float(array.min()), float(array.max())
                parts.append(f"{name}={low:g}" if low == high else f"{name}={low:g}..{high:g}")
        if not self.device.linear:
            parts.append(repr(self.device))
        if self.ends:
            parts.append(f"ends={sorted(self.ends)}")
        return f"SourceLineArray({', '.join(parts)})"


def checked_law(device: Device | None, shape: tuple[int, int], access: Array) -> Device:
    """Return the cells' law, linear by default, whose parameters fit the array.

    Parameters
    ----------
    device : Device or None
        As it was asked for.
    shape : (rows, cols)
        Of the array.
    access : (rows, cols) array
        Ohms in series with linear cells.

    Raises
    ------
    InputError
        It is none, does not fit, or is not linear and cells have ``access``.
    """
    if device is not None and not isinstance(device, Device):
        kind = device.__name__ if isinstance(device, type) else type(device).__name__
        raise InputError(f"device is {kind}: it must be a device of xbarsim.devices, as Sinh(v0=0.25)")
    law = device or Linear()
    law.check(shape)
    if not law.linear and np.any(access != 0.0):
        raise InputError(
            f"access is the series resistance of linear cells: {law!r} has a law of its own, leave access out"
        )
    return law


def checked_ends(
    ends: Mapping[ColumnSide, LineEnds] | None, lines: Mapping[ColumnSide, int], values: Mapping[str, Array]
) -> dict[ColumnSide, LineEnds]:
    """Validate the keys, types and lengths (of ``lines``) of ``ends``; a side is described in one place only.

    Parameters
    ----------
    ends : mapping of side to LineEnds, or None
        As they were asked for.
    lines : mapping of side to int
        How many lines each side has.
    values : mapping of str to array
        Resistances that were asked for beside them, by the argument's name.
    """
    checked: dict[ColumnSide, LineEnds] = {}
    for side, tied in dict(ends or {}).items():
        if side not in COLUMN_SIDES:
            raise InputError(f"ends has the key {side!r}: sides are {', '.join(COLUMN_SIDES)}")
        if not isinstance(tied, LineEnds):
            raise InputError(f"ends[{side!r}] is {type(tied).__name__}: it must be LineEnds(voltage, resistance)")
        tied.for_lines(side, lines[side])
        checked[side] = tied
    for side, name in (("source_top", "driver"), ("bit_bottom", "sense")):
        if side in checked and np.any(values[name] != 0):
            raise InputError(f"{name} and ends[{side!r}] both give that side's resistance: give one of them")
    if "source_top" in checked and np.any(checked["source_top"].voltage != 0):
        raise InputError(
            "ends['source_top'].voltage must be 0: solve_source_lines(array, gates, voltages) gives the source_top "
            "voltages"
        )
    return checked
