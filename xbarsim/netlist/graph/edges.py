"""The circuit as recognition sees it: edges of resistance, ideal sources to ground, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.element_kinds import CURRENT, GROUND, RESISTOR, fixes_voltage, values_at_dc
from xbarsim.netlist.flat_circuit import FlatCircuit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class NoCrossbar(Exception):  # noqa: N818
    """Why a circuit, or one reading of it, is no crossbar."""


@dataclass(frozen=True, eq=False)
class EdgeNetwork:
    """Edges and sources of a circuit.

    Attributes
    ----------
    circuit : FlatCircuit
        What it was made from.
    u, v : (m,) array of int
        The edges' nodes: resistors, and 0 V sources and inductors that do not touch ground.
    ohms : (m,) array of float
        Their resistances.
    element : (m,) array of int
        Their elements.
    source : (nodes,) array of int
        The voltage source or inductor from each node to ground, -1 if there is none.
    volts : (nodes,) array of float
        The voltage that it holds the node at.
    """

    circuit: FlatCircuit
    u: Ints
    v: Ints
    ohms: Floats
    element: Ints
    source: Ints
    volts: Floats

    @property
    def count(self) -> int:
        """The number of nodes, ground included."""
        return len(self.circuit.nodes)

    def name(self, edge: int) -> str:
        """Return an edge's element and its place in the file."""
        return self.element_name(int(self.element[edge]))

    def element_name(self, element: int) -> str:
        """Return an element and its place in the file."""
        return _label(self.circuit, element)


def network_of(circuit: FlatCircuit) -> EdgeNetwork:
    """Return the network of a circuit.

    Raises
    ------
    NoCrossbar
        An element can have no place in any crossbar.
    """
    _check_elements(circuit)
    kinds, first, second = circuit.kinds, circuit.first, circuit.second
    values = values_at_dc(kinds, circuit.values)
    currents = np.flatnonzero((kinds == CURRENT) & (values != 0) & (first != second))
    if currents.size:
        raise NoCrossbar(
            f"{_label(circuit, currents[0])} is a current source: a crossbar's line ends have voltage sources"
        )
    negative = np.flatnonzero((kinds == RESISTOR) & (values < 0))
    if negative.size:
        raise NoCrossbar(f"{_label(circuit, negative[0])} is negative: a crossbar's resistances are not")
    voltage = fixes_voltage(kinds)
    grounded = voltage & ((first == GROUND) | (second == GROUND))
    shorted = np.flatnonzero(voltage & (first == second))
    if shorted.size:
        raise NoCrossbar(f"{_label(circuit, shorted[0])} has both ends on one node: its current is undetermined")
    floating = np.flatnonzero(voltage & ~grounded & (values != 0))
    if floating.size:
        raise NoCrossbar(f"{_label(circuit, floating[0])} joins two nodes; a crossbar's sources go to ground")
    sources = np.flatnonzero(grounded)
    nodes = np.where(first[sources] == GROUND, second[sources], first[sources])
    source = np.full(len(circuit.nodes), -1, dtype=np.int64)
    source[nodes] = sources
    double = np.flatnonzero(source[nodes] != sources)
    if double.size:
        pair = _label(circuit, sources[double[0]]), circuit.names[source[nodes[double[0]]]]
        raise NoCrossbar(f"{pair[0]} and {pair[1]} drive one node: how they share its current is undetermined")
    volts = np.zeros(len(circuit.nodes))
    volts[nodes] = np.where(first[sources] == GROUND, -values[sources], values[sources])
    edges = np.flatnonzero(((kinds == RESISTOR) & (first != second)) | (voltage & ~grounded))
    ohms = np.where(kinds[edges] == RESISTOR, values[edges], 0.0)
    return EdgeNetwork(circuit, first[edges], second[edges], ohms, edges, source, volts)


def _check_elements(circuit: FlatCircuit) -> None:
    """Raise for what stands in no column and can have no place in a crossbar."""
    for source in circuit.controlled:
        where = circuit.places.where(source.origin)
        raise NoCrossbar(f"{source.name} ({where}) is a controlled source")
    if not circuit.capacitors:
        return
    touched = np.zeros(len(circuit.nodes), dtype=bool)
    touched[GROUND] = touched[circuit.first] = touched[circuit.second] = True
    for name, *ends, origin in circuit.capacitors:
        for node in ends:
            if not touched[node]:
                where = circuit.places.where(origin)
                raise NoCrossbar(f"node '{circuit.nodes[node]}' is met by capacitors only, {name} ({where})")


def _label(circuit: FlatCircuit, element: int) -> str:
    return f"{circuit.names[element]} ({circuit.where(int(element))})"
