"""Arrays whose source lines lie between two bit lines that share them: parts of three lines side by side.

A node of a source line has two wires and two cells, more neighbours than any other; the last ones of such a line have
three, of which two are ends of bit lines or nodes inside cells, with two neighbours each. What is left after these
nodes, and those inside cells, are the bit lines.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from xbarsim.crossbar import LineEnds
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Ints, NoCrossbar
from xbarsim.netlist.graph.halves import halved, joined_halves
from xbarsim.netlist.graph.layout import ABSENT, Layout
from xbarsim.netlist.graph.paths import paths_of
from xbarsim.netlist.recognition import ColumnRecognition, Recognition

_LEAST_ROWS = 4
"""With fewer, source and bit lines look alike."""

_CORNERS = 4
"""Ends of the bit lines of a pair of columns."""


def shared_sources(circuit: FlatCircuit, network: EdgeNetwork, cores: list[Core]) -> ColumnRecognition | None:
    """Return the array with shared source lines that a circuit of resistors and sources is, or None."""
    for core in cores:
        with suppress(NoCrossbar):
            lines = _lines(core)
            if lines is None:
                continue
            source, bit, inner = (np.where(table >= 0, core.node[table], ABSENT) for table in lines)
            pairs = np.stack([np.repeat(source, 2, axis=1), bit])
            finer, middle = halved(network, pairs, inner)
            return _recognition(circuit, assemble(finer, _layout(source, bit, middle)), network.count)
    return None


def _lines(core: Core) -> tuple[Ints, Ints, Ints] | None:
    """Return source lines (rows, pairs), bit lines (rows, 2 pairs) and nodes inside cells, -1 without such."""
    kinds = _kinds(core)
    if kinds is None:
        return None
    source, inner = kinds
    if core.tied[inner].any():
        return None
    wire = (source[core.u] == source[core.v]) & ~inner[core.u] & ~inner[core.v]
    paths = paths_of(core, wire)
    near, far, inside = _cells(core, source, inner, wire)
    rows = int(paths.place.max()) + 1
    count = np.bincount(paths.path, minlength=paths.count)
    lines = np.flatnonzero(count == rows)
    pairs = np.unique(paths.path[source])
    if rows < _LEAST_ROWS or np.any(count[pairs] != rows) or lines.size != 3 * pairs.size:
        return None
    if near.size != 2 * rows * pairs.size:
        return None
    order = np.argsort(paths.place[near] + rows * paths.path[near], kind="stable")
    near, far, inside = near[order], far[order], inside[order]
    shape = pairs.size, rows, 2
    table, cells, middles = near.reshape(shape), far.reshape(shape), inside.reshape(shape)
    # The bit line that is first in one row is first in all.
    turned = paths.path[cells[:, :, 0]] != paths.path[cells[:, :1, 0]]
    cells = np.where(turned[:, :, None], cells[:, :, ::-1], cells)
    middles = np.where(turned[:, :, None], middles[:, :, ::-1], middles)
    step = np.diff(paths.place[cells], axis=1)
    parallel = np.all(paths.path[cells] == paths.path[cells[:, :1]]) and np.all(np.abs(step) == 1)
    if not parallel or np.unique(cells).size != cells.size or np.any(table[..., 0] != table[..., 1]):
        return None
    return _turned(core, table[..., 0], cells, middles)


def _kinds(core: Core) -> tuple[Bools, Bools] | None:
    """Return which nodes lie on source lines, and which inside cells; None where there are no such lines."""
    degree, size = core.degree, core.node.size
    if degree.min() < 2 or degree.max() != 4:
        return None

    def beside(mask: Bools) -> Ints:
        return np.asarray(np.bincount(core.u, mask[core.v], size) + np.bincount(core.v, mask[core.u], size), np.int64)

    crossing = degree == 4
    source: Bools = crossing | ((degree == 3) & (beside(crossing) > 0) & (beside(degree == 2) == 2))
    inner = np.zeros(size, dtype=bool)
    ends = np.count_nonzero(source & ~crossing)
    if np.count_nonzero(degree == 2) > _CORNERS * ends // 2:
        inner = (degree == 2) & (beside(source) == 1)
    return source, inner


def _cells(core: Core, source: Bools, inner: Bools, wire: Bools) -> tuple[Ints, Ints, Ints]:
    """Return each cell's node on a source line, on a bit line, and inside, -1 without one."""
    u, v = core.u[~wire], core.v[~wire]
    swap = np.where(source[u] | source[v], source[v], inner[v])
    near, far = np.where(swap, v, u), np.where(swap, u, v)
    if not inner.any():
        return near, far, np.full(near.size, ABSENT)
    beyond = np.full(core.node.size, ABSENT)
    from_source = source[near]
    beyond[near[~from_source]] = far[~from_source]
    near, inside = near[from_source], far[from_source]
    far = beyond[inside]
    if not inner[inside].all() or np.any(far < 0):
        raise NoCrossbar("some of its cells have a node inside")
    return near, far, inside


def _turned(core: Core, source: Ints, cells: Ints, middles: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the tables with the end where a source line is tied on top, pairs in the order of their nodes."""
    tied = core.tied[source[:, [0, -1]]]
    ends: Bools = core.tied[cells[:, [0, -1]]]
    below: Bools = np.logical_or(ends[..., 0], ends[..., 1])
    one_end = tied[:, 0] != tied[:, 1]
    upside = ((one_end & tied[:, 1]) | (~one_end & below[:, 0] & ~below[:, 1]))[:, None]
    source = np.where(upside, source[:, ::-1], source)
    cells = np.where(upside[..., None], cells[:, ::-1], cells)
    middles = np.where(upside[..., None], middles[:, ::-1], middles)
    first = cells.min(axis=1).argsort(axis=1)[:, None, :]
    cells, middles = (np.take_along_axis(table, first, axis=2) for table in (cells, middles))
    order = np.argsort(np.minimum(source.min(axis=1), cells.min(axis=(1, 2))), kind="stable")
    rows = source.shape[1]
    bit, inner = (table[order].transpose(1, 0, 2).reshape(rows, -1) for table in (cells, middles))
    return source[order].T, bit, inner


def _layout(source: Ints, bit: Ints, middle: Ints) -> Layout:
    """Return the lines as ``SharedSourceArray.crossbar`` has them."""
    rows, pairs = source.shape
    word = np.empty((3 * pairs, 2 * rows), dtype=np.int64)
    for k, lines in enumerate((bit[:, 0::2], source, bit[:, 1::2])):
        word[k::3] = np.repeat(lines.T, 2, axis=1)
    inside = np.full_like(word, ABSENT)
    inside[0::3, 0::2] = inside[1::3, 0::2] = middle[:, 0::2].T
    inside[1::3, 1::2] = inside[2::3, 1::2] = middle[:, 1::2].T
    return Layout(word, inside)


def _recognition(circuit: FlatCircuit, doubled: Recognition, count: int) -> ColumnRecognition:
    """Return the array of its crossbar, with the circuit's own nodes; ``count`` are those before cells were halved."""
    from xbarsim.topologies import SharedSourceArray
    from xbarsim.topologies.shared_source_array import unwoven

    crossbar = doubled.crossbar
    assert crossbar is not None
    halves = crossbar.conductance
    cells = np.empty((2 * (halves.shape[0] // 3), halves.shape[1] // 2))
    cells[0::2] = joined_halves(halves[0::3, 0::2], halves[1::3, 0::2])
    cells[1::2] = joined_halves(halves[2::3, 1::2], halves[1::3, 1::2])
    source_wire, bit_wire = unwoven(crossbar.word_wire[:, 1::2])
    left, right = crossbar.boundary["word_left"], crossbar.boundary["word_right"]
    (driver, top), (low, lower) = unwoven(left.resistance), unwoven(right.resistance)
    array = SharedSourceArray(
        cells.T,
        source_wire=source_wire.T,
        bit_wire=bit_wire.T,
        driver=driver,
        ends={
            "bit_top": LineEnds(unwoven(doubled.voltages)[1], top),
            "source_bottom": LineEnds(unwoven(right.voltage)[0], low),
            "bit_bottom": LineEnds(unwoven(right.voltage)[1], lower),
        },
    )
    inner = np.where(doubled.bit_nodes < count, doubled.bit_nodes, ABSENT)
    return ColumnRecognition(array, replace(doubled, circuit=circuit, bit_nodes=inner))
