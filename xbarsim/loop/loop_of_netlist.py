"""The loop that a netlist is: crossbars recognised in it, amplifiers, resistors and sources around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import Side
from xbarsim.errors import InputError
from xbarsim.loop.amplifier import Amplifier
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.controlled_parts import CurrentGain, Transconductor, Transresistor
from xbarsim.loop.loop_parts import (
    Capacitor,
    CurrentSource,
    Inductor,
    JoinedArray,
    OpAmp,
    Part,
    Resistor,
    VoltageSource,
)
from xbarsim.loop.mutual_inductance import MutualInductance
from xbarsim.loop.part_checks import GROUND
from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import CURRENT, INDUCTOR, RESISTOR, values_at_dc
from xbarsim.netlist.element_kinds import GROUND as GROUND_NUMBER
from xbarsim.netlist.graph.arrays_inside import ArrayInside, arrays_inside
from xbarsim.netlist.graph.edges import NoCrossbar
from xbarsim.netlist.graph.farads import lay_out
from xbarsim.netlist.read_circuit import ReadCircuit, read_circuit
from xbarsim.netlist.storage import Capacitors, Inductors, Storage

_FEWEST_CELLS = 4
"""Small arrays gain no time, but which circuit a loop is goes by its arrays."""


def read_loop(source: str | Path | IO[str], *, bandwidth: float | None = None) -> Loop:
    """Read a netlist as a loop.

    Voltage-controlled sources of volts are amplifiers, subcircuits' too, and their resistors parts of their own; those
    of amperes are transconductors, as negative resistors are. Sources that a current controls, ammeters and inductors
    are parts too. Arrays of 4 cells or more are recognised by their graph, whatever their elements
    are called; capacitors at their nodes and across their cells are theirs, all else are parts. They count for the
    poles, with or without a ``.tran``.

    Parameters
    ----------
    source : path or text stream
        The netlist.
    bandwidth : float, optional
        Gain-bandwidth product of all amplifiers in hertz; ``inf`` takes them as SPICE does, without a pole.

    Returns
    -------
    Loop
        Nodes and parts have the netlist's names, arrays ``array0``, the largest first. Nodes within resistors in
        series at an array's ends are inside of it.

    Raises
    ------
    NetlistError
        The netlist is not understood.
    InputError
        An element has no place in a loop; the message names it.
    """
    return moving_loop_of(read_circuit(source, charges=True), bandwidth=bandwidth)


def moving_loop_of(circuit: ReadCircuit, *, bandwidth: float | None = None) -> Loop:
    """Return the loop that a circuit, read with its ``charges``, is in time; as ``read_loop``.

    Raises
    ------
    InputError
        An element has no place in a loop; the message names it.
    """
    arrays = arrays_inside(circuit, _FEWEST_CELLS)
    loop = loop_of(circuit, arrays, bandwidth=bandwidth, moving=True)
    storage = circuit.storage or Storage()
    _check_inductors(circuit, arrays, storage.inductors)
    loop = loop.with_parts(*_fluxes(circuit, storage.inductors))
    return _charged(circuit, arrays, loop, storage.capacitors)


def loop_of(
    circuit: ReadCircuit,
    arrays: tuple[ArrayInside, ...],
    *,
    varying: Mapping[int, Array] | None = None,
    bandwidth: float | None = None,
    moving: bool = False,
) -> Loop:
    """Return the loop that a circuit is at rest, of which ``arrays`` are parts.

    ``varying`` are values (points,) of sources by their elements; inductors have their flux where it is ``moving``, and
    are sources of 0 V else.

    Raises
    ------
    InputError
        An element has no place in a loop.
    """
    if circuit.nonlinear:
        kind = next(iter(circuit.nonlinear))
        gain = ", OPAMP as an E with a gain" if "laws" in kind else ""
        raise InputError(
            f"{circuit.places.files[0]}: it has {kind}: a loop's parts are linear{gain}; 'xbarsim solve' takes all"
        )
    inside = np.zeros(len(circuit.names), dtype=bool)
    for array in arrays:
        inside[array.elements] = True
    outside = np.flatnonzero(~inside & (circuit.first != circuit.second))
    values = values_at_dc(circuit.kinds, circuit.values)
    parts: list[Part] = []
    for element in outside.tolist():
        a, b = circuit.nodes[circuit.first[element]], circuit.nodes[circuit.second[element]]
        name, kind = circuit.names[element], circuit.kinds[element]
        amount = (varying or {}).get(element, values[element])
        if kind == RESISTOR:
            # A negative one is a current of the other sign by its own voltage.
            siemens = 1.0 / float(amount) if amount < 0.0 else 0.0
            parts.append(Transconductor(name, a, b, a, b, siemens) if siemens else Resistor(name, a, b, float(amount)))
        elif kind == INDUCTOR and moving:
            parts.append(Inductor(name, a, b, float(circuit.values[element])))
        else:
            parts.append(CurrentSource(name, a, b, amount) if kind == CURRENT else VoltageSource(name, a, b, amount))
    for source in circuit.controlled:
        part = _by_current(circuit, source) if source.coupling.by_current else _by_voltage(circuit, source, bandwidth)
        parts.append(part)
    return Loop(*parts, *(_joined(circuit, array, f"array{k}") for k, array in enumerate(arrays)))


def _charged(circuit: ReadCircuit, arrays: tuple[ArrayInside, ...], loop: Loop, capacitors: Capacitors) -> Loop:
    """Return a loop with the circuit's capacitors: those that touch an array's inner nodes are the array's.

    Raises
    ------
    InputError
        One lies at a node of an array that is none of its lines', or across no cell.
    """
    # An array's inner nodes have its number, from 1 on.
    inside = np.zeros(len(circuit.nodes), dtype=np.int64)
    for k, array in enumerate(arrays, 1):
        inside[array.inner] = k
    owner = np.maximum(inside[capacitors.first], inside[capacitors.second])
    parts: list[Part] = [part for part in loop.parts if not isinstance(part, JoinedArray)]
    for k in np.flatnonzero((owner == 0) & (capacitors.first != capacitors.second)).tolist():
        a, b = circuit.nodes[capacitors.first[k]], circuit.nodes[capacitors.second[k]]
        parts.append(Capacitor(capacitors.names[k], a, b, float(capacitors.farads[k])))
    for number, (array, joined) in enumerate(zip(arrays, loop.arrays, strict=True), 1):
        local = np.full(len(circuit.nodes), -1)
        local[array.nodes] = np.arange(array.nodes.size)
        first, second = local[capacitors.first], local[capacitors.second]
        mine = owner == number
        lost = np.flatnonzero(mine & ((first < 0) | (second < 0)))
        if lost.size:
            at = int(lost[0])
            where = circuit.places.where(int(capacitors.origins[at]))
            raise InputError(f"{capacitors.names[at]} ({where}) leads out of an array, not from its ends")
        try:
            tables = lay_out(replace(capacitors, first=first, second=second), mine, array.recognition)
        except NoCrossbar as error:
            raise InputError(f"{error}: a loop has capacitors at lines' nodes, across cells, and outside") from None
        word, bit, cell = tables
        parts.append(replace(joined, word_capacitance=word, bit_capacitance=bit, cell_capacitance=cell))
    return Loop(*parts)


def _by_voltage(circuit: ReadCircuit, source: Controlled, bandwidth: float | None) -> Part:
    """Return a voltage-controlled source of volts as an amplifier, one of amperes as a transconductor."""
    names = circuit.nodes
    first, second = names[source.first], names[source.second]
    if source.kind == "g":
        return Transconductor(source.name, first, second, names[source.c], names[source.d], source.gain)
    if first == second:
        where = circuit.places.where(source.origin)
        raise InputError(f"{source.name} ({where}) has both ends on one node: remove it")
    if source.gain == 0.0:
        return VoltageSource(source.name, first, second, 0.0)
    # Turned round it is one of the negative gain.
    turned = _is_turned(source)
    gain = -source.gain if turned else source.gain
    out, reference = (second, first) if turned else (first, second)
    plus, minus = (source.c, source.d) if gain > 0.0 else (source.d, source.c)
    amplifier = Amplifier(gain=abs(gain), bandwidth=bandwidth)
    return OpAmp(source.name, names[plus], names[minus], out, amplifier, reference)


def _is_turned(source: Controlled) -> bool:
    """Whether a source of volts is an amplifier with its output at its - node."""
    return source.kind == "e" and source.first == GROUND_NUMBER and source.gain != 0.0


def _by_current(circuit: ReadCircuit, source: Controlled) -> Part:
    """Return a current-controlled source; no array has what controls it inside."""
    count = len(circuit.names)
    if source.c < count:
        control, sign = circuit.names[source.c], 1.0
    else:
        controlling = circuit.controlled[source.c - count]
        control, sign = controlling.name, -1.0 if _is_turned(controlling) else 1.0
    first, second = circuit.nodes[source.first], circuit.nodes[source.second]
    if source.kind == "f":
        return CurrentGain(source.name, first, second, control, sign * source.gain)
    return Transresistor(source.name, first, second, control, sign * source.gain)


def _check_inductors(circuit: ReadCircuit, arrays: tuple[ArrayInside, ...], inductors: Inductors) -> None:
    """Check that inductors lie outside of arrays, or raise InputError."""
    inside = np.concatenate([np.zeros(0, np.int64), *(array.elements for array in arrays)])
    for element in inductors.elements[np.isin(inductors.elements, inside)].tolist():
        where = circuit.places.where(int(circuit.origins[element]))
        raise InputError(
            f"{circuit.names[element]} ({where}) lies inside of an array, whose wires have no inductance: "
            "write 'v 0' for it"
        )


def _fluxes(circuit: ReadCircuit, inductors: Inductors) -> list[Part]:
    """Return what inductors share."""
    columns = (inductors.first, inductors.second, inductors.mutual)
    parts: list[Part] = []
    for k, (first, second, henries) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        a, b = (circuit.names[int(inductors.elements[coil])] for coil in (first, second))
        parts.append(MutualInductance(f"flux{k}", a, b, henries))
    return parts


def _joined(circuit: ReadCircuit, array: ArrayInside, name: str) -> JoinedArray:
    """Return an array with the circuit's nodes at its ends."""
    crossbar = array.recognition.crossbar
    assert crossbar is not None
    nodes: dict[Side, list[str]] = {side: [GROUND] * end.voltage.size for side, end in crossbar.boundary.items()}
    for tie in array.recognition.ties:
        if tie.source >= 0:
            nodes[tie.side][tie.line] = circuit.nodes[array.outer[tie.source - array.first_source]]
    return JoinedArray(name, crossbar, nodes)
