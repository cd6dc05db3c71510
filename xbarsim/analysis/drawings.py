"""Pictures of solved crossbars and sweeps (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.plot import new_figure, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from xbarsim.analysis.results import CrossbarPoint

_MOST_LINES = 12
"""A sweep draws so many currents with a legend; more are drawn without one."""


def operating_point(state: CrossbarPoint, currents: Array, ideal: Array | None, title: str) -> Figure:
    """Draw the voltage lost along word lines, the voltage on bit lines, the output currents and the cells'.

    Parameters
    ----------
    state : CrossbarPoint
        The circuit, its sources' and its nodes' voltages, NaN where floating.
    currents, ideal : (cols,)
        Output currents in amperes, and those without wires and ends where that is a plain product.
    title : str
        The picture's heading.
    """
    figure = new_figure(figsize=(11, 7))
    figure.suptitle(plain(title), fontsize=11)
    (left, right), (bottom, cells) = figure.subplots(2, 2)
    crossbar, voltages, word, bit = state.crossbar, state.voltages, state.word, state.bit
    driven = np.isfinite(crossbar.boundary["word_left"].resistance)
    lost = np.where(driven[:, None], voltages[:, None] - word, np.nan)
    ends = crossbar.boundary["bit_bottom"]
    base = np.where(np.isfinite(ends.resistance), ends.voltage, 0.0)
    _map(figure, left, _dropped(lost, word), "IR drop along word lines: source - node", "V")
    _map(figure, right, _dropped(bit - base, word), "IR drop along bit lines: node - sense source", "V")
    _currents(bottom, currents, ideal)
    _map(figure, cells, np.nan_to_num(state.device_currents()), "Device currents", "A")
    return figure


def _dropped(volts: Array, word: Array) -> Array:
    """Return voltages along lines; what is left of 0 ohm, which is a conductance of 1e30 S to solvers, is 0."""
    return np.where(np.abs(volts) <= 1e-25 * np.nanmax(np.abs(word), initial=0.0), 0.0, volts)


def _map(figure: Figure, axes: Axes, values: Array, title: str, unit: str) -> None:
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    signed = bool(np.nanmin(values, initial=0.0) < -1e-3 * largest)
    image = axes.imshow(
        values,
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu_r" if signed else "viridis",
        vmin=-largest if signed else 0.0,
        vmax=largest or 1.0,
    )
    bar = figure.colorbar(image, ax=axes, label=unit)
    bar.formatter.set_powerlimits((-2, 3))  # type: ignore[attr-defined]
    axes.set(title=title, xlabel="column (bit line)", ylabel="row (word line)")
    axes.title.set_fontsize(10)
    _whole_ticks(axes, values.shape)


def _whole_ticks(axes: Axes, shape: tuple[int, ...]) -> None:
    from matplotlib.ticker import MaxNLocator

    for axis, count in ((axes.yaxis, shape[0]), (axes.xaxis, shape[-1])):
        axis.set_major_locator(MaxNLocator(nbins=min(8, max(1, count - 1)), integer=True))


def _currents(axes: Axes, currents: Array, ideal: Array | None) -> None:
    columns = np.arange(currents.size)
    axes.bar(columns, currents, width=0.8, color="#31688e", label="circuit")
    if ideal is not None:
        axes.plot(columns, ideal, "o", color="#d95f02", markersize=3.5, label="ideal: V G")
    axes.axhline(0.0, color="0.3", linewidth=0.6)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.set(title="Output currents", xlabel="column (bit line)", ylabel="A")
    axes.title.set_fontsize(10)
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.legend(fontsize=8)


def sweep(source: str, values: Array, names: Sequence[str], currents: Array, title: str, unit: str = "V") -> Figure:
    """Draw currents over a swept source.

    Parameters
    ----------
    source : str
        What is swept.
    values : (points,)
        Its values, in ``unit``; none if that is empty.
    names : sequence of str
        The curves.
    currents : (points, curves)
        Amperes.
    title : str
        The picture's heading.
    """
    figure = new_figure(figsize=(7, 5))
    axes = figure.subplots()
    for k, name in enumerate(names):
        # A label that begins with an underscore would be left out of the legend.
        label = f" {plain(name)}" if name.startswith("_") else plain(name)
        axes.plot(values, currents[:, k], linewidth=1.2, label=label, marker="." if values.size < 30 else "")
    swept = plain(source)
    axes.set(title=plain(title), xlabel=f"{swept} ({unit})" if unit else swept, ylabel="A")
    axes.title.set_fontsize(10)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.grid(linewidth=0.3)
    if len(names) <= _MOST_LINES:
        axes.legend(fontsize=8)
    return figure
