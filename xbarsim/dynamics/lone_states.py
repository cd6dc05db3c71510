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
from xbarsim.nonlinear.part import Bools

OWN, HELD, DRIVE, LAW = range(4)
"""What a control is: the state itself, another state, what depends on no state, what a law before gives."""

Row = tuple[int, int]
"""The number of a group of laws, and a row of it."""

Part = tuple[int, int]
"""What a control is, and which one of that kind."""


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
        Of drives and held states, numbered together.
    form : list of (group, sign, controls)
        Each law's group; 1.0 or -1.0 if it charges the state, 0.0 if others need it; its controls, differences of sums
        of parts. States of like motions differ in rows and places alone.
    """

    node: int
    siemens: float
    rows: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    form: list[tuple[int, float, tuple[tuple[Part | None, Part | None], ...]]] = field(default_factory=list)


def lone_motions(circuit: FlatCircuit, groups: list[LawRows]) -> list[Motion]:
    """Find the motions of a circuit's states that laws alone move, each of which depends on its state."""
    return _Search(circuit, groups).motions()


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
        self.known: dict[int, frozenset[int]] = {}

    def motions(self) -> list[Motion]:
        """Return the motions."""
        # A node is a state only where its motion depends on it; for others it is like any other node.
        self.states = {node for node in self.states if node in self._behind_laws(self.charging[node])}
        self.known.clear()
        circuit = self.circuit
        leak = np.zeros(len(circuit.nodes))
        resistors = circuit.kinds == RESISTOR
        for ends in (circuit.first, circuit.second):
            np.add.at(leak, ends[resistors], 1.0 / circuit.values[resistors])
        return [self._motion(node, float(leak[node])) for node in sorted(self.states)]

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

    def _behind_laws(self, laws: list[Row]) -> frozenset[int]:
        """Return the states that laws depend on."""
        return frozenset().union(*(self._behind(node) for law in laws for pair in self._pairs(law) for node in pair))

    def _behind(self, node: int) -> frozenset[int]:
        """Return the states that a node's voltage depends on by way of sources of volts alone."""
        if node in self.states:
            return frozenset((node,))
        if node not in self.driver:
            return frozenset()
        if node not in self.known:
            self.known[node] = frozenset()  # what depends on itself is taken as it is
            self.known[node] = self._behind_laws([self.driver[node]])
        return self.known[node]

    def _pairs(self, law: Row) -> list[tuple[int, int]]:
        """Return the places of each control; those of currents are beyond all nodes."""
        rows, row = self.groups[law[0]], law[1]
        return list(zip(rows.plus[:, row].tolist(), rows.minus[:, row].tolist(), strict=True))

    def _motion(self, node: int, siemens: float) -> Motion:
        motion = Motion(node, siemens)
        number: dict[int, int] = {}
        place: dict[tuple[int, tuple[int, int]], int] = {}
        busy: set[int] = set()

        def part(kind: int, pair: tuple[int, int]) -> Part:
            if (kind, pair) not in place:
                place[kind, pair] = len(motion.places)
                motion.places.append(pair)
            return kind, place[kind, pair]

        def potential(at: int) -> Part | None:
            if at == GROUND:
                return None
            if at in self.states:
                return (OWN, 0) if at == node else part(HELD, (at, GROUND))
            if not self._behind(at) or at in busy:
                return part(DRIVE, (at, GROUND))
            if at not in number:
                law = self.driver[at]
                busy.add(at)
                number[at] = add(law, 0.0)
                busy.remove(at)
            return LAW, number[at]

        def control(pair: tuple[int, int]) -> tuple[Part | None, Part | None]:
            if not any(self._behind(at) for at in pair):
                return part(DRIVE, pair), None
            return potential(pair[0]), potential(pair[1])

        def add(law: Row, sign: float) -> int:
            controls = tuple(control(pair) for pair in self._pairs(law))
            motion.form.append((law[0], sign, controls))
            motion.rows.append(law[1])
            return len(motion.form) - 1

        for group, row in self.charging[node]:
            add((group, row), 1.0 if self.groups[group].second[row] == node else -1.0)
        return motion


def _grounded(
    first: np.ndarray[tuple[int], np.dtype[np.int64]], second: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Bools:
    """Return which elements have one end at ground."""
    grounded: Bools = (first == GROUND) != (second == GROUND)
    return grounded
