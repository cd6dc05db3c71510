"""Cells of an array with wires on both layers, told from wires by distance to one line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools

Table = NDArray[np.int32]
_TRIES = 64


def grid_cells(core: Core, *, width: int = 3, steps: int = 3) -> Bools | None:
    """Return which edges are cells, or None if no seed was found.

    The shortest cycles have 8 edges (word, cell, bit, cell, twice) and never go straight on along a line, which
    tells wires from the cell at one node. From there one line is followed to its ends. Along the other lines of its
    layer the distance to it is constant; the nodes on no such line are those of the other layer.

    Parameters
    ----------
    core : Core
        Wires and cells; nodes have up to ``width`` neighbours.
    width, steps : int
        Layers that share lines have nodes of 4 neighbours, and cycles of 6 edges, 2 ``steps`` from either neighbour.
    """
    table = core.neighbours(width)
    degree = core.degree
    seeds = np.flatnonzero(degree == 3)
    if not seeds.size:
        return None
    near = _Nearby(table, steps)
    for seed in seeds[:: max(1, seeds.size // _TRIES)].tolist():
        cell = near.cell_of(seed)
        if cell is None or near.cell_of(cell) not in (seed, None) or degree[cell] < 2:
            continue
        line = near.line(seed, cell)
        if line is None:
            continue
        away = distance(table, line)
        wires = away[core.u] == away[core.v]
        wires &= away[core.u] >= 0
        along = np.zeros(core.node.size, dtype=bool)
        along[core.u[wires]] = along[core.v[wires]] = True
        cells: Bools = along[core.u] != along[core.v]
        return cells
    return None


def distance(table: Table, start: list[int]) -> Table:
    """Return the number of edges from each node to the nearest of ``start``; -1 if there is no way."""
    steps = np.full(table.shape[0], -1, dtype=np.int32)
    last_seen = np.empty(table.shape[0], dtype=np.int32)
    numbers = np.arange(table.size, dtype=np.int32)
    front = np.array(start, dtype=np.int32)
    steps[front] = 0
    step = 0
    while front.size:
        step += 1
        ahead = table[front].ravel()
        ahead = ahead[ahead >= 0]
        ahead = ahead[steps[ahead] < 0]
        steps[ahead] = step
        count = numbers[: ahead.size]
        last_seen[ahead] = count
        front = ahead[last_seen[ahead] == count]
    return steps


class _Nearby:
    """Short cycles around a node."""

    def __init__(self, table: Table, steps: int) -> None:
        self.table, self.steps = table, steps
        self.adjacent: dict[int, list[int]] = {}

    def neighbours(self, node: int) -> list[int]:
        nodes = self.adjacent.get(node)
        if nodes is None:
            nodes = self.adjacent[node] = [neighbour for neighbour in self.table[node].tolist() if neighbour >= 0]
        return nodes

    def on_cycle(self, node: int, a: int, b: int) -> bool:
        """Whether a cycle of so many steps twice passes from ``a`` through ``node`` to ``b``."""
        return not self._reach(a, node).isdisjoint(self._reach(b, node))

    def _reach(self, start: int, before: int) -> set[int]:
        """Return where the steps from ``start`` lead without turning back."""
        walks = {(before, start)}
        for _ in range(self.steps):
            walks = {(at, n) for last, at in walks for n in self.neighbours(at) if n not in (last, before)}
        return {at for _, at in walks}

    def cell_of(self, node: int) -> int | None:
        """Return which of three neighbours is across the cell, if the cycles tell."""
        if len(self.neighbours(node)) != 3:
            return None
        a, b, c = self.neighbours(node)
        ab, ac, bc = self.on_cycle(node, a, b), self.on_cycle(node, a, c), self.on_cycle(node, b, c)
        cells = {(True, True, False): a, (True, False, True): b, (False, True, True): c}
        return cells.get((ab, ac, bc))

    def line(self, start: int, cell: int) -> list[int] | None:
        """Return all nodes of the line through ``start``, whose cell leads to ``cell``."""
        nodes = [start]
        for ahead in (n for n in self.neighbours(start) if n != cell):
            before, node = start, ahead
            while True:
                nodes.append(node)
                if len(nodes) > self.table.shape[0]:
                    return None
                onward = self._onward(node, before)
                if onward is None:
                    return None
                if onward < 0:
                    break
                before, node = node, onward
        return nodes

    def _onward(self, node: int, before: int) -> int | None:
        """Return the next node of a line, -1 at its end, None where the cycles do not tell."""
        forward = [n for n in self.neighbours(node) if n != before]
        if not forward:
            return -1
        if len(forward) > 2:
            return None
        turning = [self.on_cycle(node, before, n) for n in forward]
        if len(forward) == 1:
            return -1 if turning[0] else forward[0]
        if turning[0] == turning[1]:
            return None
        return forward[turning.index(False)]
