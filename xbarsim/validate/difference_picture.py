"""The differences of a run as a picture: by size, against the tolerances; and the times."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from xbarsim.plot import COLOURS, TEXT, TITLE, letter, new_figure
from xbarsim.validate.case import LINEAR, NONLINEAR, Row
from xbarsim.validate.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FLOOR = 1e-17

_CELLS, _SECONDS = (1.0, 1e4), (1e-3, 10.0)
"""Axes where nothing was compared: logarithms need limits above 0."""

_TIMED = {("solve", "export"), ("solve", "VACASK"), ("simulate", "ngspice"), ("simulate", "VACASK")}
"""Ours and theirs, whole runs of the same circuit."""


def draw(outcome: Outcome) -> Figure:
    """Return the picture.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    figure = new_figure(figsize=(11, 4.6))
    left, right = figure.subplots(1, 2)
    devices = list(dict.fromkeys(row.device for row in outcome.compared))
    _differences(left, outcome, devices)
    _times(right, outcome, devices)
    return figure


def picture(outcome: Outcome) -> bytes:
    """Return the picture as a PNG; raises as ``draw`` does."""
    file = io.BytesIO()
    figure = draw(outcome)
    letter(figure)
    figure.savefig(file, format="png", dpi=130, metadata={"Software": None})
    return file.getvalue()


def _differences(axes: Axes, outcome: Outcome, devices: list[str]) -> None:
    compared = [row for row in outcome.compared if row.ours in ("solve", "simulate", "netlist")]
    for k, device in enumerate(devices):
        colour = COLOURS[k % len(COLOURS)]
        for closed, mark in ((False, "o"), (True, "^")):
            rows = [row for row in compared if row.device == device and (row.other == "closed form") == closed]
            # Side by side, so that devices of one size do not cover each other.
            cells = np.array([row.cells for row in rows]) * 1.09 ** (k - len(devices) / 2)
            worst = np.maximum([row.largest for row in rows], _FLOOR)
            label = None if closed else device
            axes.plot(cells, worst, mark, color=colour, markersize=3.5, alpha=0.7, label=label)
    axes.plot([], [], "^", color="0.3", markersize=3.5, label="closed form")
    for tolerance, of in _tolerances(compared):
        axes.axhline(tolerance, color="0.5", linewidth=0.8, linestyle="--")
        axes.text(0.995, tolerance, of, transform=axes.get_yaxis_transform(),
                  ha="right", va="bottom", fontsize=TEXT, color="0.35")  # fmt: skip
    if not compared:
        axes.set_xlim(*_CELLS)
    axes.set(xscale="log", yscale="log", xlabel="cells", ylabel="largest difference / largest value")
    _widen(axes)
    axes.set_title("Voltages and currents, xbarsim against others", fontsize=TITLE)
    axes.grid(linewidth=0.3)
    axes.legend(fontsize=TEXT, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=4)


def _tolerances(compared: list[Row]) -> list[tuple[float, str]]:
    """Return which tolerances held, and what the line says; of nothing compared those of operating points."""
    words = {NONLINEAR: "tolerance, nonlinear", LINEAR: "tolerance, linear"}
    tolerances = {row.tolerance for row in compared if row.other != "closed form"} or set(words)
    return [(tolerance, words.get(tolerance, "tolerance")) for tolerance in sorted(tolerances)]


def _times(axes: Axes, outcome: Outcome, devices: list[str]) -> None:
    drawn = False
    for k, device in enumerate(devices):
        rows = [
            row for row in outcome.compared
            if row.device == device and (row.ours, row.other) in _TIMED and row.seconds > 0
        ]  # fmt: skip
        colour = COLOURS[k % len(COLOURS)]
        for part, mark in (("other_seconds", "s"), ("seconds", "o")):
            points = [(row.cells, getattr(row, part)) for row in rows]
            if points:
                drawn = True
                axes.plot(*zip(*points, strict=True), mark, color=colour, markersize=3.5, alpha=0.7,
                          fillstyle="none" if mark == "s" else "full")  # fmt: skip
    if not drawn:
        axes.set(xlim=_CELLS, ylim=_SECONDS)
    axes.set(xscale="log", yscale="log", xlabel="cells", ylabel="seconds")
    _widen(axes)
    axes.set_title("Time: simulators (squares), xbarsim (dots)", fontsize=TITLE)
    axes.grid(linewidth=0.3)
    if not drawn:
        axes.text(0.5, 0.5, "no simulator was run", transform=axes.transAxes, ha="center", color="0.4")


def _widen(axes: Axes) -> None:
    """Let an axis of cells have a decade at least: labels of less than that lie over each other."""
    low, high = axes.get_xlim()
    middle = np.sqrt(low * high)
    axes.set_xlim(min(low, middle / np.sqrt(10.0)), max(high, middle * np.sqrt(10.0)))
