"""Which pulse comes next: a stronger one while a cell is too slow, a finer one where it went past its target."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xbarsim.errors import InputError
from xbarsim.programming.write_pulse import check_shape, is_number


@dataclass(frozen=True)
class PulseLadder:
    """A train of pulses to one cell, the next one after each look at it.

    Pulses of one polarity climb from the first amplitude by ``increment`` and from the first width by the factor
    ``widening``, as incremental step pulse programming does (Suh et al., IEEE J. Solid-State Circuits 30, 1149, 1995).
    Where a look finds the cell beyond its target the polarity turns: the ladder begins anew, with widths ``shrink``
    times those before.

    Attributes
    ----------
    amplitude : float
        Volts of the first pulses of either polarity, above 0.
    width, rise, fall, gap : float
        Seconds, as of a :class:`WritePulse`.
    opposite : float, optional
        Volts of the first pulses that lower conductances, above 0, where they are not ``amplitude``.
    increment : float
        Volts by which each further pulse of a polarity is higher, 0 or more.
    most_amplitude : float, optional
        Volts at which a ladder with an increment ends.
    widening : float
        What each further pulse of a polarity is longer by, a factor of 1 or more.
    most_width : float, optional
        Seconds at which a ladder with a widening ends.
    shrink : float
        What widths are multiplied by when the polarity turns, above 0 and at most 1.

    Raises
    ------
    InputError
        A number is out of its bounds, or a ladder has no end.
    """

    amplitude: float
    width: float
    rise: float = 0.0
    fall: float = 0.0
    gap: float = 0.0
    opposite: float | None = None
    increment: float = 0.0
    most_amplitude: float | None = None
    widening: float = 1.0
    most_width: float | None = None
    shrink: float = 0.5

    def __post_init__(self) -> None:
        for name, volts in (("amplitude", self.amplitude), ("opposite", self.opposite)):
            if volts is not None and is_number(volts) and volts < 0.0:
                raise InputError(f"{name} is {volts!r}: give volts above 0, the cells' model says which sign does what")
        check_shape(self.amplitude, self.width, self.rise, self.fall, self.gap)
        if self.opposite is not None:
            check_shape(self.opposite, self.width, self.rise, self.fall, self.gap)
        first = max(self.amplitude, self.opposite or 0.0)
        for name, value, least, top, highest, first_of_top in (
            ("increment", self.increment, 0.0, "most_amplitude", self.most_amplitude, first),
            ("widening", self.widening, 1.0, "most_width", self.most_width, self.width),
        ):
            if not (is_number(value) and value >= least):
                raise InputError(f"{name} is {value!r}: it must be at least {least:g}")
            if value > least and highest is None:
                raise InputError(f"{name} is {value:g}: give {top} too, where the ladder ends")
            if value == least and highest is not None:
                raise InputError(f"{top} is {highest!r}, but there is no {name} to climb by")
            if highest is not None and not (is_number(highest) and highest >= first_of_top):
                raise InputError(f"{top} is {highest!r}: it must be at least the first, {first_of_top:g}")
        if not (is_number(self.shrink) and 0.0 < self.shrink <= 1.0):
            raise InputError(f"shrink is {self.shrink!r}: it must be above 0 and at most 1")

    def rung(self, raising: bool, number: int, turns: int) -> tuple[float, float]:
        """Return the volts, without their sign, and the seconds of a pulse.

        Parameters
        ----------
        raising : bool
            Whether it is to raise the conductance.
        number : int
            How many of its polarity came before, since the last turn.
        turns : int
            How often the polarity has turned.
        """
        volts = self.amplitude if raising or self.opposite is None else self.opposite
        volts += self.increment * number
        if self.most_amplitude is not None:
            volts = min(volts, self.most_amplitude)
        # A width is bounded before it is large: no power overflows.
        room = math.inf if self.most_width is None else self.most_width / self.width
        factor = 1.0 if self.widening == 1.0 else min(math.exp(min(700.0, number * math.log(self.widening))), room)
        return volts, self.width * factor * self.shrink**turns

    def at_top(self, raising: bool, number: int) -> bool:
        """Whether further pulses of this polarity are no stronger than this one.

        Parameters
        ----------
        raising : bool
            Whether the pulse raises the conductance.
        number : int
            How many of its polarity came before, since the last turn.
        """
        return self.rung(raising, number, 0) == self.rung(raising, number + 1, 0)
