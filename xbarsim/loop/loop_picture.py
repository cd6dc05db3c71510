"""A closed loop's poles and its way to the operating point in one picture (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim import plot
from xbarsim.loop.loop_report import LoopReport

if TYPE_CHECKING:
    from xbarsim.plot.figures import Figure

_MOST_LINES = 8
"""Outputs that are told in the legend."""


def draw(report: LoopReport, title: str = "") -> Figure:
    """Return a picture of the slow poles, and of the outputs after a step of all sources from 0.

    Raises
    ------
    InputError
        The loop runs away, or has no times; matplotlib is missing.
    """
    report.check_drawable()
    figure = plot.new_figure(figsize=(8.8, 3.8))
    figure.suptitle(f"{plot.plain(title)}\npoles, and outputs after a step of the sources", fontsize=11)
    axes = figure.subplots(1, 2)
    poles = np.array([pole for pole, _ in report.poles()])
    # Those within a decade of the slowest: the lines' own are far off.
    slow = poles[np.abs(poles) <= 10.0 * np.abs(poles[0])]
    axes[0].plot(slow.real, slow.imag, "x", color=plot.BLACK)
    axes[0].axvline(0.0, color=plot.ORANGE, linewidth=1)
    axes[0].set(xlabel="real part (1/s)", ylabel="imaginary part (1/s)")
    times, volts = report.way()
    scale, unit = plot.scaled_unit(float(times[-1]), "s")
    lines = axes[1].plot(times / scale, volts, linewidth=1)
    for line, node in zip(lines[:_MOST_LINES], report.watched, strict=False):
        line.set_label(plot.plain(node))
    for bits, seconds in zip(report.bits, report.settled(), strict=True):
        axes[1].axvline(seconds / scale, color=plot.TEAL, linestyle=":", linewidth=1)
        axes[1].annotate(
            f"{bits:g} bits", (seconds / scale, 1.0), xycoords=("data", "axes fraction"), rotation=90, va="top",
            ha="right", fontsize=plot.TEXT,
        )  # fmt: skip
    axes[1].set(xlabel=f"time ({unit})", ylabel="V")
    axes[1].legend(fontsize=plot.TEXT, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for panel in axes:
        panel.grid(linewidth=0.3)
    return figure
