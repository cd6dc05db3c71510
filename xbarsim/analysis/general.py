"""A circuit of a netlist on the general solver: as a network, with its sources, and its solution by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xbarsim import mna
from xbarsim.analysis.charged import with_charging
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.unsolvable import MOST_NODES, floating_error, loop_message, newton_message
from xbarsim.crossbar import Array
from xbarsim.errors import ConvergenceError, FloatingError, InputError, SolveError
from xbarsim.netlist import Circuit
from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import COUPLINGS, CURRENT, METER, RESISTOR, fixes_voltage, values_at_dc
from xbarsim.netlist.nonlinear_elements import Behaviours
from xbarsim.quantities import counted

if TYPE_CHECKING:
    from xbarsim.nonlinear import NonlinearSolution


def drive_of(circuit: Circuit, count: int, varying: Mapping[int, Array]) -> mna.Drive:
    """Return a circuit's sources at some points, from the values (points,) of the elements that vary."""
    volts, amperes = (
        {k: varying[element] for k, element in enumerate(np.flatnonzero(mask).tolist()) if element in varying}
        for mask in (fixes_voltage(circuit.kinds), circuit.kinds == CURRENT)
    )
    return mna.Drive(count, volts, amperes)


@dataclass(frozen=True)
class NamedNetwork:
    """A circuit's linear part as a network.

    Attributes
    ----------
    network : mna.Network
        With a source of 0 V for each source of volts with a law, behind the circuit's own.
    fixing : list of str
        The elements that have a branch current, in its order.
    branch : (n,) array of int
        The branch of each element, then of each controlled source, then of each source of volts with a law; or -1.
    """

    network: mna.Network
    fixing: list[str]
    branch: NDArray[np.int64]


def network_of(circuit: Circuit) -> NamedNetwork:
    """Return a circuit's linear part as a network."""
    kinds, values = circuit.kinds, values_at_dc(circuit.kinds, circuit.values)

    def branches(mask: NDArray[np.bool_]) -> mna.Branches:
        return mna.Branches(circuit.first[mask].astype(np.int64), circuit.second[mask].astype(np.int64), values[mask])

    fixing = fixes_voltage(kinds)
    elements = np.flatnonzero(fixing)
    laws = [source for source in circuit.behaviours if source.output == "v"]
    law_names = [name for source in laws for name in source.names]
    groups: dict[mna.Coupling, list[int]] = {coupling: [] for coupling in COUPLINGS}
    for k, source in enumerate(circuit.controlled):
        groups[source.coupling].append(k)
    fixing_controlled = [k for coupling, group in groups.items() if coupling.fixes_voltage for k in group]
    # Controlling currents count elements first and controlled sources after them.
    number = np.full(kinds.size + len(circuit.controlled), -1)
    number[elements] = np.arange(elements.size)
    first = elements.size + len(law_names)
    number[[kinds.size + k for k in fixing_controlled]] = first + np.arange(len(fixing_controlled))
    network = mna.Network(
        len(circuit.nodes),
        branches(kinds == RESISTOR),
        _with_laws(branches(fixing), laws),
        branches(kinds == CURRENT),
        {coupling: _controlled([circuit.controlled[k] for k in group], number) for coupling, group in groups.items()},
        yielding=np.repeat(
            [False, *("i" in source.kinds for source in laws)], [elements.size, *(len(source.names) for source in laws)]
        ),
    )
    names = [circuit.names[k] for k in elements.tolist()] + law_names
    names += [circuit.controlled[k].name for k in fixing_controlled]
    return NamedNetwork(network, names, np.append(number, elements.size + np.arange(len(law_names))))


def _controlled(sources: list[Controlled], number: NDArray[np.int64]) -> mna.Gains:
    """Return sources of one coupling in columns; ``number`` are the branches of what may control them."""
    first, second, c, d = (
        np.array([getattr(source, name) for source in sources], dtype=np.int64)
        for name in ("first", "second", "c", "d")
    )
    if sources and sources[0].coupling.by_current:
        for source in sources:
            if number[source.c] < 0:
                raise InputError(
                    f"{source.name} is controlled by the current of an element that has none: name a V, L, E or H"
                )
        c = number[c]
    return mna.Gains(first, second, np.array([source.gain for source in sources], dtype=np.float64), c, d)


def _with_laws(sources: mna.Branches, laws: list[Behaviours]) -> mna.Branches:
    first = np.concatenate([sources.a, *(law.first for law in laws)])
    second = np.concatenate([sources.b, *(law.second for law in laws)])
    return mna.Branches(first, second, np.append(sources.value, np.zeros(first.size - sources.a.size)))


def solve_general(circuit: Circuit, points: Points, near: Array | None = None) -> AnalysisResult:
    """Solve by modified nodal analysis, and by Newton's method, from voltages ``near``, where it is not linear."""
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
        [k for k, name in enumerate(names) if not name.startswith(METER)] for names in (result.nodes, result.branches)
    )
    return replace(
        result,
        nodes=[result.nodes[k] for k in nodes],
        voltages=result.voltages[:, nodes],
        branches=[result.branches[k] for k in branches],
        currents=result.currents[:, branches],
    )


def _newton(
    circuit: Circuit, named_network: NamedNetwork, drive: mna.Drive, points: Points, near: Array | None
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
