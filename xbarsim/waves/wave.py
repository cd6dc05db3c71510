"""What all waveforms share: what they are asked, their numbers, and where their corners lie."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError

Floats = NDArray[np.float64]


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


class WaveNumbers:
    """Numbers, checked once; a frozen dataclass of them."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            # Many waves of a kind are evaluated as one of arrays.
            numbers = np.asarray(value)
            if isinstance(value, bool) or numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
                raise InputError(f"{name} of a {type(self).__name__} is {value!r}: it must be a finite number")


def sixteenth(hertz: float) -> float:
    """Return the sixteenth of a period; steps of that follow a cell's cubic motion under a sine to 0.2 %.

    Parameters
    ----------
    hertz : float
        The frequency; 0 has no period.
    """
    return 0.0625 / abs(hertz) if hertz else np.inf


def within(times: Floats, start: float, stop: float) -> Floats:
    """Return those of some times that lie in [start, stop], in order and each once.

    Parameters
    ----------
    times : array
        Seconds, in any order.
    start, stop : float
        Seconds, both within.
    """
    times = np.unique(times)
    return np.asarray(times[(times >= start) & (times <= stop)])


def rounds_of(length: float, start: float, stop: float) -> Floats:
    """Return the numbers of the rounds of a length, from 0 on, that touch [start, stop].

    Parameters
    ----------
    length : float
        Seconds of a round, above 0.
    start, stop : float
        Seconds.
    """
    first, last = max(0.0, np.floor(start / length) - 1), np.floor(stop / length) + 1
    return np.arange(first, max(last, first) + 1)
