"""What recognition found, and a solution put back into the netlist's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Crossbar, Side
from xbarsim.netlist.circuit import GROUND, Circuit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tie:
    """What one line end is tied to.

    Attributes
    ----------
    side, line : str, int
        Which end.
    voltage, resistance : float
        Its Thevenin source.
    source : int
        The voltage source element at its far end, -1 for ground itself.
    sign : int
        1 if current out of the array enters the source's + terminal, -1 if its - terminal.
    nodes : tuple of (node, ohms)
        The nodes between array and source, with the resistance between each and the source.
    ammeters : tuple of (element, sign)
        0 V sources in the path, and 1 if current out of the array enters their + terminal.
    """

    side: Side
    line: int
    voltage: float
    resistance: float
    source: int = -1
    sign: int = 1
    nodes: tuple[tuple[int, float], ...] = ()
    ammeters: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class WireSource:
    """A 0 V source that is a wire; ``sign`` is 1 if it is entered at + on the way right or down."""

    element: int
    layer: str
    row: int
    col: int
    sign: int


@dataclass(frozen=True, eq=False)
class Recognition:
    """The crossbar that a circuit is, and where its nodes and sources are in it.

    Attributes
    ----------
    circuit : Circuit
        The circuit that was looked at.
    crossbar : Crossbar or None
        None if the circuit is none; ``reason`` says why.
    voltages : (rows,) array of float
        What drives ``word_left``.
    word_nodes, bit_nodes : (rows, cols) array of int
        The circuit's node at each place, -1 where the netlist has none, 0 where it is ground.
    ties : tuple of Tie
        The line ends that are tied to something.
    dangling : tuple of (node, node)
        Nodes behind resistors that lead nowhere, and the array node whose voltage they take.
    wire_sources : tuple of WireSource
        0 V sources inside the array.
    """

    circuit: Circuit
    crossbar: Crossbar | None = None
    voltages: Floats = field(default_factory=lambda: np.zeros(0))
    reason: str | None = None
    word_nodes: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    bit_nodes: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    ties: tuple[Tie, ...] = ()
    dangling: tuple[tuple[int, int], ...] = ()
    wire_sources: tuple[WireSource, ...] = ()

    @property
    def shape(self) -> tuple[int, int] | None:
        """``(rows, cols)``, or None."""
        return None if self.crossbar is None else self.crossbar.shape

    def node_names(self, layer: str) -> NDArray[np.object_]:
        """Return the ``"word"`` or ``"bit"`` layer's node names, ``""`` where the netlist has no node."""
        names = np.array([*self.circuit.nodes, ""], dtype=object)
        return names[self.word_nodes if layer == "word" else self.bit_nodes]


def report(recognition: Recognition, solution: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Return the voltages and source currents of a netlist's own nodes and sources.

    Parameters
    ----------
    recognition : Recognition
        Of a circuit that is a crossbar.
    solution : Solution
        Of ``recognition.crossbar`` at ``recognition.voltages``.

    Returns
    -------
    node_voltages : dict of str to float
        By node name; ground is left out, a floating node is NaN.
    source_currents : dict of str to float
        By the V elements' names, positive into the + terminal.
    """
    circuit = recognition.circuit
    volts = np.full(len(circuit.nodes), np.nan)
    for nodes, field_ in (
        (recognition.word_nodes, solution.word_voltages),
        (recognition.bit_nodes, solution.bit_voltages),
    ):
        volts[nodes[nodes >= 0]] = np.asarray(field_)[nodes >= 0]
    for node, anchor in recognition.dangling:
        volts[node] = volts[anchor]
    currents = {int(e): 0.0 for e in np.flatnonzero(circuit.kinds == 1)}
    for element in currents:
        a, b = int(circuit.first[element]), int(circuit.second[element])
        if b == GROUND:
            volts[a] = circuit.values[element]
        elif a == GROUND:
            volts[b] = -circuit.values[element]
    for tie in recognition.ties:
        out = float(solution.end_currents[tie.side][tie.line])
        for node, ohms in tie.nodes:
            volts[node] = tie.voltage + out * ohms
        if tie.source >= 0:
            currents[tie.source] += tie.sign * out
        for element, sign in tie.ammeters:
            currents[element] += sign * out
    for wire in recognition.wire_sources:
        currents[wire.element] = wire.sign * _wire_current(wire, solution)
    volts[GROUND] = 0.0
    voltages = dict(zip(circuit.nodes[1:], volts[1:].tolist(), strict=True))
    return voltages, {circuit.names[e]: current for e, current in currents.items()}


def _wire_current(wire: WireSource, solution: Any) -> float:
    """Return the current to the right or down, as the running sum of what the line's cells carry."""
    cells = np.asarray(solution.device_currents)
    if wire.layer == "word":
        taken = float(cells[wire.row, : wire.col + 1].sum())
        return -float(solution.end_currents["word_left"][wire.row]) - taken
    given = float(cells[: wire.row + 1, wire.col].sum())
    return given - float(solution.end_currents["bit_top"][wire.col])
