"""One array of numbers in one axis: cells as a map or a histogram, lines as bars, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.plot.figures import MISSING, plain
from xbarsim.plot.style import BLUE, ORANGE, SEQUENTIAL, TEXT, TITLE, signed_colours, style
from xbarsim.plot.units import Scale, scale_axis

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_MOST_NAMES = 12
"""So many curves have a legend, and so many outputs their names; more are drawn without."""

_CROWDED = 40
"""Letters of names that stand side by side."""

_BELOW = 34.0
"""Points from an axis to what is below its label."""


def axes_or_current(ax: Axes | None) -> Axes:
    """Return an axis, or pyplot's current one in the place of None.

    Parameters
    ----------
    ax : Axes, optional
        The axis.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise InputError(MISSING) from None
    return pyplot.gca()


def cell_map(
    values: ArrayLike,
    ax: Axes | None = None,
    *,
    unit: str = "",
    title: str = "",
    scale: Scale = "linear",
    bar: bool = True,
) -> Axes:
    """Draw a number for each cell as a map: rows are word lines, columns bit lines.

    Where numbers have both signs, or are below 0, colours part at 0; else they begin there.

    Parameters
    ----------
    values : array_like, (rows, cols)
        The numbers; NaN is left blank.
    ax : Axes, optional
        Where to; pyplot's current axis.
    unit, title : str
        What is written at the bar of colours, and above.
    scale : {"linear", "log"}
        ``log`` takes numbers above 0 alone; what is 0 or below is left blank.
    bar : bool
        Whether to draw the bar of colours.

    Raises
    ------
    InputError
        ``values`` has not two axes, ``scale`` is neither, or matplotlib is not installed.
    """
    table = np.array(values, dtype=np.float64)
    if table.ndim != 2:
        raise InputError(f"values has shape {table.shape}: a map takes (rows, cols)")
    if scale not in ("linear", "log"):
        raise InputError(f"scale is {scale!r}: it must be linear or log")
    axes = axes_or_current(ax)
    image = axes.imshow(table, aspect="auto", interpolation="nearest", **_colours(table, scale))
    if bar:
        colours = axes.get_figure().colorbar(image, ax=axes, label=plain(unit))  # type: ignore[union-attr]
        scale_axis(colours.ax.yaxis, table, plain(unit), scale)
    axes.set(title=plain(title), xlabel="column (bit line)", ylabel="row (word line)")
    axes.title.set_fontsize(TITLE)
    whole_ticks(axes, table.shape)
    return axes


def _colours(table: Array, scale: Scale) -> dict[str, Any]:
    if scale == "log":
        from matplotlib.colors import LogNorm

        positive = table[np.isfinite(table) & (table > 0.0)]
        low, high = (float(positive.min()), float(positive.max())) if positive.size else (0.1, 1.0)
        table[~(table > 0.0)] = np.nan
        return {"cmap": SEQUENTIAL, "norm": LogNorm(low, high if high > low else 10.0 * low)}
    largest = float(np.nanmax(np.abs(table), initial=0.0))
    signed = bool(np.nanmin(table, initial=0.0) < -1e-3 * largest)
    return {
        "cmap": signed_colours() if signed else SEQUENTIAL,
        "vmin": -largest if signed else 0.0,
        "vmax": largest or 1.0,
    }


def whole_ticks(axes: Axes, shape: tuple[int, ...]) -> None:
    """Mark whole numbers alone: lines are counted.

    Parameters
    ----------
    axes : Axes
        A map of cells.
    shape : (rows, cols)
        How many lines there are.
    """
    from matplotlib.ticker import MaxNLocator

    for axis, count in ((axes.yaxis, shape[0]), (axes.xaxis, shape[-1])):
        axis.set_major_locator(MaxNLocator(nbins=min(8, max(1, count - 1)), integer=True))


def legend_below(axes: Axes, handles: Sequence[Artist] | None = None) -> None:
    """Put a legend below an axis's label, in as many columns as have room.

    Parameters
    ----------
    axes : Axes
        Where to; as wide as it is now.
    handles : sequence of Artist, optional
        The entries, with their labels; all that the axis has.
    """
    entries = axes.get_legend_handles_labels()[0] if handles is None else list(handles)
    width = 72.0 * axes.get_window_extent().width / axes.figure.dpi
    longest = max((len(str(entry.get_label())) for entry in entries), default=1)
    columns = max(1, int(width / (0.6 * TEXT * longest + 4.0 * TEXT)))
    axes.legend(
        handles=entries, loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=_BELOW / TEXT, ncols=columns,
        fontsize=TEXT, frameon=False,
    )  # fmt: skip


def line_currents(
    currents: ArrayLike,
    ideal: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    title: str = "Output currents",
    names: Sequence[str] = (),
) -> Axes:
    """Draw the current of each column as a bar, and what it would be without wires and ends as a dot.

    Parameters
    ----------
    currents, ideal : array_like, (cols,)
        Amperes.
    ax : Axes, optional
        Where to; pyplot's current axis.
    title : str
        What is written above.
    names : sequence of str, (cols,)
        What outputs are called, written in the place of their numbers where there is room.

    Returns
    -------
    Axes
        What was drawn into.

    Raises
    ------
    InputError
        An argument has another shape, or matplotlib is not installed.
    """
    amperes = np.asarray(currents, dtype=np.float64)
    dots = None if ideal is None else np.asarray(ideal, dtype=np.float64)
    if len(names) not in (0, amperes.size):
        raise InputError(f"names has {len(names)} names: give one for each of {amperes.size} currents")
    if amperes.ndim != 1 or (dots is not None and dots.shape != amperes.shape):
        shapes = f"{amperes.shape}" + ("" if dots is None else f", ideal {dots.shape}")
        raise InputError(f"currents has shape {shapes}: they take (cols,), one vector's")
    axes = axes_or_current(ax)
    columns = np.arange(amperes.size)
    axes.bar(columns, amperes, width=0.8, color=BLUE, label="circuit")
    if dots is not None:
        axes.plot(
            columns,
            dots,
            "o",
            color=ORANGE,
            markersize=3.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label="ideal: V G",
        )
    axes.axhline(0.0, color="0.3", linewidth=0.6)
    axes.set(title=plain(title), xlabel="column (bit line)")
    scale_axis(axes.yaxis, amperes if dots is None else np.stack([amperes, dots]), "output current (A)")
    axes.title.set_fontsize(TITLE)
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    if 0 < len(names) <= _MOST_NAMES:
        crowded = len("".join(names)) > _CROWDED
        axes.set_xticks(columns, [plain(name) for name in names], rotation=45.0 if crowded else 0.0)
        axes.set_xlabel("output")
    if dots is not None:
        axes.legend(fontsize=TEXT)
    return axes


def curves(
    x: ArrayLike,
    columns: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    xlabel: str = "V",
    ylabel: str = "A",
    title: str = "",
    scale: Scale = "linear",
) -> Axes:
    """Draw curves over one axis, with a legend where they are few; NaN in ``x`` parts a curve's pieces.

    Parameters
    ----------
    x : array_like, (points,)
        What they are drawn over, numbers in the unit that ``xlabel`` names.
    columns : mapping of str to array_like, (points,)
        Each curve's numbers by its name, in the unit that ``ylabel`` names.
    ax : Axes, optional
        Where to; pyplot's current axis.
    xlabel, ylabel, title : str
        What is written. Ticks of what ends in a unit, as ``time (s)`` or ``A`` alone, are in one of their size.
    scale : {"linear", "log"}
        Of the curves' axis; a logarithmic one keeps its unit.

    Returns
    -------
    Axes
        What was drawn into.

    Raises
    ------
    InputError
        A curve has not as many points as ``x``, or matplotlib is not installed.
    """
    places = np.asarray(x, dtype=np.float64)
    tables = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    for name, values in tables.items():
        if values.shape != places.shape:
            raise InputError(f"{name} has shape {values.shape} and x {places.shape}: give a point of each for each")
    axes = axes_or_current(ax)
    for number, (name, values) in enumerate(tables.items()):
        # A label that begins with an underscore would be left out of the legend.
        label = f" {plain(name)}" if name.startswith("_") else plain(name)
        look = style(number) | {"marker": "." if places.size < 30 else ""}
        axes.plot(places, values, linewidth=1.2, label=label, **look)
    axes.set_title(plain(title))
    scale_axis(axes.xaxis, places, plain(xlabel))
    axes.set_yscale(scale)
    scale_axis(axes.yaxis, [*tables.values()], plain(ylabel), scale)
    axes.title.set_fontsize(TITLE)
    axes.grid(linewidth=0.3)
    if 0 < len(tables) <= _MOST_NAMES:
        axes.legend(fontsize=TEXT)
    return axes


def histogram(
    values: ArrayLike, ax: Axes | None = None, *, unit: str = "S", title: str = "", scale: Scale = "log", bins: int = 60
) -> Axes:
    """Draw how many cells have which number; those that are 0 are counted in the title, as a logarithm has no place.

    Parameters
    ----------
    values : array_like
        A number for each cell.
    ax : Axes, optional
        Where to; pyplot's current axis.
    unit, title : str
        What is written.
    scale : {"linear", "log"}
        Of the numbers' axis.
    bins : int
        How many bars.

    Returns
    -------
    Axes
        What was drawn into.

    Raises
    ------
    InputError
        ``scale`` is neither, or matplotlib is not installed.
    """
    if scale not in ("linear", "log"):
        raise InputError(f"scale is {scale!r}: it must be linear or log")
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    axes = axes_or_current(ax)
    edges: Any = bins
    if scale == "log":
        left_out = int(np.sum(numbers <= 0.0))
        numbers = numbers[numbers > 0.0]
        title += f" ({left_out} at or below 0)" if left_out else ""
        low, high = (numbers.min(), numbers.max()) if numbers.size else (1.0, 10.0)
        edges = np.geomspace(low, high if high > low else 1.1 * low, bins + 1)
        edges[0], edges[-1] = low, max(edges[-1], high)  # rounding would leave out the outermost
        axes.set_xscale("log")
    axes.hist(numbers, bins=edges, color=BLUE)
    axes.set(title=plain(title), ylabel="cells")
    scale_axis(axes.xaxis, numbers, plain(unit), scale)
    axes.title.set_fontsize(TITLE)
    return axes
