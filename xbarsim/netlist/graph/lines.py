"""From wires and cells to a layout: lines are paths of wires, and cells tell where they cross."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.graph.axis import FREE, lasts, place_lines
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, Ints, NoCrossbar
from xbarsim.netlist.graph.grounded import with_grounded_line, without
from xbarsim.netlist.graph.layout import ABSENT, Layout
from xbarsim.netlist.graph.paths import Paths, paths_of, two_layers

MAX_FILL = 64


def layout_of(core: Core, cell: Bools) -> Layout:
    """Return the layout that follows from which edges are cells; word and bit, left and right are still open.

    Parameters
    ----------
    core : Core
        Nodes and edges.
    cell : (m,) array of bool
        Which of its edges are cells.

    Raises
    ------
    NoCrossbar
        The wires form no paths, or the lines cross in no consistent order.
    """
    paths = paths_of(core, ~cell)
    cell_u, cell_v = core.u[cell], core.v[cell]
    layer = two_layers(paths, paths.path[cell_u], paths.path[cell_v])
    swap = layer[paths.path[cell_u]] == 1
    x = np.where(swap, cell_v, cell_u)
    y = np.where(swap, cell_u, cell_v)
    lean = _lean(core, paths)
    apart = _apart(paths, x, y)
    if apart is not None:
        crossed = paths.path != apart
        core, cell, line = without(core, cell, crossed)
        return with_grounded_line(layout_of(core, cell), core, line)
    col = place_lines(paths, x, y, layer == 0, lean)
    row = place_lines(paths, y, x, layer == 1, lean)
    return _grid(core, paths, layer, row, col, x, y)


def _lean(core: Core, paths: Paths) -> Ints:
    """Return, for each line, 1 if only its first place is tied, -1 if only its last is, else 0."""
    last = lasts(paths)
    head = np.zeros(paths.count, dtype=np.int64)
    tail = np.zeros(paths.count, dtype=np.int64)
    tied = core.tied
    head[paths.path[tied & (paths.place == 0)]] = 1
    tail[paths.path[tied & (paths.place == last[paths.path])]] = 1
    lean: Ints = np.where(last > 0, head - tail, 0)
    return lean


def _apart(paths: Paths, x: Ints, y: Ints) -> int | None:
    """Return the one line of several nodes that no cell meets, if there is one beside lines that cells meet."""
    met = np.zeros(paths.count, dtype=bool)
    met[paths.path[x]] = met[paths.path[y]] = True
    alone = np.flatnonzero(~met)
    if alone.size != 1 or not met.any() or np.count_nonzero(paths.path == alone[0]) < 2:
        return None
    return int(alone[0])


def _grid(core: Core, paths: Paths, layer: Ints, row: Ints, col: Ints, x: Ints, y: Ints) -> Layout:
    """Put the nodes into (rows, cols) arrays.

    ``col`` gives the column of each line of layer 1 and, for lines of layer 0, of each of their places (see
    :func:`place_lines`); ``row`` likewise.
    """
    n = core.node.size
    line_layer = layer[paths.path]
    node_row = np.where(line_layer == 0, row[paths.path], row[paths.count + np.arange(n)])
    node_col = np.where(line_layer == 1, col[paths.path], col[paths.count + np.arange(n)])
    node_row -= node_row[node_row > FREE].min(initial=0)
    node_col -= node_col[node_col > FREE].min(initial=0)
    rows, cols = int(node_row.max(initial=0)) + 1, int(node_col.max(initial=0)) + 1
    if rows * cols > MAX_FILL * (n + 16):
        raise NoCrossbar(f"it would be a crossbar of {rows} x {cols}, nearly empty")
    word = np.full((rows, cols), ABSENT, dtype=np.int64)
    bit = np.full((rows, cols), ABSENT, dtype=np.int64)
    for grid, mine in ((word, line_layer == 0), (bit, line_layer == 1)):
        fixed = np.flatnonzero(mine & (node_row > FREE) & (node_col > FREE))
        grid[node_row[fixed], node_col[fixed]] = core.node[fixed]
        if np.count_nonzero(grid >= 0) < fixed.size:
            raise NoCrossbar("two nodes fall on one place of the array")
    for node in np.flatnonzero((line_layer == 0) & (node_col <= FREE)):
        word[node_row[node], :] = core.node[node]
    for node in np.flatnonzero((line_layer == 1) & (node_row <= FREE)):
        bit[:, node_col[node]] = core.node[node]
    return _trimmed(word, bit)


def _trimmed(word: Ints, bit: Ints) -> Layout:
    """Drop outer rows without a word node and outer columns without a bit node: their nodes belong to ends."""
    while word.size and bit.size:
        if (word[-1] < 0).all():
            word, bit = word[:-1], bit[:-1]
        elif (word[0] < 0).all():
            word, bit = word[1:], bit[1:]
        elif (bit[:, -1] < 0).all():
            word, bit = word[:, :-1], bit[:, :-1]
        elif (bit[:, 0] < 0).all():
            word, bit = word[:, 1:], bit[:, 1:]
        else:
            break
    if not word.size:
        raise NoCrossbar("it has no cells between word lines and bit lines")
    if (word < 0).all(axis=1).any() or (bit < 0).all(axis=0).any():
        raise NoCrossbar("a word line or bit line is missing inside the array")
    return Layout(word, bit)
