"""Where steps may end between two corners: halves of halves of the way.

Steps of a run then have few sizes, and the factors of its equations are used again: every size is the distance of two
corners by a power of two, every step ends at a multiple of itself, and the last ends at the corner.
"""

from __future__ import annotations

import math

_CLOSE = 1e-9
"""Of the largest step: by so much a step may exceed it for being rounded."""


class DyadicGrid:
    """The way from one corner to the next.

    Parameters
    ----------
    start, stop : float
        Seconds.
    largest : float
        The longest step.

    Attributes
    ----------
    level : int
        A step is the way divided by two to this power.
    """

    def __init__(self, start: float, stop: float, largest: float) -> None:
        self.start, self.stop = start, stop
        self._way = stop - start
        self._least = max(0, math.ceil(math.log2(self._way / largest * (1 - _CLOSE))))
        self.level, self._place = self._least, 0

    @property
    def step(self) -> float:
        """The present size of steps."""
        return math.ldexp(self._way, -self.level)

    @property
    def arrived(self) -> bool:
        """Whether the next corner is reached."""
        return self._place == 1 << self.level

    @property
    def left(self) -> int:
        """How many steps of the present size are left."""
        return (1 << self.level) - self._place

    def after(self, steps: int) -> float:
        """Return the time after some steps from the present place.

        Parameters
        ----------
        steps : int
            Of the present size.
        """
        place = self._place + steps
        return self.stop if place == 1 << self.level else self.start + self._way * (place / (1 << self.level))

    def advance(self, steps: int = 1) -> None:
        """Go on by some steps."""
        self._place += steps

    def shorten(self, step: float) -> None:
        """Halve steps until they are no longer than this, once at least.

        Parameters
        ----------
        step : float
            Seconds.
        """
        halvings = max(1, math.ceil(math.log2(self.step / step)))
        self.level += halvings
        self._place <<= halvings

    def lengthen(self) -> None:
        """Double steps, where that is a multiple of theirs and not too long."""
        if self.level > self._least and self._place % 2 == 0:
            self.level -= 1
            self._place >>= 1
