"""From a netlist or from arrays to what the command line prints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO

import numpy as np

from xbarsim.answers import Analysis, Answers, how
from xbarsim.crossbar import Array, Crossbar
from xbarsim.errors import FloatingError
from xbarsim.netlist import NotACrossbarError, Recognition, read, report
from xbarsim.netlist.written import report_written
from xbarsim.solution import Solution
from xbarsim.solver import Method, solve

NAMED = 8
"""How many floating nodes a message names."""


def from_netlist(source: str | Path | IO[str], method: Method) -> Answers:
    """Read, recognise and solve a netlist.

    Raises
    ------
    NetlistError
        The netlist is not understood.
    NotACrossbarError
        Its graph is no crossbar.
    FloatingError
        Some of its nodes have no path to a source.
    SolveError
        It has no unique solution, or none to tolerance.
    """
    start = time.perf_counter()
    circuit = read(source)
    found = circuit.recognise()
    if found.crossbar is None:
        reason = found.reason or "its graph is no crossbar"
        raise NotACrossbarError(f"the circuit is no crossbar: {reason}", circuit.places.files[0])
    middle = time.perf_counter()
    solution = solve(found.crossbar, found.voltages, method=method)
    node_voltages, source_currents = report(found, solution)
    floating = [name for name, volts in node_voltages.items() if np.isnan(volts)]
    if floating:
        more = f" and {len(floating) - NAMED} more" if len(floating) > NAMED else ""
        raise FloatingError(
            f"{circuit.places.files[0]}: no path to any source from node{'s' if len(floating) > 1 else ''} "
            f"{', '.join(floating[:NAMED])}{more}: tie them to a source or ground, or take them out",
            floating,
        )
    rows, cols = found.crossbar.shape
    outputs = dict(zip(_output_names(found), solution.currents.tolist(), strict=True))
    one = _analysis(found.crossbar, found.voltages, solution, outputs, node_voltages, source_currents)
    end = time.perf_counter()
    return Answers(
        circuit.title,
        f"{rows} x {cols} crossbar, {len(circuit.nodes) - 1} nodes, {len(circuit.names)} elements",
        "crossbar",
        None,
        rows,
        cols,
        [one],
        {"read": middle - start, "solve": end - middle, "total": end - start},
        list(circuit.notes),
    )


def from_arrays(crossbar: Crossbar, voltages: Array, method: Method, *, title: str) -> Answers:
    """Solve a crossbar for one vector (rows,) or several (batch, rows).

    Raises
    ------
    SolveError
        It has no unique solution, or none to tolerance.
    """
    start = time.perf_counter()
    rows, cols = crossbar.shape
    batch = np.atleast_2d(voltages)
    solution = solve(crossbar, batch, method=method, fields=True)
    analyses = []
    for k, vector in enumerate(batch):
        nodes, currents = report_written(crossbar, vector, solution, k)
        outputs = {f"b_{rows - 1}_{j}": float(amperes) for j, amperes in enumerate(solution.currents[k])}
        analyses.append(_analysis(crossbar, vector, solution, outputs, nodes, currents, k))
    end = time.perf_counter()
    notes = []
    if solution.floating:
        notes.append(
            f"{len(solution.floating)} nodes have no path to any source: {', '.join(solution.floating[:NAMED])}"
        )
    return Answers(
        title,
        f"{rows} x {cols} crossbar",
        "crossbar",
        None,
        rows,
        cols,
        analyses,
        {"read": 0.0, "solve": end - start, "total": end - start},
        notes,
    )


def _analysis(
    crossbar: Crossbar,
    voltages: Array,
    solution: Solution,
    outputs: dict[str, float],
    node_voltages: dict[str, float],
    source_currents: dict[str, float],
    vector: int | None = None,
) -> Analysis:
    power = solution.power if vector is None else np.asarray(solution.power)[vector]
    ideal = None
    ends = crossbar.boundary
    if not ends["bit_bottom"].voltage.any() and not any(
        np.isfinite(ends[side].resistance).any() for side in ("word_right", "bit_top")
    ):
        driven = np.where(np.isfinite(ends["word_left"].resistance), voltages, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            ideal = (driven @ crossbar.conductance).tolist()
    return Analysis(outputs, ideal, node_voltages, source_currents, float(power), solution.residual, how(solution))


def _output_names(found: Recognition) -> list[str]:
    """Name each column by its sense source, or else by the last node that the netlist has on its bit line."""
    circuit = found.circuit
    names = []
    for j, column in enumerate(found.bit_nodes.T):
        present = column[column > 0]
        names.append(circuit.nodes[present[-1]] if present.size else f"column {j}")
    for tie in found.ties:
        if tie.side == "bit_bottom":
            ammeter = tie.source if tie.source >= 0 else (tie.ammeters[0][0] if tie.ammeters else -1)
            if ammeter >= 0:
                names[tie.line] = circuit.names[ammeter]
    # Two columns may share one ammeter: tell them apart.
    return [name if names.count(name) == 1 else f"{name}[{j}]" for j, name in enumerate(names)]
