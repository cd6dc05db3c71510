"""Is this circuit a crossbar? Layouts are proposed; the first that takes every element is the answer."""

from __future__ import annotations

from contextlib import suppress

from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.cell_laws import nonlinear_cells
from xbarsim.netlist.graph.deduce import Budget
from xbarsim.netlist.graph.edges import NoCrossbar, network_of
from xbarsim.netlist.graph.names import layout_by_names
from xbarsim.netlist.graph.search import search
from xbarsim.netlist.graph.standins import CellElements
from xbarsim.netlist.recognition import Recognition


def recognise(circuit: FlatCircuit) -> Recognition:
    """Return the crossbar that a circuit is, by its graph, or the reason why it is none."""
    with collector_paused():
        try:
            if not circuit.nonlinear:
                return linear_crossbar(circuit)
            return put_back(circuit, nonlinear_cells(circuit))
        except NoCrossbar as reason:
            return Recognition(circuit, reason=str(reason))


def put_back(circuit: FlatCircuit, cells: CellElements) -> Recognition:
    """Return the crossbar that a circuit with these cells is.

    Raises
    ------
    NoCrossbar
        It is none.
    """
    return cells.put_back(circuit, linear_crossbar(cells.stand_in(circuit)))


def linear_crossbar(circuit: FlatCircuit, budget: Budget | None = None) -> Recognition:
    """Return the crossbar that a circuit of resistors and sources is, or raise ``NoCrossbar``; as ``search``."""
    network = network_of(circuit)
    layout = layout_by_names(circuit)
    if layout is not None:
        with suppress(NoCrossbar):
            return assemble(network, layout)
    return search(network, budget)
