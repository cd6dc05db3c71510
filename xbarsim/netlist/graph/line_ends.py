"""What the line ends are tied to: chains of elements that leave the array and reach a source or ground."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import Side
from xbarsim.netlist.element_kinds import GROUND, RESISTOR
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Ints, NoCrossbar
from xbarsim.netlist.graph.layout import Layout
from xbarsim.netlist.recognition import Tie

_ENDS: dict[str, tuple[Side, Side]] = {"word": ("word_left", "word_right"), "bit": ("bit_bottom", "bit_top")}


@dataclass(frozen=True)
class _Chain:
    """Elements in series from an array node to a source (-1: ground; None: nowhere)."""

    source: int | None
    volts: float
    ohms: float
    nodes: tuple[tuple[int, float], ...]
    ammeters: tuple[tuple[int, int], ...]
    order: int


def find_ends(
    network: EdgeNetwork, layout: Layout, inside: Bools
) -> tuple[tuple[Tie, ...], tuple[tuple[int, int], ...]]:
    """Return the ties of all line ends, and the nodes that dangle from the array.

    Parameters
    ----------
    network, layout : EdgeNetwork, Layout
        The circuit and where its nodes stand.
    inside : (edges,) array of bool
        The edges that are wires and cells; all others must be accounted for here.

    Raises
    ------
    NoCrossbar
        An element outside the array is no tie of a line end.
    """
    rows, cols = layout.word.shape
    outside = np.flatnonzero(~inside)
    on_array = np.zeros(network.count, dtype=bool)
    for nodes in (layout.word, layout.bit):
        on_array[nodes[nodes > GROUND]] = True
    walker = _Walker(network, on_array, outside.tolist())
    start = np.zeros(network.count, dtype=bool)
    for nodes in (network.u[outside], network.v[outside], np.flatnonzero(network.source >= 0)):
        start[nodes] = True
    starts = np.flatnonzero(start & on_array)
    if starts.size > 2 * (rows + cols):
        raise NoCrossbar(f"{network.name(outside[0]) if outside.size else 'an element'} fits into no line or end")
    chains = {int(node): walker.chains(int(node)) for node in starts}
    walker.check_all_used()
    dangling = tuple(
        (node, start) for start, tails in chains.items() for c in tails if c.source is None for node, _ in c.nodes
    )
    ties: list[Tie] = []
    placed = 0
    for layer, lines in (("word", layout.word), ("bit", layout.bit[::-1].T)):
        _check_ground(lines)
        for line, nodes in enumerate(lines[:, [0, -1]].tolist()):
            line_ties = _ties_of_line(network, layout, layer, line, nodes, chains)
            placed += sum(tie.source >= 0 or bool(tie.resistance) for tie in line_ties)
            ties += line_ties
    if placed < sum(c.source is not None for tails in chains.values() for c in tails):
        outer = {node for lines in (layout.word, layout.bit.T) for node in lines[:, [0, -1]].ravel().tolist()}
        first = next((c for node, tails in chains.items() if node not in outer for c in tails), None)
        element = network.element_name(first.order) if first else "an element"
        raise NoCrossbar(f"{element} is tied to the middle of a line")
    ties += _idle_ends(network, layout, ties)
    covered = on_array | (network.source >= 0)
    covered[[node for tie in ties for node, _ in tie.nodes] + [node for node, _ in dangling] + [GROUND]] = True
    lost = np.flatnonzero(~covered)
    if lost.size:
        raise NoCrossbar(f"node '{network.circuit.nodes[lost[0]]}' lies on no word line, bit line or line end")
    return tuple(ties), dangling


def _check_ground(lines: Ints) -> None:
    """Raise if ground, where it stands on a line, is not one stretch that reaches an end."""
    for nodes in lines[(lines == GROUND).any(axis=1)]:
        at = np.flatnonzero(nodes == GROUND)
        if at[-1] - at[0] + 1 > at.size or (at[0] > 0 and at[-1] < nodes.size - 1):
            raise NoCrossbar("ground lies in the middle of a line")


def _ties_of_line(
    network: EdgeNetwork, layout: Layout, layer: str, line: int, ends: list[int], chains: dict[int, list[_Chain]]
) -> list[Tie]:
    """Return the ties of one line; ``ends`` are the nodes at its left or bottom, and at its other end."""
    sides: dict[int, list[Side]] = {}
    for node, side in zip(ends, _ENDS[layer], strict=True):
        sides.setdefault(node, []).append(side)
    ties: list[Tie] = []
    for node, node_sides in sides.items():
        if node == GROUND:
            ties.append(Tie(node_sides[0], line, 0.0, 0.0))
            continue
        sourced = [chain for chain in chains.get(node, []) if chain.source is not None]
        for side, chain in _assign(network, layout, layer, node_sides, sourced):
            source = -1 if chain.source is None else chain.source
            sign = 1 if source < 0 or network.circuit.second[source] == GROUND else -1
            ties.append(Tie(side, line, chain.volts, chain.ohms, source, sign, chain.nodes, chain.ammeters))
    return ties


def _assign(
    network: EdgeNetwork, layout: Layout, layer: str, sides: list[Side], chains: list[_Chain]
) -> list[tuple[Side, _Chain]]:
    """Give each chain a side: as the layout says, else driving ends left and sensing ends at the bottom."""
    if len(chains) > len(sides):
        names = " and ".join(network.element_name(chain.order) for chain in chains)
        raise NoCrossbar(f"{names} are tied to one end of a line")
    driving = layer == "word"
    ordered = sorted(chains, key=lambda chain: ((chain.volts != 0) != driving, chain.order))
    sources = [-1 if chain.source is None else chain.source for chain in ordered]
    layout_sides = [layout.sides[source][0] for source in sources if source in layout.sides]
    if len(layout_sides) == len(ordered) == len(set(layout_sides)) and set(layout_sides) <= set(sides):
        return list(zip(layout_sides, ordered, strict=True))
    return list(zip(sides, ordered, strict=False))


def _idle_ends(network: EdgeNetwork, layout: Layout, ties: list[Tie]) -> list[Tie]:
    """Return the open ends whose source the layout names: it drives nothing, but has a voltage."""
    rows, cols = layout.word.shape
    busy = {(tie.side, tie.line) for tie in ties} | {tie.source for tie in ties}
    idle = []
    for source, (side, line) in layout.sides.items():
        count = rows if side.startswith("word") else cols
        if source not in busy and (side, line) not in busy and line < count:
            circuit = network.circuit
            ground_first = circuit.first[source] == GROUND
            node = int(circuit.second[source] if ground_first else circuit.first[source])
            if network.source[node] == source:
                idle.append(Tie(side, line, float(network.volts[node]), np.inf, source))
    return idle


class _Walker:
    """Follows elements outside the array."""

    def __init__(self, network: EdgeNetwork, on_array: Bools, edges: list[int]) -> None:
        self.network, self.on_array = network, on_array
        self.edges = edges
        self.walked: set[int] = set()
        self.at: defaultdict[int, list[int]] = defaultdict(list)
        for edge in edges:
            self.at[int(network.u[edge])].append(edge)
            self.at[int(network.v[edge])].append(edge)

    def chains(self, start: int) -> list[_Chain]:
        """Return what is tied to an array node: its own source and the chains that leave it."""
        chains = []
        source = int(self.network.source[start])
        if source >= 0:
            chains.append(_Chain(source, float(self.network.volts[start]), 0.0, (), (), source))
        return chains + [self._follow(start, edge) for edge in self.at[start]]

    def _follow(self, start: int, edge: int) -> _Chain:
        network, node = self.network, start
        steps: list[tuple[int, float]] = []
        ammeters: list[tuple[int, int]] = []
        order = int(network.element[edge])
        while True:
            self.walked.add(edge)
            element = int(network.element[edge])
            if network.circuit.kinds[element] != RESISTOR:
                ammeters.append((element, 1 if network.circuit.first[element] == node else -1))
            node = int(network.u[edge] + network.v[edge] - node)
            steps.append((node, float(network.ohms[edge])))
            source = int(network.source[node])
            if self.on_array[node]:
                raise NoCrossbar(f"{self.network.name(edge)} joins places of the array that are no neighbours")
            if node == GROUND or source >= 0:
                return self._chain(steps, -1 if node == GROUND else source, ammeters, order)
            onward = [neighbour for neighbour in self.at[node] if neighbour != edge]
            if not onward:
                nodes = tuple((n, 0.0) for n, _ in steps)
                if ammeters:
                    raise NoCrossbar(f"{self.network.name(edge)} leads nowhere")
                return _Chain(None, 0.0, np.inf, nodes, (), order)
            if len(onward) > 1:
                where = network.circuit.nodes[node]
                names = ", ".join(network.name(neighbour) for neighbour in sorted([edge, *onward])[:6])
                raise NoCrossbar(f"node '{where}' joins {len(onward) + 1} elements outside the array: {names}")
            edge = onward[0]

    def _chain(
        self, steps: list[tuple[int, float]], source: int, ammeters: list[tuple[int, int]], order: int
    ) -> _Chain:
        volts = float(self.network.volts[steps[-1][0]]) if source >= 0 else 0.0
        nodes: list[tuple[int, float]] = []
        behind = 0.0
        for (node, _), (_, ohms) in zip(steps[-2::-1], steps[:0:-1], strict=True):
            behind += ohms
            nodes.append((node, behind))
        return _Chain(source, volts, behind + steps[0][1], tuple(nodes), tuple(ammeters), order)

    def check_all_used(self) -> None:
        """Raise if an element outside the array belongs to no chain."""
        left = [edge for edge in self.edges if edge not in self.walked]
        if left:
            raise NoCrossbar(f"{self.network.name(left[0])} fits into no line, cell or line end")
