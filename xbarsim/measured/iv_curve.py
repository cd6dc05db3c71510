"""A measured current-voltage curve: its cycles, its ways up and down, means over them, and the table that they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, Locked, checked_array
from xbarsim.devices import Table
from xbarsim.errors import InputError
from xbarsim.measured.sweep_cycles import cycles, directions
from xbarsim.plot.panels import curves
from xbarsim.quantities import counted, engineering
from xbarsim.views.labelled import data_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

    from xbarsim.devices.table import Extend

Way = Literal["both", "up", "down"]

_NEAR = 1e-6
"""Voltages that differ by less than this share of the span are one."""


@dataclass(frozen=True, eq=False, repr=False)
class MeasuredCurve(Locked):
    """Volts and amperes in the order in which they were measured.

    Parameters
    ----------
    voltage, current : array_like, (points,)
        Volts and amperes; three points at least.
    time : array_like, (points,), optional
        Seconds.
    notes : sequence of str
        What a user should know of how they were read.

    Attributes
    ----------
    cycle : (points,) array of int
        The cycle of each point, from 0.
    way : (points,) array of int
        1 on the way up, -1 on the way down.

    Raises
    ------
    InputError
        An argument is not finite, of another length, or too short.
    """

    voltage: Array
    current: Array
    time: Array | None = None
    notes: tuple[str, ...] = ()
    cycle: NDArray[np.int64] = field(init=False)
    way: NDArray[np.int8] = field(init=False)

    def __init__(
        self, voltage: ArrayLike, current: ArrayLike, time: ArrayLike | None = None, notes: tuple[str, ...] = ()
    ) -> None:
        volts, amperes = checked_array("voltage", voltage, signed=True), checked_array("current", current, signed=True)
        seconds = None if time is None else checked_array("time", time, signed=True)
        shapes = {volts.shape, amperes.shape} | ({seconds.shape} if seconds is not None else set())
        if volts.ndim != 1 or len(shapes) > 1:
            raise InputError(f"voltage has shape {volts.shape} and current {amperes.shape}: give as many of each")
        if volts.size < 3:
            raise InputError(f"the curve has {counted(volts.size, 'point')}: it takes at least 3")
        arrays: dict[str, NDArray[Any]] = {
            "voltage": volts,
            "current": amperes,
            "cycle": cycles(volts),
            "way": directions(volts),
        }
        if seconds is not None:
            arrays["time"] = seconds
        for name, array in arrays.items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if seconds is None:
            object.__setattr__(self, "time", None)
        object.__setattr__(self, "notes", tuple(notes))

    @property
    def count(self) -> int:
        """How many cycles there are."""
        return int(np.unique(self.cycle).size)

    @property
    def offset(self) -> float | None:
        """The median current at 0 V, in amperes: an instrument's; None where no point is there."""
        still = np.abs(self.voltage) <= _NEAR * np.ptp(self.voltage)
        return float(np.median(self.current[still])) if still.any() else None

    def without_offset(self) -> MeasuredCurve:
        """Return the curve with the current at 0 V subtracted, and a note that says so."""
        amperes = self.offset
        if not amperes:
            return self
        note = f"{engineering(amperes, 'A')} at 0 V was subtracted from every current"
        return self._varied(slice(None), self.current - amperes, (*self.notes, note))

    def part(self, *, cycle: int | None = None, way: Way = "both") -> MeasuredCurve:
        """Return the points of one cycle, counted from 0 or from the end, or of one way.

        Parameters
        ----------
        cycle : int, optional
            Counted from 0, or from the end if negative; all of them if there is none.
        way : str
            ``up``, ``down`` or ``both``: as the voltage went.

        Raises
        ------
        InputError
            There is no such cycle, ``way`` is none, or fewer than three points are left.
        """
        if way not in get_args(Way):
            raise InputError(f"way is {way!r}: it must be one of {', '.join(get_args(Way))}")
        if cycle is not None and not -self.count <= cycle < self.count:
            raise InputError(f"cycle is {cycle}: the curve has {self.count}, numbered from 0")
        points = np.ones(self.voltage.size, dtype=bool)
        if cycle is not None:
            points &= self.cycle == np.unique(self.cycle)[cycle]
        if way != "both":
            points &= self.way == (1 if way == "up" else -1)
        return self._varied(points, self.current, self.notes)

    def averaged(self, way: Way = "both") -> tuple[Array, Array, Array]:
        """Return volts, each once and rising, the mean of what was measured there, and its deviation.

        Parameters
        ----------
        way : str
            ``up``, ``down`` or ``both``: as the voltage went.

        Returns
        -------
        voltage, current, deviation : (different voltages,)
            Volts, amperes, amperes; the deviation is the sample's, NaN where a voltage was measured once.
        """
        part = self if way == "both" else self.part(way=way)
        order = np.argsort(part.voltage, kind="stable")
        volts, amperes = part.voltage[order], part.current[order]
        apart = np.concatenate([[True], np.diff(volts) > _NEAR * np.ptp(volts)])
        place, size = np.cumsum(apart) - 1, np.bincount(np.cumsum(apart) - 1)
        mean = np.bincount(place, amperes) / size
        square = np.bincount(place, (amperes - mean[place]) ** 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            deviation = np.sqrt(np.where(size > 1, square / (size - 1.0), np.nan))
        return np.bincount(place, volts) / size, mean, deviation

    def table(
        self, way: Way = "both", conductance: float | None = None, *, odd: bool = False, extend: Extend = "line"
    ) -> Table:
        """Return a cell that follows the mean over cycles; where noise makes it fall, the nearest curve that rises.

        The nearest by least squares is a mean over runs of points (isotonic regression); ``risen`` says how many
        points were moved.

        Parameters
        ----------
        way : {"both", "up", "down"}
            Of a loop, one way: the mean of both is a state that the cell was never in.
        conductance, odd, extend
            As those of ``Table``.

        Raises
        ------
        InputError
            As ``Table``.
        """
        volts, amperes, _ = self.risen(way)
        return Table(volts, amperes, conductance, odd=odd, extend=extend)

    def risen(self, way: Way = "both") -> tuple[Array, Array, int]:
        """Return the mean over cycles as a curve that rises, and how many of its points were joined with others.

        An offset at 0 V is subtracted; points at 0 V are left out, as a table goes through the origin anyway.

        Parameters
        ----------
        way : str
            ``up``, ``down`` or ``both``: as the voltage went.
        """
        from scipy.optimize import isotonic_regression

        volts, amperes, _ = self.without_offset().averaged(way)
        apart = np.abs(volts) > _NEAR * np.ptp(volts)
        volts, amperes = volts[apart], amperes[apart]
        result = isotonic_regression(amperes)
        starts = result.blocks[:-1]
        sizes = np.diff(result.blocks)
        rising = result.x[starts]
        centre = np.add.reduceat(volts, starts) / sizes
        # On either side of 0 V a current has the voltage's sign, or it is noise about 0.
        sound = np.sign(rising) == np.sign(centre)
        return centre[sound], rising[sound], int(sizes[sizes > 1].sum() + sizes[~sound & (sizes == 1)].sum())

    def to_pandas(self) -> DataFrame:
        """Return a pandas DataFrame, a row a point: ``voltage``, ``current``, ``cycle``, ``way`` and any ``time``.

        Raises
        ------
        InputError
            pandas is not installed.
        """
        columns = {name: getattr(self, name) for name in ("voltage", "current", "cycle", "way")}
        if self.time is not None:
            columns["time"] = self.time
        return data_frame(columns, {"voltage": "V", "current": "A", "time": "s"})

    def plot(self, ax: Axes | None = None, *, magnitude: bool = False) -> Axes:
        """Draw the curve, a line for each cycle (matplotlib, from the ``plot`` extra); return the axis.

        Parameters
        ----------
        ax : Axes, optional
            Where to; pyplot's current axis.
        magnitude : bool
            Draw ``|I|`` on a logarithmic axis.
        """
        columns, volts = {}, np.append(self.voltage, np.nan)
        for number in np.unique(self.cycle).tolist():
            amperes = np.where(self.cycle == number, np.abs(self.current) if magnitude else self.current, np.nan)
            columns[f"cycle {number}"] = np.append(amperes, np.nan)
        return curves(
            volts, columns, ax, ylabel="|I| (A)" if magnitude else "A", scale="log" if magnitude else "linear"
        )

    def with_notes(self, *notes: str) -> MeasuredCurve:
        """Return the same points with more notes.

        Parameters
        ----------
        *notes : str
            What a reader of the curve should know.
        """
        return self._varied(slice(None), self.current, (*self.notes, *notes))

    def _varied(self, points: Any, current: Array, notes: tuple[str, ...]) -> MeasuredCurve:
        """Return some of the points with these currents, each of the cycle and on the way that it was of."""
        time = None if self.time is None else self.time[points]
        curve = MeasuredCurve(self.voltage[points], current[points], time, notes)
        for name in ("cycle", "way"):
            part = getattr(self, name)[points]
            part.setflags(write=False)
            object.__setattr__(curve, name, part)
        return curve

    def __repr__(self) -> str:
        low, high = float(self.voltage.min()), float(self.voltage.max())
        largest = engineering(float(np.abs(self.current).max()), "A")
        cycles_text = counted(self.count, "cycle")
        return f"MeasuredCurve({self.voltage.size} points, {low:g}..{high:g} V, up to {largest}, {cycles_text})"
