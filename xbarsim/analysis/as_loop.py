"""A netlist that is a loop, arrays and amplifiers and linear parts around them, by one dense solve."""

from __future__ import annotations

import numpy as np

from xbarsim.analysis.array_insides import with_insides
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.errors import InputError, SolveError, TooLargeError
from xbarsim.loop import ClosedLoop, close
from xbarsim.loop.loop_of_netlist import loop_of
from xbarsim.netlist.element_kinds import GROUND, fixes_voltage
from xbarsim.netlist.graph.arrays_inside import ArrayInside, cells_of
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.quantities import counted

TOLERANCE = 1e-9
"""Largest bound of an error that is handed out; what is less sure is for the general solver."""

_MOST_WORK = 4e4
"""Cube of a loop's unknowns over the cells inside from which on sparse equations are faster."""


def solve_as_loop(circuit: ReadCircuit, arrays: tuple[ArrayInside, ...], points: Points) -> AnalysisResult | None:
    """Solve a circuit with arrays inside as a loop; where it would run away from its operating point, note that.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    arrays : tuple of ArrayInside
        Those in it.
    points : Points
        The sources' values at each point.

    Returns
    -------
    AnalysisResult or None
        None where it is none, too large, without a unique solution, or not sure enough: the general solver says more.
    """
    inside = np.concatenate([array.elements for array in arrays])
    if not _is_small(circuit, arrays, inside) or np.isin(list(points.varying), inside).any():
        return None
    try:
        loop = loop_of(circuit, arrays, varying=points.varying)
        closed = close(loop, stable=False, tolerance=TOLERANCE)
    except (InputError, SolveError, TooLargeError):
        return None
    if not closed.current_residual <= TOLERANCE:
        return None
    _note_unstable(circuit, closed)
    count = points.count
    volts = np.zeros((count, len(circuit.nodes)))
    number = {name: k for k, name in enumerate(circuit.nodes)}
    for node, values in closed.node_voltages().items():
        volts[:, number[node]] = values
    # A source from its output to ground is an amplifier turned round: so is its current.
    turned = {
        source.name
        for source in circuit.controlled
        if source.kind == "e" and source.first == GROUND and source.gain != 0.0
    }
    currents = {
        name: np.broadcast_to(-values if name in turned else values, (count,))
        for name, values in closed.source_currents().items()
    }
    shorts = {part.name for part in loop.resistors}
    fixing = [name for name, _, _ in loop.fixing if name not in shorts] + [amp.name for amp in loop.amplifiers]
    result = AnalysisResult(
        points.kind,
        points.sweep,
        [],
        np.zeros((count, 0)),
        fixing,
        np.stack([currents[name] for name in fixing], axis=1) if fixing else np.zeros((count, 0)),
        _power(closed, volts, number),
        max(closed.residual, closed.current_residual),
        f"a loop of {counted(len(arrays), 'array')}, {counted(len(loop.amplifiers), 'amplifier')}, dense",
    )
    solved = []
    for array, part in zip(arrays, loop.arrays, strict=True):
        solution = closed.solutions(part.name)
        solved.append((array, solution, closed.end_points(part.name)))
    return with_insides(circuit, result, volts, solved)


def _is_small(circuit: ReadCircuit, arrays: tuple[ArrayInside, ...], inside: np.ndarray) -> bool:
    """Whether dense equations of what is outside are less work than sparse ones of all."""
    outer = len(circuit.nodes) - sum(array.inner.size for array in arrays)
    fixing = np.count_nonzero(fixes_voltage(circuit.kinds)) - np.count_nonzero(fixes_voltage(circuit.kinds[inside]))
    return float(outer + fixing + len(circuit.controlled)) ** 3 <= _MOST_WORK * cells_of(arrays)


def _note_unstable(circuit: ReadCircuit, closed: ClosedLoop) -> None:
    """Note where a loop would run away from the operating point that is asked for."""
    try:
        stability = closed.stability
    except SolveError:
        return
    if not stability.stable:
        note = (
            f"{circuit.places.files[0]}: amplifiers of equal speed do not hold this operating point: a mode led by "
            f"{stability.leading()} does not decay (read_loop of xbarsim.loop tells all poles)"
        )
        if note not in circuit.notes:
            circuit.notes.append(note)


def _power(closed: ClosedLoop, volts: np.ndarray, number: dict[str, int]) -> np.ndarray:
    """Return the watts (points,) that independent sources deliver."""
    delivered = np.zeros(volts.shape[0])
    currents = closed.source_currents()
    for source in closed.loop.volts:
        delivered -= (volts[:, number[source.plus]] - volts[:, number[source.minus]]) * currents[source.name]
    for amperes in closed.loop.amperes:
        delivered -= (volts[:, number[amperes.plus]] - volts[:, number[amperes.minus]]) * np.asarray(amperes.amperes)
    return delivered
