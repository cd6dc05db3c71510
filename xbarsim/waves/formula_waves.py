"""Waveforms that are formulas: pulses, sines, modulated ones, exponentials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.waves.wave import Floats, WaveNumbers, rounds_of, sixteenth, within


def _radians(degrees: float) -> float:
    """Return an angle rounded as ngspice rounds it: of 1e30 degrees the last digit of radians is many turns."""
    return degrees * np.pi / 180.0


@dataclass(frozen=True)
class Pulse(WaveNumbers):
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
        """Return the ends of its edges; the start of a period that cuts off the pulse before is one too.

        Parameters
        ----------
        start, stop : float
            Seconds, both within.
        """
        edges = np.cumsum([0.0, self.rise, self.width, self.fall])
        if self.period <= 0:
            return within(self.delay + edges, start, stop)
        rounds = rounds_of(self.period, start - self.delay, stop - self.delay)
        times = (rounds[:, None] * self.period + edges[edges < self.period]).ravel()
        if self.count > 0:
            end = self.count * self.period
            times = np.append(times[times < end], end if edges[-1] >= self.period else 0.0)
        return within(self.delay + times, start, stop)


@dataclass(frozen=True)
class Sine(WaveNumbers):
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
        return sixteenth(self.frequency)

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
        """Return the time where it sets in.

        Parameters
        ----------
        start, stop : float
            Seconds, both within.
        """
        return within(np.array([self.delay]), start, stop)


@dataclass(frozen=True)
class FrequencyModulated(WaveNumbers):
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
        return sixteenth(abs(self.carrier) + abs(self.index * self.signal))

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
        """Return none: it is smooth.

        Parameters
        ----------
        start, stop : float
            Seconds; not used.
        """
        return np.empty(0)


@dataclass(frozen=True)
class AmplitudeModulated(WaveNumbers):
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
        return sixteenth(abs(self.carrier) + abs(self.modulation))

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
        """Return the time where it sets in.

        Parameters
        ----------
        start, stop : float
            Seconds, both within.
        """
        return within(np.array([self.delay]), start, stop)


@dataclass(frozen=True)
class Exponential(WaveNumbers):
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
        """Return where the rise and the fall begin.

        Parameters
        ----------
        start, stop : float
            Seconds, both within.
        """
        return within(np.array([self.rise_delay, max(self.rise_delay, self.fall_delay)]), start, stop)
