"""A report as Markdown: what a repository keeps of a study."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from xbarsim.study.report_contents import ReportContents
from xbarsim.study.result_tables import ResultTable

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")
_BEGINS = re.compile(r"^(\d+(?=[.)])|(?=[-+=]))(.)")
"""What makes a list or a heading of a line."""


def markdown_page(report: ReportContents, pictures: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page.

    Parameters
    ----------
    report : ReportContents
        What it says.
    pictures : sequence of (str, str)
        What each shows, and its path from the page.
    """
    return "\n".join(_lines(report, pictures)).rstrip() + "\n"


def _lines(report: ReportContents, pictures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"# {_text(report.title)}"
    for paragraph in (*report.paragraphs, report.summary):
        yield from ("", _BEGINS.sub(r"\1\\\2", _text(paragraph)))
    for note in report.notes:
        yield from ("", f"> {_text(note)}")
    for name, path in pictures:
        yield from ("", f"![{_text(name)}]({quote(path)})")
    for table in report.tables:
        yield from ("", f"## {_text(table.title)}", "", *_table(table))
        if table.left_out:
            yield from ("", f"{table.left_out} more rows are left out.")
    if report.failures:
        yield from ("", "## Failed trials", "")
        for failure in report.failures:
            yield f"- {failure.count} x {_text(failure.reason)}; as at {_text(failure.places[0])}"
    for title, rows in (("Settings", report.settings), ("Versions and times", report.facts)):
        yield from ("", f"## {title}", "")
        yield from (f"- {_text(name)}: {_text(value)}" for name, value in rows)


def _table(table: ResultTable) -> Iterator[str]:
    # A study of one point has nothing that says where a row is.
    yield _row(table.head)
    yield _row(["---"] * table.keys + ["---:"] * (len(table.head) - table.keys), plain=True)
    for row in table.rows:
        yield _row(row)


def _row(cells: Sequence[str], *, plain: bool = False) -> str:
    return f"| {' | '.join(cells if plain else map(_text, cells))} |"


def _text(text: str) -> str:
    """Return a text in one line that no sign of Markdown or HTML acts in."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")
