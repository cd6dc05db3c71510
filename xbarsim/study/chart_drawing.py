"""Charts of a report as pictures: told apart without colours, by marks and dashes (matplotlib, ``plot`` extra)."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

from xbarsim.plot import BLACK, GREY, PALE, SEQUENTIAL, letter, new_figure, plain, scale_axis, style
from xbarsim.study.charts import Chart, ChartLine, HeatChart, HeatPanel, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FILLS: tuple[Literal["none", "left", "bottom", "right", "top"], ...] = ("none", "left", "bottom", "right", "top")
"""Of the marks of others' numbers, by source."""

_SIZE = (4.6, 3.4)
_TEXT = 10.0
_LINE = 44
_WORD = 22
_NEAR = 0.075
"""Of an axis: ticks that are nearer would run into each other."""

_DOWN = 11
"""matplotlib's triangle whose base is at the point."""

_CELLS = 10
"""Columns of a heat map that have room for their numbers."""

_COUNTS = 1e4, 1e8
"""Between them numbers along y are written out."""

_SHADES = 40
_MARKED = 16
"""Points of a line that have marks and bars; more would be one smear."""

_COLUMNS = 3
_LETTER, _SAMPLE = 0.085, 0.7
"""Inches of a letter of the legend, and of what stands beside a text."""


def chart_figure(chart: Chart) -> Figure:
    """Return all panels of a chart in a figure, with its legend."""
    handles = legend_handles(chart)
    across = _SIZE[0] * min(_COLUMNS, len(chart.panels))
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = min(len(handles), max(1, int(across / (_LETTER * longest + _SAMPLE))))
    figure, panels = _panels(len(chart.panels), legend=math.ceil(len(handles) / columns) if len(handles) > 1 else 0)
    for axes, panel in zip(panels, chart.panels, strict=True):
        draw_panel(axes, chart, panel)
    if len(handles) > 1:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=columns, fontsize=_TEXT - 1, frameon=False,
            title=plain(chart.lines_label) or None, title_fontsize=_TEXT - 1,
        )  # fmt: skip
    return figure


def heat_figure(chart: HeatChart) -> Figure:
    """Return all heat maps of a chart in a figure."""
    figure, panels = _panels(len(chart.panels), legend=0)
    for axes, panel in zip(panels, chart.panels, strict=True):
        draw_heat_panel(axes, chart, panel)
    return figure


def panel_figure(chart: Chart, panel: Panel) -> Figure:
    """Return a panel for itself, for a page that puts panels side by side as it has room."""
    figure = new_figure(figsize=_SIZE)
    draw_panel(figure.subplots(), chart, panel)
    return figure


def heat_panel_figure(chart: HeatChart, panel: HeatPanel) -> Figure:
    """Return a heat map for itself."""
    figure = new_figure(figsize=_SIZE)
    draw_heat_panel(figure.subplots(), chart, panel)
    return figure


def _panels(count: int, legend: int) -> tuple[Figure, list[Axes]]:
    columns = min(_COLUMNS, count)
    rows = math.ceil(count / columns)
    height = _SIZE[1] * rows + 0.22 * legend
    figure = new_figure(figsize=(_SIZE[0] * columns, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = [single for row in grid for single in row]
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, axes[:count]


def draw_panel(axes: Axes, chart: Chart, panel: Panel) -> None:
    """Draw means with bars of one deviation, others' numbers as hollow marks, and the ideal."""
    scale = 100.0 if chart.is_percent else 1.0
    count = len(chart.names)
    if panel.ideal is not None:
        axes.axhline(scale * panel.ideal, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)))
    for line in panel.lines:
        _draw_line(axes, chart, line, scale, count)
    axes.set_title(_folded(panel.title), fontsize=_TEXT)
    axes.set_xlabel(_folded(chart.x_label), fontsize=_TEXT)
    axes.set_ylabel(_folded(chart.label + (", %" if chart.is_percent else "")), fontsize=_TEXT)
    axes.tick_params(labelsize=_TEXT - 1)
    axes.grid(linewidth=0.3, color="0.75")
    axes.set_axisbelow(True)
    _scale_y(axes, chart, scale)
    if not panel.lines:
        axes.text(0.5, 0.5, "no results", transform=axes.transAxes, ha="center", fontsize=_TEXT, color=GREY)
    _scale_x(axes, chart)


def _draw_line(axes: Axes, chart: Chart, line: ChartLine, scale: float, count: int) -> None:
    look = style(line.number)
    every = math.ceil(len(line.places) / _MARKED) or 1
    # Words have no between: nothing is drawn from one to the next, and lines stand side by side.
    shift = 0.0 if chart.is_numeric else 0.6 * ((line.number + 0.5) / count - 0.5)
    axes.errorbar(
        [place + shift for place in line.places],
        [scale * spread.mean for spread in line.spreads],
        yerr=[scale * (spread.deviation or 0.0) for spread in line.spreads],
        **(look if chart.is_numeric else look | {"linestyle": "none"}),
        linewidth=1.4, markersize=5.5, capsize=2.5, elinewidth=0.9, markevery=every, errorevery=every,
        label=plain(line.label),
    )  # fmt: skip
    below = [
        place + shift
        for place, spread in zip(line.places, line.spreads, strict=True)
        if chart.lowest is not None and spread.mean < chart.lowest
    ]
    if below and chart.lowest is not None:
        # At the lower edge an arrow: here is something, further down.
        axes.plot(
            below, [scale * chart.lowest] * len(below), linestyle="none", marker=_DOWN, color=look["color"],
            markersize=9, clip_on=False, zorder=5,
        )  # fmt: skip
    for source, place, value in line.references:
        axes.plot(
            [place + shift], [scale * value], linestyle="none", marker=look["marker"], color=look["color"],
            markersize=9.5, fillstyle=_FILLS[source % len(_FILLS)], markeredgewidth=1.1,
        )  # fmt: skip


def _scale_y(axes: Axes, chart: Chart, scale: float) -> None:
    """Give all panels of a chart the same scale."""
    if chart.limits is None:
        return
    low, high = (scale * limit for limit in chart.limits)
    if chart.lowest is not None and low < scale * chart.lowest < high:
        low = scale * chart.lowest
        axes.set_ylim(low, high + 0.06 * (high - low))
    elif chart.is_y_log:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.3, high * 1.3)
    else:
        room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - room, high + room)
        if _COUNTS[0] <= high < _COUNTS[1] and room >= 1.0:
            # As tables have them: 200,000, not 0.2 with a 1e6 far above.
            axes.yaxis.set_major_formatter("{x:,.0f}")
    if chart.unit and chart.label.endswith(f"({chart.unit})"):
        scale_axis(axes.yaxis, (low, high), axes.get_ylabel(), "log" if chart.is_y_log else "linear")


def _scale_x(axes: Axes, chart: Chart) -> None:
    if not chart.is_numeric:
        words = [_shortened(word) for word in chart.words]
        turned = max(map(len, words)) * len(words) > _LINE
        axes.set_xticks(range(len(words)), words)
        if turned:
            for label in axes.get_xticklabels():
                label.set(rotation=30, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.5, len(words) - 0.5)
        return
    values = sorted(float(value) for value in chart.values)
    if chart.is_log and values[0] > 0.0:
        axes.set_xscale("log")
    elif chart.is_log:
        # One decade to the left of the least is where 0 stands.
        least = min((value for value in map(abs, values) if value), default=1.0)
        axes.set_xscale("symlog", linthresh=least, linscale=0.6)
    _tick_values(axes, chart, values)


def _tick_values(axes: Axes, chart: Chart, values: Sequence[float]) -> None:
    """Put ticks at the values of the study, as many as have room."""
    from matplotlib.ticker import NullLocator

    transform = axes.xaxis.get_transform()
    at = [float(place) for place in transform.transform(values)]
    drawn = [*values, *(place for panel in chart.panels for line in panel.lines for _, place, _ in line.references)]
    first, last_drawn = (float(place) for place in transform.transform([min(drawn), max(drawn)]))
    whole = last_drawn - first
    ticks: list[float] = []
    last = -math.inf
    for value, place in zip(values, at, strict=True):
        width = _NEAR * max(1.0, len(f"{value:g}") / 4)
        if whole == 0.0 or place - last >= width * whole:
            ticks.append(value)
            last = place
    axes.set_xticks(ticks, [f"{value:g}" for value in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    room = 0.05 * whole or 0.5
    axes.set_xlim(*transform.inverted().transform([first - room, last_drawn + room]))


def draw_heat_panel(axes: Axes, chart: HeatChart, panel: HeatPanel) -> None:
    """Draw means as colours that are lighter the greater they are; where there is none, hatched."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.patches import Rectangle

    scale = 100.0 if chart.is_percent else 1.0
    missing = float("nan")
    grid = [[missing if mean is None else scale * mean for mean in row] for row in panel.means]
    low, high = (scale * limit for limit in chart.limits or (0.0, 1.0))
    high = high if high > low else low + 1.0
    # As paths: a picture in the picture would be what a page without a network does not load.
    colours = colormaps[SEQUENTIAL].resampled(_SHADES)
    edges = [[k - 0.5 for k in range(count + 1)] for count in (len(chart.x_words), len(chart.y_words))]
    norm = LogNorm(low, high) if chart.is_log else Normalize(low, high)
    image = axes.pcolormesh(*edges, grid, cmap=colours, norm=norm, edgecolors="face", linewidth=0.2)
    texts = [cell_text(value, chart) for row in grid for value in row if value == value]
    has_room = len(chart.y_words) <= _CELLS and max(map(len, texts), default=0) * len(chart.x_words) <= _LINE
    for up, row in enumerate(grid):
        for right, value in enumerate(row):
            if value != value:
                axes.add_patch(Rectangle(
                    (right - 0.5, up - 0.5), 1, 1, facecolor=PALE, edgecolor=GREY, hatch="///", linewidth=0
                ))  # fmt: skip
            elif has_room:
                red, green, blue, _ = colours(norm(value))
                is_dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.45
                axes.text(
                    right, up, cell_text(value, chart), ha="center", va="center", fontsize=_TEXT - 2.5,
                    color="white" if is_dark else "black",
                )  # fmt: skip
    for axis, words in ((axes.xaxis, chart.x_words), (axes.yaxis, chart.y_words)):
        step = math.ceil(len(words) / _CELLS)
        axis.set_ticks(range(0, len(words), step), [_shortened(word) for word in words[::step]])
    axes.tick_params(labelsize=_TEXT - 1)
    axes.set_title(_folded(panel.title), fontsize=_TEXT)
    axes.set_xlabel(_folded(chart.x_label), fontsize=_TEXT)
    axes.set_ylabel(_folded(chart.y_label), fontsize=_TEXT)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.95)
    bar.set_label(plain(chart.label + (", %" if chart.is_percent else "")), fontsize=_TEXT - 1)
    bar.ax.tick_params(labelsize=_TEXT - 1)


def cell_text(value: float, chart: HeatChart) -> str:
    """Return a number for a cell of a heat map."""
    return f"{value:.1f}" if chart.is_percent else f"{value:.3g}"


def legend_handles(chart: Chart) -> list[Any]:
    """Return the entries of a chart's legend."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], label=plain(name), linewidth=1.4, markersize=5.5, **_looks(chart, number))
        for number, name in enumerate(chart.names)
    ]
    if any(panel.ideal is not None for panel in chart.panels):
        handles.append(Line2D([], [], label="ideal", color=GREY, linewidth=0.9, linestyle=(0, (2, 2))))
    for number, source in enumerate(chart.sources):
        handles.append(
            Line2D(
                [], [], label=plain(source), linestyle="none", marker="o", markersize=9.5, color=BLACK,
                fillstyle=_FILLS[number % len(_FILLS)],
            )
        )  # fmt: skip
    return handles


def _looks(chart: Chart, number: int) -> dict[str, Any]:
    look = style(number)
    return look if chart.is_numeric else look | {"linestyle": "none"}


def legend_figures(chart: Chart) -> list[tuple[str, Figure]]:
    """Return each entry of a legend as a text and a small picture beside it."""
    entries = []
    ideal = ["ideal"] if any(panel.ideal is not None for panel in chart.panels) else []
    for handle, name in zip(legend_handles(chart), [*chart.names, *ideal, *chart.sources], strict=True):
        figure = new_figure(figsize=(0.55, 0.2))
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        handle.set(xdata=[0.04, 0.5, 0.96], ydata=[0.5, 0.5, 0.5], markevery=[1])
        axes.add_line(handle)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        entries.append((name, figure))
    return entries


def svg_text(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element for a page; ``name`` makes its ids the page's only ones."""
    from matplotlib import rc_context

    stream = io.BytesIO()
    letter(figure)
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = stream.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)


def _folded(text: str) -> str:
    return plain("\n".join(wrap(text, _LINE)))


def _shortened(word: str) -> str:
    return plain(word if len(word) <= _WORD else f"{word[: _WORD - 1]}…")
