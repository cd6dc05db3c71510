"""Waveforms that are points with straight lines between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.errors import InputError
from xbarsim.waves.wave import Floats, rounds_of, within

_NEAR = 4 * np.finfo(np.float64).eps

_ULPS = 3.0
"""How many units of its last digit a time may be off a point's and be that point's, as in ngspice."""


@dataclass(frozen=True, eq=False)
class Piecewise:
    """Straight lines between points, whose times do not decrease: two points at one time are a step.

    ``delay`` shifts all; with ``repeat`` (one of the times) what follows it is repeated for ever.

    Attributes
    ----------
    points : (points,) array_like
        Seconds, which do not decrease.
    values : (points,) array_like
        Volts or amperes.
    delay, repeat : float
        Seconds; ``repeat`` may be None.

    Raises
    ------
    InputError
        A number is not finite, points decrease, or there are not as many values.
    """

    points: Floats
    values: Floats
    delay: float = 0.0
    repeat: float | None = None

    def __post_init__(self) -> None:
        for name in ("points", "values"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        points, values = self.points, self.values
        if points.ndim != 1 or points.shape != values.shape or points.size == 0:
            raise InputError(f"a Piecewise has points {points.shape} and values {values.shape}: give as many of both")
        if not (np.isfinite(points).all() and np.isfinite(values).all() and np.isfinite(self.delay)):
            raise InputError("a Piecewise has a point, a value or a delay that is no finite number")
        if (np.diff(points) < 0.0).any():
            raise InputError("a Piecewise has points that decrease: put them in order")
        if self.repeat is not None and not points[0] <= self.repeat < points[-1]:
            raise InputError(
                f"a Piecewise repeats from {self.repeat!r} s: it must be from the first point, {points[0]:g} s, to "
                f"before the last, {points[-1]:g} s"
            )

    def at(self, times: Floats) -> Floats:
        """Return the interpolated values; at a repeat, what the repeated part starts with.

        Parameters
        ----------
        times : array
            Seconds, of any shape; the values have it too.
        """
        time = np.asarray(times, dtype=np.float64) - self.delay
        if self.repeat is not None:
            length = self.points[-1] - self.repeat
            laps = np.floor((time - self.repeat) / length + _NEAR)
            time = np.where(laps > 0, np.maximum(time - laps * length, self.repeat), time)
        interpolated = np.interp(time, self.points, self.values)
        # At a point itself it is that point's value: of two at one time, a step, the first one's.
        at = np.minimum(np.searchsorted(self.points, time - _ULPS * np.spacing(np.abs(time))), self.points.size - 1)
        close = np.abs(self.points[at] - time) <= _ULPS * np.spacing(np.abs(time))
        return np.where(close, self.values[at], interpolated)

    def corners(self, start: float, stop: float) -> Floats:
        """Return its points, those of repeats too.

        Parameters
        ----------
        start, stop : float
            Seconds, both within.
        """
        times = self.points
        if self.repeat is not None:
            length = float(times[-1] - self.repeat)
            rounds = rounds_of(length, start - self.delay - self.repeat, stop - self.delay - self.repeat)
            again = times[times > self.repeat]
            times = np.concatenate([times, (rounds[:, None] * length + again).ravel()])
        return within(self.delay + times, start, stop)
