"""A layout made into a crossbar, if and only if every element of the circuit fits into it exactly once."""

from __future__ import annotations

import numpy as np

from xbarsim.crossbar import MOST_SIEMENS, Crossbar, LineEnds, Side
from xbarsim.netlist.element_kinds import RESISTOR
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Floats, Ints, NoCrossbar
from xbarsim.netlist.graph.layout import BIT, WORD, Layout
from xbarsim.netlist.graph.line_ends import find_ends
from xbarsim.netlist.graph.places import CELL, slots_of
from xbarsim.netlist.recognition import Recognition, Tie, WireSource


def assemble(network: EdgeNetwork, layout: Layout) -> Recognition:
    """Return the crossbar that a layout makes of a network.

    Raises
    ------
    NoCrossbar
        Something does not fit; the reason names an element where one is to blame.
    """
    slot = slots_of(network, layout)
    inside = slot >= 0
    conductance, word_wire, bit_wire = _values(network, layout, inside, slot)
    ties, dangling = find_ends(network, layout, inside)
    wires = _wire_sources(network, layout, slot)
    crossbar, voltages = _crossbar(conductance, word_wire, bit_wire, ties)
    return Recognition(network.circuit, crossbar, voltages, None, layout.word, layout.bit, ties, dangling, wires)


def _values(network: EdgeNetwork, layout: Layout, inside: Bools, slot: Ints) -> tuple[Floats, Floats, Floats]:
    """Return conductances and wires; elements side by side between the same two nodes are one."""
    rows, cols = layout.word.shape
    edges = np.flatnonzero(inside)
    slot, ohms = slot[edges], network.ohms[edges]
    first_cell = CELL * rows * cols
    short = np.flatnonzero((ohms == 0) & (slot >= first_cell))
    if short.size:
        raise NoCrossbar(f"{network.name(edges[short[0]])} is a cell of 0 ohm")
    count = np.bincount(slot, minlength=3 * rows * cols)
    total = np.full(3 * rows * cols, np.inf)
    total[slot] = ohms
    with np.errstate(divide="ignore", over="ignore"):
        conductance = 1 / total[first_cell:]
        several = np.flatnonzero(count > 1)
        if several.size:
            siemens = np.bincount(slot, weights=1 / ohms, minlength=count.size)[several]
            total[several] = 1 / siemens
            in_cell = several >= first_cell
            conductance[several[in_cell] - first_cell] = siemens[in_cell]
    if not np.all(conductance <= MOST_SIEMENS):
        raise NoCrossbar(f"a cell has more than {MOST_SIEMENS:g} S")
    filled = (count > 0).reshape(3, rows, cols)
    values = total.reshape(3, rows, cols)
    word_wire = np.where(filled[WORD, :, :-1], values[WORD, :, :-1], _unwired(layout.word[:, :-1], layout.word[:, 1:]))
    bit_wire = np.where(filled[BIT, :-1], values[BIT, :-1], _unwired(layout.bit[:-1], layout.bit[1:]))
    return conductance.reshape(rows, cols), word_wire, bit_wire


def _unwired(a: Ints, b: Ints) -> Floats:
    """Return what joins two neighbours that no element joins: they are one node, or apart."""
    return np.where((a == b) & (a >= 0), 0.0, np.inf)


def _wire_sources(network: EdgeNetwork, layout: Layout, slot: Ints) -> tuple[WireSource, ...]:
    circuit = network.circuit
    rows, cols = layout.word.shape
    ideal = np.flatnonzero((slot >= 0) & (network.ohms == 0))
    sources = ideal[circuit.kinds[network.element[ideal]] != RESISTOR]
    if not sources.size:
        return ()
    beside = sources[np.bincount(slot[ideal])[slot[sources]] > 1]
    if beside.size:
        raise NoCrossbar(f"{network.name(beside[0])} has another ideal wire beside it: its current is undetermined")
    layer, place = np.divmod(slot[sources], rows * cols)
    start = np.where(layer == WORD, layout.word.ravel()[place], layout.bit.ravel()[place])
    element = network.element[sources]
    sign = np.where(circuit.first[element] == start, 1, -1)
    row, col = np.divmod(place, cols)
    names = ("word", "bit")
    columns = (element.tolist(), layer.tolist(), row.tolist(), col.tolist(), sign.tolist())
    return tuple(WireSource(e, names[layer], r, c, s) for e, layer, r, c, s in zip(*columns, strict=True))


def _crossbar(
    conductance: Floats, word_wire: Floats, bit_wire: Floats, ties: tuple[Tie, ...]
) -> tuple[Crossbar, Floats]:
    rows, cols = conductance.shape
    sides: tuple[Side, ...] = ("word_left", "word_right", "bit_top", "bit_bottom")
    volts = {side: np.zeros(rows if side.startswith("word") else cols) for side in sides}
    ohms = {side: np.full(volts[side].size, np.inf) for side in sides}
    for tie in ties:
        volts[tie.side][tie.line], ohms[tie.side][tie.line] = tie.voltage, tie.resistance
    ends = {
        side: LineEnds(volts[side], ohms[side])
        for side in ("word_right", "bit_top")
        if np.any(np.isfinite(ohms[side]) | (volts[side] != 0))
    }
    sense: Floats | float = ohms["bit_bottom"]
    if np.any(volts["bit_bottom"] != 0):
        ends["bit_bottom"], sense = LineEnds(volts["bit_bottom"], ohms["bit_bottom"]), 0.0
    crossbar = Crossbar(
        conductance,
        word_wire=word_wire,
        bit_wire=bit_wire,
        driver=ohms["word_left"],
        sense=sense,
        ends=ends,  # type: ignore[arg-type]
    )
    return crossbar, volts["word_left"]
