"""Methods side by side: accuracy against each cost, a panel a cost, with what none beats (matplotlib)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from xbarsim.checks import Array
from xbarsim.mitigation.comparison import COINS, ComparedRow
from xbarsim.mitigation.study_report import MitigationReport
from xbarsim.plot import BLACK, BLUE, GREY, letter, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FRONT, _BEATEN = BLUE, GREY
"""Dark and middle grey where there is no colour; what is on a front is filled besides."""

_MARKERS = {"hardware": "o", "faults": "^", "maps": "s"}
_KNOWS = {"hardware": "knows the kind of chip", "faults": "knows stuck cells", "maps": "knows all maps"}
_RUNS = "D", "runs or writes the chip"

_LINE = 150  # letters of the heading
_APART = 9.5  # points between numbers, one below the other
_BESIDE = 11.0  # points from a symbol to its number
_CLUSTER = 26.0  # points: symbols nearer than that share a column of numbers
_WIDE = 30.0  # a ratio of costs from which their axis is logarithmic
_NAMES = 28
_SPACE = 0.5  # points of percent beyond 100: what is nearer to all right is drawn further apart
_TICKS = (0, 20, 40, 60, 70, 80, 85, 90, 93, 95, 96, 97, 98, 99, 99.5, 100)
_RECOVERED = {0.0: "none", 0.5: "half back", 0.9: "90 % back", 1.0: "ideal"}


def draw_side_by_side(report: MitigationReport) -> Figure:
    """Return the picture of a report on all methods."""
    rows = report.comparison
    figure = new_figure(figsize=(13.0, 8.6))
    heading = "\n".join(line for part in report.heading for line in wrap(part, _LINE))
    figure.suptitle(plain(heading), fontsize=9)
    grid = figure.subplots(2, 3, sharey=True)
    panels, key = list(grid.flat[:-1]), grid.flat[-1]
    for axes, (coin, (_, label)) in zip(panels, COINS.items(), strict=True):
        _panel(axes, rows, coin)
        _recovered(axes, rows[0].mean, report.ideal, words=axes in (grid[0, 2], grid[1, 1]))
        axes.set_xlabel(label, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(linewidth=0.3)
    _shares(panels[0], rows, report.ideal)
    for axes in grid[:, 0]:
        axes.set_ylabel("test images right, %", fontsize=9)
    _key(key, rows, len(report.seeds))
    # Where symbols are in points is known when all is laid out.
    letter(figure)
    figure.draw_without_rendering()
    for axes, coin in zip(panels, COINS, strict=True):
        _number(axes, rows, coin)
    return figure


def _panel(axes: Axes, rows: Sequence[ComparedRow], coin: str) -> None:
    _cost_axis(axes, [row.costs[coin] for row in rows])
    front = sorted((row.costs[coin], 100.0 * row.mean) for row in rows if coin in row.front)
    end = max([row.costs[coin] for row in rows])
    steps = [*front, (end, front[-1][1])]
    axes.plot(*zip(*steps, strict=True), drawstyle="steps-post", color=_FRONT, linewidth=1.4, zorder=1)
    for row in rows:
        best = coin in row.front
        colour = _FRONT if best else _BEATEN
        axes.errorbar(
            row.costs[coin], 100.0 * row.mean, yerr=100.0 * row.deviation, marker=_marker(row), markersize=6.5,
            markerfacecolor=colour if best else "white", markeredgecolor=colour, markeredgewidth=1.2, ecolor=colour,
            elinewidth=0.7, linestyle="none", zorder=3 if best else 2,
        )  # fmt: skip
    axes.margins(x=0.12, y=0.06)


def _marker(row: ComparedRow) -> str:
    return _RUNS[0] if row.runs else _MARKERS[row.knows]


def _cost_axis(axes: Axes, costs: Sequence[float]) -> None:
    """Have a logarithmic axis where costs are far apart, with a place for 0 where some cost nothing."""
    positive = [cost for cost in costs if cost > 0.0]
    if not positive or len(set(costs)) == 1:
        return
    free = min(costs) == 0.0
    if not free and max(positive) / min(positive) <= _WIDE:
        return
    decades = range(math.floor(math.log10(min(positive))), math.floor(math.log10(max(positive))) + 1)
    ticks = [10.0**k for k in decades]
    if free:
        axes.set_xscale("symlog", linthresh=ticks[0])
        axes.set_xticks([0.0, *ticks])
    else:
        axes.set_xscale("log")


def _shares(axes: Axes, rows: Sequence[ComparedRow], ideal: float) -> None:
    """Have what is nearly all right further apart, on the axis that all panels share."""
    axes.set_yscale("function", functions=(_stretched, _unstretched))
    shares = [100.0 * share for row in rows for share in (row.mean - row.deviation, row.mean + row.deviation)]
    low, high = _stretched(np.clip([min(shares), max(*shares, 100.0 * ideal)], 0.0, 100.0))
    room = 0.08 * max(high - low, 0.05)
    low, high = _unstretched(np.array([low - room, high + room]))
    axes.set_ylim(max(low, -_SPACE), min(high, 100.0 + 0.9 * _SPACE))
    axes.set_yticks([tick for tick in _TICKS if low <= tick <= high], minor=False)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:g}")


def _stretched(percent: Array) -> Array:
    result: Array = -np.log10(np.maximum(100.0 + _SPACE - percent, 0.01 * _SPACE))
    return result


def _unstretched(place: Array) -> Array:
    result: Array = 100.0 + _SPACE - 10.0**-place
    return result


def _recovered(axes: Axes, least: float, ideal: float, *, words: bool) -> None:
    """Draw where nothing, half, most and all of the loss is back; one line where nothing is lost."""
    for share, text in _RECOVERED.items():
        if ideal <= least and share < 1.0:
            continue
        height = 100.0 * (least + share * (ideal - least))
        axes.axhline(height, color="black", linestyle=":", linewidth=1.0 if share in (0.0, 1.0) else 0.6, zorder=0)
        if words:
            axes.annotate(
                text, (1.0, height), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
                fontsize=7.5, va="center",
            )  # fmt: skip


def _number(axes: Axes, rows: Sequence[ComparedRow], coin: str) -> None:
    """Write each row's number beside its symbol, those of symbols above each other spread out."""
    from matplotlib.patheffects import withStroke

    points = [(row.costs[coin], 100.0 * row.mean) for row in rows]
    places = axes.transData.transform(points) * (72.0 / axes.figure.dpi)
    bottom, top = (axes.bbox.y0 + _BESIDE / 2, axes.bbox.y1 - _BESIDE / 2)
    scale = 72.0 / axes.figure.dpi
    for cluster in _clusters([x for x, _ in places]):
        right = max(places[k][0] for k in cluster) + _BESIDE
        heights = spread([places[k][1] for k in cluster], _APART, scale * bottom, scale * top)
        for k, height in zip(cluster, heights, strict=True):
            best = coin in rows[k].front
            axes.annotate(
                str(k),
                (rows[k].costs[coin], 100.0 * rows[k].mean),
                xytext=(right - places[k][0], height - places[k][1]),
                textcoords="offset points",
                fontsize=8,
                fontweight="bold" if best else "normal",
                color=_FRONT if best else BLACK,
                va="center",
                path_effects=[withStroke(linewidth=2.0, foreground="white")],
                arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 0, "shrinkB": 3},
                zorder=4,
            )


def _clusters(places: Sequence[float]) -> list[list[int]]:
    clusters: list[list[int]] = []
    for k in sorted(range(len(places)), key=lambda k: places[k]):
        if clusters and places[k] - places[clusters[-1][-1]] < _CLUSTER:
            clusters[-1].append(k)
        else:
            clusters.append([k])
    return clusters


def spread(heights: Sequence[float], apart: float, bottom: float, top: float) -> list[float]:
    """Return heights in the same order, so far from each other, moved as little as blocks of them must be.

    They are within bottom and top, unless there are too many: then they begin at the top.

    Parameters
    ----------
    heights : sequence of float
        Where labels would be, in any order.
    apart, bottom, top : float
        The least distance, and the bounds, in the same unit.
    """
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    blocks: list[tuple[float, list[int]]] = []
    for k in order:
        middle, members = heights[k], [k]
        while blocks and middle - blocks[-1][0] < 0.5 * apart * (len(members) + len(blocks[-1][1])):
            _, before = blocks.pop()
            members = before + members
            middle = sum(heights[member] for member in members) / len(members)
        blocks.append((middle, members))
    moved = list(heights)
    for middle, members in blocks:
        for place, member in enumerate(members):
            moved[member] = middle + apart * (place - 0.5 * (len(members) - 1))
    most = top
    for place, k in enumerate(order):
        moved[k] = max(moved[k], bottom + apart * place)
    for k in reversed(order):
        moved[k] = most = min(moved[k], most)
        most -= apart
    return moved


def _key(axes: Axes, rows: Sequence[ComparedRow], chips: int) -> None:
    """Write what numbers and symbols are."""
    from matplotlib.lines import Line2D

    axes.axis("off")

    def symbol(marker: str, label: str) -> Line2D:
        return Line2D([], [], marker=marker, linestyle="none", color=_BEATEN, markerfacecolor="white", label=label)

    handles = [symbol(_MARKERS[level], text) for level, text in _KNOWS.items()]
    handles.append(symbol(*_RUNS))
    handles.append(Line2D([], [], marker="o", color=_FRONT, label="filled: beaten by none at that cost"))
    mean = f"mean of {chips} chips, bars: sample deviation" if chips > 1 else "one chip"
    axes.legend(handles=handles, loc="upper left", fontsize=8, ncols=2, frameon=False, title=mean, title_fontsize=9)
    names = _short_names([row.name for row in rows])
    lines = [f"{k:>2} {name}{' (baseline)' if rows[k].baseline else ''}" for k, name in enumerate(names)]
    half = -(-len(lines) // 2)
    for column, part in enumerate((lines[:half], lines[half:])):
        axes.text(
            0.02 + 0.52 * column, 0.70, plain("\n".join(part)), fontsize=7.5, va="top", transform=axes.transAxes,
            linespacing=1.35,
        )  # fmt: skip


def _short_names(names: Sequence[str]) -> list[str]:
    """Return names that fit a column: a long one without its options, where no other is of that method."""
    methods = [name.partition(":")[0] for name in names]
    return [
        name if len(name) <= _NAMES
        else f"{method}:…" if methods.count(method) == 1 and len(method) < _NAMES - 1
        else f"{name[: _NAMES - 1]}…"
        for name, method in zip(names, methods, strict=True)
    ]  # fmt: skip
