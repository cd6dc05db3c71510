"""Arrays with source lines along bit lines: circuits whose parts are pairs of ladders.

A part is two lines of as many nodes with a cell between the nodes of each row: a resistor, a nonlinear cell, or a
memristor in series with the resistance of a transistor.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from xbarsim.crossbar import LineEnds
from xbarsim.devices import Device
from xbarsim.errors import InputError
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.core import NEVER, Core
from xbarsim.netlist.graph.edges import EdgeNetwork, Floats, Ints, NoCrossbar
from xbarsim.netlist.graph.halves import halved, joined_halves
from xbarsim.netlist.graph.ladder_parts import ladders_of
from xbarsim.netlist.graph.layout import ABSENT, Layout
from xbarsim.netlist.graph.standins import CellElements, renamed
from xbarsim.netlist.recognition import ColumnRecognition, Inner, Recognition


def ladder_pairs(
    circuit: FlatCircuit, cells: CellElements | None, network: EdgeNetwork, cores: list[Core], least: int
) -> ColumnRecognition | None:
    """Return the array with source lines along bit lines that a circuit is, or None.

    Parameters
    ----------
    circuit : FlatCircuit
        The circuit.
    cells : CellElements or None
        Its nonlinear elements.
    network, cores : EdgeNetwork, list of Core
        Its network, with resistors in their stead, and what lies between sources.
    least : int
        How many columns it must have.
    """
    with suppress(NoCrossbar):
        for core in cores:
            lines = _lines(core, least)
            if lines is None:
                continue
            nodes, inner = (np.where(table >= 0, core.node[table], ABSENT) for table in lines)
            if cells is not None:
                nodes = _by_terminal(nodes, cells, circuit)
            doubled = assemble(*_doubled(network, nodes, inner))
            return _recognition(circuit, cells, doubled, network.count)
    return None


def _lines(core: Core, least: int) -> tuple[Ints, Ints] | None:
    """Return the core's nodes as (2, rows, cols), source lines first, and cells' inner nodes (rows, cols) or -1."""
    ladders = ladders_of(core, least)
    if ladders is None or np.any(core.tied[ladders[1][ladders[1] >= 0]]):
        return None
    return _turned(core, *ladders)


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
    finer, middle = halved(network, nodes, inner)
    return finer, Layout(nodes.transpose(2, 0, 1).reshape(2 * cols, rows), np.repeat(middle.T, 2, axis=0))


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
    siemens = joined_halves(crossbar.conductance[0::2].T, crossbar.conductance[1::2].T)
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
