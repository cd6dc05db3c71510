"""Pictures of solved crossbars and sweeps (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xbarsim.crossbar import Array, Crossbar
from xbarsim.errors import InputError
from xbarsim.files import checked_target, written_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

_DATE = {"svg": "Date", "pdf": "CreationDate"}

_MOST_LINES = 12
"""A sweep draws so many currents with a legend; more are drawn without one."""


def checked_path(path: str | Path) -> Path:
    """Refuse a file name whose ending is no picture's, or in no writable folder, before anything is computed.

    Raises
    ------
    InputError
        The ending is not one of ``SUFFIXES``, or there is no such folder.
    """
    path = checked_target(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a picture's name must end in {', '.join(SUFFIXES)}")
    return path


def new_figure(**options: Any) -> Figure:
    """Return an empty figure of no window.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("pictures need matplotlib: pip install 'xbarsim[plot]'") from None
    return Figure(layout="constrained", **options)


def operating_point(
    crossbar: Crossbar, voltages: Array, word: Array, bit: Array, currents: Array, ideal: Array | None, title: str
) -> Figure:
    """Draw the voltage lost along word lines, the voltage on bit lines, and the output currents.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit.
    voltages : (rows,)
        Source volts of the word lines' left ends.
    word, bit : (rows, cols)
        Node voltages; NaN where floating.
    currents, ideal : (cols,)
        Output currents in amperes, and those without wires and ends where that is a plain product.
    title : str
        The picture's heading.
    """
    figure = new_figure(figsize=(11, 7))
    figure.suptitle(title, fontsize=11)
    (left, right), (bottom, cells) = figure.subplots(2, 2)
    driven = np.isfinite(crossbar.boundary["word_left"].resistance)
    lost = np.where(driven[:, None], voltages[:, None] - word, np.nan)
    held = crossbar.boundary["bit_bottom"]
    base = np.where(np.isfinite(held.resistance), held.voltage, 0.0)
    _map(figure, left, lost, "IR drop along word lines: source - node", "V")
    _map(figure, right, bit - base, "IR drop along bit lines: node - sense source", "V")
    _currents(bottom, currents, ideal)
    _map(figure, cells, np.nan_to_num(crossbar.conductance * (word - bit)), "Device currents", "A")
    return figure


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
        axes.plot(values, currents[:, k], linewidth=1.2, label=name, marker="." if values.size < 30 else "")
    axes.set(title=title, xlabel=f"{source} ({unit})" if unit else source, ylabel="A")
    axes.title.set_fontsize(10)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.grid(linewidth=0.3)
    if len(names) <= _MOST_LINES:
        axes.legend(fontsize=8)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a picture whole or not at all.

    Raises
    ------
    InputError
        The path cannot be written, or its ending is no picture's.
    """
    path = checked_path(path)
    kind = path.suffix[1:].lower()
    with written_whole(path) as file:
        # Without a date, the same data give the same file.
        figure.savefig(file, format=kind, dpi=150, metadata=None if kind == "png" else {_DATE[kind]: None})
