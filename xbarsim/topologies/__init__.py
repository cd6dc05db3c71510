"""Arrays as they are built: source lines along bit lines, stacks that share lines, neighbours joined at line ends."""

from xbarsim.topologies.doubled_lines import doubled_crossbar
from xbarsim.topologies.source_line_array import COLUMN_SIDES, ColumnSide, SourceLineArray
from xbarsim.topologies.source_line_maps import column_admittance, column_conductance
from xbarsim.topologies.source_line_solution import SourceLineSolution
from xbarsim.topologies.source_line_solve import solve_source_lines

__all__ = [
    "COLUMN_SIDES",
    "ColumnSide",
    "SourceLineArray",
    "SourceLineSolution",
    "column_admittance",
    "column_conductance",
    "doubled_crossbar",
    "solve_source_lines",
]
