"""The loop that a netlist is: crossbars recognised in it, amplifiers, resistors and sources around them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import Side
from xbarsim.errors import InputError
from xbarsim.loop.amplifier import Amplifier
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.loop_parts import GROUND, CurrentSource, JoinedArray, OpAmp, Part, Resistor, VoltageSource
from xbarsim.netlist import Circuit, read
from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import CURRENT, RESISTOR, values_at_dc
from xbarsim.netlist.graph.arrays_inside import ArrayInside


def read_loop(source: str | Path | IO[str], *, bandwidth: float | None = None) -> Loop:
    """Read a netlist as a loop.

    Voltage-controlled sources are amplifiers, subcircuits' too, and their resistors parts of their own; arrays of 64
    cells or more are recognised by their graph, whatever their elements are called.

    Parameters
    ----------
    source : path or text stream
        The netlist.
    bandwidth : float, optional
        Gain-bandwidth product of all amplifiers in hertz.

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
    circuit = read(source)
    return loop_of(circuit, circuit.arrays_inside(), bandwidth=bandwidth)


def loop_of(
    circuit: Circuit,
    arrays: tuple[ArrayInside, ...],
    *,
    varying: Mapping[int, Array] | None = None,
    bandwidth: float | None = None,
) -> Loop:
    """Return the loop that a circuit is, of which ``arrays`` are parts.

    ``varying`` are values (points,) of sources by their elements.

    Raises
    ------
    InputError
        An element has no place in a loop.
    """
    if circuit.nonlinear:
        kind = next(iter(circuit.nonlinear))
        raise InputError(f"{circuit.places.files[0]}: it has {kind}: a loop's parts are linear")
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
            parts.append(Resistor(name, a, b, float(amount)))
        else:
            parts.append(CurrentSource(name, a, b, amount) if kind == CURRENT else VoltageSource(name, a, b, amount))
    parts += [_amplifier(circuit, source, bandwidth) for source in circuit.controlled]
    return Loop(*parts, *(_joined(circuit, array, f"array{k}") for k, array in enumerate(arrays)))


def _amplifier(circuit: Circuit, source: Controlled, bandwidth: float | None) -> Part:
    """Return a voltage-controlled source of volts as an amplifier."""
    where = circuit.places.where(source.origin)
    names = circuit.nodes
    first, second = names[source.first], names[source.second]
    if source.kind != "e" or GROUND not in (first, second) or first == second:
        raise InputError(f"{source.name} ({where}) is no amplifier: it must be an E source from ground to its output")
    # Turned round it is one of the negative gain.
    gain = source.gain if second == GROUND else -source.gain
    out = first if second == GROUND else second
    if gain == 0.0:
        return VoltageSource(source.name, first, second, 0.0)
    plus, minus = (source.c, source.d) if gain > 0.0 else (source.d, source.c)
    return OpAmp(source.name, names[plus], names[minus], out, Amplifier(gain=abs(gain), bandwidth=bandwidth))


def _joined(circuit: Circuit, array: ArrayInside, name: str) -> JoinedArray:
    """Return an array with the circuit's nodes at its ends."""
    crossbar = array.recognition.crossbar
    assert crossbar is not None
    nodes: dict[Side, list[str]] = {side: [GROUND] * end.voltage.size for side, end in crossbar.boundary.items()}
    for tie in array.recognition.ties:
        if tie.source >= 0:
            nodes[tie.side][tie.line] = circuit.nodes[array.outer[tie.source - array.first_source]]
    return JoinedArray(name, crossbar, nodes)
