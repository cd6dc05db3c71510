"""What a crossbar in time begins with and is driven by, where a netlist says it: waves, states, charges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from xbarsim.crossbar import Array, Side
from xbarsim.netlist.analyses import Transient
from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition import Recognition
from xbarsim.netlist.recognition_in_time import RecognitionInTime
from xbarsim.netlist.storage import Storage
from xbarsim.waves import Piecewise, Pulse, Wave

Start = Literal["operating_point", "discharged"]


class UnsuitedError(Exception):
    """Why the crossbar's own solver cannot give a transient."""


def line_waves(circuit: ReadCircuit, recognition: Recognition) -> dict[Side, list[Any]]:
    """Return what drives the lines of each side where something changes, and of the left one.

    Parameters
    ----------
    circuit : ReadCircuit
        With the waves of its sources.
    recognition : Recognition
        Which element is which end's source.
    """
    assert recognition.crossbar is not None
    ends = recognition.crossbar.boundary
    waves: dict[Side, list[Any]] = {"word_left": recognition.voltages.tolist()}
    turned: dict[int, Wave] = {}
    for tie in recognition.ties:
        if tie.source in circuit.waves:
            wave = circuit.waves[tie.source]
            if tie.sign < 0:
                wave = turned.setdefault(tie.source, _negative(wave))
            waves.setdefault(tie.side, ends[tie.side].voltage.tolist())[tie.line] = wave
    return waves


def first_states(circuit: ReadCircuit, timed: RecognitionInTime, transient: Transient) -> Array | None:
    """Return the states at the start, (rows, cols); None where cells have none.

    Parameters
    ----------
    circuit : ReadCircuit
        With ``ic=`` of its capacitors.
    timed : RecognitionInTime
        Which nodes are which cells' states.
    transient : Transient
        With ``.ic``.

    Raises
    ------
    UnsuitedError
        Initial values are of other nodes too, or a state is to be found at rest.
    """
    nodes = [] if timed.states is None else timed.states.node.tolist()
    volts = dict(transient.initial)
    if transient.from_initial:
        capacitors = (circuit.storage or Storage()).capacitors
        stated = np.isfinite(capacitors.initial)
        for first, second, initial in zip(
            capacitors.first[stated].tolist(),
            capacitors.second[stated].tolist(),
            capacitors.initial[stated].tolist(),
            strict=True,
        ):
            if GROUND not in (first, second):
                raise UnsuitedError("a capacitor between lines has an initial voltage")
            volts[first or second] = initial if second == GROUND else -initial
    if set(volts) - set(nodes):
        raise UnsuitedError("a line has an initial voltage")
    if timed.states is None:
        return None
    if not transient.from_initial and set(nodes) - set(volts):
        raise UnsuitedError("a state begins at rest")
    table = np.zeros(timed.recognition.word_nodes.shape)
    table[timed.row, timed.col] = [volts.get(node, 0.0) for node in nodes]
    return table


def check_grounded(recognition: Recognition) -> None:
    """Refuse nodes without a path to a source or ground: a network with such has no operating point.

    Raises
    ------
    UnsuitedError
        There are.
    """
    crossbar = recognition.crossbar
    assert crossbar is not None
    rows, cols = crossbar.shape
    word, bit = np.arange(2 * rows * cols).reshape(2, rows, cols)
    earth = 2 * rows * cols
    joined = [
        (word[:, :-1], word[:, 1:], np.isfinite(crossbar.word_wire)),
        (bit[:-1], bit[1:], np.isfinite(crossbar.bit_wire)),
        (word, bit, crossbar.conductance > 0),
    ]
    ends = {"word_left": word[:, 0], "word_right": word[:, -1], "bit_top": bit[0], "bit_bottom": bit[-1]}
    for side, nodes in ends.items():
        joined.append((nodes, np.full(nodes.size, earth), np.isfinite(crossbar.boundary[side].resistance)))  # type: ignore[index]
    u, v = (np.concatenate([pair[end][pair[2]] for pair in joined]) for end in (0, 1))
    label = components(u, v, earth + 1)
    present = np.stack([recognition.word_nodes, recognition.bit_nodes]).ravel() > GROUND
    if (label[:-1] != label[-1])[present].any():
        raise UnsuitedError("a node has no path to ground")


def first_charges(circuit: ReadCircuit, timed: RecognitionInTime, transient: Transient) -> Start:
    """Say what capacitances hold at the start.

    Parameters
    ----------
    circuit : ReadCircuit
        With ``ic=`` of its capacitors.
    timed : RecognitionInTime
        Which capacitors are which nodes'.
    transient : Transient
        With ``.ic``, and whether the run begins from initial values.

    Raises
    ------
    UnsuitedError
        It takes more than a crossbar to tell.
    """
    recognition = timed.recognition
    if transient.guesses and circuit.nonlinear:
        raise UnsuitedError("there are first guesses")
    farads = timed.word_farads, timed.bit_farads
    if not transient.from_initial or not any(table.any() for table in (*farads, timed.cell_farads)):
        return "operating_point"
    for nodes, table in zip((recognition.word_nodes, recognition.bit_nodes), farads, strict=True):
        if set(nodes[nodes > GROUND].tolist()) - set(nodes[table > 0].tolist()):
            raise UnsuitedError("a node without capacitance jumps at the start")
    if any(tie.resistance == 0 and tie.source >= 0 for tie in recognition.ties):
        raise UnsuitedError("a source charges a capacitance at once")
    return "discharged"


@dataclass(frozen=True)
class _Turned:
    """A wave's negative."""

    wave: Wave

    def at(self, times: Array) -> Array:
        return -self.wave.at(times)

    def corners(self, start: float, stop: float) -> Array:
        return self.wave.corners(start, stop)


def _negative(wave: Wave) -> Wave:
    if isinstance(wave, Pulse):
        return replace(wave, low=-wave.low, high=-wave.high)
    if isinstance(wave, Piecewise):
        return replace(wave, values=-wave.values)
    return _Turned(wave)
