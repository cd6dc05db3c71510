"""A chip's frozen maps in one picture (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xbarsim import plot
from xbarsim.checks import Array
from xbarsim.nonideal.faults import Fault, FaultMap
from xbarsim.nonideal.maps import Maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {Fault.HEALTHY: plot.PALE, Fault.STUCK_AT_LRS: plot.ORANGE, Fault.STUCK_AT_HRS: plot.BLUE}
_NAMES = {Fault.STUCK_AT_LRS: "stuck at LRS", Fault.STUCK_AT_HRS: "stuck at HRS"}


def draw(maps: Maps, title: str, path: str | Path) -> None:
    """Draw a tile's stuck cells, and its variation, drift and damaged lines where it has any.

    Parameters
    ----------
    maps : Maps
        What is frozen in the tile.
    title : str
        The heading.
    path : str or Path
        Where to; its ending is the kind of picture.

    Raises
    ------
    InputError
        matplotlib is missing, the path cannot be written, or its ending is no picture's.
    """
    path = plot.checked_path(path)
    varied, drifting = bool(np.any(maps.factor != 1.0)), bool(np.any(maps.nu != 0.0))
    damage = (maps.word_breaks, maps.bit_breaks, maps.word_shorts, maps.bit_shorts)
    damaged = any(bool(mask.any()) for mask in damage)
    count = 1 + varied + drifting + damaged
    figure = plot.new_figure(figsize=(5.2 * min(count, 2), 4.6 * (1 + (count > 2))))
    figure.suptitle(f"{plot.plain(title)}, {maps.shape[0]} x {maps.shape[1]} cells", fontsize=11)
    panels = iter(figure.subplots(1 + (count > 2), min(count, 2), squeeze=False).ravel())
    draw_faults(next(panels), maps.faults)
    if varied:
        _signed(figure, next(panels), np.log10(maps.factor), 0.0, "Conductance over target", "log10 of the factor")
    if drifting:
        middle = float(np.median(maps.nu))
        _signed(figure, next(panels), maps.nu, middle, f"Drift exponent, median {middle:.3g}", "nu")
    if damaged:
        _lines(next(panels), maps)
    for spare in panels:
        spare.set_axis_off()
    plot.save(figure, path)


def draw_faults(axes: Axes, faults: FaultMap) -> None:
    """Draw stuck cells into an axis, with their shares.

    Parameters
    ----------
    axes : Axes
        Drawn into.
    faults : (rows, cols) array of int8
        ``Fault`` of each cell.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colours = [_COLOURS[kind] for kind in Fault]
    axes.imshow(faults, cmap=ListedColormap(colours), vmin=0, vmax=2, interpolation="nearest", aspect="auto")
    shares = {kind: f"{name} ({np.mean(faults == kind):.2%})" for kind, name in _NAMES.items()}
    plot.legend_below(axes, [Patch(facecolor=_COLOURS[kind], label=share) for kind, share in shares.items()])
    _dress(axes, "Stuck cells", (faults.shape[0], faults.shape[1]))


def _signed(figure: Figure, axes: Axes, values: Array, middle: float, title: str, label: str) -> None:
    """Draw a map whose colours part at ``middle``; the outermost half per cent of cells share the last colour."""
    reach = float(np.quantile(np.abs(values - middle), 0.995)) or 1.0
    image = axes.imshow(
        values,
        cmap=plot.signed_colours(),
        vmin=middle - reach,
        vmax=middle + reach,
        interpolation="nearest",
        aspect="auto",
    )
    figure.colorbar(image, ax=axes, label=label, extend="both")
    _dress(axes, title, (values.shape[0], values.shape[1]))


def _lines(axes: Axes, maps: Maps) -> None:
    """Draw each broken segment and each short between the cells that it lies between."""
    kinds = (
        ("broken word line", maps.word_breaks, (0, 1), plot.ORANGE, ("-", "")),
        ("broken bit line", maps.bit_breaks, (1, 0), plot.BLUE, ("-", "")),
        ("word lines shorted", maps.word_shorts, (1, 0), plot.ORANGE, ("none", "o")),
        ("bit lines shorted", maps.bit_shorts, (0, 1), plot.BLUE, ("none", "s")),
    )
    for name, mask, (down, right), colour, (line, dot) in kinds:
        i, j = np.nonzero(mask)
        if i.size:
            ends = np.zeros(1) if dot else np.array([-0.5, 0.5, np.nan])
            x, y = (j + 0.5 * right)[:, None] + right * ends, (i + 0.5 * down)[:, None] + down * ends
            label = f"{name} ({i.size})"
            axes.plot(
                x.ravel(), y.ravel(), color=colour, linestyle=line, linewidth=2.2, marker=dot, ms=3.5, label=label
            )
    rows, cols = maps.shape
    axes.set(xlim=(-0.5, cols - 0.5), ylim=(rows - 0.5, -0.5))
    plot.legend_below(axes)
    _dress(axes, "Damaged lines", maps.shape)


def _dress(axes: Axes, title: str, shape: tuple[int, int]) -> None:
    axes.set(title=title, xlabel="column (bit line)", ylabel="row (word line)")
    axes.title.set_fontsize(plot.TITLE)
    plot.whole_ticks(axes, shape)
