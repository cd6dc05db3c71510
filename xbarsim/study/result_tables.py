"""The tables of a report: points down, lines across, others' numbers and the differences beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xbarsim.study.references import Reference, same_value
from xbarsim.study.report_view import ReportView, is_numeric
from xbarsim.study.study_table import ChipSpread, TableRow

NO_POINT = "-"
"""Where the study has no such point, or the source no number."""

_WRITTEN_OUT = 1e7
"""From here on numbers are written with an exponent."""


@dataclass(frozen=True)
class ResultTable:
    """A table of results, as texts.

    Attributes
    ----------
    title : str
        What its numbers are.
    head : tuple of str
        Over each column, in one line.
    groups : tuple of (str, int)
        Over the columns with numbers, where several belong together: what they share, and how many there are.
    subheads : tuple of str
        Under the groups, over each of their columns.
    rows : tuple of tuple of str
        Cells.
    keys : int
        How many columns say where a row is, before those with numbers.
    left_out : int
        Rows that would be too many.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: int
    groups: tuple[tuple[str, int], ...] = ()
    subheads: tuple[str, ...] = ()
    left_out: int = 0


def result_tables(view: ReportView, most: int | None = None) -> Iterator[ResultTable]:
    """Give a table for each metric, a column for each line; of a study without lines one, a column for each metric.

    Parameters
    ----------
    view : ReportView
        What is shown.
    most : int, optional
        Rows of each table.
    """
    if view.lines is None:
        columns = [_Column(view, metric, None, view.metric_label(metric)) for metric in view.metrics]
        yield _table(view, "Results", columns, most)
        return
    for metric in view.metrics:
        values = view.table.axes[view.lines]
        columns = [_Column(view, metric, value, view.label(value)) for value in values]
        title = view.metric_label(metric)
        title = f"{title[:1].upper()}{title[1:]}" + (", %" if view.is_percent(metric) else "")
        # A column of a method speaks for itself; one of a number does not.
        by = "" if view.lines in ("method", "model") else f", by {view.label(view.lines)}"
        yield _table(view, f"{title}{by}", columns, most)


class _Column:
    """A metric of a line's points, with the columns of others' numbers that go with it."""

    def __init__(self, view: ReportView, metric: str, value: Any, label: str) -> None:
        self._view, self._metric, self._value = view, metric, value
        self._scale = 100.0 if view.is_percent(metric) else 1.0
        self._references = [
            reference
            for reference in view.settings.references
            if metric in reference.numbers and (view.lines is None or self._is_mine(reference))
        ]
        self.sources = list(dict.fromkeys(reference.source for reference in self._references))
        # With lines the metric, and its unit, is the whole table's.
        unit = ", %" if view.is_percent(metric) and view.lines is None else ""
        self.label = f"{label}{unit}"
        self.subheads = ["measured"] if self.sources else [""]
        for source in self.sources:
            self.subheads += [source, f"difference to {source}" if len(self.sources) > 1 else "difference"]

    @property
    def head(self) -> list[str]:
        """What stands over each column, in one line."""
        return [self.label, *(f"{self.label}, {text}" for text in self.subheads[1:])]

    def _is_mine(self, reference: Reference) -> bool:
        lines = self._view.lines
        return lines is None or same_value(reference.point.get(lines, self._value), self._value)

    def cells(self, place: Mapping[str, Any], row: TableRow | None) -> list[str]:
        spread = None if row is None else row.spreads.get(self._metric)
        cells = [self._measured(row, spread)]
        for source in self.sources:
            number = next(
                (
                    reference.numbers[self._metric]
                    for reference in self._references
                    if reference.source == source
                    and all(same_value(reference.point.get(name, value), value) for name, value in place.items())
                ),
                None,
            )
            cells.append(NO_POINT if number is None else self._text(number))
            if number is None or spread is None:
                cells.append(NO_POINT)
            else:
                cells.append(self._difference(spread.mean - number))
        return cells

    def _measured(self, row: TableRow | None, spread: ChipSpread | None) -> str:
        if row is None:
            return NO_POINT
        whole = row.answered + row.failed + row.missing
        if spread is None:
            return "failed" if row.failed else "not run" if row.missing else NO_POINT
        text = self._text(spread.mean)
        if spread.deviation is not None:
            text += f" ± {self._deviation(spread.deviation)}"
        if spread.count < whole:
            text += f" ({spread.count} of {whole})"
        return text

    def _text(self, number: float) -> str:
        return f"{self._scale * number:.2f}" if self._scale != 1.0 else _rounded(number, 4)

    def _deviation(self, number: float) -> str:
        return f"{self._scale * number:.2f}" if self._scale != 1.0 else _rounded(number, 2)

    def _difference(self, number: float) -> str:
        return f"{self._scale * number:+.2f}" if self._scale != 1.0 else f"{number:+.3g}"


def _rounded(number: float, digits: int) -> str:
    """Return a number of so many digits, those before the point written out where they are not too many."""
    if 10.0**digits <= abs(number) < _WRITTEN_OUT:
        return f"{float(f'{number:.{digits - 1}e}'):,.0f}"
    return f"{number:.{digits}g}"


def _table(view: ReportView, title: str, columns: Sequence[_Column], most: int | None) -> ResultTable:
    names = [name for name in view.swept if name != view.lines]
    points: dict[tuple[Any, ...], dict[Any, TableRow]] = {}
    for row in view.table.rows:
        place = tuple(row.point.get(name) for name in names)
        points.setdefault(place, {})[None if view.lines is None else row.point.get(view.lines)] = row
    lines = [None] if view.lines is None else view.table.axes[view.lines]
    rows = []
    for place, members in list(points.items())[:most]:
        point = dict(zip(names, place, strict=True))
        cells = [NO_POINT if value is None else view.label(value) for value in place]
        for column, line in zip(columns, lines if view.lines else [None] * len(columns), strict=True):
            cells += column.cells(point, members.get(line))
        rows.append(tuple(cells))
    head = (*map(view.label, names), *(text for column in columns for text in column.head))
    groups: list[tuple[str, int]] = []
    if any(column.sources for column in columns):
        groups = [(column.label, len(column.subheads)) for column in columns]
    left_out = 0 if most is None else max(0, len(points) - most)
    subheads = tuple(text for column in columns for text in column.subheads)
    return ResultTable(title, head, tuple(rows), len(names), tuple(groups), subheads, left_out)


def unplaced(view: ReportView) -> list[str]:
    """Return in words the references that are at no point of the study: numbers that no table shows."""
    axes = view.table.axes
    lacking: dict[str, None] = {}
    for reference in view.settings.references:
        for name, value in reference.point.items():
            values = axes.get(name)
            if values is not None and not any(same_value(value, at) for at in values):
                # Along x a number between the study's own is drawn all the same.
                drawn = name == view.x and is_numeric([value, *values])
                lacking[f"{reference.source} at {name} = {value}" + (" (drawn only)" if drawn else "")] = None
    return list(lacking)
