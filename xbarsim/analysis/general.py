"""A circuit of a netlist on the general solver: as a network, with its sources, and its solution by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xbarsim import mna
from xbarsim.analysis.charged import with_charging
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.unsolvable import MOST_NODES, floating_error, newton_message
from xbarsim.crossbar import Array
from xbarsim.errors import ConvergenceError, FloatingError, SolveError
from xbarsim.netlist.as_network import NamedNetwork, loop_message, network_of
from xbarsim.netlist.element_kinds import CURRENT, fixes_voltage, is_hidden
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.quantities import counted

if TYPE_CHECKING:
    from xbarsim.nonlinear import NonlinearSolution


def drive_of(circuit: ReadCircuit, count: int, varying: Mapping[int, Array]) -> mna.Drive:
    """Return a circuit's sources at some points, from the values (points,) of the elements that vary.

    Parameters
    ----------
    circuit : ReadCircuit
        With its sources' values.
    count : int
        How many points.
    varying : mapping of int to (points,) array
        Volts or amperes of some elements, by number.
    """
    volts, amperes = (
        {k: varying[element] for k, element in enumerate(np.flatnonzero(mask).tolist()) if element in varying}
        for mask in (fixes_voltage(circuit.kinds), circuit.kinds == CURRENT)
    )
    return mna.Drive(count, volts, amperes)


def solve_general(circuit: ReadCircuit, points: Points, near: Array | None = None) -> AnalysisResult:
    """Solve by modified nodal analysis, and by Newton's method, from voltages ``near``, where it is not linear.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    points : Points
        The sources' values at each point.
    near : (nodes,) array, optional
        Volts from which Newton's method begins.
    """
    named_network = network_of(circuit)
    drive = drive_of(circuit, points.count, points.varying)
    solution: mna.NetworkSolution | NonlinearSolution
    try:
        with np.errstate(all="ignore"):  # what overflows is found by its residual
            if circuit.nonlinear:
                solution = _newton(circuit, named_network, drive, points, near)
                method = f"Newton, {counted(solution.steps, 'step')}"
            else:
                solution, method = mna.solve(named_network.network, drive), "sparse LU"
    except mna.LoopError as error:
        raise SolveError(loop_message(circuit, named_network.fixing, error.branch)) from None
    except FloatingError as error:
        nodes = [int(node) for node in error.nodes]
        raise floating_error(circuit, [circuit.nodes[k] for k in nodes if k < len(circuit.nodes)]) from None
    except mna.UntrustedError as error:
        where = ", ".join(circuit.nodes[node] for node in error.nodes[:MOST_NODES])
        raise ConvergenceError(f"{circuit.places.files[0]}: near node {where}: {error}") from None
    except SolveError as error:
        raise type(error)(f"{circuit.places.files[0]}: {error}") from None
    result = AnalysisResult(
        points.kind,
        points.sweep,
        circuit.nodes[1:],
        solution.voltages[:, 1 : len(circuit.nodes)],
        named_network.fixing,
        solution.currents,
        solution.power,
        solution.residual,
        method,
    )
    return _without_meters(with_charging(circuit, result))


def _without_meters(result: AnalysisResult) -> AnalysisResult:
    """Return a result without the ammeters that laws' ``i(r1)`` need, and the nodes behind them."""
    nodes, branches = (
        [k for k, name in enumerate(names) if not is_hidden(name)] for names in (result.nodes, result.branches)
    )
    return replace(
        result,
        nodes=[result.nodes[k] for k in nodes],
        voltages=result.voltages[:, nodes],
        branches=[result.branches[k] for k in branches],
        currents=result.currents[:, branches],
    )


def _newton(
    circuit: ReadCircuit, named_network: NamedNetwork, drive: mna.Drive, points: Points, near: Array | None
) -> NonlinearSolution:
    """Solve a circuit with nonlinear elements."""
    from xbarsim import nonlinear
    from xbarsim.nonlinear.assembly import problem_of

    problem = problem_of(circuit, named_network.network, named_network.branch)
    times = dict(points.sweep).get("time", np.zeros(points.count))
    try:
        return nonlinear.solve(problem, drive, times, None if near is None else problem.start(near))
    except nonlinear.FailedPointError as error:
        values = AnalysisResult.columns(points.sweep, points.count)
        at = ", ".join(f"{name} = {column[error.point]:g}" for name, column in values)
        raise ConvergenceError(newton_message(circuit, problem, error.cause, at)) from None
