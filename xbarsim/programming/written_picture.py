"""A written array in one picture (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from xbarsim import plot
from xbarsim.checks import Array
from xbarsim.programming.written_array import WrittenArray
from xbarsim.quantities import engineering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

Scale = Literal["decades", "from zero", "both signs"]


def draw(result: WrittenArray, title: str = "") -> Figure:
    """Return a picture of targets, what reads show, errors, pulses, energies and disturbances.

    Raises
    ------
    InputError
        matplotlib is missing.
    """
    aimed = not np.isnan(result.target).all()
    siemens = result.readings if aimed else result.conductance
    panels: list[tuple[str, Array, str, Scale]] = [
        ("what reads show" if aimed else "conductances", siemens, "S", "decades"),
        ("pulses", result.pulses.astype(float), "", "from zero"),
        ("energy of the sources", result.energy, "J", "decades"),
        ("disturbance", result.disturbance, "part of the range", "decades"),
    ]
    if aimed:
        panels = [
            ("targets", result.target, "S", "decades"),
            panels[0],
            ("error", result.error, "of the target", "both signs"),
            *panels[1:],
        ]
    columns = 3 if aimed else 2
    figure = plot.new_figure(figsize=(4.4 * columns, 7.6))
    counts = result.summary()
    about = f"{int(result.reached.sum())} of {counts['cells']} cells reached, " if aimed else ""
    heading = f"{title}\n" if title else ""
    figure.suptitle(
        f"{plot.plain(heading)}{about}{counts['pulses']} pulses, {engineering(counts['energy'], 'J')}", fontsize=11
    )
    for axes, panel in zip(figure.subplots(2, columns, squeeze=False).ravel(), panels, strict=True):
        _map(figure, axes, *panel)
        if aimed and panel[0] == "error":
            _crosses(axes, result)
    return figure


def _map(figure: Figure, axes: Axes, title: str, values: Array, unit: str, scale: Scale) -> None:
    from matplotlib.colors import LogNorm

    norm = _norm(values, scale)
    image = axes.imshow(
        np.ma.masked_invalid(np.where(values > 0.0, values, np.nan) if isinstance(norm, LogNorm) else values),
        norm=norm, cmap=plot.signed_colours() if scale == "both signs" else plot.SEQUENTIAL, interpolation="nearest",
        aspect="auto",
    )  # fmt: skip
    bar = figure.colorbar(image, ax=axes, label=unit)
    plot.scale_axis(bar.ax.yaxis, values, unit, "log" if isinstance(norm, LogNorm) else "linear")
    axes.set(title=title, xlabel="column (bit line)", ylabel="row (word line)")
    axes.title.set_fontsize(plot.TITLE)
    plot.whole_ticks(axes, values.shape)


def _norm(values: Array, scale: Scale) -> Normalize:
    """Return where colours begin and end: numbers of one size have no decades, and zeros alone lie in 0 to 1."""
    from matplotlib.colors import LogNorm, Normalize

    sizes = np.abs(values[np.isfinite(values) & (values != 0.0)])
    largest = float(sizes.max(initial=0.0))
    if scale == "decades" and sizes.size and largest > 1.01 * sizes.min():
        return LogNorm(float(sizes.min()), largest)
    largest = largest or 1.0
    return Normalize(-largest if scale == "both signs" else 0.0, largest)


def _crosses(axes: Axes, result: WrittenArray) -> None:
    """Mark the cells that are not at their target."""
    cells = list(result.unreached())
    if cells:
        i, j = zip(*cells, strict=True)
        axes.plot(j, i, "x", color="black", markersize=4)
