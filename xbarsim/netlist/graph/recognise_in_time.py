"""Whether a circuit, with all that it stores, is a crossbar in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbarsim.netlist.element_kinds import CURRENT, GROUND, VOLTAGE
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.edges import Bools, NoCrossbar
from xbarsim.netlist.graph.farads import lay_out
from xbarsim.netlist.graph.moving_cells import moving_cells, state_nodes
from xbarsim.netlist.graph.recognise import put_back, recognise
from xbarsim.netlist.recognition import Inner, Recognition
from xbarsim.netlist.recognition_in_time import RecognitionInTime
from xbarsim.netlist.storage import Storage


def recognise_in_time(circuit: FlatCircuit) -> RecognitionInTime:
    """Return the crossbar that a circuit is whose states move, or the reason why it is none."""
    storage = circuit.storage or Storage()
    try:
        _check_memory(circuit, storage)
        of_lines = np.ones(len(storage.capacitors.names), bool)
        at_state = state_nodes(circuit)
        if not at_state.any():
            recognition = recognise(circuit)
            if recognition.columns is not None:
                raise NoCrossbar("it is an array with source lines along bit lines, which in time is a network")
            return _charged(RecognitionInTime(recognition), storage, of_lines)
        cells, states = moving_cells(circuit, at_state)
        recognition = put_back(circuit, cells)
        row, col, forward = cells.places(recognition)
        if states.series is not None:
            # The current from word to bit line raises the inner node over the cell's second one, behind the resistor.
            ohms = np.where(forward, states.series.ohms, -states.series.ohms)
            inner = Inner(states.series.inner, states.second, row, col, ohms)
            recognition = replace(recognition, inner=inner)
        caps = storage.capacitors
        of_lines &= ~(at_state[caps.first] | at_state[caps.second])
        timed = RecognitionInTime(recognition, states=states, row=row, col=col, forward=forward)
        return _charged(timed, storage, of_lines)
    except NoCrossbar as reason:
        return RecognitionInTime(Recognition(circuit, reason=str(reason)))


def _check_memory(circuit: FlatCircuit, storage: Storage) -> None:
    if storage.inductors.elements.size:
        raise NoCrossbar(f"{circuit.names[int(storage.inductors.elements[0])]} is an inductor")
    if storage.junctions is not None:
        raise NoCrossbar("its diodes hold charge")
    if circuit.mosfets is not None and circuit.mosfets.names:
        raise NoCrossbar(f"{circuit.mosfets.names[0]} is a transistor: crossbars in time have none")


def _charged(timed: RecognitionInTime, storage: Storage, of_lines: Bools) -> RecognitionInTime:
    """Return what was found with its capacitances laid out, if a crossbar can have its sources move as they do."""
    recognition, circuit = timed.recognition, timed.recognition.circuit
    if recognition.crossbar is None:
        return timed
    if recognition.wire_sources:
        name = circuit.names[recognition.wire_sources[0].element]
        raise NoCrossbar(f"{name} is an ammeter in a line, which carries what charges the line too")
    inside = {element for tie in recognition.ties for element, _ in tie.ammeters}
    for element in circuit.waves:
        grounded = GROUND in (circuit.first[element], circuit.second[element])
        if circuit.kinds[element] == CURRENT or element in inside or not grounded:
            raise NoCrossbar(f"{circuit.names[element]} ({circuit.where(element)}) changes and drives no line")
    for tie in recognition.ties:
        volts = 0.0 if tie.source < 0 or circuit.kinds[tie.source] != VOLTAGE else circuit.values[tie.source]
        if tie.voltage != tie.sign * volts:
            raise NoCrossbar("a line is driven by several sources in series")
    word, bit, cell = lay_out(storage.capacitors, of_lines, recognition)
    return replace(timed, word_farads=word, bit_farads=bit, cell_farads=cell)
