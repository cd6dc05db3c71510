"""A circuit that is a crossbar: its sources on the lines, its solution by the crossbar's own solver, its outputs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from xbarsim.analysis.point_results import result_at
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult, CrossbarPoint
from xbarsim.analysis.unsolvable import floating_error
from xbarsim.crossbar import SIDES, Array, Crossbar, Side
from xbarsim.errors import SolveError
from xbarsim.netlist.element_kinds import CURRENT, fixes_voltage
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition import Recognition, report_points
from xbarsim.quantities import counted
from xbarsim.solution import Solution
from xbarsim.solvers.solve import Method, solve_points

_MANY_CELLS = 10_000
"""From which on Newton's method on a general network is started from the crossbar that it nearly is."""


def sources_at(recognition: Recognition, points: Points) -> dict[Side, Array] | None:
    """Source voltages (points, lines) of each side; None where a swept source is not one of them.

    Parameters
    ----------
    recognition : Recognition
        The crossbar, and which element is which end's source.
    points : Points
        The sources' values at each point.
    """
    if recognition.crossbar is None:
        return None
    ends = recognition.crossbar.boundary
    volts = {side: np.tile(ends[side].voltage, (points.count, 1)) for side in SIDES}
    volts["word_left"] = np.tile(recognition.voltages, (points.count, 1))
    for tie in recognition.ties:
        if tie.source in points.varying:
            # Taken first, and mostly an exact 0: a source's own value may dwarf those that it is swept over.
            constant = tie.voltage - tie.sign * recognition.circuit.values[tie.source]
            volts[tie.side][:, tie.line] = tie.sign * points.varying[tie.source] + constant
    inside = {element for tie in recognition.ties for element, _ in tie.ammeters}
    inside |= {wire.element for wire in recognition.wire_sources}
    if any(element in inside or recognition.circuit.kinds[element] == CURRENT for element in points.varying):
        return None
    return volts


def solve_crossbar(
    circuit: ReadCircuit,
    recognition: Recognition,
    crossbar: Crossbar,
    sources: dict[Side, Array],
    points: Points,
    method: Method,
) -> AnalysisResult:
    """Solve the crossbar, and give nodes, sources and outputs the netlist's names.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    recognition : Recognition
        Where its nodes and elements lie on the crossbar.
    crossbar : Crossbar
        With its cells.
    sources : dict of side to (points, lines) array
        Volts.
    points : Points
        The sources' values at each point.
    method : str
        As of ``solve``.

    Raises
    ------
    FloatingError
        Nodes have no path to a source or ground; the message names them.
    """
    solution = solve_points(crossbar, sources, method=method, fields=True)
    word, bit = solution.word_voltages, solution.bit_voltages
    return replace(
        under_own_names(circuit, recognition, solution, sources, points),
        outputs=output_names(recognition),
        output_currents=solution.currents,
        ideal=ideal_currents(crossbar, sources),
        state=CrossbarPoint(crossbar, sources["word_left"][0], word[0], bit[0], solution.device_currents[0])
        if points.kind == "op"
        else None,
    )


def under_own_names(
    circuit: ReadCircuit, recognition: Recognition, solution: Solution, sources: dict[Side, Array], points: Points
) -> AnalysisResult:
    """Return a crossbar's solution as the netlist's nodes and sources have it.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    recognition : Recognition
        Where its nodes and elements lie on the crossbar.
    solution : Solution
        With its fields, a batch of all points.
    sources : dict of side to (points, lines) array
        Volts.
    points : Points
        The sources' values at each point.

    Raises
    ------
    FloatingError
        Nodes have no path to a source or ground; the message names them.
    """
    branches = np.flatnonzero(fixes_voltage(circuit.kinds))
    numbers = report_points(recognition, solution, sources, points.values(circuit, branches), branches)
    floating = np.flatnonzero(np.isnan(numbers[0]).any(axis=0))
    if floating.size:
        raise floating_error(circuit, [circuit.nodes[k + 1] for k in floating])
    power = np.asarray(solution.power)
    return result_at(circuit, points, branches, numbers, power, solution.residual, how(solution))


def nearby_voltages(
    circuit: ReadCircuit, recognition: Recognition, crossbar: Crossbar, sources: dict[Side, Array], points: Points
) -> Array | None:
    """Return all nodes' voltages at the first point as the crossbar has them, where that saves Newton's method steps.

    They leave out what cells do beyond their model: a start, no result.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    recognition : Recognition
        Where its nodes and elements lie on the crossbar.
    crossbar : Crossbar
        With its cells as their model has them.
    sources : dict of side to (points, lines) array
        Volts.
    points : Points
        The sources' values at each point.
    """
    if crossbar.conductance.size < _MANY_CELLS:
        return None
    try:
        first = {side: volts[:1] for side, volts in sources.items()}
        solution = solve_points(crossbar, first, fields=True)
    except SolveError:
        return None
    branches = np.flatnonzero(fixes_voltage(circuit.kinds))
    volts, _ = report_points(recognition, solution, first, points.values(circuit, branches)[:1], branches)
    return np.append(0.0, np.nan_to_num(volts[0]))


def with_outputs(
    result: AnalysisResult, recognition: Recognition, crossbar: Crossbar, sources: dict[Side, Array]
) -> AnalysisResult:
    """Return the general solver's result with the crossbar's outputs, where these can be told from it.

    Parameters
    ----------
    result : AnalysisResult
        Of the general solver.
    recognition : Recognition
        Which elements tie lines to what.
    crossbar : Crossbar
        For ideal currents.
    sources : dict of side to (points, lines) array
        Volts.
    """
    ends = [tie for tie in recognition.ties if tie.side == "bit_bottom"]
    if sorted(tie.line for tie in ends) != list(range(crossbar.shape[1])):
        return result
    lines_of = Counter(tie.source for tie in recognition.ties)
    passed = Counter(element for tie in recognition.ties for element, _ in tie.ammeters)
    branch = {name: k for k, name in enumerate(result.branches)}
    volts = np.concatenate([np.zeros((result.points, 1)), result.voltages], axis=1)
    outputs = np.empty((result.points, crossbar.shape[1]))
    for tie in ends:
        node = int(recognition.bit_nodes[-1, tie.line])
        meters = [(element, sign) for element, sign in tie.ammeters if passed[element] == 1]
        meters += [(tie.source, tie.sign)] if tie.source >= 0 and lines_of[tie.source] == 1 else []
        if meters:
            element, sign = meters[0]
            outputs[:, tie.line] = sign * result.currents[:, branch[recognition.circuit.names[element]]]
        elif node >= 0 and tie.resistance > 0:
            outputs[:, tie.line] = (volts[:, node] - sources["bit_bottom"][:, tie.line]) / tie.resistance
        else:
            return result
    whole = result.kind == "op" and (recognition.word_nodes >= 0).all() and (recognition.bit_nodes >= 0).all()
    word, bit = volts[0][recognition.word_nodes], volts[0][recognition.bit_nodes]
    return replace(
        result,
        outputs=output_names(recognition),
        output_currents=outputs,
        ideal=ideal_currents(crossbar, sources),
        state=CrossbarPoint(crossbar, sources["word_left"][0], word, bit, _through(recognition, volts[0]))
        if whole
        else None,
    )


def _through(recognition: Recognition, volts: Array) -> Array | None:
    """Return the currents of cells with a memristor in series, (rows, cols), by its voltage; None of other cells."""
    if recognition.inner is None or recognition.crossbar is None:
        return None
    inner, through = recognition.inner, np.zeros(recognition.crossbar.shape)
    through[inner.row, inner.col] = (volts[inner.node] - volts[inner.outer]) / inner.ohms
    return through


def how(solution: Solution) -> str:
    """Say which method gave the numbers and how many steps it took."""
    steps = int(np.max(solution.iterations, initial=0))
    unit = {"schur": "iteration", "newton": "step"}.get(solution.method)
    return f"{solution.method}, {counted(steps, unit)}" if unit else solution.method


def ideal_currents(crossbar: Crossbar, sources: dict[Side, Array]) -> Array | None:
    """``V G`` where only word_left drives and all outputs are at 0 V, else None.

    Parameters
    ----------
    crossbar : Crossbar
        Of linear cells, if there is to be an answer.
    sources : dict of side to (points, lines) array
        Volts.
    """
    ends = crossbar.boundary
    far = np.concatenate([ends["word_right"].resistance, ends["bit_top"].resistance])
    if sources["bit_bottom"].any() or np.isfinite(far).any():
        return None
    driven = np.where(np.isfinite(ends["word_left"].resistance), sources["word_left"], 0.0)
    return np.asarray(driven @ crossbar.conductance)


def output_names(recognition: Recognition) -> list[str]:
    """Name each column by its sense source, or else by the last node that the netlist has on its bit line."""
    circuit = recognition.circuit
    names = []
    for j, column in enumerate(recognition.bit_nodes.T):
        present = column[column > 0]
        names.append(circuit.nodes[present[-1]] if present.size else f"column {j}")
    for tie in recognition.ties:
        if tie.side == "bit_bottom":
            ammeter = tie.source if tie.source >= 0 else (tie.ammeters[0][0] if tie.ammeters else -1)
            if ammeter >= 0:
                names[tie.line] = circuit.names[ammeter]
    # Two columns may share one ammeter: tell them apart.
    shared = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    return [f"{name}[{j}]" if name in shared else name for j, name in enumerate(names)]
