"""What half-decided labels say about the rest: places of nodes that leave an open edge one choice."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.components import components
from xbarsim.netlist.graph.axis import FREE, AxisSolver
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, Ints, NoCrossbar
from xbarsim.netlist.graph.paths import paths_of, two_layers


def infer(core: Core, cell: Bools, wire: Bools) -> tuple[Ints, Ints]:
    """Return open edges that must be cells, and open edges that must be wires.

    The decided edges make paths and crossings; from the line with the most cells, places follow without a guess.
    An open edge between two placed nodes joins the two layers at one place, or two neighbours on one line.

    Parameters
    ----------
    core : Core
        Nodes and edges.
    cell, wire : (m,) array of bool
        Which edges are known to be what; those in neither are open.

    Raises
    ------
    NoCrossbar
        The decided edges contradict each other or an open edge.
    """
    paths = paths_of(core, wire)
    u, v = core.u[cell], core.v[cell]
    pu, pv = paths.path[u], paths.path[v]
    layer = two_layers(paths, pu, pv)
    piece = components(pu, pv, paths.count)
    swap = layer[pu] == 1
    x, y = np.where(swap, v, u), np.where(swap, u, v)
    main = piece[paths.path[x]] == np.argmax(np.bincount(piece[pu], minlength=1))
    x, y = x[main], y[main]
    no_lean = np.zeros(paths.count, dtype=np.int64)
    across = AxisSolver(paths.path[x], paths.place[x], paths.path[y], no_lean, no_lean)
    down = AxisSolver(paths.path[y], paths.place[y], paths.path[x], no_lean, no_lean)
    for axis in (across, down):
        axis.run_certain(int(np.argmax(np.bincount(axis.line, minlength=1))))
    on, k = paths.path, paths.place
    first = layer[on] == 0
    col = np.where(first, _along(across, on, k), across.coordinate[on])
    row = np.where(first, down.coordinate[on], _along(down, on, k))
    placed = (col != FREE) & (row != FREE)
    _check(core, cell, placed, row, col, first)
    open_edges = np.flatnonzero(~cell & ~wire)
    a, b = core.u[open_edges], core.v[open_edges]
    sure = placed[a] & placed[b]
    cells, wires = _between(open_edges[sure], a[sure], b[sure], row, col, first)
    half = placed[a] != placed[b]
    anchor = np.where(placed[a], a, b)[half]
    more_cells, more_wires = _beside(open_edges[half], anchor, placed, row, col, first)
    return np.concatenate([cells, more_cells]), np.concatenate([wires, more_wires])


def _between(edges: Ints, a: Ints, b: Ints, row: Ints, col: Ints, first: Bools) -> tuple[Ints, Ints]:
    """Return which edges between placed nodes are cells, and which are wires."""
    crossing = first[a] != first[b]
    rows, cols = np.abs(row[a] - row[b]), np.abs(col[a] - col[b])
    neighbours = np.where(first[a], (rows == 0) & (cols == 1), (rows == 1) & (cols == 0))
    if np.any(np.where(crossing, (rows > 0) | (cols > 0), ~neighbours)):
        raise NoCrossbar("an element joins places of the array that are no neighbours")
    return edges[crossing], edges[~crossing]


def _beside(edges: Ints, node: Ints, placed: Bools, row: Ints, col: Ints, first: Bools) -> tuple[Ints, Ints]:
    """Return the same for edges from a placed node to one that is not: where other nodes stand, it cannot."""
    if not node.size:
        return node, node
    top, left = row[placed].min() - 1, col[placed].min() - 1
    shape = int(row[placed].max() - top) + 2, int(col[placed].max() - left) + 2
    filled = np.zeros((2, *shape), dtype=bool)
    nodes = np.flatnonzero(placed)
    filled[first[nodes].astype(np.int64), row[nodes] - top, col[nodes] - left] = True
    layer, r, c = first[node].astype(np.int64), row[node] - top, col[node] - left
    across = filled[1 - layer, r, c]
    down, right = 1 - layer, layer
    along = filled[layer, r - down, c - right] & filled[layer, r + down, c + right]
    if np.any(across & along):
        raise NoCrossbar("a node has more neighbours than its place in the array")
    return edges[along], edges[across]


def _along(axis: AxisSolver, line: Ints, place: Ints) -> Ints:
    along: Ints = np.where(axis.sign[line] != 0, axis.sign[line] * place + axis.offset[line], FREE)
    return along


def _check(core: Core, cell: Bools, placed: Bools, row: Ints, col: Ints, first: Bools) -> None:
    """Raise if a cell joins two places, or two nodes of a layer share one."""
    u, v = core.u[cell], core.v[cell]
    settled = placed[u] & placed[v]
    u, v = u[settled], v[settled]
    if np.any((row[u] != row[v]) | (col[u] != col[v])):
        raise NoCrossbar("the lines cross in different orders")
    for layer in (first, ~first):
        nodes = np.flatnonzero(placed & layer)
        key = np.sort((row[nodes] << 32) + col[nodes])
        if np.any(key[1:] == key[:-1]):
            raise NoCrossbar("two nodes fall on one place of the array")
