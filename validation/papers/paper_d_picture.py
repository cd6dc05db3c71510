"""Accuracies as curves, beside the pages of paper D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import provenance
from matplotlib.figure import Figure

Curves = Mapping[str, Sequence[tuple[float, float]]]


def drawn(name: str, curves: Curves, axis: str, *, log: bool = False) -> None:
    """Draw accuracies into a picture beside the pages."""
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    colors: dict[str, str] = {}
    for label, points in curves.items():
        first, _, last = label.partition(", ")
        dashed = first == "SI" or "1/9" in last
        color = colors.setdefault(last.removeprefix("OCR 1/9, ").removeprefix("OCR 1, "), f"C{len(colors)}")
        axes.plot(
            *zip(*points, strict=True), "--" if dashed else "-", marker="o", markersize=4, color=color, label=label
        )
    if log:
        axes.set_xscale("log", base=2)
    axes.set_xlabel(axis)
    axes.set_ylabel("test images right, %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    (provenance.RESULTS / "papers").mkdir(exist_ok=True)
    figure.savefig(provenance.RESULTS / "papers" / name, dpi=110)
