"""The files of a report: a page, a page of Markdown, figures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xbarsim.errors import InputError
from xbarsim.files import checked_target, written_whole
from xbarsim.plot import check_matplotlib, save
from xbarsim.study import chart_drawing
from xbarsim.study.html_page import check_jinja, html_page
from xbarsim.study.markdown_page import markdown_page
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.report_contents import ReportContents, report_contents

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 2000
"""Of a page's tables: what a browser scrolls with ease."""


def write_report(
    study: OpenStudy, page: str | Path, *, figures: str | Path | None = None, markdown: str | Path | None = None
) -> list[str]:
    """Write the report of a study; return notes on what figures cannot show.

    Parameters
    ----------
    study : OpenStudy
        Whatever there is of it.
    page : str or Path
        The page of HTML.
    figures : str or Path, optional
        The folder of figures as PNG and SVG, made if it is not there.
    markdown : str or Path, optional
        A page of Markdown; figures that are written are in it.

    Raises
    ------
    InputError
        The study is no good, a file cannot be written, or matplotlib or jinja2 is not installed.
    """
    check_report(study, page, markdown)
    report = report_contents(study, most_rows=MOST_ROWS)
    text = html_page(report)
    with written_whole(page) as file:
        file.write(text.encode())
    notes: list[str] = []
    pictures: list[tuple[str, Path]] = []
    if figures is not None:
        folder = _folder(Path(figures))
        for name, title, figure in _figures(report):
            for suffix in (".png", ".svg"):
                notes += save(figure, folder / f"{name}{suffix}")
            pictures.append((title, folder / f"{name}.png"))
    if markdown is not None:
        place = Path(markdown).resolve().parent
        links = [(title, Path(os.path.relpath(path.resolve(), place)).as_posix()) for title, path in pictures]
        with written_whole(markdown) as file:
            file.write(markdown_page(report, links).encode())
    return list(dict.fromkeys(notes))


def check_report(study: OpenStudy, page: str | Path, markdown: str | Path | None = None) -> None:
    """Check what a report needs before anything is drawn; raises as ``write_report`` does."""
    check_matplotlib()
    check_jinja()
    for path in (page, markdown):
        if path is not None:
            _check_apart(study, checked_target(path))
    if markdown is not None and Path(markdown).resolve() == Path(page).resolve():
        raise InputError(f"{page} is to be the page and that of Markdown: give two files")


def _check_apart(study: OpenStudy, target: Path) -> None:
    """Refuse to put a page in place of what it is of."""
    if target.resolve() in (Path(study.file.table.place).resolve(), study.store.resolve()):
        raise InputError(f"{target} is the study itself, which a page would take the place of: give another file")


def _figures(report: ReportContents) -> Iterator[tuple[str, str, Figure]]:
    """Give each figure with the name of its file and its title."""
    names: set[str] = set()
    for chart in report.charts:
        title = f"{chart.label} against {chart.x_label}"
        yield _file_name(chart.metric, names), title, chart_drawing.chart_figure(chart)
    for heat in report.heat_charts:
        title = f"{heat.label} against {heat.x_label} and {heat.y_label}"
        yield _file_name(f"{heat.metric}_heat", names), title, chart_drawing.heat_figure(heat)


def _file_name(metric: str, names: set[str]) -> str:
    """Return a name that no other figure has and every file system takes."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", metric).strip("._") or "figure"
    name, number = stem, 1
    while name.lower() in names:
        number += 1
        name = f"{stem}_{number}"
    names.add(name.lower())
    return name


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: no folder of figures can be there ({error.strerror}): give another") from None
    return path
