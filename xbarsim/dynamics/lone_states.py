"""States that laws alone move: voltages of capacitors to ground that nothing but sources of current charges.

So memristors' models have their states: ``C1 x 0 1`` and ``B2 0 x I=...``, with sources of volts for parts of the law
in between and maybe a resistor to ground beside.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from xbarsim.dynamics.law_rows import LawRows
from xbarsim.netlist.element_kinds import GROUND, RESISTOR
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.storage import Storage
from xbarsim.nonlinear.part import Bools, Ints

_DEEPEST = 50
"""Sources of volts one behind the other, as far as they are looked through."""

STATE, NEIGHBOUR, DRIVE, LAW = range(4)
"""What a control is: the state itself, another state, what depends on no state, what a law before gives."""

Row = tuple[int, int]
"""The number of a group of laws, and a row of it."""

Operand = tuple[int, int]
"""What a control is, and which one of that kind."""

Difference = tuple[Operand | None, Operand | None]
"""A control: one operand, or ground, less another."""


@dataclass
class Motion:
    """What charges one state: laws, those that others need before them.

    Attributes
    ----------
    node : int
        Whose voltage the state is.
    siemens : float
        What leaks to ground.
    rows : list of int
        Each law's row of its group.
    places : list of (plus, minus)
        Of drives and neighbours, numbered together.
    form : list of (group, charges, sign, controls)
        Each law's group; whether it charges the state, or others need it; 1.0, or -1.0 if its terminals lie the other
        way; its controls. States of like motions differ in rows and places alone.
    """

    node: int
    siemens: float
    rows: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    form: list[tuple[int, bool, float, tuple[Difference, ...]]] = field(default_factory=list)


def nodes_and_motions(circuit: FlatCircuit, groups: list[LawRows]) -> tuple[list[int], list[Motion]]:
    """Find nodes that hold a circuit's states that laws alone move, and motions of those that depend on their state.

    Parameters
    ----------
    circuit : FlatCircuit
        With capacitors to ground, whose volts are the states.
    groups : list of LawRows
        The circuit's sources with laws, by their form.
    """
    search = _Search(circuit, groups)
    return sorted(search.states), search.motions()


class _Search:
    def __init__(self, circuit: FlatCircuit, groups: list[LawRows]) -> None:
        self.circuit, self.groups = circuit, groups
        self.driver: dict[int, Row] = {}
        self.charging: defaultdict[int, list[Row]] = defaultdict(list)
        for group, rows in enumerate(groups):
            for row, (first, second) in enumerate(zip(rows.first.tolist(), rows.second.tolist(), strict=True)):
                if GROUND not in (first, second):
                    continue
                if rows.volts:
                    self.driver[first + second] = group, row
                else:
                    self.charging[first + second].append((group, row))
        self.states = self._candidates()
        self.reach: dict[int, frozenset[int]] = {}

    def motions(self) -> list[Motion]:
        """Return the motions."""
        # A node is a state only where its motion depends on it; for others it is like any other node.
        self.states = {node for node in self.states if node in self._behind_laws(self.charging[node])}
        self.reach.clear()
        circuit = self.circuit
        leak = np.zeros(len(circuit.nodes))
        resistors = (circuit.kinds == RESISTOR) & (circuit.values != 0.0)
        for ends in (circuit.first, circuit.second):
            np.add.at(leak, ends[resistors], 1.0 / circuit.values[resistors])
        return [_MotionOf(self, node, float(leak[node])).motion for node in sorted(self.states)]

    def _candidates(self) -> set[int]:
        """Return nodes with a capacitor that nothing joins to anything but ground, sources of current excepted."""
        circuit = self.circuit
        capacitors = (circuit.storage or Storage()).capacitors
        bound = np.zeros(len(circuit.nodes), bool)
        plain = _grounded(circuit.first, circuit.second)
        plain &= (circuit.kinds == RESISTOR) & (circuit.values != 0.0)
        for first, second, lone in (
            (circuit.first, circuit.second, plain),
            (capacitors.first, capacitors.second, _grounded(capacitors.first, capacitors.second)),
            *((rows.first, rows.second, _grounded(rows.first, rows.second) & (not rows.volts)) for rows in self.groups),
        ):
            bound[first[~lone]] = bound[second[~lone]] = True
        if circuit.diodes is not None:
            bound[circuit.diodes.first] = bound[circuit.diodes.second] = True
        if circuit.mosfets is not None:
            for ends in (circuit.mosfets.drain, circuit.mosfets.source, circuit.mosfets.gate, circuit.mosfets.bulk):
                bound[ends] = True
        bound[GROUND] = True
        nodes = np.unique(np.concatenate([capacitors.first, capacitors.second]))
        return {node for node in nodes[~bound[nodes]].tolist() if node in self.charging}

    def behind(self, node: int, depth: int = 0) -> frozenset[int]:
        """Return the states that a node's voltage depends on by way of sources of volts alone."""
        if node in self.states:
            return frozenset((node,))
        if node not in self.driver or depth > _DEEPEST:
            return frozenset()
        if node not in self.reach:
            self.reach[node] = frozenset()  # what depends on itself is taken as it is
            self.reach[node] = self._behind_laws([self.driver[node]], depth + 1)
        return self.reach[node]

    def _behind_laws(self, laws: list[Row], depth: int = 0) -> frozenset[int]:
        """Return the states that laws depend on."""
        nodes = {node for law in laws for pair in self.pairs(law) for node in pair}
        return frozenset().union(*(self.behind(node, depth) for node in nodes))

    def pairs(self, law: Row) -> list[tuple[int, int]]:
        """Return the places of each control; those of currents are beyond all nodes."""
        rows, row = self.groups[law[0]], law[1]
        return list(zip(rows.plus[:, row].tolist(), rows.minus[:, row].tolist(), strict=True))


class _MotionOf:
    """What is put together to the motion of one state."""

    def __init__(self, search: _Search, node: int, siemens: float) -> None:
        self.search, self.motion = search, Motion(node, siemens)
        self.number: dict[int, int] = {}
        self.leaves: dict[tuple[int, tuple[int, int]], Operand] = {}
        self.busy: set[int] = set()
        for law in search.charging[node]:
            self._add(law, charges=True)

    def _add(self, law: Row, *, charges: bool) -> int:
        """Add a law behind those that it needs; return its number."""
        controls = tuple(self._control(pair) for pair in self.search.pairs(law))
        rows = self.search.groups[law[0]]
        # Amperes charge a state that is the second node, volts raise a node that is the first.
        forward = int((rows.second if charges else rows.first)[law[1]]) != GROUND
        self.motion.form.append((law[0], charges, 1.0 if forward else -1.0, controls))
        self.motion.rows.append(law[1])
        return len(self.motion.form) - 1

    def _control(self, pair: tuple[int, int]) -> Difference:
        if not any(self.search.behind(node) for node in pair):
            return self._leaf(DRIVE, pair), None
        return self._potential(pair[0]), self._potential(pair[1])

    def _potential(self, node: int) -> Operand | None:
        if node == GROUND:
            return None
        if node == self.motion.node:
            return STATE, 0
        if node in self.search.states:
            return self._leaf(NEIGHBOUR, (node, GROUND))
        if not self.search.behind(node) or node in self.busy or len(self.busy) > _DEEPEST:
            return self._leaf(DRIVE, (node, GROUND))
        if node not in self.number:
            self.busy.add(node)
            self.number[node] = self._add(self.search.driver[node], charges=False)
            self.busy.remove(node)
        return LAW, self.number[node]

    def _leaf(self, kind: int, pair: tuple[int, int]) -> Operand:
        if (kind, pair) not in self.leaves:
            self.leaves[kind, pair] = kind, len(self.motion.places)
            self.motion.places.append(pair)
        return self.leaves[kind, pair]


def _grounded(first: Ints, second: Ints) -> Bools:
    """Return which elements have one end at ground."""
    grounded: Bools = (first == GROUND) != (second == GROUND)
    return grounded
