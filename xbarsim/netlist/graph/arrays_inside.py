"""Crossbars inside a circuit that is none: arrays whose line ends meet amplifiers and whatever else there is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import CURRENT, GROUND, RESISTOR, VOLTAGE, fixes_voltage, values_at_dc
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.deduce import Budget
from xbarsim.netlist.graph.edges import Bools, Ints, NoCrossbar
from xbarsim.netlist.graph.pieces import arrays_only
from xbarsim.netlist.graph.recognise import linear_crossbar
from xbarsim.netlist.recognition import Recognition

FEWEST_CELLS = 64
"""Below that an array is as fast as part of the general network."""

_FEWEST_NODES = 16
_MOST_ARRAYS, _MOST_FAILURES = 16, 2
_WORK = 100_000
"""What the search may do for an irregular array whose nodes' names say nothing; it is lost where there is none."""

_PLACE = re.compile(r"(?:.*[^a-z0-9])?([wb])(?:_.*)?_([0-9]+)_([0-9]+)")


@dataclass(frozen=True, eq=False)
class ArrayInside:
    """An array that is part of a circuit.

    Attributes
    ----------
    recognition : Recognition
        The array with a source from ground at each of the circuit's nodes that it meets. Its circuit has the whole
        one's elements under their numbers, those outside without effect, and then these sources.
    nodes : (n,) array of int
        The whole circuit's number of each of its circuit's nodes.
    elements : (k,) array of int
        The whole circuit's elements that are inside.
    first_source : int
        The number of its first source in the array's circuit, that of node ``outer[0]``.
    outer : (m,) array of int
        The whole circuit's nodes that it meets.
    """

    recognition: Recognition
    nodes: Ints
    elements: Ints
    first_source: int
    outer: Ints

    @property
    def inner(self) -> Ints:
        """The whole circuit's nodes that are inside."""
        return np.setdiff1d(self.nodes, np.append(self.outer, GROUND))


def arrays_inside(circuit: FlatCircuit, fewest: int = FEWEST_CELLS) -> tuple[ArrayInside, ...]:
    """Return the crossbars inside a circuit, large ones; what else is at their ends may be anything.

    Nodes that controlled, controlling, current or nonlinear elements or sources touch lie outside. What hangs together
    without them is a crossbar by the same search that finds whole ones, or it is part of the rest. A circuit of
    resistors and grounded sources alone has none: it is a crossbar or it is not.

    Parameters
    ----------
    circuit : FlatCircuit
        The whole.
    fewest : int
        Places for cells that an array has at least.
    """
    if circuit.states or circuit.charging is not None or not _is_more(circuit):
        return ()
    outside = _outside(circuit)
    kinds, first, second = circuit.kinds, circuit.first, circuit.second
    edges = np.flatnonzero(
        ((kinds == RESISTOR) | fixes_voltage(kinds)) & (first != second) & ~(outside[first] & outside[second])
    )
    if edges.size < fewest:
        return ()
    within = edges[~outside[first[edges]] & ~outside[second[edges]]]
    part = components(first[within], second[within], len(circuit.nodes))
    end = np.where(outside[first[edges]], second[edges], first[edges])
    part_of_edge = part[end]
    count = np.bincount(part_of_edge, minlength=int(part.max()) + 1)
    nodes = np.bincount(part[~outside], minlength=count.size)
    large = np.flatnonzero((count >= fewest) & (nodes >= min(fewest, _FEWEST_NODES)))
    largest_first = large[np.argsort(-count[large], kind="stable")][:_MOST_ARRAYS]
    arrays: list[ArrayInside] = []
    failures = 0
    with collector_paused():
        for number in largest_first.tolist():
            array = _array(circuit, edges[part_of_edge == number], outside, fewest)
            if array is not None:
                arrays.append(array)
            elif (failures := failures + 1) == _MOST_FAILURES:
                break
    return tuple(arrays)


def cells_of(arrays: tuple[ArrayInside, ...]) -> int:
    """Return how many places for cells some arrays have."""
    return sum(rows * cols for rows, cols in (array.recognition.shape or (0, 0) for array in arrays))


def _is_more(circuit: FlatCircuit) -> bool:
    """Whether a circuit has elements that stand in no crossbar: without such its arrays are found as a whole."""
    if circuit.controlled or circuit.nonlinear:
        return True
    kinds, values = circuit.kinds, values_at_dc(circuit.kinds, circuit.values)
    apart = fixes_voltage(kinds) & (circuit.first != GROUND) & (circuit.second != GROUND)
    odd = (kinds == CURRENT) | (apart & (values != 0.0)) | ((kinds == RESISTOR) & (values < 0.0))
    return bool(odd.any())


def _outside(circuit: FlatCircuit) -> Bools:
    """Return which nodes lie outside of any array."""
    outside = np.zeros(len(circuit.nodes), dtype=bool)
    outside[GROUND] = True
    for source in circuit.controlled:
        outside[[source.first, source.second]] = True
        if not source.coupling.by_current:
            outside[[source.c, source.d]] = True
        elif source.c < len(circuit.names):
            # An ammeter that controls lies outside, or no loop could have its current.
            outside[[circuit.first[source.c], circuit.second[source.c]]] = True
    for laws in circuit.behaviours:
        outside[laws.first] = outside[laws.second] = True
        for kind, plus, minus in zip(laws.kinds, laws.plus, laws.minus, strict=True):
            if kind == "v":
                outside[plus] = outside[minus] = True
    if circuit.diodes is not None:
        outside[circuit.diodes.first] = outside[circuit.diodes.second] = True
    if circuit.mosfets is not None:
        for nodes in (circuit.mosfets.drain, circuit.mosfets.gate, circuit.mosfets.source, circuit.mosfets.bulk):
            outside[nodes] = True
    kinds, first, second = circuit.kinds, circuit.first, circuit.second
    values = values_at_dc(kinds, circuit.values)
    grounded = (first == GROUND) | (second == GROUND)
    alone = (kinds == CURRENT) | (fixes_voltage(kinds) & (grounded | (values != 0.0)))
    alone |= (kinds == RESISTOR) & (values < 0.0)
    outside[first[alone]] = outside[second[alone]] = True
    return _behind_outputs(circuit, outside)


def _behind_outputs(circuit: FlatCircuit, outside: Bools) -> Bools:
    """Add the nodes behind output resistances, where these lead on to what is outside and not to an array alone.

    The only resistor at a controlled source's output is one, or an array's own resistance at a line's end.
    """
    kinds, first, second = circuit.kinds, circuit.first, circuit.second
    met = np.bincount(first, minlength=outside.size) + np.bincount(second, minlength=outside.size)
    outputs = np.zeros(outside.size, dtype=bool)
    for source in circuit.controlled:
        outputs[[source.first, source.second]] = True
    for laws in circuit.behaviours:
        outputs[laws.first] = outputs[laws.second] = True
    outputs[GROUND] = False
    outputs &= met == 1
    resistors = np.flatnonzero((kinds == RESISTOR) & (outputs[first] != outputs[second]))
    behind = np.where(outputs[first[resistors]], second[resistors], first[resistors])
    led = np.zeros(outside.size, dtype=bool)
    edges = np.flatnonzero(((kinds == RESISTOR) | fixes_voltage(kinds)) & ~outputs[first] & ~outputs[second])
    led[first[edges[outside[second[edges]]]]] = led[second[edges[outside[first[edges]]]]] = True
    outside = outside.copy()
    outside[behind[led[behind]]] = True
    return outside


def _array(circuit: FlatCircuit, elements: Ints, outside: Bools, fewest: int) -> ArrayInside | None:
    """Return the array that some elements are, None if they are none."""
    touched = np.zeros(outside.size, dtype=bool)
    touched[circuit.first[elements]] = touched[circuit.second[elements]] = touched[GROUND] = True
    nodes = np.flatnonzero(touched)
    outer = nodes[outside[nodes] & (nodes != GROUND)]
    number = np.full(outside.size, GROUND)
    number[nodes] = np.arange(nodes.size)
    count = len(circuit.names)
    kinds = np.full(count + outer.size, CURRENT, circuit.kinds.dtype)
    first, second = np.zeros(kinds.size, np.int64), np.zeros(kinds.size, np.int64)
    values = np.zeros(kinds.size)
    kinds[elements], values[elements] = circuit.kinds[elements], values_at_dc(circuit.kinds, circuit.values)[elements]
    first[elements], second[elements] = number[circuit.first[elements]], number[circuit.second[elements]]
    kinds[count:], first[count:], values[count:] = VOLTAGE, number[outer], _drives(circuit, outer)
    alone = replace(
        circuit,
        nodes=_plain([circuit.nodes[node] for node in nodes.tolist()]),
        names=[*circuit.names, *(f"v({circuit.nodes[node]})" for node in outer.tolist())],
        kinds=kinds, first=first, second=second, values=values,
        origins=np.concatenate([circuit.origins, np.full(outer.size, circuit.origins[elements[0]])]),
        controlled=(), capacitors=(), behaviours=(), diodes=None, mosfets=None,
    )  # fmt: skip
    try:
        recognition = arrays_only(linear_crossbar(alone, Budget(_WORK)))
    except NoCrossbar:
        return None
    crossbar = recognition.crossbar
    if crossbar is None or crossbar.conductance.size < fewest:
        return None
    return ArrayInside(recognition, nodes, elements, count, outer)


def _plain(names: list[str]) -> list[str]:
    """Return names like ``x1.w_0_3`` and ``w_left_0_3`` as ``w_0_3``, by which a layout may be proposed.

    Where that would give two nodes one name, they stay as they are.
    """
    matches = [_PLACE.fullmatch(name) for name in names]
    plain = [f"{match[1]}_{match[2]}_{match[3]}" if match else name for match, name in zip(matches, names, strict=True)]
    return plain if len(set(plain)) == len(plain) else names


def _drives(circuit: FlatCircuit, outer: Ints) -> np.ndarray:
    """Return 1 V for nodes that something drives and 0 V for those that are looked at: lines are told apart by it."""
    driven = np.zeros(len(circuit.nodes))
    for source in circuit.controlled:
        driven[[source.first, source.second]] = 1.0
    for laws in circuit.behaviours:
        driven[laws.first] = driven[laws.second] = 1.0
    sourced = fixes_voltage(circuit.kinds) & (circuit.values != 0.0)
    driven[circuit.first[sourced]] = driven[circuit.second[sourced]] = 1.0
    return driven[outer]
