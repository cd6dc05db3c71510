"""Nonlinear cells as recognition sees them: a resistor stands in for each, and is put back once the layout is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from xbarsim.devices import Device
from xbarsim.errors import InputError
from xbarsim.netlist.element_kinds import CURRENT, GROUND, RESISTOR, VOLTAGE
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.edges import Bools, Floats, Ints, NoCrossbar
from xbarsim.netlist.recognition import Inner, Recognition, Tie

_ROUNDING = 1e-15
"""Part of a stand-in's conductance that two reciprocals may change it by."""

Place = Callable[[Floats], Floats]
"""Lays numbers of each cell out over the array."""


@dataclass(frozen=True, eq=False)
class CellElements:
    """All nonlinear cells of a circuit: one law, parameters of each.

    Attributes
    ----------
    names, origins : list of str, (n,)
        The elements.
    first, second : (n,)
        The two nodes between which each conducts.
    conductance : (n,)
        Siemens; what the cell's state is called.
    device : callable
        Makes the model from ``place`` (a function that lays numbers of each cell out over the array), and which cells
        have ``first`` on their word line.
    series : (n,) array of int, or None
        Elements that are resistors inside the cells.
    inner : (n,) array of int, or None
        The nodes between them and the law's elements.
    outer : (n,) array of int, or None
        The nodes at their other ends.
    gates : (k,) array of int
        Elements that only hold gates and bulks: their sources, and resistors along their lines.
    left_out : callable, or None
        Says what the cells do that their model does not, from which cells have ``first`` on their word line.
    hidden : (h,) array of int, or None
        Nodes inside cells that are none of a memristor in series with a resistor, as those of states.
    """

    names: list[str]
    origins: Ints
    first: Ints
    second: Ints
    conductance: Floats
    device: Callable[[Place, Bools], Device]
    series: Ints | None = None
    inner: Ints | None = None
    outer: Ints | None = None
    gates: Ints | None = None
    left_out: Callable[[Bools], str | None] | None = None
    hidden: Ints | None = None

    @cached_property
    def _inside(self) -> Ints:
        """The elements that are part of cells, or hold their gates."""
        parts = [part for part in (self.series, self.gates) if part is not None]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def outside(self, circuit: FlatCircuit) -> Ints:
        """Return the nodes that are not inside cells, nor gates."""
        keep = np.ones(len(circuit.nodes), dtype=bool)
        if self.inner is not None:
            keep[self.inner] = False
        if self.hidden is not None:
            keep[self.hidden] = False
        if self.gates is not None:
            keep[circuit.first[self.gates]] = keep[circuit.second[self.gates]] = False
        keep[GROUND] = True
        return np.flatnonzero(keep)

    def stand_in(self, circuit: FlatCircuit) -> FlatCircuit:
        """Return the circuit with a resistor for each cell, behind its own elements, whose numbers stay."""
        outside = self.outside(circuit)
        number = np.full(len(circuit.nodes), GROUND)
        number[outside] = np.arange(outside.size)
        kinds, first, second, values = (
            column.copy() for column in (circuit.kinds, circuit.first, circuit.second, circuit.values)
        )
        # What is part of a cell becomes a source of 0 A from ground to ground.
        kinds[self._inside], values[self._inside] = CURRENT, 0.0
        first[self._inside] = second[self._inside] = GROUND
        return replace(
            circuit,
            nodes=[circuit.nodes[k] for k in outside.tolist()],
            names=[*circuit.names, *self.names],
            kinds=np.concatenate([kinds, np.full(self.first.size, RESISTOR, kinds.dtype)]),
            first=number[np.concatenate([first, self.first])],
            second=number[np.concatenate([second, self.second])],
            values=np.concatenate([values, 1.0 / self.conductance]),
            origins=np.concatenate([circuit.origins, self.origins]),
            capacitors=tuple((name, int(number[a]), int(number[b]), at) for name, a, b, at in circuit.capacitors),
            behaviours=(),
            diodes=None,
            mosfets=None,
        )

    def put_back(self, circuit: FlatCircuit, recognition: Recognition) -> Recognition:
        """Return what was found with the cells themselves in it.

        Parameters
        ----------
        circuit : FlatCircuit
            The one with the cells.
        recognition : Recognition
            Of that with resistors in their places.

        Raises
        ------
        NoCrossbar
            A stand-in is no cell of its own there, or another element is one.
        """
        crossbar = recognition.crossbar
        if crossbar is None:
            return replace(recognition, circuit=circuit)
        recognition = renamed(recognition, self.outside(circuit))
        row, col, forward = self.places(recognition)
        rows, cols = crossbar.shape

        def place(numbers: Floats) -> Floats:
            # Where there is no cell any number serves that a model takes: one of the cells' own.
            table = np.full((rows, cols), numbers[0])
            table[row, col] = numbers
            return table

        conductance = np.zeros((rows, cols))
        conductance[row, col] = self.conductance
        inner = None
        if self.inner is not None and self.outer is not None:
            # The current from word to bit line raises the inner node over the outer one's where that is the bit node.
            sign = np.where(self.outer == np.where(forward, self.first, self.second), -1.0, 1.0)
            inner = Inner(self.inner, self.outer, row, col, sign / self.conductance)
        try:
            device = self.device(place, forward)
        except InputError as error:
            raise NoCrossbar(f"its cells have parameters that their model does not take: {error}") from None
        return replace(
            recognition,
            circuit=circuit,
            crossbar=crossbar.with_cells(conductance, device),
            inner=inner,
            gates=frozenset(() if self.gates is None else self.gates.tolist()),
            left_out=None if self.left_out is None else self.left_out(forward),
        )

    def places(self, recognition: Recognition) -> tuple[Ints, Ints, Bools]:
        """Return each cell's row and column, and whether ``first`` is its word node.

        Raises
        ------
        NoCrossbar
            One has a place for itself nowhere.
        """
        assert recognition.crossbar is not None
        cells = np.flatnonzero(recognition.crossbar.conductance)
        word, bit = recognition.word_nodes.ravel()[cells], recognition.bit_nodes.ravel()[cells]
        count = int(max(word.max(), bit.max(), self.first.max(), self.second.max())) + 1
        key = word * count + bit
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        if cells.size != self.first.size or np.any(ordered[1:] == ordered[:-1]):
            raise NoCrossbar("its nonlinear elements and resistors share the places of its cells")
        places = []
        for a, b in ((self.first, self.second), (self.second, self.first)):
            mine = a * count + b
            at = np.minimum(np.searchsorted(ordered, mine), ordered.size - 1)
            places.append(np.where(ordered[at] == mine, order[at], -1))
        forward = places[0] >= 0
        place = np.where(forward, places[0], places[1])
        if np.any(place < 0) or np.unique(place).size != cells.size:
            odd = int(np.argmin(place))
            raise NoCrossbar(f"{self.names[odd]} is no cell of its own between a word line and a bit line")
        row, col = np.divmod(cells[place], recognition.crossbar.shape[1])
        beside = np.abs(recognition.crossbar.conductance[row, col] - self.conductance) > _ROUNDING * self.conductance
        if beside.any():
            raise NoCrossbar(f"{self.names[int(np.argmax(beside))]} has a resistor beside it, from the same lines")
        return row, col, forward


def renamed(recognition: Recognition, nodes: Ints) -> Recognition:
    """Return a recognition with other numbers for its nodes.

    Parameters
    ----------
    recognition : Recognition
        It stays as it is.
    nodes : array of int
        The new number of each.
    """

    def places(table: Ints) -> Ints:
        return np.where(table >= 0, nodes[table], table)

    def tied(tie: Tie) -> Tie:
        return replace(tie, nodes=tuple((int(nodes[node]), ohms) for node, ohms in tie.nodes))

    return replace(
        recognition,
        word_nodes=places(recognition.word_nodes),
        bit_nodes=places(recognition.bit_nodes),
        ties=tuple(tied(tie) for tie in recognition.ties),
        dangling=tuple((int(nodes[node]), int(nodes[anchor])) for node, anchor in recognition.dangling),
    )


def touches(circuit: FlatCircuit) -> Ints:
    """Return how many ends of elements meet at each node; what only looks at a voltage counts too.

    Capacitors, which are open, do not, nor do bulks.
    """
    count = len(circuit.nodes)
    parts = [circuit.first, circuit.second]
    for laws in circuit.behaviours:
        parts += [laws.first, laws.second]
        if laws.kinds and not laws.two_terminal.all():
            parts += [nodes for kind, nodes in zip(laws.kinds, laws.plus, strict=True) if kind == "v"]
            parts += [nodes for kind, nodes in zip(laws.kinds, laws.minus, strict=True) if kind == "v"]
    if circuit.diodes is not None:
        parts += [circuit.diodes.first, circuit.diodes.second]
    if circuit.mosfets is not None:
        parts += [circuit.mosfets.drain, circuit.mosfets.gate, circuit.mosfets.source]
    count_at: Ints = np.bincount(np.concatenate(parts), minlength=count)
    return count_at


def resistor_at(circuit: FlatCircuit) -> Ints:
    """Return a resistor at each node, -1 where there is none."""
    resistor = np.full(len(circuit.nodes), -1, dtype=np.int64)
    resistors = np.flatnonzero((circuit.kinds == RESISTOR) & (circuit.first != circuit.second))
    resistor[circuit.first[resistors]] = resistor[circuit.second[resistors]] = resistors
    resistor[circuit.first[resistors]] = resistors
    return resistor


def held_at(circuit: FlatCircuit) -> tuple[Ints, Floats]:
    """Return the voltage source from each node to ground, -1 if there is none, and its volts."""
    source = np.full(len(circuit.nodes), -1, dtype=np.int64)
    volts = np.zeros(len(circuit.nodes))
    voltage = circuit.kinds == VOLTAGE
    for near, far, sign in ((circuit.first, circuit.second, 1.0), (circuit.second, circuit.first, -1.0)):
        at = np.flatnonzero(voltage & (far == GROUND) & (near != GROUND))
        source[near[at]], volts[near[at]] = at, sign * circuit.values[at]
    return source, volts


def in_series(circuit: FlatCircuit, first: Ints, second: Ints) -> tuple[Ints, Ints, Ints] | None:
    """Return each cell's resistor, the node between it and the law's element, and its far end; None if none has.

    Parameters
    ----------
    circuit : FlatCircuit
        With its resistors.
    first, second : (cells,) array of int
        Nodes of the laws' elements.
    """
    met = touches(circuit)
    resistor = resistor_at(circuit)
    lone = (met == 2) & (resistor >= 0)
    lone[GROUND] = False
    at_first, at_second = lone[first], lone[second]
    if not (at_first | at_second).all():
        return None
    # At an array's corners a cell's own end is met by no more than an inner node is: the other cells say which it is.
    by_first = np.count_nonzero(at_first & ~at_second) >= np.count_nonzero(at_second & ~at_first)
    inner = np.where(at_first & (by_first | ~at_second), first, second)
    series = resistor[inner]
    outer = circuit.first[series] + circuit.second[series] - inner
    sourced = (held_at(circuit)[0] >= 0) | (np.arange(met.size) == GROUND)
    # Resistors to sources of their own, or to ground, are ends of lines that have one cell each; a source that several
    # hang on is a line without a driver's resistance.
    shared = np.bincount(outer, minlength=met.size) > 1
    shared[GROUND] = False
    if (
        (sourced[outer].all() and not shared[outer].any())
        or np.unique(series).size != series.size
        or np.any(circuit.values[series] <= 0.0)
    ):
        return None
    return series, inner, outer
