"""A circuit that is an array with source lines along bit lines: solved as its columns, reported in its own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from xbarsim.analysis.as_crossbar import sources_at, under_own_names
from xbarsim.analysis.point_results import result_at
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.transistors import access_cells, add_leaks, beyond
from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.netlist.element_kinds import fixes_voltage
from xbarsim.netlist.graph.gate_lines import held_nodes
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition import ColumnRecognition, report_points
from xbarsim.quantities import counted
from xbarsim.solution import Solution
from xbarsim.solvers.solve import solve_points
from xbarsim.topologies import (
    ColumnSide,
    LeakingState,
    SharedSourceArray,
    SourceLineArray,
    SourceLineSolution,
    solve_column_points,
    solve_leaking,
)


def solve_columns(circuit: ReadCircuit, columns: ColumnRecognition, points: Points) -> AnalysisResult | None:
    """Solve the columns, and give nodes and sources the netlist's names; None where that cannot be.

    It cannot where gates or what is no line's end are swept, and where transistors have resistances of their own.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    columns : ColumnRecognition
        The array that it is.
    points : Points
        The sources' values at each point.

    Raises
    ------
    FloatingError
        Nodes have no path to a source or ground; the message names them.
    LawError, SolveError
        As ``solve_source_lines``.
    """
    doubled = columns.doubled
    sources = None if doubled.gates.intersection(points.varying) else sources_at(doubled, points)
    if sources is None:
        return None
    if doubled.left_out is not None:
        return _solve_leaking(circuit, columns, sources, points)
    assert doubled.crossbar is not None
    solution = (
        solve_points(doubled.crossbar, sources, fields=True)
        if isinstance(columns.array, SharedSourceArray)
        else _as_doubled(doubled.crossbar, solve_column_points(columns.array, _column_sources(sources)))
    )
    return under_own_names(circuit, doubled, solution, sources, points)


def _solve_leaking(
    circuit: ReadCircuit, columns: ColumnRecognition, sources: dict[Side, Array], points: Points
) -> AnalysisResult | None:
    """Solve columns whose transistors leak or have a body effect; None where that cannot be."""
    m, inner, doubled = circuit.mosfets, columns.doubled.inner, columns.doubled
    assert isinstance(columns.array, SourceLineArray)
    if m is None or inner is None or doubled.crossbar is None or beyond(circuit, m, doubled, points):
        return None
    fixed, _ = held_nodes(circuit, m.gate)
    cells = access_cells(circuit, m, replace(inner, row=inner.col, col=inner.row // 2), columns.array.shape, fixed)
    ends = np.stack(list(_column_sources(sources).values()), axis=1)
    states = []
    for volts in ends:
        state = solve_leaking(columns.array, cells, volts)
        if state is None:
            return None
        states.append(state)
    branches = np.flatnonzero(fixes_voltage(circuit.kinds))
    values = points.values(circuit, branches)
    volts, amperes = report_points(doubled, _drawn(doubled.crossbar, states), sources, values, branches)
    volts[:, inner.node - 1] = np.stack([state.inner[inner.col, inner.row // 2] for state in states])
    volts = np.where(np.isnan(volts), fixed[1:], volts)
    if np.isnan(volts).any():
        return None
    place = {element: k for k, element in enumerate(branches.tolist())}
    for k, state in enumerate(states):
        leaks = np.repeat((state.leak_source + state.leak_bit).T, 2, axis=0)
        add_leaks(circuit, m, inner, leaks, amperes[k], place)
    residual = max(state.residual for state in states)
    steps = counted(sum(state.steps for state in states), "step")
    power = -(values * amperes).sum(axis=1)
    return result_at(circuit, points, branches, (volts, amperes), power, residual, f"newton, {steps}")


def _drawn(crossbar: Crossbar, states: list[LeakingState]) -> Solution:
    """Return states in the doubled crossbar's places; what leaves its lines' nodes stands for cells' currents."""

    def placed(source: list[Array], bit: list[Array]) -> Array:
        return _alternate(np.stack(source).swapaxes(-1, -2), np.stack(bit).swapaxes(-1, -2))

    ends = np.stack([state.currents for state in states])
    still = np.zeros((len(states), crossbar.shape[1]))
    return Solution(
        crossbar=crossbar,
        end_currents={
            "word_left": _alternate(ends[:, 0], ends[:, 1]),
            "word_right": _alternate(ends[:, 2], ends[:, 3]),
            "bit_top": still,
            "bit_bottom": still,
        },
        power=np.zeros(len(states)),
        residual=0.0,
        iterations=np.array([state.steps for state in states]),
        method="newton",
        floating=[],
        _word=placed([state.source for state in states], [state.bit for state in states]),
        _bit=placed([state.inner for state in states], [state.inner for state in states]),
        _cells=placed(
            [state.leak_source - state.flow for state in states], [state.leak_bit + state.flow for state in states]
        ),
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
