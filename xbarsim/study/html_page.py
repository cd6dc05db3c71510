"""A report as one page of HTML that needs no network (jinja2, ``study`` extra)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError
from xbarsim.study import chart_drawing
from xbarsim.study.charts import Chart, HeatChart
from xbarsim.study.report_contents import ReportContents

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True)
class PageFigure:
    """A figure of a page.

    Attributes
    ----------
    title : str
        Over it.
    panels : list of (str, str)
        What each shows, and the picture.
    legend : list of (str, str)
        Each entry, and the picture beside it.
    lines_label : str
        What the entries are values of.
    """

    title: str
    panels: list[tuple[str, str]]
    legend: list[tuple[str, str]]
    lines_label: str = ""


def check_jinja() -> None:
    """Check that jinja2 is installed.

    Raises
    ------
    InputError
        It is not.
    """
    _template()


def _template() -> Template:
    try:
        from jinja2 import Environment
    except ImportError:
        raise InputError("pages need jinja2: pip install 'xbarsim[study]'") from None
    # Everything in a page but its pictures is text of others: none of it may become markup.
    environment = Environment(autoescape=True)
    environment.filters["breakable"] = _breakable
    return environment.from_string(files("xbarsim.study").joinpath("report_page.html").read_text("utf-8"))


def html_page(report: ReportContents) -> str:
    """Return the page.

    Raises
    ------
    InputError
        jinja2 or matplotlib is not installed.
    """
    template = _template()
    figures = [_figure(f"chart{number}", chart) for number, chart in enumerate(report.charts)]
    figures += [_heat_figure(f"heat{number}", chart) for number, chart in enumerate(report.heat_charts)]
    return template.render(report=report, figures=figures)


def _figure(name: str, chart: Chart) -> PageFigure:
    title = _title(f"{chart.label} against {chart.x_label}")
    panels = [
        (panel.title or title, _markup(chart_drawing.panel_figure(chart, panel), f"{name}p{number}"))
        for number, panel in enumerate(chart.panels)
    ]
    legend = chart_drawing.legend_figures(chart)
    entries = [(text, _markup(figure, f"{name}e{number}")) for number, (text, figure) in enumerate(legend)]
    return PageFigure(title, panels, entries if len(entries) > 1 else [], chart.lines_label)


def _heat_figure(name: str, chart: HeatChart) -> PageFigure:
    title = _title(f"{chart.label} against {chart.x_label} and {chart.y_label}")
    panels = [
        (panel.title or title, _markup(chart_drawing.heat_panel_figure(chart, panel), f"{name}p{number}"))
        for number, panel in enumerate(chart.panels)
    ]
    return PageFigure(title, panels, [])


def _breakable(text: str) -> Any:
    """Return a text that may be broken where chains and names of settings have no blanks."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[,:=+/_])(?=\S)", text))


def _title(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _markup(figure: Any, name: str) -> Any:
    from markupsafe import Markup

    return Markup(chart_drawing.svg_text(figure, name))  # matplotlib's own, in which all texts are escaped
