"""The waveforms of V and I sources, as ngspice evaluates them; whole arrays of times at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NEAR = 4 * np.finfo(np.float64).eps


class Wave(Protocol):
    """A source's value over time."""

    def at(self, times: Floats) -> Floats:
        """Return volts or amperes at ``times`` (seconds)."""
        ...


@dataclass(frozen=True)
class Pulse:
    """``low`` until ``delay``, then trapezoids of ``high``, one each ``period``; ``count`` of them if it is not 0."""

    low: float
    high: float
    delay: float
    rise: float
    fall: float
    width: float
    period: float
    count: float = 0.0

    def at(self, times: Floats) -> Floats:
        """Return the pulse train's values."""
        time = np.asarray(times, dtype=np.float64) - self.delay
        over = time > self.count * self.period if self.count > 0 else np.zeros(time.shape, dtype=bool)
        if self.period > 0:
            time = np.where(time > self.period, time - self.period * np.floor(time / self.period), time)
        up, down = self.rise, self.rise + self.width
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            rising = self.low + (self.high - self.low) * time / self.rise
            falling = self.high + (self.low - self.high) * (time - down) / self.fall
        shape = np.where(time >= up, np.where(time <= down, self.high, falling), rising)
        return np.where(over | (time <= 0) | (time >= down + self.fall), self.low, shape)


@dataclass(frozen=True)
class Sine:
    """``offset + amplitude sin(2 pi frequency t + phase) exp(-damping t)``, t from ``delay`` on and held before."""

    offset: float
    amplitude: float
    frequency: float
    delay: float = 0.0
    damping: float = 0.0
    phase: float = 0.0

    def at(self, times: Floats) -> Floats:
        """Return the sine's values."""
        time = np.maximum(np.asarray(times, dtype=np.float64) - self.delay, 0.0)
        angle = 2 * np.pi * self.frequency * time + np.radians(self.phase)
        value: Floats = self.offset + self.amplitude * np.sin(angle) * np.exp(-self.damping * time)
        return value


@dataclass(frozen=True)
class Exponential:
    """From ``low`` towards ``high`` at ``rise_delay``, and back at ``fall_delay``, each with its time constant.

    As in ngspice it stays at ``low`` until ``rise_delay`` even where the fall would begin before.
    """

    low: float
    high: float
    rise_delay: float
    rise_constant: float
    fall_delay: float
    fall_constant: float

    def at(self, times: Floats) -> Floats:
        """Return the exponential's values."""
        time = np.asarray(times, dtype=np.float64)
        swing = self.high - self.low
        value = np.full(time.shape, self.low)
        for delay, constant, sign in (
            (self.rise_delay, self.rise_constant, 1),
            (self.fall_delay, self.fall_constant, -1),
        ):
            since = np.maximum(time - delay, 0.0)
            grown = -np.expm1(-since / constant) if constant else np.sign(since)
            value = value + sign * swing * grown
        return np.where(time > self.rise_delay, value, self.low)


@dataclass(frozen=True, eq=False)
class Piecewise:
    """Straight lines between points.

    ``delay`` shifts all; with ``repeat`` (one of the times) what follows it is repeated for ever.
    """

    points: Floats
    values: Floats
    delay: float = 0.0
    repeat: float | None = None

    def at(self, times: Floats) -> Floats:
        """Return the interpolated values; at a repeat, what the repeated part starts with."""
        time = np.asarray(times, dtype=np.float64) - self.delay
        if self.repeat is not None:
            length = self.points[-1] - self.repeat
            laps = np.floor((time - self.repeat) / length + _NEAR)
            time = np.where(laps > 0, np.maximum(time - laps * length, self.repeat), time)
        return np.interp(time, self.points, self.values)
