"""Cells of an irregular array, deduced from what its edges demand of each other: missing cells, broken wires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, Ints, NoCrossbar
from xbarsim.netlist.graph.partial import infer
from xbarsim.netlist.graph.turns import turns

WIRE, CELL, OPEN = 0, 1, -1
_ABSENT = 2
_MAX_READINGS = 64
_STEP = 3000


@dataclass
class Budget:
    """How much more work a search may do: refusing must not take for ever."""

    work: int = 1_500_000

    def spend(self, amount: int) -> bool:
        """Take ``amount``; False if there is none left."""
        self.work -= amount
        return self.work > 0


def deductions(core: Core, budget: Budget) -> Iterator[Bools]:
    """Yield consistent readings of an array with wires on both layers.

    A node has at most one cell and two wires, a tied node at most one wire, an edge of 0 ohm is a wire, and of two
    edges that a cycle of 8 turns through one is a cell. What this leaves open is tried both ways, within limits.

    Parameters
    ----------
    core : Core
        Whose edges are wires and cells.
    budget : Budget
        Of work; what is done is taken from it.
    """
    if budget.work <= 0:
        return
    rules = _Rules(core)
    label = rules.settled(rules.start)
    choices: list[tuple[Ints, int, int]] = []
    count = 0
    while True:
        if label is not None:
            edge = rules.first_open(label)
            if edge is None:
                yield label == CELL
                count += 1
                label = None
            else:
                value = rules.likely(edge)
                choices.append((label, edge, 1 - value))
        if label is None:
            if not choices or count == _MAX_READINGS:
                return
            label, edge, value = choices.pop()
        if not budget.spend(core.u.size + _STEP):
            return
        label = label.copy()
        label[edge] = value
        label = rules.settled(label)


class _Rules:
    """What labels demand of each other; each method takes all edges' labels."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.edges = core.edges_at(3)
        self.most_wires = np.where(core.tied, 1, 2)
        self.turns, cells = turns(self._across(), self.edges)
        self.start = np.where(core.ideal, WIRE, OPEN)
        self.start[cells] = CELL

    def _across(self) -> NDArray[np.int32]:
        """Return the neighbours that the edges at each node lead to."""
        node = np.arange(self.edges.shape[0])[:, None]
        across = (self.core.u + self.core.v).astype(np.int32)[self.edges] - node
        return np.where(self.edges >= 0, across, -1).astype(np.int32)

    def settled(self, label: Ints) -> Ints | None:
        """Return labels with all that follows from them, None if they contradict each other."""
        closed = self._closed(label)
        while closed is not None and (closed == OPEN).any() and (closed == CELL).any():
            try:
                cells, wires = infer(self.core, closed == CELL, closed == WIRE)
            except NoCrossbar:
                return None
            if not cells.size and not wires.size:
                break
            closed[cells] = CELL
            closed[wires] = WIRE
            if np.any(closed[cells] != CELL):
                return None
            closed = self._closed(closed)
        return closed

    def first_open(self, label: Ints) -> int | None:
        """Return an undecided edge, beside a decided one if there is any."""
        undecided = label == OPEN
        if not undecided.any():
            return None
        touched = np.zeros(self.core.node.size, dtype=bool)
        touched[self.core.u[~undecided]] = touched[self.core.v[~undecided]] = True
        beside = np.flatnonzero(undecided & (touched[self.core.u] | touched[self.core.v]))
        return int(beside[0]) if beside.size else int(np.argmax(undecided))

    def likely(self, edge: int) -> int:
        """Return what an edge is tried as first: a leaf that is tied hangs on a cell."""
        ends = np.array([self.core.u[edge], self.core.v[edge]])
        leaf = (self.edges[ends] >= 0).sum(axis=1) == 1
        return CELL if np.any(leaf & self.core.tied[ends]) else WIRE

    def _closed(self, label: Ints) -> Ints | None:
        """Return labels with what follows at each node and turn, in rounds over all of them."""
        label = np.append(label, _ABSENT)
        nodes, pairs = np.arange(self.edges.shape[0]), self.turns
        while True:
            at = label[self.edges[nodes]]
            cells, wires = (at == CELL).sum(axis=1), (at == WIRE).sum(axis=1)
            most = self.most_wires[nodes]
            first, second = label[pairs].T
            if np.any((cells > 1) | (wires > most)) or np.any((first == second) & (first != OPEN)):
                return None
            undecided = (at == OPEN).any(axis=1)
            open_pairs = (first == OPEN) | (second == OPEN)
            whole, full = undecided & (cells == 1), undecided & (cells == 0) & (wires == most)
            left, right = open_pairs & (first != OPEN), open_pairs & (second != OPEN)
            to_wire = (
                self._open_edges(nodes[whole], label),
                pairs[left & (first == CELL), 1],
                pairs[right & (second == CELL), 0],
            )
            to_cell = (
                self._open_edges(nodes[full], label),
                pairs[left & (first == WIRE), 1],
                pairs[right & (second == WIRE), 0],
            )
            new_wires, new_cells = np.concatenate(to_wire), np.concatenate(to_cell)
            if not new_wires.size and not new_cells.size:
                return label[:-1]
            label[new_wires] = WIRE
            label[new_cells] = CELL
            if np.any(label[new_wires] != WIRE):
                return None
            nodes, pairs = nodes[undecided], pairs[open_pairs]

    def _open_edges(self, nodes: Ints, label: Ints) -> Ints:
        edges = self.edges[nodes].ravel()
        undecided: Ints = edges[label[edges] == OPEN]
        return undecided
