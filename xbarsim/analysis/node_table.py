"""Voltages and currents of a netlist's own nodes and sources, out of a crossbar's way through time."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Array
from xbarsim.netlist.element_kinds import GROUND, VOLTAGE
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition_in_time import RecognitionInTime
from xbarsim.transient import CrossbarTransient, Recording
from xbarsim.transient.recording import NodeName
from xbarsim.waves import Wave

Ints = NDArray[np.int64]


class NodeTable:
    """Which nodes are wanted, what the crossbar has to record for them, and their voltages.

    Parameters
    ----------
    circuit : ReadCircuit
        The netlist.
    timed : RecognitionInTime
        Its crossbar.
    nodes : array of int
        The nodes that are wanted.
    branches : set of str
        The branches whose currents are.
    """

    def __init__(self, circuit: ReadCircuit, timed: RecognitionInTime, nodes: Ints, branches: set[str]) -> None:
        self.circuit, self.timed = circuit, timed
        count = len(circuit.nodes)
        recognition = timed.recognition
        self._places: list[Ints] = []
        for table in (recognition.word_nodes, recognition.bit_nodes):
            place = np.full(count, -1, np.int64)
            at = np.flatnonzero(table.ravel() > GROUND)[::-1]
            place[table.ravel()[at]] = at
            self._places.append(place)
        self._anchor = np.arange(count)
        for node, anchor in recognition.dangling:
            self._anchor[node] = anchor
        self._state = np.full(count, -1, np.int64)
        if timed.states is not None:
            self._state[timed.states.node] = timed.row * recognition.word_nodes.shape[1] + timed.col
        self._group, self._row = np.full((2, count), -1, np.int64)
        for number, laws in enumerate(circuit.behaviours):
            if laws.output == "v":
                driven = np.where(laws.second == GROUND, laws.first, laws.second)
                self._group[driven], self._row[driven] = number, np.arange(driven.size)
        self._inner = np.full(count, -1, np.int64)
        if recognition.inner is not None:
            self._inner[recognition.inner.node] = np.arange(recognition.inner.node.size)
            self._group[recognition.inner.node] = -1
        self._column = np.full(count, -1, np.int64)
        self._order: list[Ints] = []
        series = None if timed.states is None else timed.states.series
        if series is not None:
            carried = [k for k, name in enumerate(series.names) if name in branches]
            nodes = np.concatenate([nodes, series.inner[carried]])
        self._require(nodes)

    def _require(self, nodes: Ints) -> None:
        """Take nodes in, and before them what they are computed from."""
        fresh = np.unique(nodes)
        fresh = fresh[self._column[fresh] < 0]
        if not fresh.size:
            return
        self._column[fresh] = 0
        below: list[Ints] = [self._anchor[fresh]]
        for number in np.unique(self._group[fresh]):
            if number >= 0:
                rows = self._row[fresh[self._group[fresh] == number]]
                laws = self.circuit.behaviours[number]
                below += [laws.plus[:, rows].ravel(), laws.minus[:, rows].ravel()]
        inner = self.timed.recognition.inner
        if inner is not None:
            at = self._inner[fresh]
            below.append(inner.outer[at[at >= 0]])
        self._require(np.concatenate(below))
        self._order.append(fresh)

    def recording(self) -> Recording:
        """Return what the crossbar has to keep."""
        nodes = np.flatnonzero(self._column >= 0)
        self._columns = nodes
        self._column[nodes] = np.arange(nodes.size)
        cols = self.timed.recognition.word_nodes.shape[1]
        names: list[NodeName] = []
        self._recorded: list[Ints] = []
        layers: tuple[Literal["word", "bit"], ...] = ("word", "bit")
        for layer, place in zip(layers, self._places, strict=True):
            at = nodes[place[nodes] >= 0]
            self._recorded.append(at)
            names += [(layer, *divmod(k, cols)) for k in place[at].tolist()]
        states = nodes[self._state[nodes] >= 0]
        inner = nodes[self._inner[nodes] >= 0]
        cells = self._state[states]
        if inner.size:
            series = self.timed.recognition.inner
            assert series is not None
            at = self._inner[inner]
            cells = np.concatenate([cells, series.row[at] * cols + series.col[at]])
        self._cells = states, inner
        sides = tuple(dict.fromkeys(tie.side for tie in self.timed.recognition.ties))
        return Recording(
            currents=sides,
            node_voltages=names,
            cells=[divmod(k, cols) for k in cells.tolist()],
        )

    def fill(self, run: CrossbarTransient) -> None:
        """Compute all voltages that were wanted, at a run's points."""
        recognition = self.timed.recognition
        self._volts = volts = np.full((run.times.size, self._columns.size), np.nan)
        column = self._column
        if column[GROUND] >= 0:
            volts[:, column[GROUND]] = 0.0
        self._fill_sources(run)
        at = np.concatenate(self._recorded)
        volts[:, column[at]] = run.node_voltages
        states, inner = self._cells
        volts[:, column[states]] = run.cell_states[:, : states.size]
        for tie in recognition.ties:
            source = self._source_volts(tie.source, run) * tie.sign if tie.source >= 0 else 0.0
            for node, ohms in tie.nodes:
                if column[node] >= 0:
                    volts[:, column[node]] = source + ohms * run.end_currents[tie.side][:, tie.line]
        for nodes in self._order:
            moved = nodes[self._anchor[nodes] != nodes]
            volts[:, column[moved]] = volts[:, column[self._anchor[moved]]]
            for number in np.unique(self._group[nodes]):
                if number >= 0:
                    self._evaluate(int(number), nodes[self._group[nodes] == number], run.times)
        if recognition.inner is not None and inner.size:
            k = self._inner[inner]
            amperes = run.cell_currents[:, states.size :]
            volts[:, column[inner]] = volts[:, column[recognition.inner.outer[k]]] + recognition.inner.ohms[k] * amperes

    def _fill_sources(self, run: CrossbarTransient) -> None:
        circuit, column = self.circuit, self._column
        for element in np.flatnonzero(circuit.kinds == VOLTAGE).tolist():
            first, second = int(circuit.first[element]), int(circuit.second[element])
            for node, other_end, sign in ((first, second, 1.0), (second, first, -1.0)):
                if other_end == GROUND and column[node] >= 0:
                    self._volts[:, column[node]] = sign * self._source_volts(element, run)

    def _source_volts(self, element: int, run: CrossbarTransient) -> Array:
        """Return a source's volts."""
        wave: Wave | None = self.circuit.waves.get(element)
        return np.full(run.times.size, self.circuit.values[element]) if wave is None else wave.at(run.times)

    def _evaluate(self, number: int, nodes: Ints, times: Array) -> None:
        """Fill nodes that sources of volts with a law drive."""
        laws, row = self.circuit.behaviours[number], self._row[nodes]
        shape = times.size, nodes.size
        controls = [
            self._between(plus[row], minus[row]).ravel() for plus, minus in zip(laws.plus, laws.minus, strict=True)
        ]
        constants = [np.broadcast_to(values[row], shape).ravel() for values in laws.constants]
        value, _ = laws.template.evaluate(controls, constants, 0.0)
        sign = np.where(laws.second[row] == GROUND, 1.0, -1.0) * laws.factor[row]
        self._volts[:, self._column[nodes]] = sign * np.broadcast_to(value, shape[0] * shape[1]).reshape(shape)

    def _between(self, plus: Ints, minus: Ints) -> Array:
        volts: Array = self._volts[:, self._column[plus]] - self._volts[:, self._column[minus]]
        return volts

    def voltages(self, nodes: list[int]) -> Array:
        """Return the voltages of some of the nodes that were wanted: (points, nodes)."""
        volts: Array = self._volts[:, self._column[np.array(nodes, np.int64)]]
        return volts

    def branch_currents(self, run: CrossbarTransient) -> dict[str, Array]:
        """Return the currents of sources that carry any, by name."""
        amperes: dict[int, Array] = defaultdict(lambda: np.zeros(run.times.size))
        for tie in self.timed.recognition.ties:
            out = run.end_currents[tie.side][:, tie.line]
            if tie.source >= 0:
                amperes[tie.source] = amperes[tie.source] + tie.sign * out
            for element, sign in tie.ammeters:
                amperes[element] = amperes[element] + sign * out
        by_name = {self.circuit.names[element]: current for element, current in amperes.items()}
        states, inner = self._cells
        if self.timed.states is not None and self.timed.states.series is not None:
            series = self.timed.states.series
            for k, current in zip(self._inner[inner].tolist(), run.cell_currents[:, states.size :].T, strict=True):
                turn = 1.0 if self.timed.forward[k] else -1.0
                by_name[series.names[k]] = turn * series.signs[k] * current
        return by_name
