"""Cells of an irregular array, deduced edge by edge: broken wires, missing cells, tiny arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.core import Core
from xbarsim.netlist.network import Bools, Ints, NoCrossbar
from xbarsim.netlist.partial import infer

WIRE, CELL, OPEN = 0, 1, -1
_MAX_READINGS = 64
_STEP = 100
_BATCH = 8192


@dataclass
class Budget:
    """How many more choices a search may try: refusing must not take for ever."""

    work: int = 60_000

    def spend(self, amount: int) -> bool:
        """Take ``amount``; False if there is none left."""
        self.work -= amount
        return self.work > 0


def deductions(core: Core, budget: Budget) -> Iterator[Bools]:
    """Yield consistent readings of an array with wires on both layers.

    A node has at most one cell and two wires, a tied node at most one wire, an edge of 0 ohm is a wire, and of two
    edges that a cycle of 8 turns through one is a cell. What this leaves open is tried both ways, within limits.
    """
    deducer = _Deducer(core)
    if not deducer.begin() or not deducer.extend():
        return
    choices: list[tuple[int, int, int]] = []
    given = 0
    while budget.spend(core.u.size + _STEP):
        edge = deducer.first_open()
        if edge is None:
            yield deducer.label == CELL
            given += 1
            if given == _MAX_READINGS:
                return
        else:
            value = deducer.likely(edge)
            choices.append((edge, value, len(deducer.trail)))
            if deducer.set(edge, value) and deducer.extend():
                continue
        while choices:
            edge, value, mark = choices.pop()
            deducer.undo(mark)
            if deducer.set(edge, 1 - value) and deducer.extend():
                break
            deducer.undo(mark)
        else:
            return


class _Deducer:
    """Labels, and what follows from each."""

    def __init__(self, core: Core) -> None:
        self.core = core
        table, edges = core.neighbours(3)
        self.table = table
        self.edges = [[e for e in row if e >= 0] for row in edges.tolist()]
        self.most_wires = np.where(core.tied, 1, 2).tolist()
        self.label = np.full(core.u.size, OPEN, dtype=np.int64)
        self.u, self.v = core.u.tolist(), core.v.tolist()
        self.trail: list[int] = []
        self.turns, self.cells = _turns(table, edges)

    def begin(self) -> bool:
        """Draw all conclusions that need no choice; False if they contradict."""
        for edge in np.flatnonzero(self.core.ideal).tolist():
            if not self.set(edge, WIRE):
                return False
        if not all(self.set(edge, CELL) for edge in self.cells):
            return False
        return all(self._settle(node) for node in range(self.core.node.size))

    def extend(self) -> bool:
        """Draw the conclusions from the places of nodes; False if they contradict."""
        while (self.label == OPEN).any() and (self.label == CELL).any():
            try:
                cells, wires = infer(self.core, self.label == CELL, self.label == WIRE)
            except NoCrossbar:
                return False
            if not cells.size and not wires.size:
                break
            if not all(self.set(edge, CELL) for edge in cells.tolist()):
                return False
            if not all(self.set(edge, WIRE) for edge in wires.tolist()):
                return False
        return True

    def first_open(self) -> int | None:
        """Return an undecided edge, beside a decided one if there is any."""
        undecided = self.label == OPEN
        if not undecided.any():
            return None
        touched = np.zeros(self.core.node.size, dtype=bool)
        touched[self.core.u[~undecided]] = touched[self.core.v[~undecided]] = True
        beside = np.flatnonzero(undecided & (touched[self.core.u] | touched[self.core.v]))
        return int(beside[0]) if beside.size else int(np.argmax(undecided))

    def likely(self, edge: int) -> int:
        """Return what an edge is tried as first: a leaf that is tied hangs on a cell."""
        for node in (self.u[edge], self.v[edge]):
            if len(self.edges[node]) == 1 and self.core.tied[node]:
                return CELL
        return WIRE

    def set(self, edge: int, value: int) -> bool:
        """Label an edge and draw the conclusions; False if they contradict."""
        queue = [(edge, value)]
        while queue:
            edge, value = queue.pop()
            if self.label[edge] != OPEN:
                if self.label[edge] != value:
                    return False
                continue
            self.label[edge] = value
            self.trail.append(edge)
            for node in (self.u[edge], self.v[edge]):
                found = self._conclude(node)
                if found is None:
                    return False
                queue += found
            queue += [(other, 1 - value) for other in self.turns.get(edge, ())]
        return True

    def undo(self, mark: int) -> None:
        """Forget every label set after ``mark``."""
        for edge in self.trail[mark:]:
            self.label[edge] = OPEN
        del self.trail[mark:]

    def _settle(self, node: int) -> bool:
        found = self._conclude(node)
        return found is not None and all(self.set(edge, value) for edge, value in found)

    def _conclude(self, node: int) -> list[tuple[int, int]] | None:
        """Return what follows at one node, None for a contradiction."""
        edges = self.edges[node]
        labels = [int(self.label[e]) for e in edges]
        cells, wires = labels.count(CELL), labels.count(WIRE)
        if cells > 1 or wires > self.most_wires[node]:
            return None
        open_edges = [e for e, label in zip(edges, labels, strict=True) if label == OPEN]
        if not open_edges:
            return []
        if cells:
            return [(e, WIRE) for e in open_edges]
        if wires == self.most_wires[node]:
            return [(e, CELL) for e in open_edges]
        return []


def _turns(table: Ints, edges: Ints) -> tuple[dict[int, list[int]], list[int]]:
    """Return the pairs of edges that a cycle of 8 turns through, and the edges that must be cells.

    Of three edges at a node one is a cell; it is the one that is turned into from both others.
    """
    pairs: dict[int, list[int]] = {}
    cells: list[int] = []
    count = table.shape[0]
    for start in range(0, count, _BATCH):
        nodes = np.arange(start, min(count, start + _BATCH))
        reach = [_three_steps(table, table[nodes, k], nodes) for k in range(3)]
        turned = np.zeros((nodes.size, 3), dtype=np.int64)
        for a, b in ((0, 1), (0, 2), (1, 2)):
            left, right = reach[a], reach[b]
            meet = ((left[:, :, None] == right[:, None, :]) & (left[:, :, None] >= 0)).any(axis=(1, 2))
            turned[:, a] += meet
            turned[:, b] += meet
            for one, two in zip(edges[nodes[meet], a].tolist(), edges[nodes[meet], b].tolist(), strict=True):
                pairs.setdefault(one, []).append(two)
                pairs.setdefault(two, []).append(one)
        whole = table[nodes, 2] >= 0
        for k in range(3):
            cells += edges[nodes[whole & (turned[:, k] == 2)], k].tolist()
    return pairs, cells


def _three_steps(table: Ints, start: Ints, before: Ints) -> Ints:
    """Return where three steps lead without turning back, (n, 27) with -1 for nowhere."""
    here, last = start[:, None], before[:, None]
    for _ in range(3):
        ahead = np.where(here[:, :, None] >= 0, table[here], -1)
        ahead[(ahead == last[:, :, None]) | (ahead == before[:, None, None])] = -1
        last = np.broadcast_to(here[:, :, None], ahead.shape).reshape(len(start), -1)
        here = ahead.reshape(len(start), -1)
    return here
