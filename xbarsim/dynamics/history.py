"""The points of a run since its last corner: what formulas, predictions and estimates of errors look back at."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DEPTH = 4
"""Points: an error of order 2 is estimated from as many."""


class History:
    """Points since the last corner, the latest last; that at the corner itself is the first.

    Attributes
    ----------
    times : list of float
        Seconds.
    unknowns : list of (size, 1)
        Solutions.
    charges : list of (states,)
        Charges and fluxes.
    rates : (states,)
        By how much these change at the latest point, a second.
    count : int
        How many points there are since the corner, kept or not.
    """

    def __init__(self, time: float, unknowns: Floats, charges: Floats) -> None:
        self.times, self.unknowns, self.charges = [time], [unknowns], [charges]
        self.rates: Floats = np.zeros_like(charges)
        self.count = 1

    def add(self, time: float, unknowns: Floats, charges: Floats, rates: Floats) -> None:
        """Add a point.

        Parameters
        ----------
        time : float
            Seconds, later than that of the point before.
        unknowns : (size, 1) array
            Volts and amperes at it.
        charges : (states,) array
            Coulombs and webers at it.
        rates : (states,) array
            Their slopes in time, amperes and volts.
        """
        self.times = [*self.times[1 - _DEPTH :], time]
        self.unknowns = [*self.unknowns[1 - _DEPTH :], unknowns]
        self.charges = [*self.charges[1 - _DEPTH :], charges]
        self.rates = rates
        self.count += 1

    def restarted(self) -> History:
        """Return a history that begins with the latest point: a corner."""
        return History(self.times[-1], self.unknowns[-1], self.charges[-1])

    def predicted(self, time: float, order: int) -> Floats:
        """Return unknowns at a time ahead, on the polynomial of an order through the latest points.

        The corner's own point is left out: what holds no charge may jump there.

        Parameters
        ----------
        time : float
            Seconds, later than all points.
        order : int
            Of the polynomial; less where there are too few points.
        """
        points = min(order + 1, len(self.times), max(1, self.count - 1))
        times = self.times[-points:]
        if points == 1:
            return self.unknowns[-1]
        x = np.zeros_like(self.unknowns[-1])
        for moment, point in zip(times, self.unknowns[-points:], strict=True):
            x += math.prod([(time - other) / (moment - other) for other in times if other != moment]) * point
        return x


def divided_difference(times: Sequence[float], values: Sequence[Floats]) -> Floats:
    """Return the divided difference of highest order of columns at some times.

    Parameters
    ----------
    times : sequence of float
        Seconds, all different.
    values : sequence of array
        A column for each time, all of one shape.
    """
    table = list(values)
    for order in range(1, len(table)):
        table = [
            (later - earlier) / (times[k + order] - times[k])
            for k, (earlier, later) in enumerate(itertools.pairwise(table))
        ]
    return table[0]
