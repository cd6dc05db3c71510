"""All that a report says, before it is a page: figures as numbers, tables and facts as texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from xbarsim.quantities import counted
from xbarsim.study.charts import Chart, HeatChart, charts, heat_charts
from xbarsim.study.durations import lasting
from xbarsim.study.failure_reasons import reasons
from xbarsim.study.listing import Listing, listing
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.report_settings import report_settings
from xbarsim.study.report_view import ReportView
from xbarsim.study.result_tables import ResultTable, result_tables, unplaced
from xbarsim.study.store import TrialRow
from xbarsim.study.study_table import StudyTable

_NOT_SETTINGS = ("name", "title", "text", "metrics", "report", "reference", "quick", "limits")
_EXAMPLES = 5
_MOST_REASONS = 50


@dataclass(frozen=True)
class FailureGroup:
    """Trials that failed for one reason.

    Attributes
    ----------
    reason : str
        In a line.
    count : int
        How many.
    places : tuple of str
        Where the first of them stand.
    trace : str
        Of the first one.
    """

    reason: str
    count: int
    places: tuple[str, ...]
    trace: str


@dataclass(frozen=True)
class ReportContents:
    """A report.

    Attributes
    ----------
    title : str
        Its heading.
    paragraphs : tuple of str
        What the study's author says.
    summary : str
        How far the study is, and what its numbers are means of.
    charts, heat_charts : tuple
        Figures.
    tables : tuple of ResultTable
        Results.
    settings : tuple of (str, str)
        Whole names of settings, with their values.
    failures : tuple of FailureGroup
        The most frequent first.
    facts : tuple of (str, str)
        Versions, code, dates, seconds.
    notes : tuple of str
        What a reader should know before he believes it.
    """

    title: str
    paragraphs: tuple[str, ...]
    summary: str
    charts: tuple[Chart, ...]
    heat_charts: tuple[HeatChart, ...]
    tables: tuple[ResultTable, ...]
    settings: tuple[tuple[str, str], ...]
    failures: tuple[FailureGroup, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def report_contents(study: OpenStudy, *, most_rows: int | None = None) -> ReportContents:
    """Return the report of a study, whatever there is of it.

    Parameters
    ----------
    study : OpenStudy
        Its store need not be there.
    most_rows : int, optional
        Of each table.

    Raises
    ------
    InputError
        The file or the store is no good, or a metric is asked for that no trial has.
    """
    settings = report_settings(study.file)
    listed = listing(study)
    view = ReportView.of(StudyTable.of(listed.rows), settings, study.file.table.place)
    title = f"{study.file.title}, quick version" if study.file.quick else study.file.title
    drawn, heat = tuple(charts(view)), tuple(heat_charts(view))
    return ReportContents(
        title, tuple(part.strip() for part in study.file.text.split("\n\n") if part.strip()),
        _summary(listed.rows, view.table), drawn, heat, tuple(result_tables(view, most_rows)),
        tuple(_settings(study)), tuple(_failures(listed.rows)), tuple(_facts(listed)),
        tuple(_notes(listed, view, [*drawn, *heat])),
    )  # fmt: skip


def _summary(rows: Sequence[TrialRow], table: StudyTable) -> str:
    states = Counter(row.state for row in rows)
    parts = [f"{states['done']} of {counted(len(rows), 'trial')} done"]
    parts += [f"{states['failed']} failed"] if states["failed"] else []
    parts += [f"{states[None]} not run"] if states[None] else []
    text = ", ".join(parts) + "."
    if table.chips > 1:
        counts = {row.answered + row.failed + row.missing for row in table.rows}
        alike = " (one where chips cannot differ)" if 1 in counts else ""
        text += f" Numbers are means over {table.chips} chips{alike}, ± the sample deviation."
    return text


def _settings(study: OpenStudy) -> Iterator[tuple[str, str]]:
    for name, value in study.file.table.record.items():
        if name not in _NOT_SETTINGS:
            yield from _flat(name, value)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flat(f"{name}.{key}", part)
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        for number, part in enumerate(value, 1):
            yield from _flat(name if len(value) == 1 else f"{name}[{number}]", part)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, str(value)


def _failures(rows: Sequence[TrialRow]) -> Iterator[FailureGroup]:
    for reason, trials in list(reasons(rows).items())[:_MOST_REASONS]:
        places = tuple(_place(trial) for trial in trials[:_EXAMPLES])
        yield FailureGroup(reason, len(trials), places, (trials[0].trace or "").strip())


def _place(trial: TrialRow) -> str:
    return ", ".join(f"{name} = {value}" for name, value in trial.point.items())


def _facts(listed: Listing) -> Iterator[tuple[str, str]]:
    ended = [row.ended for row in listed.rows if row.ended]
    if ended:
        first, last = min(ended), max(ended)
        yield "measured", last if first == last else f"{first} to {last}"
        spent = sum(row.seconds or 0.0 for row in listed.rows)
        yield "seconds of all trials", f"{spent:.0f} ({lasting(spent)}), one process"
    again = sum((row.attempts or 1) > 1 for row in listed.rows)
    if again:
        yield "tried more than once", counted(again, "trial")
    versions = Counter(row.versions for row in listed.rows if row.versions)
    for line, count in versions.most_common():
        yield "versions", line if len(versions) == 1 else f"{line}: {counted(count, 'trial')}"
    for kind, fingerprint in listed.code.items():
        yield f"code of {kind}", fingerprint
    yield "report written", datetime.now(UTC).isoformat(timespec="seconds")


def _notes(listed: Listing, view: ReportView, figures: Sequence[Chart | HeatChart]) -> Iterator[str]:
    if not any(row.state for row in listed.rows):
        yield "Nothing of this study has run yet: xbarsim study run does it."
    if listed.is_code_changed:
        yield "The code that answers has changed since these numbers were measured: the next run does all trials again."
    if lacking := unplaced(view):
        yield f"References that are at no point of the study: {'; '.join(lacking)}."
    if view.x is None and listed.rows:
        yield "All trials are at one point: there is nothing to draw."
    for figure in figures:
        if figure.left_out:
            yield f"{figure.label}: {len(figure.panels)} of {len(figure.panels) + figure.left_out} panels are drawn."
