"""Circuits that hold charge and flux, made of a netlist's elements and numbers beside it."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

from xbarsim.dynamics import integrate
from xbarsim.netlist import read
from xbarsim.netlist.analyses import Tolerances, Transient
from xbarsim.netlist.storage import Capacitors, Inductors, Storage


def circuit_of(text, farads=(), volts=None, amperes=None, mutual=(), junctions=None):
    """Return the circuit of a netlist's cards with its capacitors' farads, in their order, and initial values by name.

    ``mutual`` are triples: two inductors' names and henries.
    """
    circuit = read(io.StringIO(f"title\n{text}\n"))
    names, first, second, origins = zip(*circuit.capacitors, strict=True) if circuit.capacitors else ((),) * 4
    volts, amperes = volts or {}, amperes or {}
    caps = Capacitors(
        list(names),
        np.array(origins, np.int64),
        np.array(first, np.int64),
        np.array(second, np.int64),
        np.array(farads, float),
        np.array([volts.get(name, np.nan) for name in names]),
    )
    elements = np.flatnonzero(circuit.kinds == 3)
    coils = [circuit.names[k] for k in elements]
    pairs = np.array([(coils.index(a), coils.index(b)) for a, b, _ in mutual], np.int64).reshape(-1, 2)
    inductors = Inductors(
        elements,
        circuit.values[elements],
        np.array([amperes.get(name, np.nan) for name in coils]),
        pairs[:, 0],
        pairs[:, 1],
        np.array([henries for *_, henries in mutual], float),
    )
    return replace(circuit, storage=Storage(caps, inductors, junctions))


def run(circuit, stop, *, step=None, initial=None, guesses=None, uic=False, largest=float("nan"), keep=None, **options):
    """Integrate; ``initial`` and ``guesses`` by nodes' names, ``options`` those of ``Tolerances``."""
    number = circuit.nodes.index
    nodes, near = ({number(node): volts for node, volts in (table or {}).items()} for table in (initial, guesses))
    transient = Transient(
        step or stop / 50, stop, largest=largest, from_initial=uic, initial=nodes, guesses=near,
        tolerances=Tolerances(**options),
    )  # fmt: skip
    return integrate(circuit, transient, keep=keep)


def voltage(circuit, solution, node):
    """Return a node's voltages."""
    return solution.voltages[:, circuit.nodes.index(node)]
