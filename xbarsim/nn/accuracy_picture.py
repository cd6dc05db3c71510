"""Accuracy of each chip against torch's, and errors layer by layer (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

import math
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from xbarsim.nn.chips_panel import draw_chips
from xbarsim.nn.inference_report import InferenceReport
from xbarsim.plot import BLUE, ORANGE, TEAL, TEXT, TITLE, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from xbarsim.nn.inference import Inference

_LINE = 150  # letters of the heading
_MOST_NAMES = 24


def draw(report: InferenceReport) -> Figure:
    """Return the picture."""
    figure = new_figure(figsize=(11, 4.8))
    heading = "\n".join(line for part in report.heading for line in wrap(part, _LINE))
    figure.suptitle(plain(heading), fontsize=9)
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    if len(report.inference.times) > 1:
        _times(left, report)
    else:
        inference = report.inference
        draw_chips(left, [chip.seed for chip in inference.chips], inference.accuracies, inference.ideal)
    _layers(right, report.inference)
    sides: tuple[tuple[Axes, Any], ...] = ((left, "outside lower left"), (right, "outside lower right"))
    for axes, side in sides:
        figure.legend(*axes.get_legend_handles_labels(), loc=side, ncols=3, fontsize=TEXT, frameon=False)
    return figure


def _times(axes: Axes, report: InferenceReport) -> None:
    """Draw accuracy against time, each chip and their mean."""
    from matplotlib.ticker import PercentFormatter

    inference, times = report.inference, report.inference.times
    seconds = [moment.time for moment in times]
    for number, chip in enumerate(inference.chips):
        label = "chips" if number == 0 else None
        values = [100.0 * moment.accuracy for moment in chip.moments]
        axes.plot(seconds, values, "o-", color=BLUE, alpha=0.35, markersize=3, linewidth=0.8, label=label)
    axes.plot(seconds, [100.0 * moment.mean for moment in times], "s-", color=BLUE, linewidth=1.6, label="mean")
    axes.axhline(100.0 * inference.ideal, color=ORANGE, linestyle="--", label=f"ideal (torch) {inference.ideal:.2%}")
    axes.set_xscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=None))
    how = "drift made up for, layer by layer" if report.drift_compensated else "drift not made up for"
    axes.set(title=f"Accuracy against time, {how}", xlabel="seconds after programming", ylabel="test images right")
    axes.title.set_fontsize(TITLE)
    axes.grid(linewidth=0.3)


def _layers(axes: Axes, inference: Inference) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter

    names = [plain(layer.row.name) for layer in inference.layers]
    places = range(len(names))
    curves = (
        ("all layers so far", [layer.total for layer in inference.layers], "o-", BLUE),
        ("its own arrays", [layer.own_arrays for layer in inference.layers], "s--", TEAL),
        ("wires alone", [layer.row.ir_drop_error for layer in inference.layers], "^:", ORANGE),
    )
    for label, values, style, colour in curves:
        percent = [100.0 * share if math.isfinite(share) else math.nan for share in values]
        axes.plot(places, percent, style, color=colour, markersize=5, linewidth=1.2, label=label)
    finite = [share for _, values, *_ in curves for share in values if math.isfinite(share)]
    axes.set_ylim(0.0, 108.0 * max(finite, default=0.0) or 1.0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}%"))
    every = -(-len(names) // _MOST_NAMES)
    axes.xaxis.set_major_locator(FixedLocator(list(places)[::every]))
    crowded = len("".join(names)) > 40
    axes.set_xticklabels(names[::every], rotation=45 if crowded else 0, ha="right" if crowded else "center")
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set(title="Error of each layer's outputs  |y - y0| / |y0|", xlabel="layer")
    axes.title.set_fontsize(TITLE)
    axes.grid(linewidth=0.3)
