"""The picture of speed.py: time against size, with slopes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from limits import Limits
from speed_cases import SpeedCase
from speed_page import CELL_BYTES, FADESIM, MAP_FLOPS, SIZES, TITLES, slope
from speed_runs import BASELINE, OURS, Runs

LOOKS = {
    OURS: ("#0b559f", "o"),
    BASELINE: ("#7fb1dd", "o"),
    "superlu": ("#b5651d", "s"),
    "cholmod": ("#2f7d4f", "^"),
    "pardiso": ("#8c3a8c", "v"),
    "badcrossbar": ("#777777", "D"),
    "vacask": ("#c2352b", "P"),
    "ngspice KLU": ("#c99700", "X"),
}
PANELS = (
    ("One vector with all voltages", "vector", (BASELINE, "superlu", "cholmod", "pardiso", "badcrossbar"), ""),
    ("Effective map, all entries", "map", (BASELINE, "superlu", "cholmod", "pardiso"), ""),
    ("A netlist, whole process", "vector", (BASELINE, "vacask", "ngspice KLU"), " process"),
)


def draw(runs: Runs, rates: Limits, path: Path) -> None:
    """Draw a panel for vectors, maps and whole processes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(13.5, 6), layout="constrained")
    for panel, (title, kind, peers, suffix) in zip(panels, PANELS, strict=True):
        for solver in (OURS, *peers):
            name = solver + suffix if solver in (OURS, BASELINE) else solver
            _line(panel, solver, [runs.seconds(name, SpeedCase(kind, n)) for n in SIZES])
        panel.set(xscale="log", yscale="log", title=title, xlabel="lines (rows, and as many columns)")
        panel.set_xticks(SIZES, map(str, SIZES))
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    _cited_and_limits(panels, rates)
    panels[0].set_ylabel("seconds of one thread")
    for panel in panels:
        panel.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _line(panel: Any, solver: str, seconds: list[float]) -> None:
    power = slope(list(SIZES), seconds)
    if any(value == value for value in seconds):
        color, marker = LOOKS[solver]
        label = TITLES[solver] + ("" if math.isnan(power) else f"  n^{power:.1f}")
        width = 2.0 if solver == OURS else 1.0
        panel.plot(SIZES, seconds, marker=marker, ms=4, lw=width, color=color, label=label)


def _cited_and_limits(panels: Any, rates: Limits) -> None:
    """Draw what was measured elsewhere hollow, and what the machine could do as a dashed line."""
    panels[0].plot(FADESIM.keys(), FADESIM.values(), "h:", ms=5, lw=0.8, mfc="none", color="#444444",
                   label="FADESim, another machine")  # fmt: skip
    traffic = [CELL_BYTES * n**2 / rates.bytes for n in SIZES]
    panels[0].plot(SIZES, traffic, "k--", lw=0.8, label=f"{CELL_BYTES} bytes a cell by triad")
    work = [MAP_FLOPS * n**3 / rates.flops for n in SIZES]
    panels[1].plot(SIZES, work, "k--", lw=0.8, label=f"{MAP_FLOPS} n^3 operations by dgemm")
