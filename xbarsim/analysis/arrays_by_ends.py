"""Circuits with arrays inside: each array by the couplings between its line ends, the rest by the general solver.

What joins an array's line ends may be anything that the general solver takes. Node voltages inside come from the
array's own solver at the line ends' voltages, whose currents are held against the couplings' and correct them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xbarsim.analysis.array_insides import with_insides
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.crossbar import Array, Side
from xbarsim.errors import ConvergenceError, SolveError, TooLargeError
from xbarsim.netlist.element_kinds import CURRENT, GROUND, RESISTOR
from xbarsim.netlist.graph.arrays_inside import ArrayInside, cells_of
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.quantities import counted
from xbarsim.solution import Solution
from xbarsim.solvers.effective import port_admittance, ports
from xbarsim.solvers.solve import solve_points

Ints = NDArray[np.int64]
General = Callable[[ReadCircuit, Points], AnalysisResult]

FEWEST_CELLS, FEWEST_LINEAR_CELLS = 4096, 16384
"""From which on couplings are faster than the array itself in the general solver, which solves the latter but once."""

TOLERANCE = 1e-9
"""Largest difference of an array's currents from its couplings', relative to the largest, in what is handed out."""


@dataclass(frozen=True, eq=False)
class _Ends:
    """An array's line ends as nodes of the circuit.

    Attributes
    ----------
    array : ArrayInside
        The array.
    ports : list of (side, line)
        Its line ends.
    node : (ports,) array of int
        The node that each is tied to.
    met : (m,) array of int
        These nodes, each once; ground may be among them.
    couplings : (m, m)
        Siemens between them.
    """

    array: ArrayInside
    ports: list[tuple[Side, int]]
    node: Ints
    met: Ints
    couplings: Array

    @staticmethod
    def of(array: ArrayInside) -> _Ends:
        crossbar = array.recognition.crossbar
        assert crossbar is not None
        at = {(tie.side, tie.line): tie.source for tie in array.recognition.ties}
        ends = ports(crossbar)
        sources = np.array([at[end] for end in ends], dtype=np.int64)
        node = np.where(sources < 0, GROUND, array.outer[sources - array.first_source])
        met, place = np.unique(node, return_inverse=True)
        couplings = np.zeros((met.size, met.size))
        np.add.at(couplings, (place[:, None], place[None, :]), -port_admittance(crossbar))
        np.fill_diagonal(couplings, 0.0)
        return _Ends(array, ends, node, met, couplings)

    def sources(self, volts: Array) -> dict[Side, Array]:
        """Return the volts (points, lines) of each side's ends, from those (points, nodes) of the circuit's nodes."""
        crossbar = self.array.recognition.crossbar
        assert crossbar is not None
        table = {side: np.zeros((volts.shape[0], end.voltage.size)) for side, end in crossbar.boundary.items()}
        for (side, line), node in zip(self.ports, self.node.tolist(), strict=True):
            table[side][:, line] = volts[:, node]
        return table

    def missing(self, solution: Solution, volts: Array) -> tuple[Array, float]:
        """Return the amperes (points, m) into its nodes that couplings leave out, and the largest of an end's."""
        total = np.zeros((volts.shape[0], self.met.size))
        place = np.searchsorted(self.met, self.node)
        largest = 0.0
        for (side, line), k in zip(self.ports, place.tolist(), strict=True):
            amperes = solution.end_currents[side][:, line]
            total[:, k] += amperes
            largest = max(largest, float(np.abs(amperes).max(initial=0.0)))
        at = volts[:, self.met]
        coupled = np.stack([(self.couplings * (v[None, :] - v[:, None])).sum(axis=1) for v in at])
        return total - coupled, largest


@dataclass(frozen=True, eq=False)
class _Reduced:
    """A circuit with couplings in the place of its arrays.

    Attributes
    ----------
    circuit : ReadCircuit
        Its nodes are those outside of the arrays; behind the whole circuit's elements come the couplings, then a
        source of 0 A at each node that an array meets.
    keep : (k,) array of int
        The whole circuit's number of each of its nodes.
    corrections : list of (ints, ints)
        For each array those of its nodes that are not ground, as places in ``met``, and their sources' elements.
    """

    circuit: ReadCircuit
    keep: Ints
    corrections: list[tuple[Ints, Ints]]


def is_faster(circuit: ReadCircuit, arrays: tuple[ArrayInside, ...]) -> bool:
    """Whether a circuit is solved faster with couplings in the place of its arrays.

    Parameters
    ----------
    circuit : ReadCircuit
        With arrays inside.
    arrays : tuple of ArrayInside
        These.
    """
    return cells_of(arrays) >= (FEWEST_CELLS if circuit.nonlinear else FEWEST_LINEAR_CELLS)


def solve_with_arrays(
    circuit: ReadCircuit, arrays: tuple[ArrayInside, ...], points: Points, general: General
) -> AnalysisResult | None:
    """Solve a circuit with arrays inside.

    Parameters
    ----------
    circuit : ReadCircuit
        The whole.
    arrays : tuple of ArrayInside
        What was found in it.
    points : Points
        The operating points.
    general : callable
        Solves what is left by modified nodal analysis.

    Returns
    -------
    AnalysisResult or None
        None where an array cannot be taken so: a swept source is inside, or 0 ohm joins two of its ends.

    Raises
    ------
    FloatingError, SolveError
        As the general solver, of what is left.
    ConvergenceError
        An array's currents differ from its couplings'.
    """
    inside = np.concatenate([array.elements for array in arrays])
    if np.isin(list(points.varying), inside).any():
        return None
    try:
        ends = [_Ends.of(array) for array in arrays]
    except (SolveError, TooLargeError):
        return None
    if not all(end.met.size for end in ends):
        return None
    reduced = _reduced(circuit, ends)
    result = general(reduced.circuit, points)
    volts, solutions, missing, worst = _inside(circuit, reduced, ends, result)
    if worst > 0.0:
        # The couplings' own rounding, corrected once: amplifiers of large gain make much of it.
        extra = {
            element: -amperes[:, place]
            for (places, elements), amperes in zip(reduced.corrections, missing, strict=True)
            for place, element in zip(places.tolist(), elements.tolist(), strict=True)
        }
        before, first = volts, worst
        result = general(reduced.circuit, replace(points, varying=points.varying | extra))
        volts, solutions, _, _ = _inside(circuit, reduced, ends, result)
        # What is missing now is beside what was added.
        worst = _left(ends, solutions, volts, missing)
        moved = float(np.abs(volts - before).max() / max(float(np.abs(volts).max()), np.finfo(float).tiny))
        worst = max(worst, moved * min(1.0, worst / first))
    evidence = max(worst, *(s.residual + (s.map_difference or 0.0) for s in solutions))
    if not evidence <= TOLERANCE:
        raise ConvergenceError(
            f"{circuit.places.files[0]}: an array's currents differ from its couplings' by {evidence:.1e} of the "
            f"largest (tolerance {TOLERANCE:g}): look for resistances many decades apart"
        )
    arrays_solved = [(end.array, solution, end.sources(volts)) for end, solution in zip(ends, solutions, strict=True)]
    result = replace(
        result,
        residual=max(result.residual, evidence),
        how=f"{counted(len(ends), 'array')} by line ends, {result.how}",
    )
    return with_insides(circuit, result, volts, arrays_solved)


def _reduced(circuit: ReadCircuit, ends: list[_Ends]) -> _Reduced:
    """Return the circuit with couplings in the place of its arrays."""
    inner = np.zeros(len(circuit.nodes), dtype=bool)
    kinds, first, second, values = (
        column.copy() for column in (circuit.kinds, circuit.first, circuit.second, circuit.values)
    )
    pairs, siemens, origins = [], [], []
    for end in ends:
        inner[end.array.inner] = True
        removed = end.array.elements
        # What is inside becomes a source of 0 A from ground to ground: elements keep their numbers.
        kinds[removed], values[removed], first[removed], second[removed] = CURRENT, 0.0, GROUND, GROUND
        a, b = np.nonzero(np.triu(end.couplings, 1))
        pairs.append(np.stack([end.met[a], end.met[b]]))
        siemens.append(end.couplings[a, b])
        origins.append(np.full(a.size, circuit.origins[removed[0]]))
    fed = [np.flatnonzero(end.met != GROUND) for end in ends]
    fed_nodes = np.concatenate([end.met[places] for end, places in zip(ends, fed, strict=True)])
    nodes = np.concatenate([*pairs, np.stack([fed_nodes, np.zeros_like(fed_nodes)])], axis=1)
    coupled = sum(pair.shape[1] for pair in pairs)
    added, count = nodes.shape[1], len(circuit.names)
    keep = np.flatnonzero(~inner)
    number = np.full(inner.size, GROUND)
    number[keep] = np.arange(keep.size)
    columns = replace(
        _renumbered(circuit, number, added),
        nodes=[circuit.nodes[node] for node in keep.tolist()],
        names=[*circuit.names, *(f"coupling({k})" for k in range(added))],
        kinds=np.concatenate([kinds, np.where(np.arange(added) < coupled, RESISTOR, CURRENT).astype(kinds.dtype)]),
        first=number[np.concatenate([first, nodes[0]])],
        second=number[np.concatenate([second, nodes[1]])],
        values=np.concatenate([values, *(1.0 / part for part in siemens), np.zeros(fed_nodes.size)]),
        origins=np.concatenate([circuit.origins, *origins, np.full(fed_nodes.size, circuit.origins[0])]),
    )
    starts = count + coupled + np.cumsum([0, *(places.size for places in fed)])
    corrections = [(places, start + np.arange(places.size)) for places, start in zip(fed, starts[:-1], strict=True)]
    return _Reduced(columns, keep, corrections)


def _renumbered(circuit: ReadCircuit, number: Ints, added: int) -> ReadCircuit:
    """Return a circuit with other numbers of nodes, but for its columns, and of elements behind its own."""
    count = len(circuit.names)

    def element(of: Ints) -> Ints:
        return np.where(of < count, of, of + added)

    controlled = []
    for source in circuit.controlled:
        by_current = source.coupling.by_current
        c = int(element(np.array(source.c))) if by_current else int(number[source.c])
        d = source.d if by_current else int(number[source.d])
        controlled.append(replace(source, first=int(number[source.first]), second=int(number[source.second]), c=c, d=d))
    behaviours = []
    for laws in circuit.behaviours:
        volts = np.array([kind == "v" for kind in laws.kinds], dtype=bool)[:, None]
        plus = np.where(volts, number[np.where(volts, laws.plus, 0)], element(laws.plus))
        minus = np.where(volts, number[np.where(volts, laws.minus, 0)], laws.minus)
        behaviours.append(replace(laws, first=number[laws.first], second=number[laws.second], plus=plus, minus=minus))
    diodes, mosfets = circuit.diodes, circuit.mosfets
    if diodes is not None:
        diodes = replace(diodes, first=number[diodes.first], second=number[diodes.second])
    if mosfets is not None:
        pins = ("drain", "gate", "source", "bulk")
        mosfets = replace(mosfets, **{pin: number[getattr(mosfets, pin)] for pin in pins})
    capacitors = tuple((name, int(number[a]), int(number[b]), at) for name, a, b, at in circuit.capacitors)
    return replace(
        circuit, controlled=tuple(controlled), behaviours=tuple(behaviours), diodes=diodes, mosfets=mosfets,
        capacitors=capacitors,
    )  # fmt: skip


def _inside(
    circuit: ReadCircuit, reduced: _Reduced, ends: list[_Ends], result: AnalysisResult
) -> tuple[Array, list[Solution], list[Array], float]:
    """Return the volts (points, nodes) of the nodes outside, the arrays' solutions, and what their couplings miss.

    That is amperes at each array's nodes, and the largest of them relative to the largest of the array.
    """
    volts = np.zeros((result.points, len(circuit.nodes)))
    column = {name: k for k, name in enumerate(result.nodes)}
    visible = [
        (node, column[circuit.nodes[node]]) for node in reduced.keep[1:].tolist() if circuit.nodes[node] in column
    ]
    at = np.array(visible, dtype=np.int64).reshape(-1, 2)
    volts[:, at[:, 0]] = result.voltages[:, at[:, 1]]
    solutions, missing, worst = [], [], 0.0
    for end in ends:
        crossbar = end.array.recognition.crossbar
        assert crossbar is not None
        solution = solve_points(crossbar, end.sources(volts), fields=True)
        amperes, largest = end.missing(solution, volts)
        if largest > 0.0:
            worst = max(worst, float(np.abs(amperes).max(initial=0.0)) / largest)
        solutions.append(solution)
        missing.append(amperes)
    return volts, solutions, missing, worst


def _left(ends: list[_Ends], solutions: list[Solution], volts: Array, added: list[Array]) -> float:
    """Return what couplings and what was added to them miss of the arrays' currents, relative to the largest."""
    worst = 0.0
    for end, solution, amperes in zip(ends, solutions, added, strict=True):
        left, largest = end.missing(solution, volts)
        if largest > 0.0:
            worst = max(worst, float(np.abs(left - amperes).max(initial=0.0)) / largest)
    return worst
