"""Pictures (matplotlib, from the ``plot`` extra), which is imported when the first is drawn.

``cell_map``, ``line_currents``, ``curves`` and ``histogram`` draw arrays of numbers into an axis, the current one of
pyplot where none is handed over, and return it; ``Crossbar.plot``, ``Solution.plot`` and their like call them.
``schematic`` draws a small array as a circuit, with voltages and currents. ``style`` is the look of a line.
``new_figure`` and ``save`` are for pictures of no window.
"""

from xbarsim.plot.figures import (
    SUFFIXES,
    check_matplotlib,
    checked_path,
    checked_width,
    new_figure,
    plain,
    save,
)
from xbarsim.plot.fonts import letter
from xbarsim.plot.panels import axes_or_current, cell_map, curves, histogram, legend_below, line_currents, whole_ticks
from xbarsim.plot.schematic import schematic
from xbarsim.plot.style import (
    BLACK,
    BLUE,
    BROWN,
    COLOURS,
    DASHES,
    GREY,
    MARKS,
    MINT,
    ORANGE,
    PALE,
    SEQUENTIAL,
    TEAL,
    TEXT,
    TITLE,
    scaled_unit,
    signed_colours,
    style,
)
from xbarsim.plot.units import scale_axis

__all__ = [
    "BLACK",
    "BLUE",
    "BROWN",
    "COLOURS",
    "DASHES",
    "GREY",
    "MARKS",
    "MINT",
    "ORANGE",
    "PALE",
    "SEQUENTIAL",
    "SUFFIXES",
    "TEAL",
    "TEXT",
    "TITLE",
    "axes_or_current",
    "cell_map",
    "check_matplotlib",
    "checked_path",
    "checked_width",
    "curves",
    "histogram",
    "legend_below",
    "letter",
    "line_currents",
    "new_figure",
    "plain",
    "save",
    "scale_axis",
    "scaled_unit",
    "schematic",
    "signed_colours",
    "style",
    "whole_ticks",
]
