"""What a study came to: its trials' numbers over chips, by the other axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.study.store import TrialRow
from xbarsim.study.trial import CHIP
from xbarsim.views.labelled import LabelledArray, data_frame, dataset

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset


@dataclass(frozen=True, slots=True)
class ChipSpread:
    """A number over chips.

    Attributes
    ----------
    mean : float
        Of them.
    deviation : float, optional
        The sample deviation; None of a single chip.
    count : int
        How many chips there are.
    """

    mean: float
    deviation: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> ChipSpread:
        """Return that of some numbers, at least one."""
        count = len(values)
        mean = math.fsum(values) / count
        if count == 1:
            return cls(mean, None, 1)
        # Equal numbers have no deviation, whatever the rounding of their mean.
        if all(value == values[0] for value in values):
            return cls(float(values[0]), 0.0, count)
        return cls(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1)), count)


@dataclass(slots=True)
class TableRow:
    """All chips at one point.

    Attributes
    ----------
    point : mapping of str to value
        The value on each axis but the chip's.
    spreads : mapping of str to ChipSpread
        Of the chips that are done, by the number's name.
    answered, failed, missing : int
        How many chips are.
    """

    point: Mapping[str, Any]
    spreads: dict[str, ChipSpread] = field(default_factory=dict)
    answered: int = 0
    failed: int = 0
    missing: int = 0


@dataclass(frozen=True, eq=False)
class StudyTable:
    """A study's points in its order.

    Attributes
    ----------
    rows : tuple of TableRow
        One a point.
    """

    rows: tuple[TableRow, ...]

    @classmethod
    def of(cls, trials: Iterable[TrialRow]) -> StudyTable:
        """Return the table of some trials.

        Parameters
        ----------
        trials : iterable of TrialRow
            As a store gives them.
        """
        rows: dict[tuple[Any, ...], TableRow] = {}
        numbers: dict[tuple[Any, ...], dict[str, list[float]]] = {}
        for trial in trials:
            point = {name: value for name, value in trial.point.items() if name != CHIP}
            place = tuple(point.items())
            if place not in rows:
                rows[place], numbers[place] = TableRow(point), {}
            row = rows[place]
            if trial.numbers is None:
                row.failed += trial.state == "failed"
                row.missing += trial.state is None
                continue
            row.answered += 1
            for name, value in trial.numbers.items():
                if isinstance(value, int | float):
                    numbers[place].setdefault(name, []).append(value)
        for place, row in rows.items():
            row.spreads = {name: ChipSpread.of(values) for name, values in numbers[place].items()}
        return cls(tuple(rows.values()))

    @cached_property
    def axes(self) -> dict[str, list[Any]]:
        """The values on each axis, as the study has them."""
        axes: dict[str, dict[Any, None]] = {}
        for row in self.rows:
            for name, value in row.point.items():
                axes.setdefault(name, {})[value] = None
        return {name: list(values) for name, values in axes.items()}

    @cached_property
    def names(self) -> list[str]:
        """The names of all numbers, those that more points have and that come first there first."""
        names: dict[str, None] = {}
        for row in self.rows:
            names |= dict.fromkeys(row.spreads)
        return list(names)

    @property
    def chips(self) -> int:
        """The most chips that a point has."""
        return max((row.answered + row.failed + row.missing for row in self.rows), default=0)

    def frame(self) -> DataFrame:
        """Return a pandas DataFrame: axes, each number's mean, deviation and count, and how many chips are how far.

        Raises
        ------
        InputError
            pandas is not installed.
        """
        columns: dict[str, list[Any]] = {name: [row.point.get(name) for row in self.rows] for name in self.axes}
        for name in self.names:
            spreads = [row.spreads.get(name) for row in self.rows]
            columns[f"{name}.mean"] = [None if spread is None else spread.mean for spread in spreads]
            columns[f"{name}.deviation"] = [None if spread is None else spread.deviation for spread in spreads]
            columns[f"{name}.count"] = [0 if spread is None else spread.count for spread in spreads]
        for name, counts in (("done", "answered"), ("failed", "failed"), ("missing", "missing")):
            columns[name] = [getattr(row, counts) for row in self.rows]
        return data_frame(columns)

    def to_xarray(self) -> Dataset:
        """Return an xarray Dataset over the study's axes: ``mean``, ``deviation`` and ``count`` of each number.

        A point that no trial answered is NaN, with a count of 0. ``sel`` has a keyword ``method`` of its own: an axis
        of that name is taken by ``sel({"method": "fpt"})``.

        Raises
        ------
        InputError
            xarray is not installed.
        """
        axes = self.axes
        shape = tuple(len(values) for values in axes.values())
        places = [tuple(axes[name].index(row.point.get(name)) for name in axes) for row in self.rows]
        arrays: dict[str, LabelledArray] = {}
        for name in self.names:
            mean, deviation, count = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
            for place, row in zip(places, self.rows, strict=True):
                spread = row.spreads.get(name)
                if spread is not None:
                    mean[place], count[place] = spread.mean, spread.count
                    deviation[place] = np.nan if spread.deviation is None else spread.deviation
            for statistic, values in (("mean", mean), ("deviation", deviation), ("count", count)):
                arrays[f"{name}.{statistic}"] = LabelledArray(
                    tuple(axes), values, "", f"{statistic} of {name} over chips"
                )
        labels = {name: LabelledArray((name,), _labels(values), "", name) for name, values in axes.items()}
        return dataset(arrays, {"chips": self.chips}, labels)


def _labels(values: Sequence[Any]) -> NDArray[Any]:
    """Return an axis's values as an array: of numbers where all are, else of objects."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return np.array(values)
    labels = np.empty(len(values), dtype=object)
    labels[:] = values
    return labels
