"""Margins against array size, a curve a scheme (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from xbarsim.margin.worst import Margin
from xbarsim.plot import COLOURS, MARKS, TEXT, TITLE, axes_or_current, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_TICKS = 12
_LINE = 8.5  # points from a tick to the next
_ROOM = 0.06  # of the panel's height, for a word


def draw(points: Sequence[Margin], title: str) -> Figure:
    """Draw the current margin, the on/off ratio and, with a load, the voltage margin against array size.

    Parameters
    ----------
    points : sequence of Margin
        What ``sweep`` returns.
    title : str
        The picture's heading; it may have several lines.
    """
    loaded = all(point.voltage_margin is not None for point in points)
    figure = new_figure(figsize=(15 if loaded else 10.5, 4.8))
    figure.suptitle(plain(title), fontsize=10)
    panels = figure.subplots(1, 3 if loaded else 2)
    _shares(panels[0], points, "Current margin\n(I_LRS - I_HRS) / I_LRS", lambda point: point.current_margin)
    _ratios(panels[1], points)
    if loaded:
        _shares(
            panels[2], points, "Voltage margin\n(V_LRS - V_HRS) / V_read", lambda point: point.voltage_margin or 0.0
        )
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6), fontsize=9, frameon=False)
    return figure


def plot_margins(points: Margin | Sequence[Margin], ax: Axes | None = None) -> Axes:
    """Draw the current margin against array size, a curve for each scheme, into an axis; return it.

    Parameters
    ----------
    points : Margin or sequence of Margin
        What ``margin`` or ``sweep`` returns.
    ax : Axes, optional
        Where to; pyplot's current axis.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    several = [points] if isinstance(points, Margin) else list(points)
    axes = axes_or_current(ax)
    _shares(axes, several, "Current margin\n(I_LRS - I_HRS) / I_LRS", lambda point: point.current_margin)
    axes.legend(fontsize=TEXT)
    return axes


def _shares(axes: Axes, points: Sequence[Margin], title: str, value: Callable[[Margin], float]) -> None:
    """Draw margins on a linear axis that, below -1, goes on logarithmically."""
    values = {id(point): value(point) for point in points}
    for style, curve in _curves(points):
        axes.plot([_lines(point) for point in curve], [values[id(point)] for point in curve], **style)
    finite = [point for point in values.values() if not math.isnan(point)]
    lowest, top = min(finite, default=0.0), max(finite, default=1.0)
    if lowest < -1.0:
        axes.set_yscale("symlog", linthresh=1.0, linscale=2.0)
        axes.set_ylim(1.3 * lowest, max(1.5, 1.2 * top))
        axes.set_yticks(_apart(axes, [1.0, 0.75, 0.5, 0.25, 0.0, -0.5, *_ticks_below(lowest)]))
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylabel("logarithmic below -1", fontsize=TEXT)
    else:
        ceiling = 1.05 * max(1.0, top) if top > 0.5 else max(1.1 * top, 1e-3)
        axes.set_ylim(min(0.0, lowest - 0.06 * (ceiling - lowest)), ceiling)
    _unreadable(axes, 0.0)
    _dress(axes, points, title)
    _left_out(axes, len(values) - len(finite))


def _ticks_below(lowest: float) -> list[float]:
    """Return -1, -2, -5, -10, ... down to ``lowest``; powers of ten, or some of them, where these are many."""
    powers = math.floor(math.log10(-lowest))
    if powers < 3:
        return [-digit * 10.0**power for power in range(powers + 1) for digit in (1, 2, 5)]
    return [-(10.0**power) for power in range(0, powers + 1, 1 + powers // _MOST_TICKS)]


def _apart(axes: Axes, ticks: Sequence[float]) -> list[float]:
    """Leave out those ticks whose words would lie over the ones before."""
    scale = 72.0 / axes.figure.dpi
    heights = [scale * axes.transData.transform((1.0, tick))[1] for tick in ticks]
    places: list[int] = []
    for k, height in enumerate(heights):
        if not places or heights[places[-1]] - height >= _LINE:
            places.append(k)
    return [ticks[k] for k in places]


def _left_out(axes: Axes, count: int) -> None:
    """Say how many points have no place on the axis."""
    if count:
        note = axes.annotate(
            f"{count} left out: no number" if count > 1 else "1 left out: no number", (0.01, 0.01),
            xycoords="axes fraction", fontsize=TEXT, color="0.35",
        )  # fmt: skip
        note.set_in_layout(False)


def _unreadable(axes: Axes, limit: float) -> None:
    """Shade what lies below the limit of what can be read."""
    low, high = axes.get_ylim()
    if low < limit < high:
        axes.set_ylim(low, high)
        axes.axhspan(low, limit, color="0.93", zorder=0)
        heights = [axes.get_yaxis_transform().transform((0.0, y))[1] for y in (low, limit, high)]
        if heights[1] - heights[0] < _ROOM * (heights[2] - heights[0]):
            return
        note = axes.annotate(
            "not readable", (0.99, limit), (0, -3), xycoords=("axes fraction", "data"), textcoords="offset points",
            fontsize=TEXT, color="0.35", ha="right", va="top",
        )  # fmt: skip
        note.set_in_layout(False)


def _ratios(axes: Axes, points: Sequence[Margin]) -> None:
    """Draw on/off ratios on a logarithmic axis; what is 0 or infinite is left out."""
    from matplotlib.ticker import LogLocator, NullLocator

    drawn = 0
    for style, curve in _curves(points):
        ratios = [(_lines(point), point.on_off_ratio) for point in curve if math.isfinite(point.on_off_ratio)]
        ratios = [(x, y) for x, y in ratios if y > 0.0]
        drawn += len(ratios)
        axes.plot([x for x, _ in ratios], [y for _, y in ratios], **style)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 30.0 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0)))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    _unreadable(axes, 1.0)
    _dress(axes, points, "On/off ratio\nI_LRS / I_HRS")
    _left_out(axes, len(points) - drawn)


def _dress(axes: Axes, points: Sequence[Margin], title: str) -> None:
    """Sizes on a logarithmic axis, each with its own tick where there is room."""
    from matplotlib.ticker import FixedLocator, NullLocator

    names = {
        _lines(point): f"{point.rows}" if point.rows == point.cols else f"{point.rows} x {point.cols}"
        for point in points
    }
    axes.set_xscale("log", base=2)
    every = -(-len(names) // _MOST_TICKS)
    ticks = sorted(names)[::-every][::-1]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([names[tick] for tick in ticks], rotation=45 if len("".join(names.values())) > 40 else 0)
    if len(names) == 1:
        axes.set_xlim(0.5 * ticks[0], 2.0 * ticks[0])
    square = all(point.rows == point.cols for point in points)
    axes.set(title=title, xlabel="array size N (N x N cells)" if square else "array size (rows x columns)")
    axes.title.set_fontsize(TITLE)
    axes.grid(linewidth=0.3)


def _curves(points: Sequence[Margin]) -> list[tuple[dict[str, Any], list[Margin]]]:
    """Group the points into curves: style, and points by size. Marks shrink, so that of two alike both are seen."""
    names = list(dict.fromkeys(point.scheme.name for point in points))
    marked = zip(names, cycle(MARKS), cycle(COLOURS), range(len(names)), strict=False)
    return [
        (
            {"label": plain(name), "marker": mark, "color": colour, "markersize": max(3.5, 7.5 - k), "linewidth": 1.4},
            sorted((point for point in points if point.scheme.name == name), key=_lines),
        )
        for name, mark, colour, k in marked
    ]


def _lines(point: Margin) -> float:
    """Side of the square array with as many cells."""
    return math.sqrt(point.rows * point.cols)
