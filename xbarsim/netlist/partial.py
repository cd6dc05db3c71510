"""What half-decided labels say about the rest: places of nodes that leave an open edge one choice."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xbarsim.netlist.axis import FREE, Axis
from xbarsim.netlist.core import Core
from xbarsim.netlist.lines import paths_of, two_layers
from xbarsim.netlist.network import Bools, Ints, NoCrossbar


def infer(core: Core, cell: Bools, wire: Bools) -> tuple[Ints, Ints]:
    """Return open edges that must be cells, and open edges that must be wires.

    The decided edges make paths and crossings; from the line with the most cells, places follow without a guess.
    An open edge between two placed nodes joins the two layers at one place, or two neighbours on one line.

    Raises
    ------
    NoCrossbar
        The decided edges contradict each other or an open edge.
    """
    paths = paths_of(core, wire)
    u, v = core.u[cell], core.v[cell]
    pu, pv = paths.path[u], paths.path[v]
    layer = two_layers(paths, pu, pv)
    _, piece = connected_components(
        coo_array((np.ones(u.size), (pu, pv)), shape=(paths.count, paths.count)), directed=False
    )
    swap = layer[pu] == 1
    x, y = np.where(swap, v, u), np.where(swap, u, v)
    main = piece[paths.path[x]] == np.argmax(np.bincount(piece[pu], minlength=1))
    x, y = x[main], y[main]
    no_lean = np.zeros(paths.count, dtype=np.int64)
    across = Axis(*_sorted(paths.path[x], paths.place[x], paths.path[y]), paths.count, no_lean)
    down = Axis(*_sorted(paths.path[y], paths.place[y], paths.path[x]), paths.count, no_lean)
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
    open_edges, a, b = open_edges[sure], a[sure], b[sure]
    crossing = first[a] != first[b]
    rows, cols = np.abs(row[a] - row[b]), np.abs(col[a] - col[b])
    beside = np.where(first[a], (rows == 0) & (cols == 1), (rows == 1) & (cols == 0))
    if np.any(np.where(crossing, (rows > 0) | (cols > 0), ~beside)):
        raise NoCrossbar("an element joins places of the array that are no neighbours")
    return open_edges[crossing], open_edges[~crossing]


def _sorted(line: Ints, place: Ints, other: Ints) -> tuple[Ints, Ints, Ints]:
    order = np.lexsort((place, line))
    return line[order], place[order], other[order]


def _along(axis: Axis, line: Ints, place: Ints) -> Ints:
    along: Ints = np.where(axis.sign[line] != 0, axis.sign[line] * place + axis.offset[line], FREE)
    return along


def _check(core: Core, cell: Bools, placed: Bools, row: Ints, col: Ints, first: Bools) -> None:
    """Raise if a cell joins two places, or two nodes of a layer share one."""
    u, v = core.u[cell], core.v[cell]
    both = placed[u] & placed[v]
    u, v = u[both], v[both]
    if np.any((row[u] != row[v]) | (col[u] != col[v])):
        raise NoCrossbar("the lines cross in different orders")
    for layer in (first, ~first):
        nodes = np.flatnonzero(placed & layer)
        key = np.sort((row[nodes] << 32) + col[nodes])
        if np.any(key[1:] == key[:-1]):
            raise NoCrossbar("two nodes fall on one place of the array")
