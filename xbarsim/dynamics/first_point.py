"""Where a run begins: an operating point, or the initial values as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from xbarsim import mna, nonlinear
from xbarsim.dynamics.formulas import RateFormula
from xbarsim.dynamics.step_equations import StepEquations
from xbarsim.dynamics.stored_charge import JunctionStored
from xbarsim.dynamics.timed_sources import TimedSources
from xbarsim.errors import InputError
from xbarsim.netlist.analyses import Transient
from xbarsim.netlist.as_network import NamedNetwork
from xbarsim.netlist.element_kinds import CURRENT, fixes_voltage
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.storage import Storage
from xbarsim.nonlinear.assembly import problem_of
from xbarsim.nonlinear.fixed_voltages import fixed_groups
from xbarsim.nonlinear.part import Floats

_AT_ONCE = 1e-15
"""Of the longest step: a step that takes no time, through which only what jumps changes."""

_SHORTLY = 1e-12
"""Of the same: a step after it, in which nothing jumps any more and all currents are what they will be."""

_MOST_NODES = 8

_AGREES = 1e-6
"""Of the largest voltage or current: by how much an initial value may differ from what the circuit gives."""


class FirstPoint(NamedTuple):
    """Unknowns (size, 1) of the equations in time, all voltages and branch currents of the point, and its residual."""

    unknowns: Floats
    voltages: Floats
    amperes: Floats
    residual: float


def operating_point(
    circuit: FlatCircuit, transient: Transient, named_network: NamedNetwork, equations: StepEquations
) -> FirstPoint:
    """Solve with capacitors open and inductors shorted, nodes of ``.ic`` held at their voltages.

    Parameters
    ----------
    circuit : FlatCircuit
        What is run.
    transient : Transient
        Whose ``.ic`` nodes are held at their volts meanwhile.
    named_network : NamedNetwork
        The circuit's linear part.
    equations : StepEquations
        Of the circuit, by which charges are told.

    Raises
    ------
    FloatingError, LoopError
        As ``mna.System``.
    FailedPointError, SolveError
        There is no operating point.
    """
    independent = np.zeros(named_network.network.voltages.a.size, bool)
    independent[: int(np.count_nonzero(fixes_voltage(circuit.kinds)))] = True
    group = fixed_groups(named_network.network, independent)
    ic_volts = {node: volts for node, volts in transient.initial.items() if group[node] != group[0]}
    forced = _with_held(named_network, ic_volts)
    try:
        solution = _solved(circuit, transient, forced, ic_volts)
    except mna.LoopError:
        if not ic_volts:
            raise
        mna.System(named_network.network)  # it may be nothing of these nodes
        raise InputError(
            f"{circuit.places.files[0]}: .ic of {_listed(circuit, ic_volts)} fixes what sources and other nodes fix "
            "already: leave some of these nodes out"
        ) from None
    _check_held(circuit, transient, solution.voltages[0])
    volts, count = named_network.network.voltages.a.size, len(ic_volts)
    amperes = np.delete(solution.currents[0], volts + np.arange(count))
    x = equations.unknowns(solution.voltages[0], amperes)
    return FirstPoint(x, solution.voltages[0], amperes, solution.residual)


def _listed(circuit: FlatCircuit, ic_volts: dict[int, float]) -> str:
    return ", ".join(circuit.nodes[node] for node in list(ic_volts)[:_MOST_NODES])


def _check_held(circuit: FlatCircuit, transient: Transient, voltages: Floats) -> None:
    """Refuse ``.ic`` of nodes that sources hold at other voltages."""
    for node, volts in transient.initial.items():
        if abs(voltages[node] - volts) > _AGREES * np.abs(voltages).max() + transient.tolerances.volts:
            raise InputError(
                f"{circuit.places.files[0]}: .ic v({circuit.nodes[node]})={volts:g}, but sources hold that node at "
                f"{voltages[node]:g} V at the start: make them agree, or leave the node out"
            )


def _solved(
    circuit: FlatCircuit, transient: Transient, forced: NamedNetwork, ic_volts: dict[int, float]
) -> mna.NetworkSolution | nonlinear.NonlinearSolution:
    drive = _drive_at_start(circuit)
    if circuit.nonlinear:
        problem = problem_of(circuit, forced.network, forced.branch)
        guesses = np.zeros(len(circuit.nodes))
        for node, volts in {**transient.guesses, **ic_volts}.items():
            guesses[node] = volts
        start = problem.start(guesses) if transient.guesses or ic_volts else None
        return nonlinear.solve(problem, drive, np.zeros(1), start)
    return mna.solve(forced.network, drive)


def _drive_at_start(circuit: FlatCircuit) -> mna.Drive:
    """Return the sources at time 0."""
    tables: list[dict[int, Floats]] = []
    for mask in (fixes_voltage(circuit.kinds), circuit.kinds == CURRENT):
        numbers = np.flatnonzero(mask).tolist()
        tables.append({k: circuit.waves[e].at(np.zeros(1)) for k, e in enumerate(numbers) if e in circuit.waves})
    return mna.Drive(1, tables[0], tables[1])


def _with_held(named_network: NamedNetwork, ic_volts: dict[int, float]) -> NamedNetwork:
    """Return a network with sources that hold nodes, behind its other sources of volts."""
    if not ic_volts:
        return named_network
    network = named_network.network
    count, volts = network.voltages.a.size, network.voltages
    nodes = np.array(list(ic_volts), dtype=np.int64)
    sources = mna.Branches(
        np.append(volts.a, nodes),
        np.append(volts.b, np.zeros_like(nodes)),
        np.append(volts.value, np.array(list(ic_volts.values()))),
    )

    def moved(branch: np.ndarray) -> np.ndarray:
        return np.where(branch >= count, branch + nodes.size, branch)

    controlled = {
        coupling: replace(gains, c=moved(gains.c)) if coupling.by_current else gains
        for coupling, gains in network.controlled.items()
    }
    yielding = np.append(network.yielding, np.zeros(nodes.size, bool)) if network.yielding.size else network.yielding
    fixing = named_network.fixing[:count] + [f"v({node})" for node in ic_volts] + named_network.fixing[count:]
    return NamedNetwork(
        replace(network, voltages=sources, controlled=controlled, yielding=yielding),
        fixing,
        moved(named_network.branch),
    )


def initial_values(
    circuit: FlatCircuit,
    transient: Transient,
    named_network: NamedNetwork,
    equations: StepEquations,
    sources: TimedSources,
    longest: float,
) -> FirstPoint:
    """Take initial values as they are, and find what the rest of the circuit makes of them at once.

    A capacitor has its ``ic=``, or else what the voltages of ``.ic`` at its nodes give, which are 0 where there is
    none; an inductor has its ``ic=`` or 0. A step that takes no time keeps their charges and fluxes, and has all
    other voltages and currents consistent; what jumps then is over after a second one.

    Parameters
    ----------
    circuit : FlatCircuit
        What is run, with the ``ic=`` of its elements.
    transient : Transient
        Whose ``.ic`` says volts of nodes.
    named_network : NamedNetwork
        The circuit's linear part.
    equations : StepEquations
        Of the circuit, for the step that takes no time.
    sources : TimedSources
        What sources give at time 0.
    longest : float
        Seconds of the longest step that is allowed.

    Raises
    ------
    InputError
        Initial values contradict sources or each other.
    StepError
        There is no solution.
    """
    system = equations.system
    values = np.zeros(system.unknowns.nodes + system.unknowns.fixing.a.size)
    for node, volts in transient.initial.items():
        values[node] = volts
    storage = circuit.storage or Storage()
    coils = storage.inductors
    has_ic = np.isfinite(coils.initial)
    branch = named_network.branch[coils.elements]
    values[system.unknowns.nodes + branch[has_ic]] = coils.initial[has_ic]
    _give_inner_nodes(circuit, equations, values)
    charges = equations.charges(values)
    caps = storage.capacitors
    initial_volts = np.where(np.isfinite(caps.initial), caps.initial, values[caps.first] - values[caps.second])
    charges[: initial_volts.size] = caps.farads * initial_volts  # capacitors are the first to be stored
    x, nodes, right = (
        equations.unknowns(values[: system.unknowns.nodes], np.zeros(0)),
        system.unknowns.nodes,
        sources.right(0.0),
    )
    for length in (_AT_ONCE, _SHORTLY):
        formula = RateFormula(1, 1 / (length * longest), np.zeros_like(charges), 0.0)
        step = equations.begin(formula, charges, right, x)
        reached, charges = step.values, step.charges
        # Currents of the jump are none to start from: they would leave their rounding.
        x = equations.unknowns(reached[:nodes], np.zeros(0))
    _check(circuit, transient, reached, initial_volts, reached[nodes + branch])
    return FirstPoint(step.unknowns, reached[:nodes], reached[nodes : nodes + system.unknowns.reported], step.residual)


def _give_inner_nodes(circuit: FlatCircuit, equations: StepEquations, values: Floats) -> None:
    """Give nodes behind diodes' series resistances the voltages before these."""
    for part in equations.stored:
        if isinstance(part, JunctionStored) and circuit.diodes is not None:
            values[part.flows[0]] = values[circuit.diodes.first]


def _check(
    circuit: FlatCircuit, transient: Transient, reached: Floats, initial_volts: Floats, currents: Floats
) -> None:
    """Refuse initial values that the circuit does not have."""
    storage = circuit.storage or Storage()
    caps, coils, t = storage.capacitors, storage.inductors, transient.tolerances
    with_volts = np.zeros(len(circuit.nodes), bool)
    with_volts[[0, *transient.initial]] = True
    # What nobody has given may be what it likes.
    explicit = np.isfinite(caps.initial) | (
        with_volts[caps.first] & with_volts[caps.second] & ((caps.first > 0) | (caps.second > 0))
    )
    volts = reached[caps.first] - reached[caps.second]
    nodes = len(circuit.nodes)
    off = np.abs(volts - initial_volts) > _AGREES * np.abs(reached[:nodes]).max() + t.volts
    for k in np.flatnonzero(explicit & off)[:1].tolist():
        place = circuit.places.where(int(caps.origins[k]))
        ends = ", ".join(circuit.nodes[node] for node in (int(caps.first[k]), int(caps.second[k])) if node)
        raise InputError(
            f"{place}: {caps.names[k]} starts at {initial_volts[k]:g} V by its ic= or .ic, but sources and other "
            f"initial values give v({ends}) = {volts[k]:g} V: make them agree"
        )
    off = np.abs(currents - coils.initial) > _AGREES * np.abs(currents).max(initial=0.0) + t.amperes
    for k in np.flatnonzero(np.isfinite(coils.initial) & off)[:1].tolist():
        element = int(coils.elements[k])
        raise InputError(
            f"{circuit.where(element)}: {circuit.names[element]} starts at {coils.initial[k]:g} A by its ic=, but "
            f"sources and other initial values give {currents[k]:g} A: make them agree"
        )
