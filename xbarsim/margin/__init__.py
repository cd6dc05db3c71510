"""Read margin: how far apart the two states of a cell stay when all other cells are as bad as they can be.

Examples
--------
Bare cells cannot be read at V/3 in 32 x 32; with a selector in each they can.

>>> from xbarsim import Selector
>>> from xbarsim.margin import Technology, margin
>>> bare = Technology(r_on=10e3, r_off=1e6)
>>> with_selector = Technology(r_on=10e3, r_off=1e6, device=Selector(i0=1e-9, v0=0.03))
>>> for cells in (bare, with_selector):
...     one = margin(cells, 32, "third", read_voltage=0.6)
...     print(f"{one.current_margin:.2f}", one.lrs.pattern, "|", one.hrs.pattern)
-8.66 row | lrs
0.61 row | column+rest
"""

from xbarsim.margin.margin_table import to_pandas
from xbarsim.margin.margins_picture import plot_margins
from xbarsim.margin.patterns import background
from xbarsim.margin.technology import Technology
from xbarsim.margin.worst import Case, Margin, margin, sweep

__all__ = ["Case", "Margin", "Technology", "background", "margin", "plot_margins", "sweep", "to_pandas"]
