"""Layers of cells that share word lines and bit lines: a crossbar with several nodes of either kind at one place.

All wires along one kind of lines are known from a single line: from it, both ends of a wire alongside are as far away,
and no other edge's are. That line is an outer one of the stack where both kinds have wires, whose cells alone lie on
cycles of 6 edges (a wire, a cell up, a cell up, and back); where the lines of one kind are single nodes it is a line
that two of those share at each node, whose cells alone lie on cycles of 4.

Lines that meet at a node are at one place: word lines that share a bit line's node are one row of places, bit lines
that share a word line's node one column. So no layer is looked for, nor the order of those.

Layers that lack cells: :mod:`holed_stacks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.components import components
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Ints, NoCrossbar
from xbarsim.netlist.graph.grid import grid_cells
from xbarsim.netlist.graph.holed_stacks import cells_by_ohms, crossed_everywhere
from xbarsim.netlist.graph.ladder_parts import cores_of
from xbarsim.netlist.graph.layout import ABSENT, Layout
from xbarsim.netlist.graph.lines import MAX_FILL
from xbarsim.netlist.graph.orient import oriented, ties_of
from xbarsim.netlist.graph.paths import Paths, paths_of, two_layers
from xbarsim.netlist.recognition import Recognition

_WIRES_AND_CELLS = 4
_TRIES = 16


def stacked_layers(network: EdgeNetwork, cores: list[Core]) -> Recognition | None:
    """Return the crossbar that a network of layers is which share lines, or None; ``cores`` lie between sources.

    Parameters
    ----------
    network : EdgeNetwork
        All edges and sources of the circuit.
    cores : list of Core
        Its parts between sources.
    """
    for core in cores:
        cells = _cells(core)
        if cells is not None:
            with suppress(NoCrossbar):
                return assemble(network, oriented(_layout(core, cells), ties_of(core, network.count)))
    return None


def stacks_by_ohms(network: EdgeNetwork) -> Iterator[Recognition]:
    """Yield the crossbars that a network of layers may be which share lines and lack cells.

    Ohms that are wires may be cells too: what cycles tell comes first, and each must still be held against the cells.

    Parameters
    ----------
    network : EdgeNetwork
        All edges and sources of the circuit.
    """
    # A wire beyond a line's last cell is no part of a tie where cells may be lacking.
    for core in cores_of(network, peel="ideal"):
        for cells in cells_by_ohms(network, core):
            with suppress(NoCrossbar):
                yield assemble(network, oriented(_layout(core, cells), ties_of(core, network.count)))


def _cells(core: Core) -> Bools | None:
    """Return which edges are cells, or None where no line was found that tells."""
    degree = core.degree
    if degree.min() < 1 or not np.any(degree == _WIRES_AND_CELLS):
        return None
    if degree.max() == _WIRES_AND_CELLS and degree.min() > 1:
        cells = grid_cells(core, width=_WIRES_AND_CELLS, steps=2)
        if cells is not None:
            return cells
    return _cells_of_nets(core)


def _cells_of_nets(core: Core) -> Bools | None:
    """Return which edges are cells where the lines of one kind are single nodes."""
    at = _Neighbours(core)
    seeds = np.flatnonzero(core.degree == _WIRES_AND_CELLS)
    for seed in seeds[:: max(1, seeds.size // _TRIES)].tolist():
        line = at.line(seed)
        if line is not None:
            steps = _distance(core, line)
            cells: Bools = steps[core.u] != steps[core.v]
            if not cells.all():
                return cells
    return None


class _Neighbours:
    """Nodes of any number of neighbours."""

    def __init__(self, core: Core) -> None:
        near, far = np.concatenate([core.u, core.v]), np.concatenate([core.v, core.u])
        self.far = far[np.argsort(near, kind="stable")]
        self.end = np.cumsum(core.degree)

    def of(self, node: int) -> set[int]:
        return set(self.far[self.end[node - 1] if node else 0 : self.end[node]].tolist())

    def wires(self, node: int) -> list[int] | None:
        """Return where a node's wires lead, if its cells are the two edges on cycles of 4."""
        around = sorted(self.of(node))
        if len(around) not in (_WIRES_AND_CELLS - 1, _WIRES_AND_CELLS):
            return None
        beyond = {neighbour: self.of(neighbour) - {node} for neighbour in around}
        alone = [a for a in around if all(beyond[a].isdisjoint(beyond[b]) for b in around if b != a)]
        return alone if len(around) - len(alone) == 2 else None

    def line(self, start: int) -> list[int] | None:
        """Return all nodes of the line through ``start``, or None where it is none that two nets share."""
        wires = self.wires(start)
        if wires is None:
            return None
        nodes = [start]
        for ahead in wires:
            before, node = start, ahead
            while True:
                onward = self.wires(node)
                if onward is None or before not in onward or len(nodes) > self.end.size:
                    return None
                nodes.append(node)
                onward = [neighbour for neighbour in onward if neighbour != before]
                if not onward:
                    break
                before, node = node, onward[0]
        return nodes


def _distance(core: Core, start: list[int]) -> Ints:
    """Return the number of edges from each node to the nearest of ``start``; -1 if there is no way.

    Where nets join all lines of a kind, that takes few rounds over all edges.
    """
    steps = np.full(core.node.size, -1, dtype=np.int64)
    steps[start] = step = 0
    while True:
        near, far = steps[core.u], steps[core.v]
        ahead = np.concatenate([core.v[(near == step) & (far < 0)], core.u[(far == step) & (near < 0)]])
        if not ahead.size:
            return steps
        step += 1
        steps[ahead] = step


@dataclass(frozen=True, eq=False)
class _LinePlaces:
    """Where lines of one kind stand: each line, and the first place and the number of those that a node crosses."""

    line: Ints
    first: Ints
    count: Ints


def _layout(core: Core, cell: Bools) -> Layout:
    """Return the layout in which each place has as many rows and columns as word and bit lines meet there.

    Raises
    ------
    NoCrossbar
        The wires form no paths, the cells join no two kinds of lines, or lines cross in different orders.
    """
    paths = paths_of(core, ~cell)
    u, v = core.u[cell], core.v[cell]
    layer = two_layers(paths, paths.path[u], paths.path[v])
    swap = layer[paths.path[u]] == 1
    x, y = np.where(swap, v, u), np.where(swap, u, v)
    shape = np.count_nonzero(layer == 0), np.count_nonzero(layer == 1)
    if shape[0] * shape[1] > MAX_FILL * (core.node.size + 16):
        raise NoCrossbar(f"it would be a crossbar of {shape[0]} x {shape[1]}, nearly empty")
    rows, cols = _places(paths, x, y, layer == 0), _places(paths, y, x, layer == 1)
    word, bit = np.full(shape, ABSENT, dtype=np.int64), np.full(shape[::-1], ABSENT, dtype=np.int64)
    for grid, mine, along, crossed in ((word, layer == 0, rows, cols), (bit, layer == 1, cols, rows)):
        nodes = np.flatnonzero(mine[paths.path])
        for k in range(int(crossed.count[nodes].max())):
            more = nodes[crossed.count[nodes] > k]
            grid[along.line[paths.path[more]], crossed.first[more] + k] = core.node[more]
    return Layout(word, bit.T)


def _places(paths: Paths, along: Ints, across: Ints, mine: Bools) -> _LinePlaces:
    """Return the places of the lines ``mine``.

    Each cell joins a node ``along`` one of them to a node ``across``, of a line that crosses them.
    """
    n, count = paths.path.size, paths.count
    group = components(paths.path[along], count + across, count + n)
    crossed = np.full(n, ABSENT)
    crossed[across] = group[paths.path[along]]
    crossing = np.flatnonzero(~mine[paths.path])
    if np.any(crossed[crossing] < 0):
        crossed, merged = crossed_everywhere(paths, crossed, crossing)
        group = np.where(group < merged.size, merged[np.minimum(group, merged.size - 1)], group)
    longest = crossing[paths.path[crossing] == np.argmax(np.bincount(paths.path[crossing], minlength=count))]
    passed = crossed[longest[np.argsort(paths.place[longest])]]
    place = np.full(count + n, ABSENT)
    place[passed] = np.arange(passed.size)
    lines = np.flatnonzero(mine)
    if np.any(crossed[crossing] < 0) or np.any(place[group[lines]] < 0) or np.unique(passed).size < passed.size:
        raise NoCrossbar("the lines cross in different orders")
    lowest = np.full(count, n)
    np.minimum.at(lowest, paths.path, np.arange(n))
    line = np.full(count, ABSENT)
    line[lines[np.lexsort((lowest[lines], place[group[lines]]))]] = np.arange(lines.size)
    size = np.bincount(place[group[lines]], minlength=passed.size)
    at = place[crossed]
    return _LinePlaces(line, (np.cumsum(size) - size)[at], size[at])
