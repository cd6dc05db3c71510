"""The noise of an array's outputs in one picture (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim import plot
from xbarsim.noise.noise_report import NoiseReport
from xbarsim.quantities import engineering

if TYPE_CHECKING:
    from xbarsim.plot.figures import Figure


def draw(report: NoiseReport, title: str = "") -> Figure:
    """Return a picture of each output's noise by kind, how outputs go together, and bits of a batch.

    Raises
    ------
    InputError
        matplotlib is missing.
    """
    columns, noise = report.columns(), report.noise
    panels = 3 if report.batch else 2
    figure = plot.new_figure(figsize=(4.4 * panels, 3.8))
    low, high = report.band
    heading = f"{plot.plain(title)}\n" if title else ""
    figure.suptitle(
        f"{heading}{report.shape[0]} x {report.shape[1]}, {engineering(low, 'Hz')} to {engineering(high, 'Hz')}, "
        f"{report.temperature:g} K", fontsize=11,
    )  # fmt: skip
    axes = figure.subplots(1, panels)
    place = np.arange(len(report.outputs))
    largest = float(np.nanmax(columns["rms"], initial=0.0))
    scale, unit = plot.scaled_unit(largest, "A")
    for (kind, marker), color in zip(_MARKERS.items(), (plot.BLACK, plot.BLUE, plot.ORANGE, plot.TEAL), strict=True):
        if kind in columns:
            axes[0].plot(place, columns[kind] / scale, marker, color=color, markersize=4, linewidth=1, label=kind)
    axes[0].set(xlabel="output (bit line)", ylabel=f"noise, rms ({unit})", yscale="log" if largest > 0.0 else "linear")
    plot.legend_below(axes[0])
    axes[0].grid(linewidth=0.3)
    together = np.atleast_3d(noise.correlation.T).mean(axis=2)
    np.fill_diagonal(together, np.nan)  # every output goes with itself
    most = float(np.nanmax(np.abs(together), initial=0.0)) or 1.0
    image = axes[1].imshow(
        np.ma.masked_invalid(together), cmap=plot.signed_colours(), vmin=-most, vmax=most, interpolation="nearest"
    )
    figure.colorbar(image, ax=axes[1], label="correlation with other outputs")
    axes[1].set(xlabel="output (bit line)", ylabel="output (bit line)")
    if report.batch:
        axes[2].plot(
            place, columns["effective_bits"], "o-", color=plot.BLACK, markersize=4, linewidth=1, label="a read"
        )
        axes[2].step(place, columns["converter_bits"], where="mid", color=plot.BLUE, label="converter worth paying for")
        axes[2].set(xlabel="output (bit line)", ylabel="bits", ylim=(0.0, None))
        plot.legend_below(axes[2])
        axes[2].grid(linewidth=0.3)
    return figure


_MARKERS = {"rms": "o-", "white": "s--", "flicker": "^:", "telegraph": "v-."}
