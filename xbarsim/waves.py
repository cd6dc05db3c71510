"""The waveforms of V and I sources, as ngspice evaluates them; whole arrays of times at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError

Floats = NDArray[np.float64]

_NEAR = 4 * np.finfo(np.float64).eps

_ULPS = 3.0
"""How many units of its last digit a time may be off a point's and be that point's, as in ngspice."""


def _radians(degrees: float) -> float:
    """Return an angle rounded as ngspice rounds it: of 1e30 degrees the last digit of radians is many turns."""
    return degrees * np.pi / 180.0


class Wave(Protocol):
    """A source's value over time.

    One that turns on its way between corners says so by ``turn``: no step that sees what it does is longer than that.
    """

    def at(self, times: Floats) -> Floats:
        """Return volts or amperes at ``times`` (seconds).

        Parameters
        ----------
        times : array
            Seconds, of any shape; the values have it too.
        """
        ...

    def corners(self, start: float, stop: float) -> Floats:
        """Return the times in [start, stop] where its value or its slope jumps, in order.

        Parameters
        ----------
        start, stop : float
            Seconds between which corners are asked for.
        """
        ...


class _Numbers:
    """Numbers, checked once; a frozen dataclass of them."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            # Many waves of a kind are evaluated as one of arrays.
            numbers = np.asarray(value)
            if isinstance(value, bool) or numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
                raise InputError(f"{name} of a {type(self).__name__} is {value!r}: it must be a finite number")


def _turn(hertz: float) -> float:
    """Return the sixteenth of a period; steps of that follow a cell's cubic motion under a sine to 0.2 %."""
    return 0.0625 / abs(hertz) if hertz else np.inf


def _within(times: Floats, start: float, stop: float) -> Floats:
    """Return those of some times that lie in [start, stop], in order and each once."""
    times = np.unique(times)
    return np.asarray(times[(times >= start) & (times <= stop)])


def _rounds(length: float, start: float, stop: float) -> Floats:
    """Return the numbers of the rounds of a length, from 0 on, that touch [start, stop]."""
    first, last = max(0.0, np.floor(start / length) - 1), np.floor(stop / length) + 1
    return np.arange(first, max(last, first) + 1)


@dataclass(frozen=True)
class Pulse(_Numbers):
    """``low`` until ``delay``, then trapezoids of ``high``, one each ``period``; ``count`` of them if it is not 0.

    Attributes
    ----------
    low, high : float
        Volts or amperes.
    delay, rise, fall, width, period : float
        Seconds.
    count : float
        How many; 0 goes on for ever.
    """

    low: float
    high: float
    delay: float
    rise: float
    fall: float
    width: float
    period: float
    count: float = 0.0

    def at(self, times: Floats) -> Floats:
        """Return the pulse train's values.

        Parameters
        ----------
        times : array
            Seconds, of any shape; the values have it too.
        """
        time = np.asarray(times, dtype=np.float64) - self.delay
        up, down = self.rise, self.rise + self.width
        over = (self.count > 0) & (time > self.count * self.period)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            again = (self.period > 0) & (time > self.period)
            time = np.where(again, time - self.period * np.floor(time / self.period), time)
            rising = self.low + (self.high - self.low) * time / self.rise
            falling = self.high + (self.low - self.high) * (time - down) / self.fall
        shape = np.where(time >= up, np.where(time <= down, self.high, falling), rising)
        return np.where(over | (time <= 0) | (time >= down + self.fall), self.low, shape)

    def corners(self, start: float, stop: float) -> Floats:
        """Return the ends of its edges; the start of a period that cuts off the pulse before is one too."""
        edges = np.cumsum([0.0, self.rise, self.width, self.fall])
        if self.period <= 0:
            return _within(self.delay + edges, start, stop)
        rounds = _rounds(self.period, start - self.delay, stop - self.delay)
        times = (rounds[:, None] * self.period + edges[edges < self.period]).ravel()
        if self.count > 0:
            end = self.count * self.period
            times = np.append(times[times < end], end if edges[-1] >= self.period else 0.0)
        return _within(self.delay + times, start, stop)


@dataclass(frozen=True)
class Sine(_Numbers):
    """``offset + amplitude sin(2 pi frequency t + phase) exp(-damping t)``, t from ``delay`` on and held before.

    Attributes
    ----------
    offset, amplitude : float
        Volts or amperes.
    frequency : float
        Hertz.
    delay : float
        Seconds.
    damping : float
        1/s.
    phase : float
        Degrees.
    """

    offset: float
    amplitude: float
    frequency: float
    delay: float = 0.0
    damping: float = 0.0
    phase: float = 0.0

    @property
    def turn(self) -> float:
        """Seconds of a sixteenth of its period."""
        return _turn(self.frequency)

    def at(self, times: Floats) -> Floats:
        """Return the sine's values.

        Parameters
        ----------
        times : array
            Seconds, of any shape; the values have it too.
        """
        time = np.maximum(np.asarray(times, dtype=np.float64) - self.delay, 0.0)
        angle = 2 * np.pi * self.frequency * time + _radians(self.phase)
        value: Floats = self.offset + self.amplitude * np.sin(angle) * np.exp(-self.damping * time)
        return value

    def corners(self, start: float, stop: float) -> Floats:
        """Return the time where it sets in."""
        return _within(np.array([self.delay]), start, stop)


@dataclass(frozen=True)
class FrequencyModulated(_Numbers):
    """``offset + amplitude sin(2 pi carrier t + p_c + index sin(2 pi signal t + p_s))``.

    Attributes
    ----------
    offset, amplitude : float
        Volts or amperes.
    carrier, signal : float
        Hertz.
    index : float
        Of modulation, a plain number.
    carrier_phase, signal_phase : float
        Degrees.
    """

    offset: float
    amplitude: float
    carrier: float
    index: float
    signal: float
    carrier_phase: float = 0.0
    signal_phase: float = 0.0

    @property
    def turn(self) -> float:
        """Seconds of a sixteenth of its shortest period."""
        return _turn(abs(self.carrier) + abs(self.index * self.signal))

    def at(self, times: Floats) -> Floats:
        """Return the sine's values.

        Parameters
        ----------
        times : array
            Seconds, of any shape; the values have it too.
        """
        turns = 2 * np.pi * np.asarray(times, dtype=np.float64)
        swing = self.index * np.sin(self.signal * turns + _radians(self.signal_phase))
        value: Floats = self.offset + self.amplitude * np.sin(
            self.carrier * turns + _radians(self.carrier_phase) + swing
        )
        return value

    def corners(self, start: float, stop: float) -> Floats:
        """Return none: it is smooth."""
        return np.empty(0)


@dataclass(frozen=True)
class AmplitudeModulated(_Numbers):
    """``amplitude (offset + sin(2 pi modulation t + p)) sin(2 pi carrier t + p)``, t from ``delay`` on, 0 before.

    ngspice takes one phase p, in degrees, for both: the signal's.

    Attributes
    ----------
    amplitude : float
        Volts or amperes.
    offset : float
        A plain number.
    modulation, carrier : float
        Hertz.
    delay : float
        Seconds.
    phase : float
        Degrees.
    """

    amplitude: float
    offset: float
    modulation: float
    carrier: float
    delay: float = 0.0
    phase: float = 0.0

    @property
    def turn(self) -> float:
        """Seconds of a sixteenth of its shortest period."""
        return _turn(abs(self.carrier) + abs(self.modulation))

    def at(self, times: Floats) -> Floats:
        """Return the modulated sine's values.

        Parameters
        ----------
        times : array
            Seconds, of any shape; the values have it too.
        """
        time = np.asarray(times, dtype=np.float64) - self.delay
        turns, phase = 2 * np.pi * np.maximum(time, 0.0), _radians(self.phase)
        value = self.amplitude * (self.offset + np.sin(self.modulation * turns + phase))
        return np.where(time > 0, value * np.sin(self.carrier * turns + phase), 0.0)

    def corners(self, start: float, stop: float) -> Floats:
        """Return the time where it sets in."""
        return _within(np.array([self.delay]), start, stop)


@dataclass(frozen=True)
class Exponential(_Numbers):
    """From ``low`` towards ``high`` at ``rise_delay``, and back at ``fall_delay``, each with its time constant.

    As in ngspice it stays at ``low`` until ``rise_delay`` even where the fall would begin before.

    Attributes
    ----------
    low, high : float
        Volts or amperes.
    rise_delay, rise_constant, fall_delay, fall_constant : float
        Seconds.
    """

    low: float
    high: float
    rise_delay: float
    rise_constant: float
    fall_delay: float
    fall_constant: float

    def at(self, times: Floats) -> Floats:
        """Return the exponential's values.

        Parameters
        ----------
        times : array
            Seconds, of any shape; the values have it too.
        """
        time = np.asarray(times, dtype=np.float64)
        swing = self.high - self.low
        value = np.full(time.shape, self.low)
        for delay, constant, sign in (
            (self.rise_delay, self.rise_constant, 1),
            (self.fall_delay, self.fall_constant, -1),
        ):
            since = np.maximum(time - delay, 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                grown = np.where(constant == 0, np.sign(since), -np.expm1(-since / constant))
            value = value + sign * swing * grown
        return np.where(time > self.rise_delay, value, self.low)

    def corners(self, start: float, stop: float) -> Floats:
        """Return where the rise and the fall begin."""
        return _within(np.array([self.rise_delay, max(self.rise_delay, self.fall_delay)]), start, stop)


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
        """Return its points, those of repeats too."""
        times = self.points
        if self.repeat is not None:
            length = float(times[-1] - self.repeat)
            rounds = _rounds(length, start - self.delay - self.repeat, stop - self.delay - self.repeat)
            again = times[times > self.repeat]
            times = np.concatenate([times, (rounds[:, None] * length + again).ravel()])
        return _within(self.delay + times, start, stop)
