"""Which place of the array each element takes: a word wire, a bit wire or a cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.edges import EdgeNetwork, Ints, NoCrossbar
from xbarsim.netlist.graph.layout import BIT, WORD, Layout, spans

Int32s = NDArray[np.int32]
CELL = 2
NOWHERE = -1


def slots_of(network: EdgeNetwork, layout: Layout) -> Ints:
    """Return each edge's place as an index into (3, rows, cols), NOWHERE if it has none in the array.

    The first axis is WORD, BIT or CELL. A word wire stands at the place to its left, a bit wire at the one above.

    Parameters
    ----------
    network : EdgeNetwork
        All edges of the circuit.
    layout : Layout
        Which node is at which place.

    Raises
    ------
    NoCrossbar
        The layout has a node twice, or leaves open which of two places an edge to ground takes.
    """
    rows, cols = layout.word.shape
    table = spans(layout, network.count)
    slot = _between([part[network.u] for part in table], [part[network.v] for part in table], rows, cols)
    grounded = np.flatnonzero((network.u == GROUND) | (network.v == GROUND))
    slot[grounded] = _to_ground(network, layout, grounded)
    return slot


def _between(u: list[Int32s], v: list[Int32s], rows: int, cols: int) -> Ints:
    """Return the places of edges between nodes with spans ``u`` and ``v``."""
    size = rows * cols
    layer_u, line_u, first_u, last_u = u
    layer_v, line_v, first_v, last_v = v
    on_lines = (layer_u >= 0) & (layer_v >= 0)
    one_layer = layer_u == layer_v
    end = np.minimum(last_u, last_v)
    wire = on_lines & one_layer & (line_u == line_v) & (np.maximum(first_u, first_v) == end + 1)
    swap = layer_u == BIT
    row, col = np.where(swap, line_v, line_u), np.where(swap, line_u, line_v)
    cell = on_lines & ~one_layer
    cell &= np.where(swap, first_v, first_u) <= col
    cell &= np.where(swap, last_v, last_u) >= col
    cell &= np.where(swap, first_u, first_v) <= row
    cell &= np.where(swap, last_u, last_v) >= row
    slot = np.full(layer_u.size, NOWHERE, dtype=np.int64)
    line = line_u.astype(np.int64)
    np.copyto(slot, line * cols + end, where=wire & ~swap)
    np.copyto(slot, BIT * size + end * np.int64(cols) + line, where=wire & swap)
    np.copyto(slot, CELL * size + row * np.int64(cols) + col, where=cell)
    return slot


def _to_ground(network: EdgeNetwork, layout: Layout, edges: Ints) -> Ints:
    """Return the places of edges to ground, which may stand at many places."""
    rows, cols = layout.word.shape
    place = np.full(network.count, NOWHERE, dtype=np.int64)
    several = np.zeros(network.count, dtype=bool)
    for layer, a, b in (
        (WORD, layout.word[:, :-1], layout.word[:, 1:]),
        (BIT, layout.bit[:-1], layout.bit[1:]),
        (CELL, layout.word, layout.bit),
    ):
        row, col = np.nonzero(((a == GROUND) & (b > GROUND)) | ((b == GROUND) & (a > GROUND)))
        nodes = a[row, col] + b[row, col]
        several[nodes[place[nodes] >= 0]] = True
        several |= np.bincount(nodes, minlength=network.count) > 1
        place[nodes] = (layer * rows + row) * cols + col
    nodes = network.u[edges] + network.v[edges]
    twice = edges[several[nodes]]
    if twice.size:
        raise NoCrossbar(f"{network.name(twice[0])} could be either of two cells")
    places: Ints = place[nodes]
    return places
