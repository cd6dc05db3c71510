"""A written array in one picture (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xbarsim import plot
from xbarsim.checks import Array
from xbarsim.programming.written_array import WrittenArray
from xbarsim.quantities import engineering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(result: WrittenArray, path: str | Path, title: str = "") -> list[str]:
    """Draw targets, what reads show, errors, pulses, energies and disturbances; return notes on the picture.

    Raises
    ------
    InputError
        matplotlib is missing, the path cannot be written, or its ending is no picture's.
    """
    aimed = not np.isnan(result.target).all()
    siemens = result.readings if aimed else result.conductance
    panels: list[tuple[str, Array, str, bool]] = [
        ("what reads show" if aimed else "conductances", siemens, "S", True),
        ("pulses", result.pulses.astype(float), "", False),
        ("energy of the sources", result.energy, "J", True),
        ("disturbance", result.disturbance, "part of the range", True),
    ]
    if aimed:
        panels = [
            ("targets", result.target, "S", True),
            panels[0],
            ("error", result.error, "of the target", False),
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
    return plot.save(figure, path)


def _map(figure: Figure, axes: Axes, title: str, values: Array, unit: str, logarithmic: bool) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import MaxNLocator

    present = values[np.isfinite(values) & (values > 0.0)]
    norm = LogNorm() if logarithmic and present.size and present.max() > 1.01 * present.min() else None
    image = axes.imshow(
        np.ma.masked_invalid(values if norm is None else np.where(values > 0.0, values, np.nan)),
        norm=norm, cmap="viridis", interpolation="nearest", aspect="auto",
    )  # fmt: skip
    figure.colorbar(image, ax=axes, label=unit)
    axes.set(title=title, xlabel="column (bit line)", ylabel="row (word line)")
    axes.title.set_fontsize(10)
    for axis, count in ((axes.yaxis, values.shape[0]), (axes.xaxis, values.shape[1])):
        axis.set_major_locator(MaxNLocator(nbins=min(8, max(1, count - 1)), integer=True))


def _crosses(axes: Axes, result: WrittenArray) -> None:
    """Mark the cells that are not at their target."""
    cells = list(result.unreached())
    if cells:
        i, j = zip(*cells, strict=True)
        axes.plot(j, i, "x", color="#d95f02", markersize=4)
