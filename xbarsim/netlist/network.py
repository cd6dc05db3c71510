"""The circuit as recognition sees it: edges of resistance, ideal sources to ground, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.body import CURRENT, RESISTOR, VOLTAGE
from xbarsim.netlist.circuit import GROUND, Circuit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class NoCrossbar(Exception):  # noqa: N818
    """Why a circuit, or one reading of it, is no crossbar."""


@dataclass(frozen=True, eq=False)
class Network:
    """Edges and sources of a circuit.

    Attributes
    ----------
    circuit : Circuit
        What it was made from.
    u, v : (m,) array of int
        The edges' nodes: resistors, and 0 V sources that do not touch ground.
    ohms : (m,) array of float
        Their resistances.
    element : (m,) array of int
        Their elements.
    source : (nodes,) array of int
        The voltage source from each node to ground, -1 if there is none.
    volts : (nodes,) array of float
        The voltage that it holds the node at.
    """

    circuit: Circuit
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


def network_of(circuit: Circuit) -> Network:
    """Return the network of a circuit.

    Raises
    ------
    NoCrossbar
        An element can have no place in any crossbar.
    """
    kinds, first, second, values = circuit.kinds, circuit.first, circuit.second, circuit.values
    currents = np.flatnonzero((kinds == CURRENT) & (values != 0) & (first != second))
    if currents.size:
        raise NoCrossbar(f"{_named(circuit, currents[0])} is a current source")
    voltage = kinds == VOLTAGE
    grounded = voltage & ((first == GROUND) | (second == GROUND))
    shorted = np.flatnonzero(voltage & (first == second))
    if shorted.size:
        raise NoCrossbar(f"{_named(circuit, shorted[0])} has both ends on one node: its current is undetermined")
    floating = np.flatnonzero(voltage & ~grounded & (values != 0))
    if floating.size:
        raise NoCrossbar(f"{_named(circuit, floating[0])} joins two nodes; a crossbar's sources go to ground")
    held = np.flatnonzero(grounded)
    nodes = np.where(first[held] == GROUND, second[held], first[held])
    source = np.full(len(circuit.nodes), -1, dtype=np.int64)
    source[nodes] = held
    double = np.flatnonzero(source[nodes] != held)
    if double.size:
        pair = _named(circuit, held[double[0]]), circuit.names[source[nodes[double[0]]]]
        raise NoCrossbar(f"{pair[0]} and {pair[1]} drive one node: how they share its current is undetermined")
    volts = np.zeros(len(circuit.nodes))
    volts[nodes] = np.where(first[held] == GROUND, -values[held], values[held])
    edges = np.flatnonzero(((kinds == RESISTOR) & (first != second)) | (voltage & ~grounded))
    ohms = np.where(kinds[edges] == VOLTAGE, 0.0, values[edges])
    return Network(circuit, first[edges], second[edges], ohms, edges, source, volts)


def _named(circuit: Circuit, element: int) -> str:
    return f"{circuit.names[element]} ({circuit.where(int(element))})"
