"""What recognition found, and a solution put back into the netlist's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.netlist.element_kinds import GROUND, fixes_voltage, values_at_dc
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.solution import Solution

if TYPE_CHECKING:
    from xbarsim.topologies import SharedSourceArray, SourceLineArray

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
class Inner:
    """Nodes inside cells, between a memristor and what is in series with it.

    Attributes
    ----------
    node, outer : (k,)
        Each such node, and the memristor's other end.
    row, col : (k,)
        The cell.
    ohms : (k,)
        What the cell's current, from word to bit line, is multiplied with to give the node's voltage over ``outer``'s.
    """

    node: Ints
    outer: Ints
    row: Ints
    col: Ints
    ohms: Floats


@dataclass(frozen=True, eq=False)
class Recognition:
    """The crossbar that a circuit is, and where its nodes and sources are in it.

    Attributes
    ----------
    circuit : FlatCircuit
        The circuit that was looked at.
    crossbar : Crossbar or None
        None if the circuit is none.
    reason : str
        Why it is none; empty where it is.
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
    inner : Inner, optional
        Nodes inside cells.
    gates : frozenset of int
        Elements that hold the gates and bulks of cells' transistors.
    left_out : str or None
        What the circuit's cells do that the crossbar's model of them does not. Its numbers then are the general
        solver's; the crossbar is what they are shown as.
    columns : ColumnRecognition or None
        The array with source lines along bit lines that a circuit is which is no crossbar.
    """

    circuit: FlatCircuit
    crossbar: Crossbar | None = None
    voltages: Floats = field(default_factory=lambda: np.zeros(0))
    reason: str | None = None
    word_nodes: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    bit_nodes: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    ties: tuple[Tie, ...] = ()
    dangling: tuple[tuple[int, int], ...] = ()
    wire_sources: tuple[WireSource, ...] = ()
    inner: Inner | None = None
    gates: frozenset[int] = frozenset()
    left_out: str | None = None
    columns: ColumnRecognition | None = None

    @property
    def shape(self) -> tuple[int, int] | None:
        """``(rows, cols)``, or None."""
        return None if self.crossbar is None else self.crossbar.shape

    def node_names(self, layer: str) -> NDArray[np.object_]:
        """Return the ``"word"`` or ``"bit"`` layer's node names, ``""`` where the netlist has no node.

        Parameters
        ----------
        layer : str
            ``"word"`` or ``"bit"``.
        """
        names = np.array([*self.circuit.nodes, ""], dtype=object)
        return names[self.word_nodes if layer == "word" else self.bit_nodes]


@dataclass(frozen=True, eq=False)
class ColumnRecognition:
    """An array with source lines along bit lines that a circuit is, of their own or shared by two.

    Attributes
    ----------
    array : SourceLineArray or SharedSourceArray
        Its columns; the device's own gates are the netlist's.
    doubled : Recognition
        The circuit as the crossbar of both its lines as :func:`~xbarsim.topologies.doubled_crossbar` lays it out: the
        places of nodes, ties and ammeters, in which results are reported. Its crossbar's cells are halves of cells,
        or, of nonlinear ones, of what stood in for them.
    """

    array: SourceLineArray | SharedSourceArray
    doubled: Recognition

    @property
    def reason(self) -> str:
        """Why the circuit is no crossbar."""
        rows, cols = self.array.shape
        shared = ", each shared by two" if self.array.source_wire.shape[1] < cols else ""
        return f"it is an array of {rows} x {cols} cells with source lines along bit lines{shared}"


def report(recognition: Recognition, solution: Solution) -> tuple[dict[str, float], dict[str, float]]:
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
        Amperes by the names of elements with a branch current, positive into the + terminal.

    Raises
    ------
    ValueError
        The circuit is no crossbar.
    """
    circuit = recognition.circuit
    if recognition.crossbar is None:
        raise ValueError("a circuit that is no crossbar has no such report")
    ends = recognition.crossbar.boundary
    sources = {side: ends[side].voltage[None] for side in SIDES} | {"word_left": recognition.voltages[None]}
    branches = np.flatnonzero(fixes_voltage(circuit.kinds))
    values = values_at_dc(circuit.kinds, circuit.values)[branches]
    volts, amperes = report_points(recognition, solution, sources, values[None], branches)
    names = [circuit.names[k] for k in branches.tolist()]
    return (
        dict(zip(circuit.nodes[1:], volts[0].tolist(), strict=True)),
        dict(zip(names, amperes[0].tolist(), strict=True)),
    )


def report_points(
    recognition: Recognition, solution: Solution, sources: Mapping[Side, Floats], values: Floats, branches: Ints
) -> tuple[Floats, Floats]:
    """Return node voltages (points, nodes without ground) and branch currents (points, branches).

    Parameters
    ----------
    recognition : Recognition
        Of a circuit that is a crossbar.
    solution : Solution
        Of ``recognition.crossbar`` at the points, with fields; or of a single vector.
    sources : mapping of side to (points, lines)
        Volts of every line end's Thevenin source.
    values : (points, branches)
        Volts of the elements ``branches``.
    branches : (branches,) array of int
        All elements with a branch current.
    """
    circuit = recognition.circuit
    word, bit, device = (
        field_.reshape(-1, *field_.shape[-2:])
        for field_ in (solution.word_voltages, solution.bit_voltages, solution.device_currents)
    )
    ends = {side: amperes.reshape(-1, amperes.shape[-1]) for side, amperes in solution.end_currents.items()}
    volts = np.full((values.shape[0], len(circuit.nodes)), np.nan)
    for nodes, field_ in ((recognition.word_nodes, word), (recognition.bit_nodes, bit)):
        volts[:, nodes[nodes >= 0]] = field_[:, nodes >= 0]
    for node, anchor in recognition.dangling:
        volts[:, node] = volts[:, anchor]
    if recognition.inner is not None:
        inner = recognition.inner
        volts[:, inner.node] = volts[:, inner.outer] + inner.ohms * device[:, inner.row, inner.col]
    a, b = circuit.first[branches], circuit.second[branches]
    volts[:, a[b == GROUND]] = values[:, b == GROUND]
    volts[:, b[a == GROUND]] = -values[:, a == GROUND]
    currents = np.zeros((values.shape[0], circuit.kinds.size))
    for tie in recognition.ties:
        out = ends[tie.side][:, tie.line]
        for node, ohms in tie.nodes:
            volts[:, node] = sources[tie.side][:, tie.line] + out * ohms
        if tie.source >= 0:
            currents[:, tie.source] += tie.sign * out
        for element, sign in tie.ammeters:
            currents[:, element] += sign * out
    if recognition.wire_sources:
        _wire_currents(recognition.wire_sources, device, ends, currents)
    return volts[:, 1:], currents[:, branches]


def _wire_currents(
    wires: tuple[WireSource, ...], device: Floats, ends: Mapping[Side, Floats], currents: Floats
) -> None:
    """Fill in the currents to the right or down: running sums of what the line's cells carry."""
    right = -ends["word_left"][:, :, None] - np.cumsum(device, axis=2)
    down = np.cumsum(device, axis=1) - ends["bit_top"][:, None, :]
    for wire in wires:
        table = right if wire.layer == "word" else down
        currents[:, wire.element] = wire.sign * table[:, wire.row, wire.col]
