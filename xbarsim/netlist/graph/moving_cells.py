"""Cells with a state: subcircuits whose state is the voltage of a capacitor that a source of current charges.

``state_nodes`` finds these capacitors. ``moving_cells`` takes the elements around them apart: sources of current
between two lines are cells, those into a state are its motion, and sources of volts to ground stand for expressions in
either. All cells must be of one definition: their laws, put together, must have one form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.behaviour.composed import Composition
from xbarsim.netlist.behaviour.graph import Term
from xbarsim.netlist.element_kinds import GROUND, RESISTOR
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.edges import Bools, Floats, Ints, NoCrossbar
from xbarsim.netlist.graph.standins import CellElements, Place, resistor_at
from xbarsim.netlist.graph.written_motion import WrittenMotion
from xbarsim.netlist.nonlinear_elements import Behaviours
from xbarsim.netlist.recognition_in_time import SeriesSource, StateNodes
from xbarsim.netlist.storage import Storage


def state_nodes(circuit: FlatCircuit) -> Bools:
    """Return which nodes are states: (nodes,).

    A capacitor to ground is there, a source of current to ground with a law, and nothing else but resistors and
    sources of current to ground.
    """
    count, caps = len(circuit.nodes), (circuit.storage or Storage()).capacitors
    state, charged, spoilt = np.zeros((3, count), bool)
    state[_far_ends(caps.first, caps.second)] = True
    for first, second in [(caps.first, caps.second), *_joined_nodes(circuit)]:
        apart = (first != GROUND) & (second != GROUND)
        spoilt[first[apart]] = spoilt[second[apart]] = True
    fixed = circuit.kinds != RESISTOR
    spoilt[circuit.first[fixed]] = spoilt[circuit.second[fixed]] = True
    for laws in circuit.behaviours:
        at = _far_ends(laws.first, laws.second)
        (charged if laws.output == "i" else spoilt)[at] = True
    state &= charged & ~spoilt
    state[GROUND] = False
    return state


def _joined_nodes(circuit: FlatCircuit) -> list[tuple[Ints, Ints]]:
    """Return the ends of all that is no capacitor."""
    ends = [(circuit.first, circuit.second), *((laws.first, laws.second) for laws in circuit.behaviours)]
    if circuit.diodes is not None:
        ends.append((circuit.diodes.first, circuit.diodes.second))
    if circuit.mosfets is not None:
        transistors = circuit.mosfets
        ends += [(transistors.drain, transistors.source), (transistors.gate, transistors.bulk)]
    return ends


def _far_ends(first: Ints, second: Ints) -> Ints:
    """Return the other end of each element that ends in ground."""
    return np.concatenate([first[second == GROUND], second[first == GROUND]])


def moving_cells(circuit: FlatCircuit, at_state: Bools) -> tuple[CellElements, StateNodes]:
    """Return a circuit's cells with a state, and the nodes of their states.

    Parameters
    ----------
    circuit : FlatCircuit
        With its storage.
    at_state : (nodes,) array of bool
        Which nodes are states.

    Raises
    ------
    NoCrossbar
        The cells are not all of one definition, or do what no cell with a single state does.
    """
    if circuit.diodes is not None and circuit.diodes.names:
        raise NoCrossbar(f"{circuit.diodes.names[0]} is a diode: no cell model has one")
    return _Definition(circuit, at_state).cells()


@dataclass(frozen=True)
class _Rows:
    """One element of each cell: a group of laws, and its row for each cell."""

    laws: Behaviours
    row: Ints

    @property
    def name(self) -> str:
        return self.laws.names[int(self.row[0])]


@dataclass(frozen=True)
class _Carrier:
    """Laws that carry cells' currents: rows of a group, and the two nodes that each joins.

    ``inner`` and ``ohms`` are those of a resistor behind each, where the laws give volts.
    """

    laws: Behaviours
    rows: Ints
    first: Ints
    second: Ints
    inner: Ints | None = None
    ohms: Floats | None = None

    @property
    def name(self) -> str:
        return self.laws.names[int(self.rows[0])]

    @property
    def ends(self) -> Ints:
        """The two nodes of each, the lower one first: (rows, 2)."""
        return np.sort(np.stack([self.first, self.second], axis=1), axis=1)


class _Definition:
    """What the cells' subcircuit is, found in all instances at once."""

    def __init__(self, circuit: FlatCircuit, at_state: Bools) -> None:
        self.circuit, self.at_state = circuit, at_state
        self.composition = Composition()
        self._terms: dict[tuple[int, bytes], Term] = {}
        self._busy: set[tuple[int, bytes]] = set()
        count = len(circuit.nodes)
        self.driver, self.row = np.full((2, count), -1, dtype=np.int64)
        self.current: Term | None = None
        self.carrier: _Carrier | None = None
        self.through_from = 0

    def cells(self) -> tuple[CellElements, StateNodes]:
        """Return the cells and their states."""
        carriers = [*self._sources_of_volts(), *self._sources_of_current()]
        if not carriers:
            raise NoCrossbar("no source that depends on a state joins two lines")
        ends = np.unique(np.concatenate([carrier.ends for carrier in carriers]), axis=0)
        self.count = len(ends)
        self.node = np.full(self.count, -1, dtype=np.int64)
        leading = carriers[0]
        lead = self._aligned(leading.laws, leading.rows, _index(ends, leading.ends), leading.name)[0].row
        at = np.searchsorted(leading.rows, lead)
        self.first, self.second = leading.first[at], leading.second[at]
        series = None
        if leading.inner is not None and leading.ohms is not None:
            if len(carriers) > 1:
                raise NoCrossbar(f"{leading.name} has {carriers[1].name} beside it")
            series = SeriesSource(
                [leading.laws.names[k] for k in lead.tolist()],
                np.where(leading.laws.first[lead] == self.first, 1.0, -1.0), leading.inner[at], leading.ohms[at],
            )  # fmt: skip
            current = self._behind_a_resistor(_Rows(leading.laws, lead), series)
        else:
            current = self._sum(carriers, ends)
        self.current = current
        if (self.node < 0).any() or np.unique(self.node).size != self.count:
            raise NoCrossbar("its cells' currents do not depend on a state each")
        if self.count != int(self.at_state.sum()):
            raise NoCrossbar("it has states that belong to no cell")
        motion = self._motion()
        hidden = self.at_state | (self.driver >= 0)
        if series is not None:
            hidden[series.inner] = True
        return self._elements(current, motion, hidden, leading), StateNodes(self.node, self.first, self.second, series)

    def _elements(self, current: Term, motion: Term, hidden: Bools, leading: _Carrier) -> CellElements:
        circuit, constants = self.circuit, self.composition.constants
        i_law, f_law = (self.composition.law(term) for term in (current, motion))
        bends = self.composition.bends(current) or self.composition.bends(motion)

        def device(place: Place, forward: Bools) -> WrittenMotion:
            turn = place(np.where(forward, 1.0, -1.0))
            return WrittenMotion(i_law, f_law, turn, [place(values) for values in constants], bends=bends)

        inside = (circuit.kinds == RESISTOR) & (hidden[circuit.first] | hidden[circuit.second])
        return CellElements(
            [circuit.nodes[k] for k in self.node.tolist()], leading.laws.origins[leading.rows], self.first, self.second,
            np.ones(self.count), device, series=np.flatnonzero(inside), hidden=np.flatnonzero(hidden),
        )  # fmt: skip

    def _sources_of_volts(self) -> list[_Carrier]:
        """Find the nodes that sources of volts drive and nothing loads; return sources with a resistor behind them."""
        circuit = self.circuit
        count = len(circuit.nodes)
        met = np.bincount(np.concatenate([circuit.first, circuit.second]), minlength=count)
        for laws in circuit.behaviours:
            met += np.bincount(np.concatenate([laws.first, laws.second]), minlength=count)
        capacitors = (circuit.storage or Storage()).capacitors
        met += np.bincount(np.concatenate([capacitors.first, capacitors.second]), minlength=count)
        resistor = resistor_at(circuit)
        carriers, number = [], len(circuit.names) + len(circuit.controlled)
        for group, laws in enumerate(circuit.behaviours):
            if laws.output != "v":
                continue
            at = np.where(laws.second == GROUND, laws.first, laws.second)
            plain = ((laws.first == GROUND) | (laws.second == GROUND)) & (met[at] == 1)
            if plain.all():
                self.driver[at], self.row[at] = group, np.arange(at.size)
            else:
                self.carrier, self.through_from = (
                    self._with_resistor(laws, (met == 2) & (resistor >= 0), resistor),
                    number,
                )
                carriers.append(self.carrier)
            number += at.size
        return carriers

    def _with_resistor(self, laws: Behaviours, lone: Bools, resistor: Ints) -> _Carrier:
        lone[GROUND] = False
        inner = laws.second if lone[laws.second].all() else laws.first
        behind = resistor[inner]
        if not lone[inner].all() or np.unique(behind).size != behind.size:
            odd = laws.names[int(np.argmin(lone[inner]))]
            raise NoCrossbar(f"{odd} is a source of volts that carries a current")
        beyond = self.circuit.first[behind] + self.circuit.second[behind] - inner
        outer = np.where(inner == laws.second, laws.first, laws.second)
        return _Carrier(laws, np.arange(inner.size), outer, beyond, inner, self.circuit.values[behind])

    def _sources_of_current(self) -> list[_Carrier]:
        carriers = []
        for laws in self.circuit.behaviours:
            rows = np.flatnonzero(~(self.at_state[laws.first] | self.at_state[laws.second]))
            if laws.output == "i" and rows.size:
                carrier = _Carrier(laws, rows, laws.first[rows], laws.second[rows])
                if (carrier.first == carrier.second).any() or (self.driver[carrier.ends] >= 0).any():
                    raise NoCrossbar(f"{carrier.name} is no current between two lines")
                carriers.append(carrier)
        return carriers

    def _aligned(self, laws: Behaviours, rows: Ints, cell: Ints, name: str) -> list[_Rows]:
        """Return rows of a group by cells, each time one for each."""
        times = np.bincount(cell, minlength=self.count)
        if (times != times[0]).any():
            raise NoCrossbar(f"its cells follow different laws: not all have as many like {name}")
        ordered = rows[np.argsort(cell, kind="stable")].reshape(self.count, int(times[0]))
        return [_Rows(laws, column.copy()) for column in ordered.T]

    def _sum(self, carriers: list[_Carrier], ends: Ints) -> Term:
        """Return what all sources of current carry from ``first`` to ``second``."""
        total = self.composition.number(0.0)
        for carrier in carriers:
            for element in self._aligned(carrier.laws, carrier.rows, _index(ends, carrier.ends), carrier.name):
                along = carrier.laws.first[element.row] == self.first
                total = total + self._signed(self._value(element), along)
        return total

    def _behind_a_resistor(self, element: _Rows, series: SeriesSource) -> Term:
        """Return the current of a source whose volts are h times it, and a resistor R: ``v / (R + h)``."""
        composition = self.composition
        self.current = unknown = composition.unknown()
        # Through the source's terminals the current is signs times the cell's, and so are its volts.
        volts = self._signed(self._value(element), series.signs > 0)
        factor = composition.linear_in(volts, unknown)
        if factor is None:
            raise NoCrossbar(f"{element.name} gives volts that are not in proportion to its own current")
        self._terms.clear()
        return composition.volts / (factor + composition.constant(series.ohms))

    def _signed(self, term: Term, positive: Bools) -> Term:
        if positive.all():
            return term
        return term * self.composition.constant(np.where(positive, 1.0, -1.0)) if positive.any() else -term

    def _value(self, element: _Rows) -> Term:
        """Return what a law gives, by the cell's voltage and state."""
        laws, row = element.laws, element.row
        key = (id(laws), row.tobytes())
        if key in self._terms:
            return self._terms[key]
        if key in self._busy or laws.template.timed:
            why = "depends on itself" if key in self._busy else "depends on time, as no cell does"
            raise NoCrossbar(f"{element.name} {why}")
        self._busy.add(key)
        controls = [
            self._control(element, kind, plus[row], minus[row])
            for kind, plus, minus in zip(laws.kinds, laws.plus, laws.minus, strict=True)
        ]
        term = self.composition.embed(laws.template, controls, laws.constants[:, row])
        factor = laws.factor[row]
        term = term if (factor == 1.0).all() else term * self.composition.constant(factor)
        self._busy.remove(key)
        self._terms[key] = term
        return term

    def _control(self, element: _Rows, kind: str, plus: Ints, minus: Ints) -> Term:
        if kind != "v":
            return self._through(element, plus)
        if ((plus == self.first) & (minus == self.second)).all():
            return self.composition.volts
        if ((plus == self.second) & (minus == self.first)).all():
            return -self.composition.volts
        return self._potential(element, plus) - self._potential(element, minus)

    def _through(self, element: _Rows, branch: Ints) -> Term:
        """Return the current of the cell's source of volts."""
        carrier, row = self.carrier, branch - self.through_from
        if self.current is not None and carrier is not None and ((row >= 0) & (row < carrier.rows.size)).all():
            paired = (carrier.first[row] == self.first) & (carrier.second[row] == self.second)
            if paired.all() and np.unique(row).size == row.size:
                return self._signed(self.current, carrier.laws.first[row] == self.first)
        raise NoCrossbar(f"{element.name} depends on a current that is not the cell's own")

    def _potential(self, element: _Rows, node: Ints) -> Term:
        """Return the voltage of an inner node over ground."""
        if (node == GROUND).all():
            return self.composition.number(0.0)
        if self.at_state[node].all():
            fresh = self.node < 0
            self.node[fresh] = node[fresh]
            if (self.node != node).any():
                raise NoCrossbar(f"{element.name} depends on a state that is not the cell's own, or on several")
            return self.composition.state
        driver = self.driver[node]
        if (driver >= 0).all() and (driver == driver[0]).all():
            return self._value(_Rows(self.circuit.behaviours[int(driver[0])], self.row[node]))
        raise NoCrossbar(f"{element.name} depends on what is neither the cell's voltage nor its state")

    def _motion(self) -> Term:
        """Return dx/dt: what flows into a state over its farads."""
        circuit = self.circuit
        cell = np.full(len(circuit.nodes), -1, dtype=np.int64)
        cell[self.node] = np.arange(self.count)
        total = self.composition.number(0.0)
        for laws in circuit.behaviours:
            rows = np.flatnonzero(self.at_state[laws.first] | self.at_state[laws.second])
            if rows.size:
                state = np.where(self.at_state[laws.first[rows]], laws.first[rows], laws.second[rows])
                for element in self._aligned(laws, rows, cell[state], laws.names[int(rows[0])]):
                    total = total + self._signed(self._value(element), laws.second[element.row] == self.node)
        siemens, farads = np.zeros((2, len(circuit.nodes)))
        leaking = np.flatnonzero((circuit.kinds == RESISTOR) & (circuit.first != circuit.second))
        capacitors = (circuit.storage or Storage()).capacitors
        with np.errstate(divide="ignore"):
            for ends in (circuit.first, circuit.second):
                np.add.at(siemens, ends[leaking], 1.0 / circuit.values[leaking])
        for ends in (capacitors.first, capacitors.second):
            np.add.at(farads, ends, capacitors.farads)
        leak, stored = siemens[self.node], farads[self.node]
        if not ((stored > 0.0) & np.isfinite(leak)).all():
            raise NoCrossbar("a state has no farads, or a resistor of 0 ohm")
        if leak.any():
            total = total - self.composition.state * self.composition.constant(leak)
        return total if (stored == 1.0).all() else total / self.composition.constant(stored)


def _index(ends: Ints, pairs: Ints) -> Ints:
    """Return where pairs (k, 2) of nodes stand in a sorted table of them (n, 2)."""
    count = int(max(ends.max(), pairs.max())) + 1
    place: Ints = np.searchsorted(ends[:, 0] * count + ends[:, 1], pairs[:, 0] * count + pairs[:, 1])
    return place
