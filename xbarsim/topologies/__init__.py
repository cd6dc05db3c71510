"""Arrays as they are built: source lines along bit lines, stacks that share lines, neighbours joined at line ends.

Source lines along bit lines: ``source_line_array`` is the circuit, ``column_layout`` what kernels see of it,
``column_ladders`` its ohmic columns solved, ``source_line_newton`` those of any law and ``leaking_columns`` those with
transistors as they are drawn; ``source_line_solve`` is the way in, ``source_line_maps`` what columns are to their ends,
``doubled_lines`` the same circuit as a crossbar. ``shared_source_array`` and ``shared_source_solve`` are those whose
source lines lie between two bit lines, as crossbars. ``layer_stack`` and ``running_lines`` make crossbars of stacks
and of neighbours; ``line_joints`` reduces arrays that are joined at line ends, ``joined_solution`` solves them.
"""

from xbarsim.topologies.doubled_lines import doubled_crossbar
from xbarsim.topologies.joined_solution import JoinedSolution, solve_joined
from xbarsim.topologies.layer_stack import LayerStack
from xbarsim.topologies.leaking_columns import LeakingState, solve_leaking
from xbarsim.topologies.line_joints import JoinedArrays, JoinedReduction
from xbarsim.topologies.running_lines import along_bit_lines, along_word_lines
from xbarsim.topologies.shared_source_array import SharedSourceArray
from xbarsim.topologies.shared_source_solve import solve_shared_sources
from xbarsim.topologies.source_line_array import COLUMN_SIDES, ColumnSide, SourceLineArray
from xbarsim.topologies.source_line_maps import column_admittance, column_conductance
from xbarsim.topologies.source_line_solution import SourceLineSolution
from xbarsim.topologies.source_line_solve import solve_column_points, solve_source_lines
from xbarsim.topologies.stack_solution import StackSolution, solve_stack, stack_conductance

__all__ = [
    "COLUMN_SIDES",
    "ColumnSide",
    "JoinedArrays",
    "JoinedReduction",
    "JoinedSolution",
    "LayerStack",
    "LeakingState",
    "SharedSourceArray",
    "SourceLineArray",
    "SourceLineSolution",
    "StackSolution",
    "along_bit_lines",
    "along_word_lines",
    "column_admittance",
    "column_conductance",
    "doubled_crossbar",
    "solve_column_points",
    "solve_joined",
    "solve_leaking",
    "solve_shared_sources",
    "solve_source_lines",
    "solve_stack",
    "stack_conductance",
]
