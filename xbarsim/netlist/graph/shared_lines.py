"""Two layers of cells that share their word lines, or their bit lines: a crossbar of twice the lines of the other kind.

A node of a shared line has two wires and two cells, more neighbours than any other; its line's last nodes have three,
as have nodes of the lines that are not shared. What tells these apart: beside the latter are others of their line that
have such a neighbour too. Without the shared lines' wires, what is left at each of their places is a pair of ladders,
with their nodes inside its rungs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Ints, NoCrossbar
from xbarsim.netlist.graph.ladder_parts import ladders_of
from xbarsim.netlist.graph.layout import ABSENT, Layout
from xbarsim.netlist.graph.orient import oriented, ties_of
from xbarsim.netlist.recognition import Recognition

_WIRES_AND_CELLS = 4


def two_layers(network: EdgeNetwork, cores: list[Core]) -> Recognition | None:
    """Return the crossbar that a network of two layers is which share lines, or None; ``cores`` lie between sources."""
    for core in cores:
        layout = _layout(core)
        if layout is not None:
            with suppress(NoCrossbar):
                return assemble(network, oriented(layout, ties_of(core, network.count)))
    return None


def _layout(core: Core) -> Layout | None:
    """Return the layout with the shared lines as rows, each of their nodes at two places."""
    shared = _shared(core)
    if shared is None:
        return None
    wire = shared[core.u] & shared[core.v]
    ladders = ladders_of(replace(core, u=core.u[~wire], v=core.v[~wire], ideal=core.ideal[~wire]), least=2)
    if ladders is None:
        return None
    pairs, middle = ladders
    if np.count_nonzero(shared) != middle.size or not np.all(shared[middle]):
        return None
    rows, cols = middle.shape
    place = np.full(core.node.size, ABSENT)
    place[middle] = np.arange(middle.size).reshape(rows, cols)
    order = _in_order(place[core.u[wire]], place[core.v[wire]], rows, cols)
    if order is None:
        return None
    column, upside = order
    row = np.where(upside, np.arange(rows)[::-1, None], np.arange(rows)[:, None])
    lines = np.stack([middle, *pairs])[:, row, column]
    lower = np.where(lines[1].min(axis=0) < lines[2].min(axis=0), lines[1:], lines[:0:-1])
    word = np.repeat(lines[0], 2, axis=1)
    return Layout(core.node[word], core.node[lower.transpose(1, 2, 0).reshape(rows, 2 * cols)])


def _shared(core: Core) -> Bools | None:
    """Return which nodes (n,) lie on lines that two layers share; None where no node has enough neighbours."""
    degree, size = core.degree, core.node.size
    if degree.min() < 2 or degree.max() != _WIRES_AND_CELLS:
        return None
    inside = degree == _WIRES_AND_CELLS

    def beside(mask: Bools) -> Ints:
        return np.asarray(np.bincount(core.u, mask[core.v], size) + np.bincount(core.v, mask[core.u], size), np.int64)

    near = beside(inside)
    along = beside(~inside & (near > 0))
    mask: Bools = inside | (~inside & (near > 0) & (along == 0))
    return mask


def _in_order(a: Ints, b: Ints, rows: int, cols: int) -> tuple[Ints, Bools] | None:
    """Return the ladders in the order in which shared lines pass them, and which of them stand upside down.

    ``a`` and ``b`` are the places of each wire's ends, ``row * cols + ladder``.
    """
    if a.size != rows * (cols - 1):
        return None
    next_to: list[dict[int, list[tuple[int, int]]]] = [{} for _ in range(cols)]
    for p, q in zip(a.tolist(), b.tolist(), strict=True):
        next_to[p % cols].setdefault(q % cols, []).append((p // cols, q // cols))
        next_to[q % cols].setdefault(p % cols, []).append((q // cols, p // cols))
    ends = [k for k, neighbours in enumerate(next_to) if len(neighbours) == 1]
    if len(ends) != 2:
        return None
    at, before, flipped = ends[0], ABSENT, False
    order, upside = [], []
    while True:
        order.append(at)
        upside.append(flipped)
        onward = [k for k in next_to[at] if k != before]
        if len(onward) != 1:
            break
        steps = next_to[at][onward[0]]
        if all(p == rows - 1 - q for p, q in steps) and not all(p == q for p, q in steps):
            flipped = not flipped
        before, at = at, onward[0]
    return (np.array(order), np.array(upside)) if len(order) == cols else None
