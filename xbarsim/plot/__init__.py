"""Pictures (matplotlib, from the ``plot`` extra), which is imported when the first is drawn.

``cell_map``, ``line_currents``, ``curves`` and ``histogram`` draw arrays of numbers into an axis, the current one of
pyplot where none is handed over, and return it; ``Crossbar.plot``, ``Solution.plot`` and their like call them.
``new_figure`` and ``save`` are for pictures of no window.
"""

from xbarsim.plot.figures import (
    SUFFIXES,
    check_matplotlib,
    checked_path,
    letter,
    new_figure,
    plain,
    save,
)
from xbarsim.plot.panels import axes_or_current, cell_map, curves, histogram, line_currents

__all__ = [
    "SUFFIXES",
    "axes_or_current",
    "cell_map",
    "check_matplotlib",
    "checked_path",
    "curves",
    "histogram",
    "letter",
    "line_currents",
    "new_figure",
    "plain",
    "save",
]
