"""How long trials take that have not run, from those that have."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xbarsim.study.trial import CHIP

_TELLING = ("model", "method")
"""Axes that decide how long a trial takes more than settings do."""


@dataclass(frozen=True, eq=False)
class Durations:
    """Mean seconds of finished trials, by their points.

    Attributes
    ----------
    by_point, by_method : mapping of str to float
        At each point but for the chip; of each model and method. A study without either is of one method.
    """

    by_point: Mapping[str, float]
    by_method: Mapping[str, float]

    @classmethod
    def of(cls, trials: Iterable[tuple[Mapping[str, Any], int, float]]) -> Durations:
        """Return those of points, each with a number of finished trials and all of their seconds."""
        by_point: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
        by_method: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
        for point, count, seconds in trials:
            for sums, place in ((by_point, _place(point)), (by_method, _method(point))):
                sums[place][0] += count
                sums[place][1] += seconds
        return cls(_means(by_point), _means(by_method))

    def at(self, point: Mapping[str, Any]) -> float | None:
        """Return the seconds of a trial: those of other chips at its point, else of its model and method; or None."""
        seconds = self.by_point.get(_place(point))
        return self.by_method.get(_method(point)) if seconds is None else seconds


def _means(sums: Mapping[str, list[float]]) -> dict[str, float]:
    return {place: seconds / count for place, (count, seconds) in sums.items() if count}


def _place(point: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in point.items() if name != CHIP})


def _method(point: Mapping[str, Any]) -> str:
    return json.dumps([point.get(name) for name in _TELLING])


def lasting(seconds: float) -> str:
    """Return a time for people: ``40 s``, ``12 min``, ``3 h 20 min``, ``2 d 5 h``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 or seconds == 0 else f"{seconds:.2g} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
