"""The analyses of a netlist, on the crossbar that it is or else by modified nodal analysis."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from xbarsim.analysis.as_columns import solve_columns
from xbarsim.analysis.as_crossbar import nearby_voltages, solve_crossbar, sources_at, with_outputs
from xbarsim.analysis.charged import with_charging
from xbarsim.analysis.crossbar_in_time import solve_crossbar_in_time, stepping_is_slower
from xbarsim.analysis.families import add_notes, joined, named_place, places_of
from xbarsim.analysis.points import Points, points_of
from xbarsim.analysis.readout import with_readings
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.stop_wish import StopWish
from xbarsim.analysis.transients import solve_transient, trimmed
from xbarsim.analysis.transistors import solve_drawn
from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.errors import ConvergenceError, InputError, LawError, SolveError
from xbarsim.netlist.analyses import Dc, Family, Op, Tran, Transient
from xbarsim.netlist.graph.pieces import arrays_only
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition import ColumnRecognition, Recognition
from xbarsim.solvers.solve import Method

_FEW_CELLS, _USUAL_OPERATIONS = 20_000, 40
"""What the general solver solves in the time that it takes to compile a law: cells, and the law's operations."""

_MOST_OPERATIONS = 200
"""From which on compiling a law takes too long to be tried after the general solver has failed."""


def simulate(
    circuit: ReadCircuit,
    recognition: Recognition | None = None,
    *,
    method: Method = "auto",
    progress: Callable[[str], None] = lambda stage: None,
    stop: StopWish | None = None,
) -> list[AnalysisResult]:
    """Run every analysis of a circuit.

    Parameters
    ----------
    circuit : ReadCircuit
        The netlist.
    recognition : Recognition, optional
        The crossbar that it is; without one, or without a crossbar in it, the general solver is used.
    method : str
        How to solve the crossbar.
    progress : callable
        Is told what is being done.
    stop : StopWish, optional
        Ends transients early.

    Raises
    ------
    FloatingError
        Nodes have no path to a source or ground; the message names them.
    SolveError
        The circuit has no unique solution, or none was found to tolerance.
    """
    results: list[AnalysisResult] = []
    stop = stop or StopWish()
    for analysis in circuit.analyses:
        if isinstance(analysis, Family):
            results.append(_family(circuit, analysis, recognition is not None, method, progress, stop))
        else:
            result = trimmed(_analysis(circuit, analysis, recognition, method, progress, stop))
            results.append(replace(result, repeats=analysis.repeats) if isinstance(analysis, Dc) else result)
    return results


def _analysis(
    circuit: ReadCircuit,
    analysis: Op | Dc | Tran | Transient,
    recognition: Recognition | None,
    method: Method,
    progress: Callable[[str], None],
    stop: StopWish,
) -> AnalysisResult:
    if isinstance(analysis, Transient):
        result = None if recognition is None else _as_crossbar(circuit, analysis, progress, stop)
        return result or solve_transient(circuit, analysis, progress, stop)
    points = points_of(circuit, analysis)
    progress(f"solving {points.kind}" + (f", {points.count} points" if points.count > 1 else ""))
    crossbar = None if recognition is None else sources_at(recognition, points)
    if recognition is not None and recognition.columns is not None:
        result = _as_columns(circuit, recognition.columns, points)
    elif recognition is None:
        result = _general(circuit, points)
    elif recognition.crossbar is None or crossbar is None:
        result = _by_parts(circuit, points)
    elif recognition.gates.intersection(points.varying):
        # The crossbar's cells have one gate voltage each.
        result = with_outputs(_general(circuit, points), recognition, recognition.crossbar, crossbar)
    else:
        result = _either(circuit, recognition, recognition.crossbar, crossbar, points, method)
    return with_readings(circuit, result) if circuit.requests or circuit.measures else result


def _family(
    circuit: ReadCircuit,
    family: Family,
    recognised: bool,
    method: Method,
    progress: Callable[[str], None],
    stop: StopWish,
) -> AnalysisResult:
    """Solve one analysis for each variant of a circuit."""
    places = list(places_of(family))
    results = []
    for number, place in enumerate(places, 1):
        count = f" ({number} of {len(places)} variants)" if len(places) > 1 else ""

        def numbered(stage: str, count: str = count) -> None:
            progress(stage + count)

        try:
            variant = ReadCircuit.of(family.variant(place))
            (analysis,) = variant.analyses
            assert not isinstance(analysis, Family)
            recognition = recognised_for(variant, isinstance(analysis, Transient)) if recognised else None
            results.append(_analysis(variant, analysis, recognition, method, numbered, stop))
        except (SolveError, InputError) as error:
            error.args = (f"{error.args[0]} (at {named_place(family, place)})", *error.args[1:])
            raise
        add_notes(circuit.notes, variant.notes, circuit.places.files[0])
    return joined(family, results)


def recognised_for(circuit: ReadCircuit, moving: bool) -> Recognition:
    """Return the array that a circuit is, in operating points or else in time where it has memory."""
    return arrays_only(circuit.recognise_in_time().recognition if moving else circuit.recognise())


def _as_crossbar(
    circuit: ReadCircuit, transient: Transient, progress: Callable[[str], None], stop: StopWish
) -> AnalysisResult | None:
    """Run a transient on the crossbar that a circuit is; None where that is none, or slower, or cannot be."""
    timed = circuit.recognise_in_time()
    if arrays_only(timed.recognition).crossbar is None or stepping_is_slower(timed, transient):
        return None
    return solve_crossbar_in_time(circuit, timed, transient, progress, stop)


def _either(
    circuit: ReadCircuit,
    recognition: Recognition,
    crossbar: Crossbar,
    sources: dict[Side, Array],
    points: Points,
    method: Method,
) -> AnalysisResult:
    """Solve what is a crossbar as one, or by the general solver where that is faster or the only way."""
    device = crossbar.device
    if recognition.left_out is not None:
        drawn = solve_drawn(circuit, recognition, sources, points)
        if drawn is not None:
            return with_outputs(with_charging(circuit, drawn), recognition, crossbar, sources)
        near = nearby_voltages(circuit, recognition, crossbar, sources, points)
        return with_outputs(_general(circuit, points, near), recognition, crossbar, sources)
    if (
        method == "auto"
        and device.operations
        and _compiling_is_slower(device.operations, crossbar.conductance.size, points)
    ):
        try:
            return with_outputs(_general(circuit, points), recognition, crossbar, sources)
        except ConvergenceError:
            if device.operations > _MOST_OPERATIONS:
                raise
    # Cells whose current falls with the voltage are for the general solver.
    with suppress(LawError):
        return with_charging(circuit, solve_crossbar(circuit, recognition, crossbar, sources, points, method))
    return with_outputs(_general(circuit, points), recognition, crossbar, sources)


def _as_columns(circuit: ReadCircuit, columns: ColumnRecognition, points: Points) -> AnalysisResult:
    """Solve an array with source lines along bit lines as one, or by the general solver where it must be."""
    result = None
    operations = columns.array.device.operations
    if not (operations and _compiling_is_slower(operations, columns.array.conductance.size, points)):
        # Cells whose current falls with the voltage are for the general solver.
        with suppress(LawError):
            result = solve_columns(circuit, columns, points)
    return _general(circuit, points) if result is None else with_charging(circuit, result)


def _compiling_is_slower(operations: int, cells: int, points: Points) -> bool:
    """Whether the general solver is done before the law that a netlist wrote for its cells would be compiled."""
    longer = max(1.0, operations / _USUAL_OPERATIONS)
    return cells * points.count <= _FEW_CELLS * longer**2


def _by_parts(circuit: ReadCircuit, points: Points) -> AnalysisResult:
    """Solve what is no crossbar: arrays inside it by their line ends, all else by the general solver."""
    arrays = circuit.arrays_inside()
    if not arrays:
        return _general(circuit, points)
    # with dense algebra, which few netlists need
    from xbarsim.analysis.arrays_by_ends import is_faster, solve_with_arrays
    from xbarsim.analysis.as_loop import solve_as_loop

    result = solve_as_loop(circuit, arrays, points)
    if result is None and is_faster(circuit, arrays):
        result = solve_with_arrays(circuit, arrays, points, _general)
    return _general(circuit, points) if result is None else result


def _general(circuit: ReadCircuit, points: Points, near: Array | None = None) -> AnalysisResult:
    # with scipy.sparse, which a crossbar does not need
    from xbarsim.analysis.general import solve_general

    return solve_general(circuit, points, near)
