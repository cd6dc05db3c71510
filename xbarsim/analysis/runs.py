"""From a netlist or from arrays to what the command line prints."""

from __future__ import annotations

import math
import time
from collections import ChainMap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from xbarsim.analysis.answers import Answers
from xbarsim.analysis.as_crossbar import how, ideal_currents
from xbarsim.analysis.measure import evaluate_all
from xbarsim.analysis.printed import add_printed
from xbarsim.analysis.readout import Readout
from xbarsim.analysis.results import AnalysisResult, CrossbarPoint
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.analysis.stop_wish import StopWish
from xbarsim.analysis.unsolvable import MOST_NODES
from xbarsim.crossbar import SIDES, Array, Crossbar
from xbarsim.netlist.analyses import Analysis, Family, Transient
from xbarsim.netlist.measures import Measure
from xbarsim.netlist.read_circuit import ReadCircuit, read_circuit
from xbarsim.netlist.written import report_written
from xbarsim.quantities import counted
from xbarsim.solvers.solve import Method, solve

Progress = Callable[[str], None]


def _silent(stage: str) -> None:
    pass


def from_netlist(
    source: str | Path | IO[str],
    method: Method,
    progress: Progress = _silent,
    *,
    steady: bool = False,
    seed: int | None = None,
    parameters: Mapping[str, float] | None = None,
    temp: float | None = None,
    stop: StopWish | None = None,
) -> Answers:
    """Read a netlist and run its analyses, on the crossbar that it is or else on the general network.

    Parameters
    ----------
    source : path or text stream
        The netlist.
    method : str
        How to solve the crossbar.
    progress : callable
        Is told what is being done.
    steady : bool
        Leave the capacitors that hold a state open.
    seed : int, optional
        What random draws start from; that of ``.options seed=``, or else 0.
    parameters, temp
        What is set in the place of the netlist's own, as ``netlist.read`` takes it.
    stop : StopWish, optional
        Ends transients early; what was computed until then is in the answer.

    Raises
    ------
    NetlistError
        The netlist is not understood.
    FloatingError
        Some of its nodes have no path to a source.
    SolveError
        It has no unique solution, or none to tolerance.
    """
    start = time.perf_counter()
    progress("reading")
    circuit = read_circuit(source, parameters=parameters, temp=temp, steady=steady, seed=seed)
    progress(f"looking at {len(circuit.names)} elements")
    moving = all(moves(analysis) for analysis in circuit.analyses)
    recognition = recognised_for(circuit, moving)
    middle = time.perf_counter()
    results = simulate(circuit, recognition, method=method, progress=progress, stop=stop)
    errors = measure_all(circuit, results)
    notes = [*circuit.notes, *add_printed(circuit, results)]
    end = time.perf_counter()
    elements = len(circuit.names) + len(circuit.controlled) + len(circuit.capacitors) + sum(circuit.nonlinear.values())
    size = f"{counted(len(circuit.nodes) - 1, 'node')}, {counted(elements, 'element')}"
    rows, cols = recognition.crossbar.shape if recognition.crossbar is not None else (None, None)
    reason = None if recognition.crossbar is not None else recognition.reason or "its graph is no crossbar"
    inside = results[0].inside if results else ()
    if inside:
        shapes = " and ".join("{} x {}".format(*shape) for shape in inside)
        reason = f"{reason}; {'arrays' if len(inside) > 1 else 'an array'} inside, {shapes}, solved by line ends"
    return Answers(
        circuit.title,
        f"{rows} x {cols} crossbar, {size}" if reason is None else f"network, {size}; no crossbar: {reason}",
        "crossbar" if reason is None else None,
        reason,
        rows,
        cols,
        results,
        {"read": middle - start, "solve": end - middle, "total": end - start},
        notes,
        errors,
        show_nodes=reason is not None,
    )


def measure_all(circuit: ReadCircuit, results: list[AnalysisResult]) -> list[str]:
    """Evaluate every ``.measure`` on the analyses of its kind; return what is said of those that cannot be.

    Parameters
    ----------
    circuit : ReadCircuit
        With its measures.
    results : list of AnalysisResult
        Their ``measures`` are filled.
    """
    solved = {result.kind for result in results}
    pool: dict[str, float] = {}
    for result in results:
        if result.repeats:
            _measure_runs(circuit, result, solved)
            continue
        measures = tuple(measure for measure in circuit.measures if measure.analysis in ("", result.kind))
        measured: dict[str, float] = {}
        values = ChainMap(measured, pool)
        failed = _evaluated(circuit, measures, result.measured, values, measured)
        result.measures.update(measured)
        pool.update(measured)
        result.failed.update({name: error for name, error in failed.items() if name not in pool})
    for measure in circuit.measures:
        if results and measure.analysis not in ("", *solved):
            results[0].failed[measure.name] = f"no .{measure.analysis} is solved"
    place = {measure.name: circuit.places.where(measure.origin) for measure in circuit.measures}
    failures = {f"{place[name]}: .measure {name} failed: {error}": None
                for result in results for name, error in result.failed.items()}  # fmt: skip
    return list(failures)


def moves(analysis: Analysis) -> bool:
    """Whether an analysis is a transient of a circuit with memory."""
    return isinstance(analysis.analysis if isinstance(analysis, Family) else analysis, Transient)


def _evaluated(
    circuit: ReadCircuit,
    measures: tuple[Measure, ...],
    run: AnalysisResult,
    values: Mapping[str, float],
    measured: dict[str, float],
) -> dict[str, str]:
    """Evaluate measures of one run into ``measured``; return why those cannot be that cannot."""
    if run.integration is not None and not run.integration.complete:
        return {measure.name: "the run did not come to its end" for measure in measures}
    return evaluate_all(measures, Readout(circuit, run, values), measured)


def _measure_runs(circuit: ReadCircuit, result: AnalysisResult, solved: set[str]) -> None:
    """Evaluate ``.measure`` for each run of a repeated analysis: one list of numbers each."""
    runs = list(result.runs())
    solved.add(runs[0][1].kind)
    measures = tuple(measure for measure in circuit.measures if measure.analysis in ("", runs[0][1].kind))
    columns: dict[str, list[float]] = {measure.name: [] for measure in measures}
    problems: dict[str, list[str]] = {measure.name: [] for measure in measures}
    for axes, run in runs:
        measured: dict[str, float] = {}
        failed = _evaluated(circuit, measures, run, ChainMap(measured, axes), measured)
        for name, column in columns.items():
            column.append(measured.get(name, math.nan))
            if name in failed:
                at = ", ".join(f"{axis} = {value:g}" for axis, value in axes.items())
                problems[name].append(f"{failed[name]} (at {at})")
    for name, column in columns.items():
        if len(problems[name]) < len(runs):
            result.measures[name] = column
        if problems[name]:
            more = f", and at {counted(len(problems[name]) - 1, 'other point')}" if len(problems[name]) > 1 else ""
            result.failed[name] = problems[name][0] + more


def from_arrays(crossbar: Crossbar, voltages: Array, method: Method, *, title: str) -> Answers:
    """Solve a crossbar for one vector (rows,) or several (batch, rows).

    Parameters
    ----------
    crossbar : Crossbar
        What is solved.
    voltages : (rows,) or (batch, rows) array
        Volts.
    method : str
        As of ``solve``.
    title : str
        What the answers are called.

    Raises
    ------
    SolveError
        It has no unique solution, or none to tolerance.
    """
    start = time.perf_counter()
    rows, cols = crossbar.shape
    batch = np.atleast_2d(voltages)
    solution = solve(crossbar, batch, method=method, fields=True)
    # As every format calls a column's current: by the source at its end, where it has one.
    closed = np.isfinite(crossbar.boundary["bit_bottom"].resistance)
    outputs = [f"vbb{j}" if closed[j] else f"b_{rows - 1}_{j}" for j in range(cols)]
    results = []
    for k, vector in enumerate(batch):
        nodes, currents = report_written(crossbar, vector, solution, k)
        sources = {side: crossbar.boundary[side].voltage[None] for side in SIDES} | {"word_left": vector[None]}
        with np.errstate(over="ignore", invalid="ignore"):
            ideal = ideal_currents(crossbar, sources)
        results.append(
            AnalysisResult(
                "op",
                [],
                list(nodes),
                np.array([list(nodes.values())]),
                list(currents),
                np.array([list(currents.values())]),
                np.asarray(solution.power)[k : k + 1],
                solution.residual,
                how(solution),
                outputs,
                solution.currents[k : k + 1],
                ideal,
                CrossbarPoint(crossbar, vector, solution.word_voltages[k], solution.bit_voltages[k]),
            )
        )
    end = time.perf_counter()
    notes = crossbar.remarks(voltages)
    if solution.floating:
        nodes_text = ", ".join(solution.floating[:MOST_NODES])
        notes.append(f"{counted(len(solution.floating), 'node')} without a path to any source: {nodes_text}")
    return Answers(
        title,
        f"{rows} x {cols} crossbar",
        "crossbar",
        None,
        rows,
        cols,
        results,
        {"read": 0.0, "solve": end - start, "total": end - start},
        notes,
        label="vector",
    )
