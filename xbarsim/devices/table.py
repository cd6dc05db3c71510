"""Cells that follow a measured I-V curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.devices.base import Device
from xbarsim.devices.curvefile import read_curve
from xbarsim.devices.option import Option
from xbarsim.devices.piecewise import table_subcircuit
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

    from xbarsim.kernels.law_table import Cells

_FEWEST = 3

_NOISE = 1e-4
"""An instrument's offset: what a current at 0 V may be, of the largest, to be taken as none."""

Extend = Literal["line", "error", "odd"]


@dataclass(frozen=True, eq=False, repr=False)
class Table(Device):
    """A cell of ``I = (G / G0) f(V)``, with f through the measured points of a cell of conductance G0.

    Between the points f is the monotone cubic of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 300, 1984), so it
    neither overshoots nor falls. It passes through the origin: that point is added where no point lies at 0 V. Beyond
    the points nothing was measured: a solution that leads there is refused, or told of by an
    :class:`xbarsim.errors.ExtrapolationWarning`.

    Parameters
    ----------
    voltage : array_like, (points,)
        Volts, all different.
    current : array_like, (points,)
        Amperes, rising with the voltage and of its sign. At 0 V up to 1e-4 of the largest is an instrument's offset and
        taken as 0; the other points stay as they are.
    conductance : float, optional
        Siemens of the measured cell, G0; default f's slope at 0 V.
    odd : bool
        Mirror a curve that was measured on one side of 0 V: ``f(-V) = -f(V)``.
    extend : {"line", "error", "odd"}
        What holds beyond the points. ``line``: f goes on as a straight line, with a warning. ``error``: a solution
        that has a cell there is refused, the cell and its voltage are named. ``odd``: as ``odd=True``, and beyond that
        a line.

    Raises
    ------
    InputError
        There are fewer than three points, or they are not a rising curve through the origin.
    """

    name = "table"
    kernel = "TABLE"
    summary = "I = (G / G0) f(V), f through measured points"
    options = (
        Option("curve", "volts and amperes of a measured cell", metavar="FILE"),
        Option(
            "extend", "beyond the curve a straight line, refuse, or mirror one side of 0 V first", "line",
            choices=("line", "error", "odd"),
        ),
    )  # fmt: skip

    voltage: Array
    points: Array
    conductance: float
    extend: Extend
    pieces: Array
    """(points + 1, 5): each piece's anchor and coefficients, from the third power down."""

    def __init__(
        self,
        voltage: ArrayLike,
        current: ArrayLike,
        conductance: float | None = None,
        *,
        odd: bool = False,
        extend: Extend = "line",
    ) -> None:
        if extend not in get_args(Extend):
            raise InputError(f"extend is {extend!r}: it must be one of {', '.join(get_args(Extend))}")
        x, y = _curve(voltage, current, odd or extend == "odd")
        g0 = None if conductance is None else checked_array("conductance", conductance)
        if g0 is not None and (g0.ndim or not g0 > 0.0):
            raise InputError(f"conductance is {conductance!r}: give the measured cell's siemens, one number > 0")
        with np.errstate(all="ignore"):
            cubic = _interpolated(x, y)
            pieces = _pieces(x, y, cubic.c.T, np.maximum(cubic(x, 1), 0.0))
            slope = float(cubic(0.0, 1))
        if not np.isfinite(pieces).all():
            raise InputError("current changes too much from one voltage to the next: give points further apart")
        if g0 is None and not slope > 0.0:
            raise InputError("the curve is flat at 0 V: give conductance, the measured cell's siemens")
        for name, value in (("voltage", x), ("points", y), ("pieces", pieces)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "extend", extend)
        object.__setattr__(self, "conductance", slope if g0 is None else float(g0))

    @staticmethod
    def from_csv(
        path: str | Path, conductance: float | None = None, *, odd: bool = False, extend: Extend = "line"
    ) -> Table:
        """Read a curve from a text file, as :func:`xbarsim.devices.curvefile.read_curve` says.

        Two columns are volts and amperes; of more, and in another order or other units, a heading says which:
        ``t,V,I``, ``Current (uA);Voltage (mV)``.

        Parameters
        ----------
        path : str or Path
            The file.
        conductance : float, optional
            Siemens that the curve is of; its slope at 0 V if there are none.
        odd : bool
            Whether one side of 0 V is mirrored.
        extend : str
            What lies beyond the curve, as of the constructor.

        Raises
        ------
        InputError
            The file cannot be read, or as the constructor; the message begins with the path.
        """
        volts, amperes = read_curve(path)
        try:
            return Table(volts, amperes, conductance, odd=odd, extend=extend)
        except InputError as error:
            loop = "one branch of a loop" in str(error)
            way = "; xbarsim.measured.read_iv(PATH).table(way='up') takes one" if loop else ""
            raise InputError(f"{path}: {error}{way}") from None

    @classmethod
    def from_options(cls, **values: Any) -> Table:
        """Return the table of a ``curve``, a file or its points as pairs of volts and amperes."""
        options = cls.filled(values)
        curve, extend = options["curve"], options["extend"]
        if isinstance(curve, str | Path):
            return cls.from_csv(curve, extend=extend)
        try:
            volts, amperes = zip(*curve, strict=True)
        except (TypeError, ValueError):
            raise InputError(f"curve is {curve!r}: it must be a file, or pairs of volts and amperes") from None
        return cls(volts, amperes, extend=extend)

    @classmethod
    def portable(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return options with the curve's points in the place of its file."""
        options = cls.filled(values)
        if isinstance(options["curve"], str | Path):
            cls.from_options(**values)  # so that what is wrong with the curve is said of the file
            points = zip(*read_curve(options["curve"]), strict=True)
            return {**values, "curve": [list(point) for point in points]}
        return dict(values)

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Table:
        """Return a curve of 15 points within 0.9 V, the side below 0 V weaker."""
        volts = np.sort(np.append(rng.uniform(-0.9, 0.9, 14), 0.0))
        return cls(volts, 1e-4 * np.sinh(2.5 * volts) * np.where(volts < 0, 0.6, 1.0))

    @property
    def span(self) -> tuple[float, float]:
        """Volts of the first and the last point."""
        return float(self.voltage[0]), float(self.voltage[-1])

    @property
    def refuses_beyond(self) -> bool:
        """Whether ``extend`` is "error"."""
        return self.extend == "error"

    @property
    def parameters(self) -> dict[str, Array]:
        """None: all cells share the curve."""
        return {}

    def cells(self, conductance: Array) -> Cells:
        """Lay out ``G / G0`` of each cell, and the curve's pieces."""
        from xbarsim.kernels.law_table import Cells

        starts = np.concatenate([self.voltage[:1], self.voltage])
        with np.errstate(over="ignore"):
            scale = np.ascontiguousarray(conductance / self.conductance)
        return Cells(self.kind, 0, scale[None], np.column_stack([starts, self.pieces]), 1.0 / self.conductance)

    def subcircuit(self) -> str:
        """Return the curve as a SPICE subcircuit, ports ``TE BE``."""
        return table_subcircuit(self.voltage, self.pieces, self.conductance)

    def __repr__(self) -> str:
        low, high = self.span
        more = "" if self.extend == "line" else f", extend={self.extend!r}"
        return f"Table({self.voltage.size} points, {low:g}..{high:g} V, conductance={self.conductance:g}{more})"


def _interpolated(x: Array, y: Array) -> PchipInterpolator:
    from scipy.interpolate import PchipInterpolator

    try:
        return PchipInterpolator(x, y)
    except ValueError:
        raise InputError("current changes too much from one voltage to the next: give points further apart") from None


def _pieces(x: Array, y: Array, cubics: Array, slopes: Array) -> Array:
    """Return each piece's anchor and coefficients, from the third power down; the outer ones are straight.

    A piece is expanded about its end that is nearer 0 V: so the law is right to the last digit where it begins.
    """
    pieces = np.zeros((x.size + 1, 5))
    pieces[0] = x[0], 0.0, 0.0, slopes[0], y[0]
    pieces[-1] = x[-1], 0.0, 0.0, slopes[-1], y[-1]
    inner = pieces[1:-1]
    inner[:, 0], inner[:, 1:] = x[:-1], cubics
    below = np.flatnonzero(x[1:] <= 0.0)
    third, second = cubics[below, 0], cubics[below, 1]
    turned = second + 3.0 * third * np.diff(x)[below]
    inner[below] = np.column_stack([x[1:][below], third, turned, slopes[1:][below], y[1:][below]])
    return pieces


def _curve(voltage: ArrayLike, current: ArrayLike, odd: bool) -> tuple[Array, Array]:
    """Return the sorted curve with its origin, and mirrored if it is odd."""
    x, y = checked_array("voltage", voltage, signed=True), checked_array("current", current, signed=True)
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"voltage has shape {x.shape} and current {y.shape}: give as many volts as amperes")
    if x.size < _FEWEST:
        raise InputError(f"the curve has {x.size} points: it takes at least {_FEWEST}")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    if odd and x[0] < 0.0:
        raise InputError(f"voltage begins at {x[0]:g} V: odd=True mirrors curves measured at 0 V and above")
    if not (x == 0.0).any():
        at = int(np.searchsorted(x, 0.0))
        x, y = np.insert(x, at, 0.0), np.insert(y, at, 0.0)
    origin = int(np.flatnonzero(x == 0.0)[0])
    if y[origin] != 0.0:
        if not abs(y[origin]) <= _NOISE * np.abs(y).max():
            raise InputError(f"current is {y[origin]:g} A at 0 V: subtract the offset, at 0 V a cell has no current")
        y = y.copy()
        y[origin] = 0.0
    for k in range(1, x.size):
        if x[k] == x[k - 1]:
            raise InputError(f"voltage has {x[k]:g} V twice: average such points, or give one branch of a loop")
        if not y[k] > y[k - 1]:
            raise InputError(
                f"current does not rise from {x[k - 1]:g} V ({y[k - 1]:g} A) to {x[k]:g} V ({y[k]:g} A): "
                "smooth the curve, or give one branch of a loop"
            )
    if odd:
        x, y = np.concatenate([-x[:0:-1], x]), np.concatenate([-y[:0:-1], y])
    return x, y
