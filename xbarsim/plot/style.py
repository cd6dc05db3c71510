"""What all pictures have in common: colours, marks, dashes, maps' colours and how numbers are written beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from xbarsim.quantities import engineering

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

COLOURS = ("#0a4c96", "#e07b1a", "#000000", "#3dd8a8", "#00877e", "#5c2b12", "#ab7f4e", "#c8a2ef")
"""Colours of lines, in order.

Their lightness (CIELAB's L) is 33, 62, 0, 78, 51, 24, 57 and 73: on grey paper the first six are 9 apart at least. To
people without one of the three cones (simulated after Machado, Oliveira and Fernandes 2009) no two are nearer than a
distance of 22 in CIELAB.
"""

BLUE, ORANGE, BLACK, MINT, TEAL, BROWN, *_ = COLOURS

GREY = "#777777"
"""Of what is only there to be compared with: limits, axes through 0, notes."""

PALE = "#ececec"
"""Of areas without a value."""

MARKS = "os^DvPX*<>ph"
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (9, 3)))

SEQUENTIAL = "viridis"
"""Of numbers of one sign: the lighter the larger."""

TITLE, TEXT = 10.0, 8.0
"""Points of a panel's title, and of legends and notes."""

_SIGNED = ("#06224a", "#0a4c96", "#5b7fae", "#9a9a9a", "#e0a060", "#f6cf9a", "#fbe6c0")
"""Of numbers of both signs: from dark to light, so that on grey paper too - is told from +; 0 is without colour."""


def style(number: int) -> dict[str, Any]:
    """Return the colour, mark and dashes of a line: no two of the first 24 have all in common.

    Parameters
    ----------
    number : int
        Of the line, counted from 0.
    """
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKS[number % len(MARKS)],
        "linestyle": DASHES[number % len(DASHES)],
    }


def signed_colours() -> Colormap:
    """Return the colours of numbers of both signs; the middle is 0."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("xbarsim signed", _SIGNED)


def scaled_unit(largest: float, unit: str) -> tuple[float, str]:
    """Return what numbers are divided by, and the unit that they then have: ``(1e-6, "uA")`` for 30e-6 A.

    Parameters
    ----------
    largest : float
        The largest size of them; 0 and what is not finite have no scale.
    unit : str
        Of what they are now.
    """
    if not unit or not math.isfinite(largest) or largest == 0.0:
        return 1.0, unit
    power = min(12, max(-15, 3 * math.floor(math.log10(abs(largest)) / 3.0 + 1e-12)))
    return 10.0**power, engineering(10.0**power, unit).partition(" ")[2]
