"""A line whose cells all end in ground: the crossing lines reach ground there without a resistor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, Ints, NoCrossbar
from xbarsim.netlist.graph.layout import Layout


def without(core: Core, cell: Bools, keep: Bools) -> tuple[Core, Bools, tuple[Ints, Bools]]:
    """Return a core, and which of its edges are cells, without one line; and that line's nodes from end to end.

    Parameters
    ----------
    core : Core
        With the line.
    cell : (m,) array of bool
        Which of its edges are cells.
    keep : (n,) array of bool
        Which of its nodes are not the line's.
    """
    number = np.cumsum(keep) - 1
    inside = keep[core.u]
    u, v = core.u[~inside], core.v[~inside]
    order = _from_end_to_end(u, v)
    smaller = replace(
        core,
        node=core.node[keep],
        u=number[core.u[inside]],
        v=number[core.v[inside]],
        ideal=core.ideal[inside],
        tied=core.tied[keep],
        sourced=core.sourced[keep],
        driven=core.driven[keep],
        order=core.order[keep],
    )
    return smaller, cell[inside], (core.node[order], core.driven[order])


def _from_end_to_end(u: Ints, v: Ints) -> Ints:
    ahead: dict[int, list[int]] = {}
    for a, b in zip(u.tolist(), v.tolist(), strict=True):
        ahead.setdefault(a, []).append(b)
        ahead.setdefault(b, []).append(a)
    node = min(n for n, neighbours in ahead.items() if len(neighbours) == 1)
    order, before = [node], -1
    while onward := [n for n in ahead[node] if n != before]:
        before, node = node, onward[0]
        order.append(node)
    return np.array(order, dtype=np.int64)


def with_grounded_line(layout: Layout, core: Core, line: tuple[Ints, Bools]) -> Layout:
    """Return a layout with one more outer line, crossed by ground.

    It lies where the crossing lines are tied: what looked like their ends are their last wires. Its driven end lies
    where those of its neighbours do.

    Parameters
    ----------
    layout : Layout
        Of the core without the line.
    core : Core
        With its ties.
    line : (array of int, array of bool)
        Its nodes in order, and which of them are driven.

    Raises
    ------
    NoCrossbar
        It is as long as no line of the layout.
    """
    nodes, driven = line
    tied = np.zeros(int(core.node.max()) + 1, dtype=bool)
    drive = np.zeros(tied.size, dtype=bool)
    tied[core.node], drive[core.node] = core.tied, core.driven
    sensed = tied & ~drive
    word, bit = layout.word, layout.bit
    if nodes.size == word.shape[1] and _all(sensed, bit[[0, -1]]):
        grown = _grown(word, bit, nodes, driven, sensed, drive)
    elif nodes.size == word.shape[0] and _all(sensed, word[:, [0, -1]].T):
        grown = _grown(bit.T, word.T, nodes, driven, sensed, drive)
        grown = grown[1].T, grown[0].T
    else:
        raise NoCrossbar("a line crosses no other")
    return Layout(np.ascontiguousarray(grown[0]), np.ascontiguousarray(grown[1]))


def _all(mask: Bools, ends: Ints) -> bool:
    """Whether all nodes at one of two outer lines are chosen."""
    return any(bool(np.all((nodes >= 0) & mask[nodes])) for nodes in ends)


def _grown(along: Ints, across: Ints, nodes: Ints, driven: Bools, sensed: Bools, drive: Bools) -> tuple[Ints, Ints]:
    """Append a line to ``along`` and ground to ``across``, at the last place or the first."""
    first, last = along[:, 0], along[:, -1]
    at_first = np.count_nonzero(drive[first[first >= 0]]) >= np.count_nonzero(drive[last[last >= 0]])
    if driven.any() and bool(driven[0] >= driven[-1]) != bool(at_first):
        nodes = nodes[::-1]
    ground = np.full((1, nodes.size), GROUND)
    if _all(sensed, across[[-1]]):
        return np.concatenate([along, nodes[None]]), np.concatenate([across, ground])
    return np.concatenate([nodes[None], along]), np.concatenate([ground, across])
