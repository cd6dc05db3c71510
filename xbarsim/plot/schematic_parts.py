"""Symbols of a schematic: lines, resistors, cells, sources, ground, open and broken ends, and texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xbarsim.plot.figures import plain
from xbarsim.plot.style import BLACK, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]

_TEETH = 6
_HALF = 0.045
"""Half the height of a resistor, and ..."""

_RADIUS = 0.09
"""... of a source, in distances of two cells."""


@dataclass(frozen=True)
class Pen:
    """Draws symbols into an axis whose unit is the distance of two cells.

    Attributes
    ----------
    axes : Axes
        Where to.
    size : float
        Points of its letters; lines go with it.
    """

    axes: Axes
    size: float

    def line(self, start: Point, end: Point, color: str = BLACK, dashes: str = "-") -> None:
        """Draw a straight line.

        Parameters
        ----------
        start, end : (float, float)
            Points.
        color : str
            As matplotlib takes it.
        dashes : str
            Matplotlib's word for a line's style.
        """
        (x0, y0), (x1, y1) = start, end
        self.axes.plot([x0, x1], [y0, y1], dashes, color=color, linewidth=0.13 * self.size, solid_capstyle="round",
                       zorder=1)  # fmt: skip

    def resistor(self, start: Point, end: Point, color: str = BLACK) -> None:
        """Draw a zigzag from one point to another.

        Parameters
        ----------
        start, end : (float, float)
            Points.
        color : str
            As matplotlib takes it.
        """
        along = np.subtract(end, start)
        across = _HALF * np.array([-along[1], along[0]]) / np.hypot(*along)
        share = np.concatenate([[0.0], (np.arange(_TEETH) + 0.5) / _TEETH, [1.0]])
        side = np.concatenate([[0.0], np.resize([1.0, -1.0], _TEETH), [0.0]])
        x, y = (np.asarray(start) + share[:, None] * along + side[:, None] * across).T
        self.axes.plot(x, y, color=color, linewidth=0.12 * self.size, zorder=2)

    def cell(self, start: Point, end: Point) -> None:
        """Draw a memristor's rectangle, the thick bar at its far end, on a line from one point to another."""
        self.line(start, end)
        along = np.subtract(end, start)
        across = 0.055 * np.array([-along[1], along[0]]) / np.hypot(*along)
        corners = [np.asarray(start) + share * along + side * across
                   for share, side in ((0.3, 1), (0.7, 1), (0.7, -1), (0.3, -1))]  # fmt: skip
        self.axes.fill(*np.transpose(corners), facecolor="white", edgecolor=BLACK, linewidth=0.12 * self.size, zorder=2)
        bar = np.transpose([corners[1], corners[2]])
        self.axes.plot(*bar, color=BLACK, linewidth=0.35 * self.size, solid_capstyle="butt", zorder=3)

    def gap(self, start: Point, end: Point) -> None:
        """Mark the middle of a broken wire."""
        x, y = np.add(start, end) / 2.0
        self.axes.plot([x], [y], "x", color=ORANGE, markersize=1.1 * self.size, markeredgewidth=0.3 * self.size)

    def node(self, at: Point, color: str, floating: bool) -> None:
        """Draw a dot; a ring where the node floats.

        Parameters
        ----------
        at : (float, float)
            Where.
        color : str
            As matplotlib takes it.
        floating : bool
            Whether its voltage is not determined.
        """
        self.axes.plot(
            [at[0]], [at[1]], "o", markersize=0.55 * self.size, markerfacecolor="white" if floating else color,
            markeredgecolor=GREY if floating else color, markeredgewidth=0.12 * self.size, zorder=4,
        )  # fmt: skip

    def source(self, at: Point, towards: Point, grounded: bool) -> None:
        """Draw a source, or ground where it has 0 V, whose line comes from the direction ``-towards``.

        Parameters
        ----------
        at : (float, float)
            Where its line ends.
        towards : (float, float)
            A unit vector, away from the line.
        grounded : bool
            Whether it is ground.
        """
        if not grounded:
            from matplotlib.patches import Circle

            centre = np.add(at, np.multiply(_RADIUS, towards))
            self.axes.add_patch(Circle((float(centre[0]), float(centre[1])), _RADIUS, facecolor="white",
                                       edgecolor=BLACK, linewidth=0.13 * self.size, zorder=3))  # fmt: skip
            self.text((float(centre[0]), float(centre[1])), "V", "", ha="center", va="center", zorder=4)
            return
        across = np.array([-towards[1], towards[0]])
        for k, half in enumerate((0.11, 0.07, 0.03)):
            middle = np.add(at, np.multiply(0.045 * k, towards))
            low, high = middle - half * across, middle + half * across
            self.line((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))

    def text(
        self, at: Point, words: str, place: str, *, ha: str = "left", va: str = "bottom", color: str = BLACK,
        zorder: float = 5.0,
    ) -> None:  # fmt: skip
        """Write words, whose artist is labelled with the place that they belong to.

        Parameters
        ----------
        at : (float, float)
            Where.
        words : str
            What; nothing draws nothing.
        place : str
            What the artist is labelled with.
        ha, va, color, zorder
            As matplotlib takes them.
        """
        if words:
            artist = self.axes.text(*at, plain(words), ha=ha, va=va, color=color, fontsize=self.size, zorder=zorder)
            artist.set_label(place or "_symbol")
