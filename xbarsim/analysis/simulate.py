"""The analyses of a netlist, on the crossbar that it is or else by modified nodal analysis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xbarsim.analysis.charged import with_charging
from xbarsim.analysis.families import add_notes, joined, named_place, places_of
from xbarsim.analysis.points import Points, points_of
from xbarsim.analysis.readout import with_readings
from xbarsim.analysis.results import ArrayState, Result
from xbarsim.analysis.transistors import solve_drawn
from xbarsim.crossbar import SIDES, Array, Crossbar, Side
from xbarsim.errors import ConvergenceError, FloatingError, InputError, LawError, SolveError
from xbarsim.netlist import Circuit, Recognition
from xbarsim.netlist.analyses import Dc, Family, Op, Tran
from xbarsim.netlist.element_kinds import CURRENT, INDUCTOR, METER, VOLTAGE
from xbarsim.netlist.graph.cell_laws import WrittenLaw
from xbarsim.netlist.graph.pieces import arrays_only
from xbarsim.netlist.recognition import report_points
from xbarsim.solution import Solution
from xbarsim.solvers.solve import Method, solve_points

if TYPE_CHECKING:
    from xbarsim import mna, nonlinear
    from xbarsim.analysis.general import Named
    from xbarsim.nonlinear import NonlinearSolution

Ints = NDArray[np.int64]

NAMED = 8
"""How many nodes a message names."""

_FEW_CELLS, _USUAL_OPERATIONS = 20_000, 40
"""What the general solver solves in the time that it takes to compile a law: cells, and the law's operations."""

_MANY_CELLS = 10_000
"""From which on Newton's method on a general network is started from the crossbar that it nearly is."""

_MOST_OPERATIONS = 200
"""From which on compiling a law takes too long to be tried after the general solver has failed."""


def simulate(
    circuit: Circuit,
    found: Recognition | None = None,
    *,
    method: Method = "auto",
    progress: Callable[[str], None] = lambda stage: None,
) -> list[Result]:
    """Run every analysis of a circuit.

    Parameters
    ----------
    circuit : Circuit
        The netlist.
    found : Recognition, optional
        The crossbar that it is; without one, or without a crossbar in it, the general solver is used.
    method : str
        How to solve the crossbar.
    progress : callable
        Is told what is being done.

    Raises
    ------
    FloatingError
        Nodes have no path to a source or ground; the message names them.
    SolveError
        The circuit has no unique solution, or none was found to tolerance.
    """
    results: list[Result] = []
    for analysis in circuit.analyses:
        if isinstance(analysis, Family):
            results.append(_family(circuit, analysis, found is not None, method, progress))
        else:
            result = _analysis(circuit, analysis, found, method, progress)
            results.append(replace(result, repeats=analysis.repeats) if isinstance(analysis, Dc) else result)
    return results


def _analysis(
    circuit: Circuit,
    analysis: Op | Dc | Tran,
    found: Recognition | None,
    method: Method,
    progress: Callable[[str], None],
) -> Result:
    points = points_of(circuit, analysis)
    progress(f"solving {points.kind}" + (f", {points.count} points" if points.count > 1 else ""))
    crossbar = None if found is None else _sources_at(found, points)
    if found is None or found.crossbar is None or crossbar is None:
        result = _general(circuit, points)
    elif found.gates.intersection(points.varying):
        # The crossbar's cells have one gate voltage each.
        result = _seen_as_crossbar(_general(circuit, points), found, found.crossbar, crossbar)
    else:
        result = _either(circuit, found, found.crossbar, crossbar, points, method)
    return with_readings(circuit, result) if circuit.requests or circuit.measures else result


def _family(
    circuit: Circuit, family: Family, recognised: bool, method: Method, progress: Callable[[str], None]
) -> Result:
    """Solve one analysis for each variant of a circuit."""
    places = list(places_of(family))
    results = []
    for number, place in enumerate(places, 1):
        count = f" ({number} of {len(places)} variants)" if len(places) > 1 else ""

        def shown(stage: str, count: str = count) -> None:
            progress(stage + count)

        try:
            variant = Circuit.of(family.variant(place))
            (analysis,) = variant.analyses
            assert not isinstance(analysis, Family)
            found = arrays_only(variant.recognise()) if recognised else None
            results.append(_analysis(variant, analysis, found, method, shown))
        except (SolveError, InputError) as error:
            error.args = (f"{error.args[0]} (at {named_place(family, place)})", *error.args[1:])
            raise
        add_notes(circuit.notes, variant.notes, circuit.places.files[0])
    return joined(family, results)


def _either(
    circuit: Circuit,
    found: Recognition,
    crossbar: Crossbar,
    sources: dict[Side, Array],
    points: Points,
    method: Method,
) -> Result:
    """Solve what is a crossbar as one, or by the general solver where that is faster or the only way."""
    device = crossbar.device
    if found.left_out is not None:
        drawn = solve_drawn(circuit, found, sources, points)
        if drawn is not None:
            return _seen_as_crossbar(with_charging(circuit, drawn), found, crossbar, sources)
        near = _near(circuit, found, crossbar, sources, points)
        return _seen_as_crossbar(_general(circuit, points, near), found, crossbar, sources)
    if method == "auto" and isinstance(device, WrittenLaw) and _compiling_is_slower(device, crossbar, points):
        try:
            return _seen_as_crossbar(_general(circuit, points), found, crossbar, sources)
        except ConvergenceError:
            if device.operations > _MOST_OPERATIONS:
                raise
    # Cells whose current falls with the voltage are for the general solver.
    with suppress(LawError):
        return with_charging(circuit, _crossbar(circuit, found, crossbar, sources, points, method))
    return _seen_as_crossbar(_general(circuit, points), found, crossbar, sources)


def _near(
    circuit: Circuit, found: Recognition, crossbar: Crossbar, sources: dict[Side, Array], points: Points
) -> Array | None:
    """Return all nodes' voltages at the first point as the crossbar has them, where that saves Newton's method steps.

    They leave out what cells do beyond their model: a start, no result.
    """
    if crossbar.conductance.size < _MANY_CELLS:
        return None
    try:
        first = {side: volts[:1] for side, volts in sources.items()}
        solution = solve_points(crossbar, first, fields=True)
    except SolveError:
        return None
    branches = np.flatnonzero((circuit.kinds == VOLTAGE) | (circuit.kinds == INDUCTOR))
    volts, _ = report_points(found, solution, first, points.values(circuit, branches)[:1], branches)
    return np.append(0.0, np.nan_to_num(volts[0]))


def _compiling_is_slower(law: WrittenLaw, crossbar: Crossbar, points: Points) -> bool:
    """Whether the general solver is done before the law that a netlist wrote for its cells would be compiled."""
    longer = max(1.0, law.operations / _USUAL_OPERATIONS)
    return crossbar.conductance.size * points.count <= _FEW_CELLS * longer**2


def _seen_as_crossbar(result: Result, found: Recognition, crossbar: Crossbar, sources: dict[Side, Array]) -> Result:
    """Return the general solver's result with the crossbar's outputs, where these can be told from it."""
    ends = [tie for tie in found.ties if tie.side == "bit_bottom"]
    if sorted(tie.line for tie in ends) != list(range(crossbar.shape[1])):
        return result
    held = Counter(tie.source for tie in found.ties)
    passed = Counter(element for tie in found.ties for element, _ in tie.ammeters)
    branch = {name: k for k, name in enumerate(result.branches)}
    volts = np.concatenate([np.zeros((result.points, 1)), result.voltages], axis=1)
    outputs = np.empty((result.points, crossbar.shape[1]))
    for tie in ends:
        node = int(found.bit_nodes[-1, tie.line])
        own = [(element, sign) for element, sign in tie.ammeters if passed[element] == 1]
        own += [(tie.source, tie.sign)] if tie.source >= 0 and held[tie.source] == 1 else []
        if own:
            element, sign = own[0]
            outputs[:, tie.line] = sign * result.currents[:, branch[found.circuit.names[element]]]
        elif node >= 0 and tie.resistance > 0:
            outputs[:, tie.line] = (volts[:, node] - sources["bit_bottom"][:, tie.line]) / tie.resistance
        else:
            return result
    whole = result.kind == "op" and (found.word_nodes >= 0).all() and (found.bit_nodes >= 0).all()
    word, bit = volts[0][found.word_nodes], volts[0][found.bit_nodes]
    return replace(
        result,
        outputs=output_names(found),
        output_currents=outputs,
        ideal=ideal_currents(crossbar, sources),
        state=ArrayState(crossbar, sources["word_left"][0], word, bit, _through(found, volts[0])) if whole else None,
    )


def _through(found: Recognition, volts: Array) -> Array | None:
    """Return the currents of cells with a memristor in series, (rows, cols), by its voltage; None of other cells."""
    if found.inner is None or found.crossbar is None:
        return None
    inner, through = found.inner, np.zeros(found.crossbar.shape)
    through[inner.row, inner.col] = (volts[inner.node] - volts[inner.outer]) / inner.ohms
    return through


def _sources_at(found: Recognition, points: Points) -> dict[Side, Array] | None:
    """Source voltages (points, lines) of each side; None where a swept source is not one of them."""
    if found.crossbar is None:
        return None
    ends = found.crossbar.boundary
    volts = {side: np.tile(ends[side].voltage, (points.count, 1)) for side in SIDES}
    volts["word_left"] = np.tile(found.voltages, (points.count, 1))
    for tie in found.ties:
        if tie.source in points.varying:
            # Taken first, and mostly an exact 0: a source's own value may dwarf those that it is swept over.
            rest = tie.voltage - tie.sign * found.circuit.values[tie.source]
            volts[tie.side][:, tie.line] = tie.sign * points.varying[tie.source] + rest
    inside = {element for tie in found.ties for element, _ in tie.ammeters}
    inside |= {wire.element for wire in found.wire_sources}
    if any(element in inside or found.circuit.kinds[element] == CURRENT for element in points.varying):
        return None
    return volts


def _crossbar(
    circuit: Circuit,
    found: Recognition,
    crossbar: Crossbar,
    sources: dict[Side, Array],
    points: Points,
    method: Method,
) -> Result:
    solution = solve_points(crossbar, sources, method=method, fields=True)
    branches = np.flatnonzero((circuit.kinds == VOLTAGE) | (circuit.kinds == INDUCTOR))
    volts, amperes = report_points(found, solution, sources, points.values(circuit, branches), branches)
    floating = np.flatnonzero(np.isnan(volts).any(axis=0))
    if floating.size:
        raise floating_error(circuit, [circuit.nodes[k + 1] for k in floating])
    word, bit = solution.word_voltages, solution.bit_voltages
    return Result(
        points.kind,
        points.sweep,
        circuit.nodes[1:],
        volts,
        [circuit.names[k] for k in branches.tolist()],
        amperes,
        np.asarray(solution.power),
        solution.residual,
        how(solution),
        output_names(found),
        solution.currents,
        ideal_currents(crossbar, sources),
        ArrayState(crossbar, sources["word_left"][0], word[0], bit[0], solution.device_currents[0])
        if points.kind == "op"
        else None,
    )


def how(solution: Solution) -> str:
    """Say which method gave the numbers and how many steps it took."""
    steps = int(np.max(solution.iterations, initial=0))
    unit = {"schur": "iterations", "newton": "steps"}.get(solution.method)
    return f"{solution.method}, {steps} {unit}" if unit else solution.method


def ideal_currents(crossbar: Crossbar, sources: dict[Side, Array]) -> Array | None:
    """``V G`` where only word_left drives and all outputs are at 0 V, else None."""
    ends = crossbar.boundary
    other = np.concatenate([ends["word_right"].resistance, ends["bit_top"].resistance])
    if sources["bit_bottom"].any() or np.isfinite(other).any():
        return None
    driven = np.where(np.isfinite(ends["word_left"].resistance), sources["word_left"], 0.0)
    return np.asarray(driven @ crossbar.conductance)


def output_names(found: Recognition) -> list[str]:
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
    shared = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    return [f"{name}[{j}]" if name in shared else name for j, name in enumerate(names)]


def floating_error(circuit: Circuit, names: list[str]) -> FloatingError:
    """Return the error that names nodes without a path to any source."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    grounds = [name for name in names if name in ("gnd!", "!gnd", "ground")]
    hint = f" ({grounds[0]} is ground in HSPICE alone: write 0)" if grounds else _state_hint(circuit, set(names))
    return FloatingError(
        f"{circuit.places.files[0]}: no path to any source from node{'s' if len(names) > 1 else ''} "
        f"{', '.join(names[:NAMED])}{more}{hint}: tie them to a source or ground, or take them out",
        names,
    )


def _state_hint(circuit: Circuit, names: set[str]) -> str:
    """Say that a capacitor at one of these nodes may be meant to hold a state."""
    for name, first, second, _ in circuit.capacitors:
        if names & {circuit.nodes[first], circuit.nodes[second]}:
            return f" ({name} there is open: with IC= or .ic, and without --steady, it holds a state)"
    return ""


def _general(circuit: Circuit, points: Points, near: Array | None = None) -> Result:
    """Solve by modified nodal analysis, and by Newton's method, from voltages ``near``, where it is not linear."""
    # with scipy.sparse, which a crossbar does not need
    from xbarsim import mna
    from xbarsim.analysis.general import drive_of, loop_message, network_of

    named = network_of(circuit)
    drive = drive_of(circuit, points.count, points.varying)
    solution: mna.NetworkSolution | NonlinearSolution
    try:
        with np.errstate(all="ignore"):  # what overflows is found by its residual
            if circuit.nonlinear:
                solution = _newton(circuit, named, drive, points, near)
                method = f"Newton, {solution.steps} steps"
            else:
                solution, method = mna.solve(named.network, drive), "sparse LU"
    except mna.LoopError as error:
        raise SolveError(loop_message(circuit, named.fixing, error.branch)) from None
    except FloatingError as error:
        nodes = [int(node) for node in error.nodes]
        raise floating_error(circuit, [circuit.nodes[k] for k in nodes if k < len(circuit.nodes)]) from None
    except mna.UntrustedError as error:
        where = ", ".join(circuit.nodes[node] for node in error.nodes[:NAMED])
        raise ConvergenceError(f"{circuit.places.files[0]}: near node {where}: {error}") from None
    except SolveError as error:
        raise type(error)(f"{circuit.places.files[0]}: {error}") from None
    result = Result(
        points.kind,
        points.sweep,
        circuit.nodes[1:],
        solution.voltages[:, 1 : len(circuit.nodes)],
        named.fixing,
        solution.currents,
        solution.power,
        solution.residual,
        method,
    )
    return _without_meters(with_charging(circuit, result))


def _without_meters(result: Result) -> Result:
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


def _newton(circuit: Circuit, named: Named, drive: mna.Drive, points: Points, near: Array | None) -> NonlinearSolution:
    """Solve a circuit with nonlinear elements."""
    from xbarsim import nonlinear
    from xbarsim.nonlinear.assembly import problem_of

    problem = problem_of(circuit, named.network, named.branch)
    times = dict(points.sweep).get("time", np.zeros(points.count))
    try:
        return nonlinear.solve(problem, drive, times, None if near is None else problem.start(near))
    except nonlinear.FailedPointError as error:
        values = Result.columns(points.sweep, points.count)
        at = ", ".join(f"{name} = {column[error.point]:g}" for name, column in values)
        raise ConvergenceError(_failure(circuit, problem, error.cause, at)) from None


def _failure(circuit: Circuit, problem: nonlinear.Problem, error: nonlinear.NewtonError, at: str) -> str:
    """Name the element that is worst off, and the node that moved by most."""
    element = f"at {error.element} ({circuit.places.where(error.origin)}) " if error.element else ""
    nodes = [k for k in problem.system.near(error.unknown).tolist() if k < len(circuit.nodes)]
    node = f", node {circuit.nodes[nodes[0]]}" if nodes else ""
    held = {circuit.nodes[k] for k in np.unique(np.concatenate([[0], circuit.first, circuit.second])).tolist()}
    return (
        f"no operating point was found{' at ' + at if at else ''}: Newton's method ends {element}with '{error}'{node}; "
        "steps by gmin and by sources end likewise: look for laws with jumps, without a value, or with two solutions"
        + _state_hint(circuit, set(circuit.nodes) - held)
    )
