"""A layout made into a crossbar, if and only if every element of the circuit fits into it exactly once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import Crossbar, LineEnds, Side
from xbarsim.netlist.body import VOLTAGE
from xbarsim.netlist.ends import find_ends
from xbarsim.netlist.layout import Layout, check_places
from xbarsim.netlist.network import Bools, Floats, Ints, Network, NoCrossbar
from xbarsim.netlist.recognition import Recognition, Tie, WireSource


@dataclass(frozen=True, eq=False)
class _Slots:
    """The places that an edge can take: word wires, bit wires, cells; ``key`` is sorted."""

    key: Ints
    layer: Ints
    row: Ints
    col: Ints


def assemble(network: Network, layout: Layout) -> Recognition:
    """Return the crossbar that a layout makes of a network.

    Raises
    ------
    NoCrossbar
        Something does not fit; the reason names an element where one is to blame.
    """
    check_places(layout)
    slots = _slots(network, layout)
    edge_key = _key(network.u, network.v, network.count)
    at = np.searchsorted(slots.key, edge_key)
    at[at == slots.key.size] = 0
    inside = slots.key[at] == edge_key if slots.key.size else np.zeros(edge_key.size, dtype=bool)
    if np.any(slots.key[1:] == slots.key[:-1]):
        twice = np.flatnonzero(inside & np.isin(edge_key, slots.key[1:][slots.key[1:] == slots.key[:-1]]))
        if twice.size:
            raise NoCrossbar(f"{_name(network, twice[0])} could be either of two cells")
    place = at[inside]
    conductance, word_wire, bit_wire = _values(network, layout, slots, inside, place)
    ties, dangling = find_ends(network, layout, inside)
    wires = _wire_sources(network, layout, slots, inside, at)
    crossbar, voltages = _crossbar(conductance, word_wire, bit_wire, ties)
    return Recognition(network.circuit, crossbar, voltages, None, layout.word, layout.bit, ties, dangling, wires)


def _key(a: Ints, b: Ints, count: int) -> Ints:
    return np.minimum(a, b) * count + np.maximum(a, b)


def _slots(network: Network, layout: Layout) -> _Slots:
    word, bit = layout.word, layout.bit
    parts = []
    for layer, a, b in (
        (0, word[:, :-1], word[:, 1:]),
        (1, bit[:-1, :], bit[1:, :]),
        (2, word, bit),
    ):
        row, col = np.nonzero((a >= 0) & (b >= 0) & (a != b))
        key = _key(a[row, col], b[row, col], network.count)
        parts.append((key, np.full(key.size, layer), row, col))
    key, which, row, col = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(key, kind="stable")
    return _Slots(key[order], which[order], row[order], col[order])


def _values(
    network: Network, layout: Layout, slots: _Slots, inside: Bools, place: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return conductances and wires; elements side by side between the same two nodes are one."""
    rows, cols = layout.word.shape
    ohms = network.ohms[inside]
    short = np.flatnonzero((slots.layer[place] == 2) & (ohms == 0))
    if short.size:
        raise NoCrossbar(f"{_name(network, np.flatnonzero(inside)[short[0]])} is a cell of 0 ohm")
    count = np.bincount(place, minlength=slots.key.size)
    total = np.full(slots.key.size, np.inf)
    total[place] = ohms
    siemens = np.zeros(slots.key.size)
    siemens[place] = 1 / np.where(ohms == 0, 1.0, ohms)
    for slot in np.flatnonzero(count > 1):
        together = ohms[place == slot] if count.max() <= 64 else ohms[np.flatnonzero(place == slot)]
        siemens[slot] = np.inf if np.any(together == 0) else float(np.sum(1 / together))
        total[slot] = 0.0 if np.any(together == 0) else 1 / siemens[slot]
    conductance = np.zeros((rows, cols))
    cell = slots.layer == 2
    conductance[slots.row[cell], slots.col[cell]] = siemens[cell]
    if not np.all(np.isfinite(conductance)):
        raise NoCrossbar("a cell's conductance is too large for a double")
    word_wire = np.where(layout.word[:, :-1] == layout.word[:, 1:], 0.0, np.inf)
    bit_wire = np.where(layout.bit[:-1] == layout.bit[1:], 0.0, np.inf)
    word_wire[(layout.word[:, :-1] < 0) | (layout.word[:, 1:] < 0)] = np.inf
    bit_wire[(layout.bit[:-1] < 0) | (layout.bit[1:] < 0)] = np.inf
    for layer, wire in ((0, word_wire), (1, bit_wire)):
        here = slots.layer == layer
        wire[slots.row[here], slots.col[here]] = total[here]
    return conductance, word_wire, bit_wire


def _wire_sources(network: Network, layout: Layout, slots: _Slots, inside: Bools, at: Ints) -> tuple[WireSource, ...]:
    circuit = network.circuit
    found = []
    ideal = np.flatnonzero(inside & (network.ohms == 0))
    shared = dict(zip(*np.unique(at[ideal], return_counts=True), strict=True))
    for edge in ideal[circuit.kinds[network.element[ideal]] == VOLTAGE]:
        slot = at[edge]
        if shared[slot] > 1:
            raise NoCrossbar(f"{_name(network, edge)} has another ideal wire beside it: its current is undetermined")
        row, col = int(slots.row[slot]), int(slots.col[slot])
        layer, nodes = ("word", layout.word) if slots.layer[slot] == 0 else ("bit", layout.bit)
        element = int(network.element[edge])
        sign = 1 if circuit.first[element] == nodes[row, col] else -1
        found.append(WireSource(element, layer, row, col, sign))
    return tuple(found)


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


def _name(network: Network, edge: int) -> str:
    element = int(network.element[edge])
    return f"{network.circuit.names[element]} ({network.circuit.where(element)})"
