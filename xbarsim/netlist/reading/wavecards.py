"""PULSE, SIN, EXP, SFFM, AM and PWL as they are written, and the waves that they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from xbarsim.netlist.reading.tokens import Value
from xbarsim.netlist.refusals import CardError
from xbarsim.waves import AmplitudeModulated, Exponential, FrequencyModulated, Piecewise, Pulse, Sine, Wave

WAVES = ("am", "exp", "pulse", "pwl", "sffm", "sin")
OTHER_NAMES = {"sine": "sin", "pl": "pwl"}
_MOST = {"am": 7, "exp": 6, "pulse": 8, "sffm": 7, "sin": 6}


@dataclass(frozen=True)
class WaveCard:
    """A waveform with its arguments.

    ``repeat`` and ``delay`` are PWL's ``r=`` and ``td=``; ``steps`` are the arguments that are times after the one
    before, like ``+1n``.
    """

    kind: str
    arguments: tuple[Value, ...]
    repeat: Value | None = None
    delay: Value = 0.0
    steps: frozenset[int] = frozenset()

    @property
    def numbers(self) -> tuple[Value, ...]:
        """All that is to be evaluated, in the order that ``make_wave`` takes it."""
        return (*self.arguments, self.delay) + (() if self.repeat is None else (self.repeat,))


@dataclass(frozen=True)
class Clock:
    """``.tran``'s step and stop time: what a wave's missing arguments default to; 0 without a ``.tran``."""

    step: float = 0.0
    stop: float = 0.0


def uses_clock(card: WaveCard, numbers: Sequence[float]) -> bool:
    """Whether a wave has arguments that default to those of ``.tran``."""
    v = [*numbers[: len(card.arguments)], *[0.0] * 8]
    if card.kind == "pulse":
        return 0.0 in v[3:7]
    if card.kind in ("sin", "am"):
        return v[2] == 0.0
    if card.kind == "sffm":
        return 0.0 in (v[2], v[4])
    return card.kind == "exp" and 0.0 in v[2:6]


def make_wave(card: WaveCard, numbers: Sequence[float], clock: Clock) -> Wave:
    """Return the wave of a card's evaluated ``numbers``.

    As in ngspice an argument of 0 counts as missing, but for levels, delays, damping, phases and
    SFFM's index.

    Parameters
    ----------
    card : WaveCard
        Its kind, and how many arguments it has.
    numbers : sequence of float
        These, and what stands behind them.
    clock : Clock
        Seconds that missing ones default to.
    """
    count = len(card.arguments)
    arguments, delay = [float(x) for x in numbers[:count]], float(numbers[count])
    if card.kind == "pwl":
        for k in sorted(card.steps):
            arguments[k] += arguments[k - 2] if k > 1 else 0.0
        return _piecewise(arguments, delay, float(numbers[count + 1]) if card.repeat is not None else None)
    v = [*arguments, *[0.0] * 8]
    if card.kind == "pulse":
        rise, fall, width, period = v[3] or clock.step, v[4] or clock.step, v[5] or clock.stop, v[6] or clock.stop
        return Pulse(v[0], v[1], v[2], rise, fall, width, period, v[7])
    whole = 1.0 / clock.stop if clock.stop else 0.0
    if card.kind == "sin":
        return Sine(v[0], v[1], v[2] or whole, v[3], v[4], v[5])
    if card.kind == "sffm":
        return FrequencyModulated(v[0], v[1], v[2] or whole, v[3], v[4] or whole, v[5], v[6])
    if card.kind == "am":
        return AmplitudeModulated(v[0], v[1], v[2] or whole, v[3], v[4], v[6])
    rise = v[2] or clock.step
    return Exponential(v[0], v[1], rise, v[3] or clock.step, v[4] or rise + clock.step, v[5] or clock.step)


def check_count(card: WaveCard) -> None:
    """Refuse a wave with too few or too many arguments."""
    name, count = card.kind.upper(), len(card.arguments)
    if count < 2:
        raise CardError(f"{name}() has {count} values: it needs two at least")
    if card.kind == "pwl":
        if count % 2:
            raise CardError(f"PWL() has {count} values: give pairs of time and value")
    elif count > _MOST[card.kind]:
        raise CardError(f"{name}() has {count} values: it takes {_MOST[card.kind]} at most")


def _piecewise(points: list[float], delay: float, repeat: float | None) -> Wave:
    times, values = points[0::2], points[1::2]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise CardError("PWL() has times that do not increase: put its points in order")
    if repeat is not None and times[-1] == times[0]:
        raise CardError("PWL() repeats what takes no time: give points at two times at least")
    if repeat is not None and repeat < 0:
        repeat = None
    if repeat is not None and repeat not in times[:-1]:
        raise CardError(f"PWL() repeats from r={repeat:g}: give one of its times, but the last")
    return Piecewise(np.array(times), np.array(values), delay, repeat)
