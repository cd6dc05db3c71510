"""A circuit that is an array with source lines along bit lines: solved as its columns, reported in its own names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.analysis.as_crossbar import how, sources_at
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.unsolvable import floating_error
from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.netlist import Circuit
from xbarsim.netlist.element_kinds import fixes_voltage
from xbarsim.netlist.recognition import ColumnRecognition, report_points
from xbarsim.solution import Solution
from xbarsim.topologies import ColumnSide, SourceLineSolution, solve_column_points


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
    assert doubled.crossbar is not None
    solution = _as_doubled(doubled.crossbar, solve_column_points(columns.array, _column_sources(sources)))
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


def _column_sources(volts: Mapping[Side, Array]) -> dict[ColumnSide, Array]:
    """Return the columns' source voltages (points, cols) of the doubled crossbar's."""
    top, bottom = volts["word_left"], volts["word_right"]
    return {
        "source_top": top[:, 0::2],
        "bit_top": top[:, 1::2],
        "source_bottom": bottom[:, 0::2],
        "bit_bottom": bottom[:, 1::2],
    }


def _as_doubled(crossbar: Crossbar, solution: SourceLineSolution) -> Solution:
    """Return a batch's fields and end currents in the doubled crossbar's places."""
    source, bit, flow = (
        field.swapaxes(-1, -2) for field in (solution.source_voltages, solution.bit_voltages, solution.device_currents)
    )
    halves = crossbar.conductance[0::2]
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where(halves > 0.0, source - flow / halves, bit)
    ends = solution.end_currents
    still = np.zeros((source.shape[0], crossbar.shape[1]))
    return Solution(
        crossbar=crossbar,
        end_currents={
            "word_left": _alternate(ends["source_top"], ends["bit_top"]),
            "word_right": _alternate(ends["source_bottom"], ends["bit_bottom"]),
            "bit_top": still,
            "bit_bottom": still,
        },
        power=solution.power,
        residual=solution.residual,
        iterations=solution.iterations,
        method=solution.method,
        floating=solution.floating,
        _word=_alternate(source, bit),
        _bit=_alternate(inner, inner),
        _across=_alternate(source - inner, bit - inner),
        _cells=_alternate(flow, -flow),
    )


def _alternate(source: Array, bit: Array) -> Array:
    """Return (points, 2 cols, ...): each column's source line, then its bit line."""
    pairs = np.stack([source, bit], axis=2)
    return pairs.reshape(pairs.shape[0], -1, *pairs.shape[3:])
