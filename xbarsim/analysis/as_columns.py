"""A circuit that is an array with source lines along bit lines: solved as its columns, reported in its own names."""

from __future__ import annotations

import numpy as np

from xbarsim.analysis.as_crossbar import how, sources_at
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.unsolvable import floating_error
from xbarsim.netlist import Circuit
from xbarsim.netlist.column_recognition import ColumnRecognition
from xbarsim.netlist.element_kinds import fixes_voltage
from xbarsim.netlist.recognition import report_points
from xbarsim.topologies import solve_column_points


def solve_columns(circuit: Circuit, columns: ColumnRecognition, points: Points) -> AnalysisResult | None:
    """Solve the columns, and give nodes and sources the netlist's names; None where that cannot be.

    It cannot where gates or what is no line's end are swept, and where transistors do what no cell's model has.

    Raises
    ------
    FloatingError
        Nodes have no path to a source or ground; the message names them.
    LawError, SolveError
        As ``solve_source_lines``.
    """
    doubled = columns.doubled
    if doubled.left_out is not None or doubled.gates.intersection(points.varying):
        return None
    sources = sources_at(doubled, points)
    if sources is None:
        return None
    solution = columns.as_doubled(solve_column_points(columns.array, columns.sources(sources)))
    branches = np.flatnonzero(fixes_voltage(circuit.kinds))
    volts, amperes = report_points(doubled, solution, sources, points.values(circuit, branches), branches)
    floating = np.flatnonzero(np.isnan(volts).any(axis=0))
    if floating.size:
        raise floating_error(circuit, [circuit.nodes[k + 1] for k in floating])
    return AnalysisResult(
        points.kind,
        points.sweep,
        circuit.nodes[1:],
        volts,
        [circuit.names[k] for k in branches.tolist()],
        amperes,
        np.asarray(solution.power),
        solution.residual,
        how(solution),
    )
