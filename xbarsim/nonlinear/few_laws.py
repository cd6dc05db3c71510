"""Sources with laws where they are few: one after the other in Python's floats, far quicker than arrays of one or two.

What is rare is left to the groups of ``law_sources``: laws without a value, and steps that overshoot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from xbarsim.nonlinear.law_sources import OVERSHOOT, Sources
from xbarsim.nonlinear.part import Floats

_NO_VALUE = ArithmeticError, ValueError
"""What Python's floats raise where arrays give NaN or infinities."""


class _Law(NamedTuple):
    """One source: its law with slopes and without, its controls, constants, factor, and where its slopes stand."""

    law: Callable[..., tuple[float, ...]]
    value: Callable[..., tuple[float]]
    controls: list[tuple[int, int]]
    constants: list[float]
    factor: float
    steep: bool
    timed: bool
    slopes: list[int]


class FewLaws:
    """The sources of some groups, in their order.

    Parameters
    ----------
    groups : sequence of Sources
        At least one.
    """

    def __init__(self, groups: Sequence[Sources]) -> None:
        self._groups = list(groups)
        self._laws: list[_Law] = []
        first = 0
        for group in groups:
            count = len(group.names)
            plus, minus = (ends.T.tolist() for ends in group.controls)
            constants = np.array(group.constants).reshape(-1, count).T.tolist()
            for k, factor in enumerate(group.factor.tolist()):
                template, controls = group.template, list(zip(plus[k], minus[k], strict=True))
                stands = [first + k + count * control for control in range(len(controls))]
                self._laws.append(
                    _Law(
                        template.of_floats, template.value_of_floats, controls, constants[k], factor, group.steep,
                        template.timed, stands,
                    )
                )  # fmt: skip
            first += group.stamps[0].size
        self._count = first
        self._at: tuple[float, list[list[float]], list[float], list[float]] | None = None
        self.disregard()

    def disregard(self) -> None:
        """Ask the groups up to which amounts a step does not overshoot."""
        self._least = [least for group in self._groups for least in group.least.tolist()]

    def tangents(self, values: Floats, time: float) -> tuple[Floats, Floats, bool]:
        """Put all tangents anew, as ``Sources.tangent``: return currents, slopes, whether none was held back.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        time : float
            Seconds.
        """
        evaluated = self._evaluated(values, time)
        if evaluated is None or self._overshoots(evaluated, time):
            return self._by_groups(values, time)
        self._at = (time, *evaluated)
        return np.array(evaluated[1]), np.array(evaluated[2]), True

    def amounts(self, values: Floats, time: float) -> Floats:
        """Return the laws' values.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        time : float
            Seconds.
        """
        x = values.tolist()
        currents = []
        try:
            for _, value, places, constants, factor, _, _, _ in self._laws:
                currents.append(factor * value(*[x[plus] - x[minus] for plus, minus in places], *constants, time)[0])
        except _NO_VALUE:
            return np.concatenate([group.amounts(values, time) for group in self._groups])
        return np.array(currents)

    def _evaluated(self, values: Floats, time: float) -> tuple[list[list[float]], list[float], list[float]] | None:
        """Return controls and currents of each source and all slopes, None where some have none."""
        x = values.tolist()
        controls, currents, slopes = [], [], [0.0] * self._count
        try:
            for law, _, places, constants, factor, _, _, stands in self._laws:
                across = [x[plus] - x[minus] for plus, minus in places]
                value, *partials = law(*across, *constants, time)
                controls.append(across)
                currents.append(factor * value)
                for place, partial in zip(stands, partials, strict=True):
                    slopes[place] = factor * partial
        except _NO_VALUE:
            return None
        return (controls, currents, slopes) if math.isfinite(sum(currents) + sum(slopes)) else None

    def _overshoots(self, evaluated: tuple[list[list[float]], list[float], list[float]], time: float) -> bool:
        if self._at is None:
            return any(law.steep and any(across) for law, across in zip(self._laws, evaluated[0], strict=True))
        since, before, old, tangents = self._at
        rows = zip(self._laws, before, evaluated[0], old, evaluated[1], self._least, strict=True)
        for law, begun, ended, value, current, least in rows:
            if law.steep and begun != ended:
                if law.timed and since != time:
                    return True
                predicted = value
                for place, start, end in zip(law.slopes, begun, ended, strict=True):
                    predicted += tangents[place] * (end - start)
                if abs(current) > max(OVERSHOOT * max(abs(predicted), abs(value)), least):
                    return True
        return False

    def _by_groups(self, values: Floats, time: float) -> tuple[Floats, Floats, bool]:
        self.hand_over()
        tangents = [group.tangent(values, time, 1.0) for group in self._groups]
        self.take_over()
        return (
            np.concatenate([tangent.amounts for tangent in tangents]),
            np.concatenate([tangent.slopes for tangent in tangents]),
            all(tangent.settled for tangent in tangents),
        )

    def hand_over(self) -> None:
        """Tell the groups where tangents were put last."""
        if self._at is None:
            return
        time, controls, currents, slopes = self._at
        element = first = 0
        for group in self._groups:
            count, last = len(group.names), first + group.stamps[0].size
            at = np.array(controls[element : element + count]).reshape(count, -1).T
            latest = np.array(currents[element : element + count]), np.array(slopes[first:last]).reshape(at.shape)
            group.placed = at, (time, *latest)
            element, first = element + count, last

    def take_over(self) -> None:
        """Ask the groups where tangents were put last."""
        controls: list[list[float]] = []
        currents: list[float] = []
        slopes: list[float] = []
        for group in self._groups:
            at, (time, current, slope) = group.placed
            if at is None:
                self._at = None
                return
            controls += at.T.tolist()
            currents += current.tolist()
            slopes += slope.ravel().tolist()
        self._at = time, controls, currents, slopes
