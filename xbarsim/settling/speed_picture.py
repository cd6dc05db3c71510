"""Read speed in one picture (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim import plot
from xbarsim.settling.speed_report import SpeedReport

if TYPE_CHECKING:
    from xbarsim.plot.figures import Figure

_FINEST = 41


def draw(report: SpeedReport, title: str = "") -> Figure:
    """Return a picture of each output's times, and of reads a second against bits.

    Raises
    ------
    InputError
        matplotlib is missing.
    """
    figure = plot.new_figure(figsize=(8.8, 3.8))
    heading = f"{plot.plain(title)}\n" if title else ""
    figure.suptitle(f"{heading}{report.shape[0]} x {report.shape[1]}, outputs after a step of the inputs", fontsize=11)
    axes = figure.subplots(1, 2)
    columns, place = report.columns(), np.arange(len(report.outputs))
    largest = max(float(np.nanmax(columns[name], initial=0.0)) for name in ("elmore", "typical", "worst"))
    scale, unit = plot.scaled_unit(largest, "s")
    last = f"{report.bits[-1]:g} bits"
    for name, label, style, color in (
        ("elmore", "Elmore's delay", "^:", plot.TEAL),
        ("typical", f"to {last}, typical", "o-", plot.BLACK),
        ("worst", f"to {last}, slowest row alone", "s--", plot.ORANGE),
    ):
        axes[0].plot(place, columns[name] / scale, style, color=color, markersize=4, linewidth=1, label=label)
    axes[0].set(xlabel="output (bit line)", ylabel=f"time ({unit})", ylim=(min(0.0, axes[0].get_ylim()[0]), None))
    low, high = (min(report.bits), max(report.bits)) if len(report.bits) > 1 else (1.0, max(2.0, 1.5 * report.bits[0]))
    curve = report.speed.bandwidth(np.linspace(low, high, _FINEST), poles=report.poles)
    axes[1].plot(curve.bits, curve.typical, color=plot.BLACK, linewidth=1.2, label="typical inputs")
    axes[1].plot(curve.bits, curve.worst, "--", color=plot.ORANGE, linewidth=1.2, label="worst input")
    drawn = np.concatenate([curve.typical, curve.worst])
    positive = bool((np.isfinite(drawn) & (drawn > 0.0)).any())
    axes[1].set(xlabel="bits", ylabel="reads a second", yscale="log" if positive else "linear")
    for panel in axes:
        panel.legend(fontsize=plot.TEXT)
        panel.grid(linewidth=0.3, which="both")
    return figure
