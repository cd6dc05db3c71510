"""Accuracies of chips in one axis (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xbarsim.plot import BLUE, ORANGE, TITLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMES = 24


def draw_chips(axes: Axes, seeds: Sequence[int], shares: Sequence[float], torch_share: float) -> None:
    """Draw the accuracy of each chip, their mean and deviation, and torch's.

    Parameters
    ----------
    axes : Axes
        Where to.
    seeds, shares : sequence
        Of each chip, and its accuracy.
    torch_share : float
        Torch's accuracy.
    """
    from matplotlib.ticker import FixedLocator, PercentFormatter

    values = [100.0 * share for share in shares]
    ideal, mean = 100.0 * torch_share, float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    places = list(range(len(values)))
    axes.axhspan(mean - spread, mean + spread, color=BLUE, alpha=0.15, linewidth=0)
    axes.axhline(mean, color=BLUE, linewidth=1.2, label=f"mean {mean:.2f}%, deviation {spread:.2f}")
    axes.plot(places, values, "o", color=BLUE, markersize=6, label="chips")
    axes.axhline(ideal, color=ORANGE, linestyle="--", linewidth=1.2, label=f"ideal (torch) {ideal:.2f}%")
    low, high = min(*values, ideal), max(*values, ideal)
    room = max(0.15 * (high - low), 0.5)
    axes.set_ylim(max(low - room, -1.0), min(high + room, 101.0))
    every = -(-len(places) // _MOST_NAMES)
    axes.xaxis.set_major_locator(FixedLocator(places[::every]))
    axes.set_xticklabels([str(seed) for seed in seeds[::every]])
    axes.set_xlim(-0.5, len(places) - 0.5)
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=None))
    axes.set(title="Accuracy of each chip", xlabel="chip (seed)", ylabel="test images right")
    axes.title.set_fontsize(TITLE)
    axes.grid(axis="y", linewidth=0.3)
