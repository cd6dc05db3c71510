"""Arrays with source lines along bit lines: circuits whose parts are pairs of ladders.

A part is two lines of as many nodes with a cell between the nodes of each row: a resistor, a nonlinear cell, or a
memristor in series with the resistance of a transistor. Nodes between two wires and a cell have three neighbours, the
ends of lines two, as have the inner nodes of cells. So the ends are known at once, and from one pair of them both lines
are followed together, row by row, in all columns at a time: of a node's neighbours, the next one is what is left after
the one across and the one before.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from xbarsim.crossbar import LineEnds
from xbarsim.devices import Device
from xbarsim.errors import InputError
from xbarsim.netlist.column_recognition import ColumnRecognition
from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.core import NEVER, Core, cut
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Floats, Ints, NoCrossbar, network_of
from xbarsim.netlist.graph.layout import ABSENT, Layout
from xbarsim.netlist.graph.obstacles import meets_at
from xbarsim.netlist.graph.standins import CellElements, renamed
from xbarsim.netlist.recognition import Inner, Recognition

_LEAST_ROWS = 3
"""With fewer, the ends of lines and the inner nodes of cells cannot be told apart."""


def ladder_pairs(circuit: FlatCircuit, cells: CellElements | None, least: int) -> ColumnRecognition | None:
    """Return the array with source lines along bit lines that a circuit is, or None.

    Parameters
    ----------
    circuit : FlatCircuit
        The circuit.
    cells : CellElements or None
        Its nonlinear elements.
    least : int
        How many columns it must have.
    """
    with suppress(NoCrossbar):
        plain = circuit if cells is None else cells.stand_in(circuit)
        network = network_of(plain)
        for core in _cores(network):
            lines = _lines(core, least)
            if lines is None:
                continue
            nodes, inner = (np.where(table >= 0, core.node[table], ABSENT) for table in lines)
            if cells is not None:
                nodes = _by_terminal(nodes, cells, circuit)
            doubled = assemble(*_doubled(network, nodes, inner))
            return _recognition(circuit, cells, doubled, len(plain.nodes))
    return None


def _cores(network: EdgeNetwork) -> list[Core]:
    """Return what lies between sources, those first that one resistor hangs on."""
    sourced = network.source >= 0
    rails = [sourced & (meets_at(network) <= 1), sourced]
    cores = []
    for rail in rails:
        outside = rail.copy()
        outside[GROUND] = True
        with suppress(NoCrossbar):
            cores.append(cut(network, outside, ground_on_array=False, peel="all"))
    return cores


def _lines(core: Core, least: int) -> tuple[Ints, Ints] | None:
    """Return the core's nodes as (2, rows, cols), source lines first, and cells' inner nodes (rows, cols) or -1."""
    degree = core.degree
    if degree.size < 2 * _LEAST_ROWS or np.any((degree != 2) & (degree != 3)):
        return None
    u, v, size = core.u, core.v, core.node.size
    part = np.unique(components(u, v, size), return_inverse=True)[1]
    cols = int(part.max()) + 1
    two, three = (np.bincount(part[degree == count], minlength=cols) for count in (2, 3))
    if cols < least or np.any(two != two[0]) or np.any(three != three[0]):
        return None
    rows = int(three[0]) // 2 + 2
    if rows < _LEAST_ROWS or three[0] % 2 or two[0] not in (4, 4 + rows):
        return None
    at_two = degree == 2
    beside = np.bincount(u, at_two[v], size) + np.bincount(v, at_two[u], size)
    inner = at_two & (beside != 1) if two[0] > 4 else np.zeros(size, dtype=bool)
    corner = at_two & ~inner
    if np.any(np.bincount(part[corner], minlength=cols) != 4) or np.any(core.tied[inner]):
        return None
    across, total = _contracted(core, inner, corner)
    if across is None:
        return None
    first = np.full(cols, size)
    np.minimum.at(first, part[corner], np.flatnonzero(corner))
    pairs = _followed(first, across, total, rows, size)
    if pairs is None:
        return None
    middle = np.full((rows, cols), ABSENT, dtype=np.int64)
    if inner.any():
        at = np.full(size, ABSENT)
        place = np.flatnonzero(inner)
        for near, far in ((u, v), (v, u)):
            at[far[inner[near]]] = near[inner[near]]
        middle = at[pairs[0]]
        if np.unique(middle).size != place.size or np.any(middle != at[pairs[1]]):
            return None
    return _turned(core, pairs, middle)


def _contracted(core: Core, inner: Bools, corner: Bools) -> tuple[Ints | None, Ints]:
    """Return the corners' partners across their cells, and the sums of line nodes' neighbours without inner nodes.

    An inner node counts as its cell's other end.
    """
    u, v, size = core.u, core.v, core.node.size
    total = np.zeros(size, dtype=np.int64)
    direct = ~inner[u] & ~inner[v]
    for near, far in ((u, v), (v, u)):
        np.add.at(total, near[direct], far[direct])
    across = np.full(size, ABSENT)
    if inner.any():
        ends = np.zeros(size, dtype=np.int64)
        for near, far in ((u, v), (v, u)):
            np.add.at(ends, near[inner[near]], far[inner[near]])
        for near, far in ((u, v), (v, u)):
            edge = inner[near] & ~inner[far]
            across[far[edge]] = ends[near[edge]] - far[edge]
        line = np.flatnonzero(~inner)
        if np.any(across[line] < 0):
            return None, total
        total[line] += across[line]
    else:
        both = corner[u] & corner[v]
        across[u[both]], across[v[both]] = v[both], u[both]
    return across, total


def _followed(first: Ints, across: Ints, total: Ints, rows: int, size: int) -> Ints | None:
    """Return the nodes of both lines (2, rows, cols) from the corners ``first`` on; None where that leads astray."""
    pairs = np.empty((2, rows, first.size), dtype=np.int64)
    x, y = first, across[first]
    before_x = before_y = np.zeros_like(first)
    if np.any(y < 0):
        return None
    for row in range(rows):
        pairs[:, row] = x, y
        next_x, next_y = total[x] - y - before_x, total[y] - x - before_y
        before_x, before_y, x, y = x, y, next_x, next_y
        if row < rows - 1 and np.any((x < 0) | (x >= size) | (y < 0) | (y >= size)):
            return None
    return pairs if np.unique(pairs).size == pairs.size else None


def _turned(core: Core, pairs: Ints, middle: Ints) -> tuple[Ints, Ints]:
    """Turn each column: its source line first, which is the driven one, from the end where that is tied downward."""
    ends = pairs[:, [0, -1]]
    driven, tied = core.driven[ends].any(axis=1), core.tied[ends]
    order = np.where(driven, core.order[ends].min(axis=1), NEVER)
    swap = order[1] < order[0]
    pairs = np.where(swap, pairs[::-1], pairs)
    tied = np.where(swap, tied[::-1], tied)
    one_end = tied[0, 0] != tied[0, 1]
    upside = np.where(one_end, tied[0, 1], tied[1, 0] & ~tied[1, 1])
    pairs = np.where(upside, pairs[:, ::-1], pairs)
    columns = np.argsort(pairs.min(axis=(0, 1)), kind="stable")
    middle = np.where(upside, middle[::-1], middle)
    return pairs[:, :, columns], middle[:, columns]


def _by_terminal(nodes: Ints, cells: CellElements, circuit: FlatCircuit) -> Ints:
    """Return the lines with transistors at the source lines, where cells have such; their memristors' ends say.

    Raises
    ------
    NoCrossbar
        Memristors of one column are at both its lines.
    """
    if cells.outer is None or circuit.mosfets is None:
        return nodes
    number = np.full(len(circuit.nodes), ABSENT)
    number[cells.outside(circuit)] = np.arange(cells.outside(circuit).size)
    memristor = np.isin(nodes, number[cells.outer])
    at = memristor.sum(axis=1)
    if np.any((at > 0).sum(axis=0) != 1):
        raise NoCrossbar("memristors are at both lines of a column")
    return np.where(at[0] > 0, nodes[::-1], nodes)


def _doubled(network: EdgeNetwork, nodes: Ints, inner: Ints) -> tuple[EdgeNetwork, Layout]:
    """Return the network with a node inside each cell, and its lines as word lines, inner nodes as bit lines."""
    _, rows, cols = nodes.shape
    word = nodes.transpose(2, 0, 1).reshape(2 * cols, rows)
    if (inner >= 0).all():
        return network, Layout(word, np.repeat(inner.T, 2, axis=0))
    count = network.count
    middle = count + np.arange(rows * cols).reshape(rows, cols)
    low, high = np.minimum(*nodes).ravel(), np.maximum(*nodes).ravel()
    key, order = low * count + high, np.argsort(low * count + high)
    edges = np.minimum(network.u, network.v) * count + np.maximum(network.u, network.v)
    at = np.minimum(np.searchsorted(key[order], edges), key.size - 1)
    cell = key[order][at] == edges
    inside = middle.ravel()[order][at[cell]]
    # Halves of resistors: exact in doubles.
    ohms = np.concatenate([np.where(cell, 0.5 * network.ohms, network.ohms), 0.5 * network.ohms[cell]])
    v = network.v.copy()
    v[cell] = inside
    circuit = replace(network.circuit, nodes=[*network.circuit.nodes, *(f"inside {k}" for k in range(rows * cols))])
    more = np.zeros(rows * cols)
    doubled = EdgeNetwork(
        circuit,
        np.concatenate([network.u, inside]),
        np.concatenate([v, network.v[cell]]),
        ohms,
        np.concatenate([network.element, network.element[cell]]),
        np.concatenate([network.source, np.full(rows * cols, -1)]),
        np.concatenate([network.volts, more]),
    )
    return doubled, Layout(word, np.repeat(middle.T, 2, axis=0))


def _recognition(
    circuit: FlatCircuit, cells: CellElements | None, doubled: Recognition, count: int
) -> ColumnRecognition:
    """Return the array of a doubled crossbar, with the circuit's own nodes and cells.

    ``count`` are the nodes that there were before cells were halved.
    """
    from xbarsim.topologies import SourceLineArray

    crossbar = doubled.crossbar
    assert crossbar is not None
    inner = np.where(doubled.bit_nodes < count, doubled.bit_nodes, ABSENT)
    doubled = replace(doubled, circuit=circuit, bit_nodes=inner)
    near, far = crossbar.conductance[0::2].T, crossbar.conductance[1::2].T
    with np.errstate(divide="ignore", invalid="ignore"):
        siemens = np.where(near == far, 0.5 * near, np.where(near * far > 0.0, near * (far / (near + far)), 0.0))
    device = None
    if cells is not None:
        doubled = renamed(doubled, cells.outside(circuit))
        siemens, device, doubled = _put_back(circuit, cells, doubled)
    ends = crossbar.boundary
    left, right = ends["word_left"], ends["word_right"]
    array = SourceLineArray(
        siemens,
        source_wire=crossbar.word_wire[0::2].T,
        bit_wire=crossbar.word_wire[1::2].T,
        driver=left.resistance[0::2],
        ends={
            "bit_top": LineEnds(doubled.voltages[1::2], left.resistance[1::2]),
            "source_bottom": LineEnds(right.voltage[0::2], right.resistance[0::2]),
            "bit_bottom": LineEnds(right.voltage[1::2], right.resistance[1::2]),
        },
        device=device,
    )
    return ColumnRecognition(array, doubled)


def _put_back(circuit: FlatCircuit, cells: CellElements, doubled: Recognition) -> tuple[Floats, Device, Recognition]:
    """Return the cells' conductances (rows, cols) and their device, and the recognition with their inner nodes.

    Raises
    ------
    NoCrossbar
        A cell has no place of its own, or does what no model has.
    """
    lines = doubled.word_nodes
    cols, rows = lines.shape[0] // 2, lines.shape[1]
    place = np.full(len(circuit.nodes), ABSENT)
    place[lines.ravel()] = np.arange(lines.size)
    line_a, row = np.divmod(place[cells.first], rows)
    line_b, row_b = np.divmod(place[cells.second], rows)
    col = line_a // 2
    if (
        np.any((place[cells.first] < 0) | (place[cells.second] < 0) | (row != row_b) | (line_a ^ line_b != 1))
        or np.unique(row * cols + col).size != rows * cols
        or len(cells.names) != rows * cols
    ):
        raise NoCrossbar("its nonlinear elements and resistors share the places of its cells")
    forward = line_a % 2 == 1

    def laid_out(numbers: Floats) -> Floats:
        table = np.empty((rows, cols))
        table[row, col] = numbers
        return table

    left_out = None if cells.left_out is None else cells.left_out(forward)
    inner = None
    if cells.inner is not None and cells.outer is not None:
        line = place[cells.outer] // rows
        inner = Inner(cells.inner, cells.outer, line, row, -1.0 / cells.conductance)
    gates = frozenset(() if cells.gates is None else cells.gates.tolist())
    doubled = replace(doubled, inner=inner, gates=gates, left_out=left_out)
    try:
        return laid_out(cells.conductance), cells.device(laid_out, forward), doubled
    except InputError as error:
        raise NoCrossbar(f"its cells have parameters that their model does not take: {error}") from None
