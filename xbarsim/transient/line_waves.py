"""Waveforms at line ends, cut into pieces between their corners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import checked_array
from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.errors import InputError
from xbarsim.waves import Piecewise, Pulse, Wave

_STRAIGHT = (Pulse, Piecewise)
"""Between two corners these are straight lines."""

_AT_ONCE = 1024
"""Pieces whose volts are looked up together."""

_TOGETHER = 16.0
"""Units of the last digit: corners so near each other are one."""


@dataclass(frozen=True)
class SourcePiece:
    """What all sources do between two of their corners.

    Attributes
    ----------
    start, stop : float
        Seconds.
    first, last : dict of side to (lines,)
        Volts just after the start and just before the stop of those that are straight lines in between.
    curved : tuple of (side, lines, wave)
        The others.
    """

    start: float
    stop: float
    first: dict[Side, Array]
    last: dict[Side, Array]
    curved: tuple[tuple[Side, NDArray[np.int64], Wave], ...] = ()

    @cached_property
    def still(self) -> bool:
        """Whether nothing changes."""
        return not self.curved and all(last is self.first[side] for side, last in self.last.items())

    def at(self, time: float) -> dict[Side, Array]:
        """Return all sides' volts."""
        if self.still:
            return self.first
        part = (time - self.start) / (self.stop - self.start)
        volts = {}
        for side, first in self.first.items():
            last = self.last[side]
            volts[side] = last if part == 1.0 or last is first else first + part * (last - first)
        for side, lines, wave in self.curved:
            volts[side] = volts[side].copy()
            volts[side][lines] = wave.at(np.array([time]))[0]
        return volts


class LineWaves:
    """The sources of all line ends over time.

    Parameters
    ----------
    waves : mapping of side to a wave, or to a sequence with one for each line
        Sides left out stay at their ``resting`` volts.
    resting : dict of side to (lines,)
        Volts without waves.

    Raises
    ------
    InputError
        A side or a wave is none, or there are not as many as lines.
    """

    def __init__(self, waves: Mapping[Side, Any], resting: Mapping[Side, Array]) -> None:
        self._resting = {side: np.array(volts) for side, volts in resting.items()}
        by_wave: dict[tuple[Side, int], tuple[Wave, list[int]]] = {}
        for side, entry in waves.items():
            if side not in SIDES:
                raise InputError(f"waves has the key {side!r}: sides are {', '.join(SIDES)}")
            for line, (name, wave) in enumerate(_per_line(side, entry, self._resting[side].size)):
                if isinstance(wave, Real) and not isinstance(wave, bool):
                    self._resting[side][line] = checked_array(name, float(wave), signed=True)
                else:
                    by_wave.setdefault((side, id(wave)), (_as_wave(name, wave), []))[1].append(line)
        self._moving = [(side, np.array(lines), wave) for (side, _), (wave, lines) in by_wave.items()]

    def start(self, time: float) -> dict[Side, Array]:
        """Return all sides' volts at a time."""
        volts = {side: array.copy() for side, array in self._resting.items()}
        for side, lines, wave in self._moving:
            volts[side][lines] = wave.at(np.array([time]))[0]
        return volts

    @property
    def longest_step(self) -> float:
        """Seconds beyond which a step might not see what a wave does between two corners."""
        return min((float(getattr(wave, "turn", np.inf)) for _, _, wave in self._moving), default=np.inf)

    def pieces(self, start: float, stop: float) -> Iterator[SourcePiece]:
        """Yield what the sources do between their corners, in order."""
        times = np.unique(np.concatenate([[start, stop], *(wave.corners(start, stop) for _, _, wave in self._moving)]))
        apart = np.diff(times, prepend=-np.inf) > _TOGETHER * np.spacing(np.maximum(np.abs(times), stop - start))
        times = times[apart]
        times[-1] = stop
        for first in range(0, times.size - 1, _AT_ONCE):
            yield from self._between(times[first : first + _AT_ONCE + 1])

    def _between(self, times: Array) -> Iterator[SourcePiece]:
        starts, lengths = times[:-1], np.diff(times)
        curved = tuple(entry for entry in self._moving if not isinstance(entry[2], _STRAIGHT))
        begins = {side: np.tile(volts, (starts.size, 1)) for side, volts in self._resting.items()}
        moved = {side for side, _, wave in self._moving if isinstance(wave, _STRAIGHT)}
        ends = {side: volts.copy() if side in moved else volts for side, volts in begins.items()}
        for side, lines, wave in self._moving:
            if isinstance(wave, _STRAIGHT):
                # Of a jump at a corner, what is near tells both sides.
                near, far = wave.at(starts + 0.25 * lengths), wave.at(starts + 0.75 * lengths)
                begins[side][:, lines] = (near - 0.5 * (far - near))[:, None]
                ends[side][:, lines] = (far + 0.5 * (far - near))[:, None]
        sloping = {side: (ends[side] != begins[side]).any(axis=1) for side in SIDES}
        for k, start in enumerate(starts):
            first = {side: volts[k] for side, volts in begins.items()}
            last = {side: ends[side][k] if sloping[side][k] else first[side] for side in SIDES}
            yield SourcePiece(float(start), float(times[k + 1]), first, last, curved)


def _per_line(side: str, entry: Any, lines: int) -> list[tuple[str, Any]]:
    """Return each line's wave with its name."""
    if isinstance(entry, np.ndarray) and entry.ndim > 0:
        entry = entry.tolist()
    if isinstance(entry, Sequence) and not isinstance(entry, tuple | str):
        if len(entry) != lines:
            raise InputError(f"waves[{side!r}] has {len(entry)} waves: give one, or one for each of {lines} lines")
        return [(f"waves[{side!r}][{line}]", wave) for line, wave in enumerate(entry)]
    return [(f"waves[{side!r}]", entry)] * lines


def _as_wave(name: str, wave: Any) -> Wave:
    if isinstance(wave, tuple) and len(wave) == 2:
        times, values = (
            checked_array(f"{name} {part}", array, signed=True)
            for part, array in zip(("times", "values"), wave, strict=True)
        )
        if times.ndim != 1 or times.shape != values.shape or times.size == 0:
            raise InputError(f"{name} has times {times.shape} and values {values.shape}: give as many of both")
        if (np.diff(times) < 0.0).any():
            raise InputError(f"{name}: its times must not decrease")
        return Piecewise(times, values)
    if not (hasattr(wave, "at") and hasattr(wave, "corners")):
        raise InputError(
            f"{name} is {type(wave).__name__}: give volts, (times, values), or a wave as xbarsim.waves.Pulse"
        )
    if isinstance(wave, Pulse) and min(wave.rise, wave.fall, wave.width) < 0.0:
        raise InputError(f"{name} is {wave}: rise, fall and width must be >= 0")
    return wave  # type: ignore[no-any-return]
