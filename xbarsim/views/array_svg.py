"""Small pictures for notebooks: an array as inline SVG, and a card of facts beside it as HTML. No library is needed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scale = Literal["log", "linear", "fault"]

_MOST = 24
"""Lines a side that are drawn; of more, several are one."""

_SIDE = 160.0
"""Pixels of the longer side."""

_STOPS = np.array([[68, 1, 84], [49, 104, 142], [53, 183, 121], [253, 231, 37]])
"""Viridis at 0, 1/3, 2/3 and 1 (van der Walt and Smith 2015)."""

_FAULTS = ("#ececec", "#e07b1a", "#0a4c96")
"""Healthy, stuck at LRS, stuck at HRS, as other pictures of chips have them."""


def array_svg(values: Floats, scale: Scale = "log", label: str = "") -> str:
    """Return a picture of an array's cells, word lines across and bit lines down, as inline SVG.

    Parameters
    ----------
    values : (rows, cols)
        A number for each cell; NaN is left grey. Of more than 24 lines a side several are one: their mean, of a fault
        map the worst.
    scale : {"log", "linear", "fault"}
        How numbers become colours; ``log`` leaves what is not above 0 grey.
    label : str
        What a screen reader says.
    """
    small = _reduced(values, "max" if scale == "fault" else "mean")
    rows, cols = small.shape
    size = _SIDE / max(rows, cols)
    width, height = cols * size + 14.0, rows * size + 14.0
    colours = _colours(small, scale)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(label, quote=True)}">'
    ]
    # Lines stick out where they are driven, on the left, and read, at the bottom.
    words = "".join(f"M0 {(i + 0.5) * size:.1f}H{12.0 + cols * size:.1f}" for i in range(rows))
    bits = "".join(f"M{12.0 + (j + 0.5) * size:.1f} 0V{rows * size + 12.0:.1f}" for j in range(cols))
    parts.append(f'<path d="{words}{bits}" stroke="#999" stroke-width="0.6" fill="none"/>')
    edge = 0.72 * size
    gap = (size - edge) / 2.0
    for i in range(rows):
        for j in range(cols):
            x, y = 12.0 + j * size + gap, i * size + gap
            side = f'width="{edge:.1f}" height="{edge:.1f}"'
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {side} fill="{colours[i][j]}"/>')
    return "".join([*parts, "</svg>"])


def card(title: str, facts: Iterable[tuple[str, str]], picture: str = "") -> str:
    """Return facts as an HTML table under a title, with a picture beside it.

    Parameters
    ----------
    title : str
        The heading.
    facts : iterable of (name, value)
        The table's rows; texts are escaped.
    picture : str
        SVG, as it is.
    """
    cell = "padding:1px 10px 1px 0;text-align:left;vertical-align:top"
    rows = "".join(
        f'<tr><td style="{cell}">{escape(name)}</td><td style="{cell}">{escape(value)}</td></tr>'
        for name, value in facts
    )
    return (
        '<div style="display:flex;gap:18px;align-items:flex-start">'
        f'<div><strong>{escape(title)}</strong><table style="border-collapse:collapse">{rows}</table></div>'
        f"<div>{picture}</div></div>"
    )


def _reduced(values: Floats, by: Literal["mean", "max"]) -> Floats:
    """Return the numbers of at most ``_MOST`` lines a side."""
    table = np.array(values, dtype=np.float64)
    for axis in (0, 1):
        count = table.shape[axis]
        if count > _MOST:
            starts = np.unique(np.linspace(0, count, _MOST, endpoint=False).astype(np.int64))
            if by == "max":
                table = np.maximum.reduceat(table, starts, axis=axis)
            else:
                sizes = np.diff(np.append(starts, count))
                total = np.add.reduceat(table, starts, axis=axis)
                table = total / (sizes[:, None] if axis == 0 else sizes)
    return table


def _colours(table: Floats, scale: Scale) -> list[list[str]]:
    if scale == "fault":
        return [[_FAULTS[int(kind)] for kind in row] for row in table]
    levels = np.full(table.shape, np.nan)
    sound = np.isfinite(table) & ((table > 0.0) if scale == "log" else True)
    levels[sound] = np.log(table[sound]) if scale == "log" else table[sound]
    low, high = (np.nanmin(levels), np.nanmax(levels)) if sound.any() else (0.0, 1.0)
    share = (levels - low) / (high - low if high > low else 1.0)
    places = np.arange(len(_STOPS)) / (len(_STOPS) - 1.0)
    channels = [np.interp(np.nan_to_num(share), places, _STOPS[:, k]) for k in range(3)]
    return [
        ["#cccccc" if not good else "#" + "".join(f"{int(c):02x}" for c in colour) for good, colour in row]
        for row in (
            zip(sound[i], zip(*(channel[i] for channel in channels), strict=True), strict=True)
            for i in range(table.shape[0])
        )
    ]
