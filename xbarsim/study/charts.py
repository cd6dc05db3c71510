"""The figures of a report as numbers: panels of lines, and heat maps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xbarsim.study.references import Reference, same_value
from xbarsim.study.report_view import ReportView, is_numeric
from xbarsim.study.study_table import ChipSpread, TableRow

_WIDE = 100.0
"""A ratio of numbers from which their axis is logarithmic."""

MOST_PANELS = 24
"""Of a figure: more are for no one to look at."""


@dataclass(frozen=True)
class ChartLine:
    """A line of a panel.

    Attributes
    ----------
    number : int
        Which of the figure's lines it is: the same colour and mark in every panel.
    label : str
        What it is called.
    places : tuple of float
        Along x.
    spreads : tuple of ChipSpread
        What was measured there.
    references : tuple of (source's number, place, value)
        What others have.
    """

    number: int
    label: str
    places: tuple[float, ...]
    spreads: tuple[ChipSpread, ...]
    references: tuple[tuple[int, float, float], ...] = ()


@dataclass(frozen=True)
class Panel:
    """One picture of a chart.

    Attributes
    ----------
    title : str
        The values of the axes that have a panel for each.
    lines : tuple of ChartLine
        Those with anything in it.
    ideal : float, optional
        What would be without the hardware.
    """

    title: str
    lines: tuple[ChartLine, ...]
    ideal: float | None = None


@dataclass(frozen=True)
class Chart:
    """A metric against the swept quantity.

    Attributes
    ----------
    metric, label, x_label : str
        Its name, and what it and the swept quantity are called.
    is_percent, is_log : bool
        How the number and the swept quantity are shown.
    values : tuple
        On the swept axis.
    is_numeric : bool
        Whether they are numbers; else words at equal distances.
    words : tuple of str
        What the values are called.
    panels : tuple of Panel
        Small multiples.
    names : tuple of str
        What the lines are called, by number.
    sources : tuple of str
        Whose other numbers there are, by number.
    lines_label : str
        What their names are values of; empty where they speak for themselves.
    left_out : int
        Panels that would be too many.
    lowest : float, optional
        Where the axis begins, whatever lies below.
    unit : str
        Of the number, which its label ends with if the file has no other label; empty if it has none.
    """

    metric: str
    label: str
    x_label: str
    is_percent: bool
    is_log: bool
    values: tuple[Any, ...]
    is_numeric: bool
    words: tuple[str, ...]
    panels: tuple[Panel, ...]
    names: tuple[str, ...]
    sources: tuple[str, ...] = ()
    lines_label: str = ""
    left_out: int = 0
    lowest: float | None = None
    unit: str = ""

    @property
    def is_y_log(self) -> bool:
        """Whether the number is drawn logarithmically."""
        # A deviation as large as its mean, of a count, is no reason to draw what is near 0 in one place.
        means = self._numbers(0.0)
        return _is_wide((min(means), max(means)) if means else None, self.is_percent)

    @property
    def limits(self) -> tuple[float, float] | None:
        """The least and the greatest number, deviations and others' numbers too; None of no numbers."""
        numbers = self._numbers(1.0)
        if self.is_y_log:
            numbers = [number for number in numbers if number > 0.0]
        return (min(numbers), max(numbers)) if numbers else None

    def _numbers(self, deviations: float) -> list[float]:
        """Return all numbers, with so many deviations up and down."""
        numbers: list[float] = []
        for panel in self.panels:
            numbers += [panel.ideal] if panel.ideal is not None else []
            for line in panel.lines:
                for spread in line.spreads:
                    bar = deviations * (spread.deviation or 0.0)
                    numbers += [spread.mean - bar, spread.mean + bar]
                numbers += [value for _, _, value in line.references]
        return numbers


@dataclass(frozen=True)
class HeatPanel:
    """One heat map of a chart.

    Attributes
    ----------
    title : str
        As of a panel.
    means : tuple of tuple of float
        Row by row from below; None: no number.
    """

    title: str
    means: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class HeatChart:
    """A metric against two swept quantities.

    Attributes
    ----------
    metric, label, x_label, y_label : str
        As of a chart.
    is_percent : bool
        How the number is shown.
    x_words, y_words : tuple of str
        The values, from the left and from below.
    panels : tuple of HeatPanel
        Small multiples.
    left_out : int
        Panels that would be too many.
    """

    metric: str
    label: str
    x_label: str
    y_label: str
    is_percent: bool
    x_words: tuple[str, ...]
    y_words: tuple[str, ...]
    panels: tuple[HeatPanel, ...]
    left_out: int = 0

    @property
    def is_log(self) -> bool:
        """Whether colours are of the number's logarithm."""
        return _is_wide(self.limits, self.is_percent)

    @property
    def limits(self) -> tuple[float, float] | None:
        """The least and the greatest number; None of no numbers."""
        numbers = [mean for panel in self.panels for row in panel.means for mean in row if mean is not None]
        return (min(numbers), max(numbers)) if numbers else None


def _is_wide(limits: tuple[float, float] | None, is_percent: bool) -> bool:
    return limits is not None and not is_percent and limits[0] > 0.0 and limits[1] / limits[0] > _WIDE


def charts(view: ReportView) -> Iterator[Chart]:
    """Give the charts of lines of a study, one a metric; none of a study of one point, or of no numbers."""
    if view.x is None:
        return
    for metric in view.metrics:
        chart = _chart(view, view.x, metric)
        if chart.limits is not None:
            yield chart


def _chart(view: ReportView, x: str, metric: str) -> Chart:
    values = view.table.axes[x]
    numeric = is_numeric(values)
    places = values if numeric else range(len(values))
    references = [reference for reference in view.settings.references if metric in reference.numbers]
    sources = list(dict.fromkeys(reference.source for reference in references))
    line_values = view.table.axes[view.lines] if view.lines else [None]
    groups = _grouped(view, view.panels)
    panels = []
    for title, point, rows in groups[:MOST_PANELS]:
        lines = []
        for number, line_value in enumerate(line_values):
            on_line = [row for row in rows if view.lines is None or row.point.get(view.lines) == line_value]
            spreads = {row.point[x]: row.spreads[metric] for row in on_line if metric in row.spreads and x in row.point}
            at = [(place, spreads[value]) for place, value in zip(places, values, strict=True) if value in spreads]
            at.sort(key=lambda pair: pair[0])
            spot = point | ({view.lines: line_value} if view.lines else {})
            marks = _line_references(references, sources, spot, x, values, numeric, metric)
            if at or marks:
                label = view.metric_label(metric) if line_value is None else view.label(line_value)
                lines.append(
                    ChartLine(number, label, tuple(place for place, _ in at), tuple(spread for _, spread in at), marks)
                )
        panels.append(Panel(title, tuple(lines), _ideal(rows, metric)))
    return Chart(
        metric, view.metric_label(metric), view.axis_label(x), view.is_percent(metric), numeric and view.is_log(x),
        tuple(values), numeric, tuple(view.label(value) for value in values), tuple(panels),
        tuple(view.metric_label(metric) if value is None else view.label(value) for value in line_values),
        tuple(sources),
        "" if view.lines in (None, "method", "model") else view.label(view.lines), max(0, len(groups) - MOST_PANELS),
        view.settings.lowest.get(metric), view.settings.units.get(metric, ""),
    )  # fmt: skip


def _line_references(
    references: Sequence[Reference], sources: Sequence[str], point: Mapping[str, Any], x: str, values: Sequence[Any],
    numeric: bool, metric: str,
) -> tuple[tuple[int, float, float], ...]:  # fmt: skip
    """Return the references of a line; along numbers also those at values that the study has not."""
    marks = []
    for reference in references:
        if any(not same_value(reference.point.get(name, value), value) for name, value in point.items()):
            continue
        at = reference.point.get(x, values[0])
        if numeric and is_numeric([at]):
            place = float(at)
        else:
            place = next((float(k) for k, value in enumerate(values) if same_value(value, at)), -1.0)
            if place < 0.0:
                continue
        marks.append((sources.index(reference.source), place, reference.numbers[metric]))
    return tuple(sorted(marks))


def _ideal(rows: Sequence[TableRow], metric: str) -> float | None:
    """Return the accuracy without the hardware, where all points of a panel have the same."""
    if metric not in ("accuracy", "before"):
        return None
    ideals = {row.spreads["ideal"].mean for row in rows if "ideal" in row.spreads}
    return ideals.pop() if len(ideals) == 1 else None


def heat_charts(view: ReportView) -> Iterator[HeatChart]:
    """Give the heat maps of a study, one a metric."""
    if view.heat is None:
        return
    right, up = view.heat
    axes = view.table.axes
    columns, rows = _in_order(axes[right]), _in_order(axes[up])
    groups = _grouped(view, [name for name in view.swept if name not in view.heat])
    for metric in view.metrics:
        panels = []
        for title, _, members in groups[:MOST_PANELS]:
            means = {
                (row.point.get(right), row.point.get(up)): row.spreads[metric].mean
                for row in members
                if metric in row.spreads
            }
            panels.append(
                HeatPanel(title, tuple(tuple(means.get((column, row)) for column in columns) for row in rows))
            )
        chart = HeatChart(
            metric, view.metric_label(metric), view.axis_label(right), view.axis_label(up), view.is_percent(metric),
            tuple(map(view.label, columns)), tuple(map(view.label, rows)), tuple(panels),
            max(0, len(groups) - MOST_PANELS),
        )  # fmt: skip
        if chart.limits is not None:
            yield chart


def _in_order(values: Sequence[Any]) -> list[Any]:
    return sorted(values) if is_numeric(values) else list(values)


def _grouped(view: ReportView, names: Sequence[str]) -> list[tuple[str, dict[str, Any], list[TableRow]]]:
    """Return the rows at each combination of axes' values that a study has, with its title and point."""
    groups: dict[tuple[Any, ...], list[TableRow]] = {}
    for row in view.table.rows:
        groups.setdefault(tuple(row.point.get(name) for name in names), []).append(row)
    order = [place for place in itertools.product(*(view.table.axes[name] for name in names)) if place in groups]
    return [
        (
            ", ".join(f"{view.label(name)} = {view.label(value)}" for name, value in zip(names, place, strict=True)),
            dict(zip(names, place, strict=True)),
            groups[place],
        )
        for place in order
    ]
