"""What ``xbarsim infer --sweep`` prints: for each combination of settings the mean and the deviation over chips."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from xbarsim.quantities import short_number
from xbarsim.study.failure_reasons import reason
from xbarsim.study.store import TrialRow
from xbarsim.study.trial import CHIP
from xbarsim.text_table import aligned, comma_separated


@dataclass(frozen=True)
class Combination:
    """All chips of one combination.

    Attributes
    ----------
    point : dict of str to value
        The value of each swept setting.
    chips : tuple of int
        The seeds of chips that have an answer.
    numbers : dict of str to list of float
        Each number of these chips.
    errors : tuple of str
        What was said of chips that have none.
    """

    point: dict[str, Any]
    chips: tuple[int, ...]
    numbers: dict[str, list[float]]
    errors: tuple[str, ...] = ()

    def mean(self, name: str) -> float:
        """Return the mean of a number over chips; NaN without any."""
        values = self.numbers.get(name, [])
        return math.fsum(values) / len(values) if values else math.nan

    def deviation(self, name: str) -> float:
        """Return the sample standard deviation over chips; 0 of one, NaN of none."""
        values, mean = self.numbers.get(name, []), self.mean(name)
        if len(values) < 2:
            return 0.0 if values else math.nan
        return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@dataclass(frozen=True)
class SweepReport:
    """A sweep of inference.

    Attributes
    ----------
    heading : tuple of str
        What was run, in lines.
    axes : tuple of str
        The swept settings.
    combinations : tuple of Combination
        In the order of the sweep.
    facts : dict
        What JSON says of the run as a whole.
    """

    heading: tuple[str, ...]
    axes: tuple[str, ...]
    combinations: tuple[Combination, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ideal(self) -> float:
        """Torch's accuracy; NaN where nothing was run."""
        means = (combination.mean("ideal") for combination in self.combinations)
        return next((mean for mean in means if not math.isnan(mean)), math.nan)

    @property
    def _times(self) -> list[str]:
        names = [name for combination in self.combinations for name in combination.numbers]
        return [name for name in dict.fromkeys(names) if name.startswith("accuracy.")]

    def as_table(self) -> str:
        """Return a line for each combination, for reading."""
        moments = self._times
        metered = any("joules" in combination.numbers for combination in self.combinations)
        heads = [*self.axes, "accuracy", "+-", "agreement", *(name.partition(".")[2] for name in moments)]
        heads += ["joules"] * metered + ["chips"]
        table = [heads]
        for combination in self.combinations:
            # Of one chip there is no deviation, and 0.00% would say that chips are alike.
            deviation = "-" if len(combination.chips) == 1 else _share(combination.deviation("accuracy"))
            numbers = [
                _share(combination.mean("accuracy")), deviation, _share(combination.mean("agreement")),
                *(_share(combination.mean(name)) for name in moments),
                *(_joules(combination.mean("joules")) for _ in range(metered)),
            ]  # fmt: skip
            failed = f" ({len(combination.errors)} failed)" if combination.errors else ""
            words = [str(combination.point[axis]) for axis in self.axes]
            table.append([*words, *numbers, f"{len(combination.chips)}{failed}"])
        columns = [">"] * (len(heads) - 1) + ["<"]
        lines = [*self.heading, "", *aligned(table, columns, keys=1), "", f"torch alone: {_share(self.ideal)}"]
        return "\n".join(lines)

    def as_json(self) -> str:
        """Return everything; what is no number is null."""
        rows = [
            {
                **combination.point,
                "accuracy": _finite(combination.mean("accuracy")),
                "deviation": _finite(combination.deviation("accuracy")),
                "chips": list(combination.chips),
                "numbers": combination.numbers,
                "errors": list(combination.errors),
            }
            for combination in self.combinations
        ]
        record = {**self.facts, "axes": list(self.axes), "ideal": _finite(self.ideal), "combinations": rows}
        return json.dumps(record, indent=1, allow_nan=False)

    def as_csv(self) -> str:
        """Return a row for each combination: settings, accuracy and deviation, means of all other numbers, chips."""
        names = dict.fromkeys(name for combination in self.combinations for name in combination.numbers)
        names.pop("accuracy", None)
        table: list[list[Any]] = [[*self.axes, "accuracy", "deviation", *names, "chips", "failed"]]
        for combination in self.combinations:
            means = [_finite(combination.mean(name)) for name in ("accuracy", *names)]
            means.insert(1, _finite(combination.deviation("accuracy")))
            settings = [combination.point[axis] for axis in self.axes]
            table.append([*settings, *means, len(combination.chips), len(combination.errors)])
        return comma_separated(table)

    def as_numbers(self) -> str:
        """Return values and mean accuracies, a combination a line."""
        return "\n".join(
            " ".join([*(str(combination.point[axis]) for axis in self.axes), repr(combination.mean("accuracy"))])
            for combination in self.combinations
        )


def combinations_of(rows: Sequence[TrialRow]) -> tuple[Combination, ...]:
    """Return the trials of one study by combination, chips together."""
    groups: dict[str, list[TrialRow]] = {}
    for row in rows:
        point = {name: value for name, value in row.point.items() if name != CHIP}
        groups.setdefault(json.dumps(point), []).append(row)
    combinations = []
    for text, group in groups.items():
        answered = [(row.point[CHIP], row.numbers) for row in group if row.numbers is not None]
        names = dict.fromkeys(name for _, record in answered for name in record)
        columns = {name: [record.get(name) for _, record in answered] for name in names}
        numbers = {name: [value for value in values if value is not None] for name, values in columns.items()}
        combinations.append(
            Combination(
                json.loads(text),
                tuple(chip for chip, _ in answered),
                {name: values for name, values in numbers.items() if len(values) == len(answered)},
                tuple(reason(row.trace) for row in group if row.state == "failed"),
            )
        )
    return tuple(combinations)


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2%}"


def _joules(value: float) -> str:
    """Return what an image takes."""
    return "-" if math.isnan(value) else short_number(value, "J")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
