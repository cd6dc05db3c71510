"""Which axes of a study are drawn how: to the right, as lines, as panels, as a heat map; and which of its numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.report_settings import ReportSettings
from xbarsim.study.study_table import StudyTable
from xbarsim.study.tables import unknown_name

SHARES = ("accuracy", "before", "ideal", "agreement")
"""Numbers from 0 to 1 that are shown in percent if nothing else is said."""

_WORDS = re.compile(r"[a-z_.]+")

_NO_METRIC = "result"
"""What a table has a column for before any trial has ended."""

_FEW_LINES = 8
_HEAT_VALUES = 3
_USUAL_METRICS = 4
_WIDE = 30.0
"""A ratio of values from which their axis is logarithmic, if they are not evenly spaced."""

_UNEVEN = 5.0
"""A ratio of distances between neighbours from which they are not."""


@dataclass(frozen=True)
class ReportView:
    """How a study is shown.

    Attributes
    ----------
    table : StudyTable
        The numbers.
    settings : ReportSettings
        What the file says.
    x : str, optional
        The axis that is drawn to the right; None of a study of one point.
    lines : str, optional
        The axis that has a line for each value.
    panels : tuple of str
        Axes that have a picture for each value.
    heat : tuple of str, optional
        Two axes of heat maps, to the right and up.
    metrics : tuple of str
        What is shown.
    """

    table: StudyTable
    settings: ReportSettings
    x: str | None
    lines: str | None
    panels: tuple[str, ...]
    heat: tuple[str, str] | None
    metrics: tuple[str, ...]

    @classmethod
    def of(cls, table: StudyTable, settings: ReportSettings, place: str) -> ReportView:
        """Return what settings say, and what follows from the numbers where they say nothing.

        Raises
        ------
        InputError
            A number is asked for that no trial has; ``place``, the file, is in the message.
        """
        settings = _present(settings, table)
        swept = [name for name, values in table.axes.items() if len(values) > 1]
        if settings.log is not None and settings.x is not None and not is_numeric(table.axes[settings.x]):
            raise InputError(f"{place}: report.log: it changes nothing: {settings.x} has words, not numbers")
        x = settings.x or _first_axis(table, [name for name in swept if name != settings.lines])
        free = [name for name in swept if name not in (x, settings.lines, *(settings.panels or ()))]
        lines = settings.lines or _line_axis(table, free)
        # An axis that is not shown would put different points in one place.
        panels = [*(settings.panels or ()), *(name for name in free if name != lines)]
        return cls(
            table, settings, x, lines, tuple(panels), _heat_axes(table, settings, swept),
            _metrics(table, settings, place),
        )  # fmt: skip

    def label(self, name: Any) -> str:
        """Return what a name or a value is called."""
        return self.settings.label(name)

    def metric_label(self, metric: str) -> str:
        """Return what a number is called: its label, else its name, in words where it is one of the program's."""
        label = self.label(metric)
        if label != metric:
            return label
        # What has brackets or digits is a name of a netlist's nodes and sources, or of a network's layers.
        words = metric.replace("_", " ") if _WORDS.fullmatch(metric) else metric
        return words + self._unit_of(metric)

    def axis_label(self, axis: str) -> str:
        """Return what an axis is called where its values stand for themselves."""
        label = self.label(axis)
        return label + self._unit_of(axis) if label == axis else label

    def _unit_of(self, name: str) -> str:
        # An axis may be several settings together, as wires.word+wires.bit.
        units = {self.settings.units.get(part) for part in name.split("+")}
        return f" ({units.pop()})" if len(units) == 1 and None not in units else ""

    def is_percent(self, metric: str) -> bool:
        """Whether a number is shown in percent."""
        percent = self.settings.percent
        if percent is None:
            return metric in SHARES
        return metric in percent if isinstance(percent, tuple) else percent

    def is_log(self, axis: str) -> bool:
        """Whether an axis of numbers is drawn logarithmically."""
        if self.settings.log is not None and axis == self.x:
            return self.settings.log
        values = sorted(self.table.axes[axis])
        positive = [value for value in values if value > 0]
        if len(positive) <= 2 or values[0] < 0 or positive[-1] / positive[0] <= _WIDE:
            return False
        gaps = [high - low for low, high in itertools.pairwise(values)]
        return bool(max(gaps) > _UNEVEN * min(gaps))

    @property
    def swept(self) -> list[str]:
        """Axes of several values, in the order of the study."""
        return [name for name, values in self.table.axes.items() if len(values) > 1]


def _present(settings: ReportSettings, table: StudyTable) -> ReportSettings:
    """Return settings without axes that the study has not: a quick version may have one model, or one method."""
    panels = settings.panels
    return replace(
        settings,
        x=settings.x if settings.x in table.axes else None,
        lines=settings.lines if settings.lines in table.axes else None,
        panels=None if panels is None else tuple(name for name in panels if name in table.axes),
    )


def is_numeric(values: Sequence[Any]) -> bool:
    """Whether all values are numbers."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _first_axis(table: StudyTable, swept: Sequence[str]) -> str | None:
    """Return the axis of the most numbers; of words if there is none, of methods or models at last."""
    numeric = [name for name in swept if is_numeric(table.axes[name])]
    if numeric:
        return max(numeric, key=lambda name: len(table.axes[name]))
    words = [name for name in swept if name not in ("method", "model")]
    return next(iter([*words, *swept]), None)


def _line_axis(table: StudyTable, free: Sequence[str]) -> str | None:
    for name in ("method", "model"):
        if name in free:
            return name
    return next((name for name in free if len(table.axes[name]) <= _FEW_LINES), None)


def _heat_axes(table: StudyTable, settings: ReportSettings, swept: Sequence[str]) -> tuple[str, str] | None:
    if isinstance(settings.heat, tuple):
        right, up = settings.heat
        return (right, up) if right in swept and up in swept else None
    if settings.heat is False:
        return None
    least = _HEAT_VALUES if settings.heat is None else 2
    numeric = [name for name in swept if is_numeric(table.axes[name]) and len(table.axes[name]) >= least]
    numeric.sort(key=lambda name: -len(table.axes[name]))
    return (numeric[0], numeric[1]) if len(numeric) >= 2 else None


def _metrics(table: StudyTable, settings: ReportSettings, place: str) -> tuple[str, ...]:
    names = table.names
    if not names and not settings.metrics:
        return (_NO_METRIC,)
    percent = settings.percent if isinstance(settings.percent, tuple) else ()
    for key, name in [*(("lowest", name) for name in settings.lowest), *(("percent", name) for name in percent)]:
        if names and name not in names:
            raise InputError(f"{place}: report.{key}: no trial has a number {name!r}: {unknown_name(name, names)}")
    if not settings.metrics:
        return ("accuracy",) if "accuracy" in names else tuple(names[:_USUAL_METRICS])
    for name in settings.metrics if names else ():
        if name not in names:
            raise InputError(f"{place}: metrics: no trial has a number {name!r}: {unknown_name(name, names)}")
    return settings.metrics
