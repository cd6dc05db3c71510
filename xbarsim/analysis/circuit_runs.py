"""A read netlist's analyses for Python: what ``Circuit.solve`` calls."""

from __future__ import annotations

from xbarsim.analysis.circuit_solution import CircuitSolution, SolvedAnalysis
from xbarsim.analysis.printed import add_printed
from xbarsim.analysis.readout import Readout
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.runs import measure_all, moves
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.crossbar import Array
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.solvers.solve import Method, check_method


def solve_circuit(circuit: ReadCircuit, method: Method = "auto") -> CircuitSolution:
    """Run every analysis of a circuit, on the crossbar that it is or else on the general network.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    method : str
        As of ``solve``, for a circuit that is a crossbar.

    Raises
    ------
    FloatingError
        Nodes have no path to a source or ground; the message names them.
    SolveError
        The circuit has no unique solution, or none was found to tolerance.
    InputError
        ``method`` is none.
    """
    check_method(method)
    recognition = recognised_for(circuit, all(moves(analysis) for analysis in circuit.analyses))
    results = simulate(circuit, recognition, method=method)
    errors = measure_all(circuit, results)
    errors += [run.problem for run in (result.integration for result in results) if run is not None and run.problem]
    notes = [*circuit.notes, *add_printed(circuit, results)]
    network = recognition.crossbar is None
    return CircuitSolution(
        circuit.title,
        tuple(_analysis(circuit, result) for result in results),
        None if network else "crossbar",
        (recognition.reason or "its graph is no crossbar") if network else None,
        tuple(notes),
        tuple(errors),
    )


def _analysis(circuit: ReadCircuit, result: AnalysisResult) -> SolvedAnalysis:
    """Return a result by its names: columns of a sweep, numbers of an operating point."""

    def by_name(names: list[str], values: Array) -> dict[str, float | Array]:
        columns = values.T if result.sweep else values[0].tolist()
        return dict(zip(names, columns, strict=True))

    return SolvedAnalysis(
        result.kind,
        dict(result.axes()),
        by_name(result.nodes, result.voltages),
        by_name(result.branches, result.currents),
        result.power if result.sweep else float(result.power[0]),
        result.residual,
        result.how,
        result.measures,
        Readout(circuit, result),
        {name: result.unit(name) for name, _ in result.axes()},
    )
