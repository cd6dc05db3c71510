"""Is this circuit a crossbar? Layouts are proposed; the first that takes every element is the answer."""

from __future__ import annotations

from contextlib import suppress

from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.cell_laws import nonlinear_cells
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.deduce import Budget
from xbarsim.netlist.graph.edges import EdgeNetwork, NoCrossbar, network_of
from xbarsim.netlist.graph.ladder_pairs import ladder_pairs
from xbarsim.netlist.graph.ladder_parts import cores_of
from xbarsim.netlist.graph.names import layout_by_names
from xbarsim.netlist.graph.search import search
from xbarsim.netlist.graph.shared_lines import stacked_layers, stacks_by_ohms
from xbarsim.netlist.graph.shared_sources import shared_sources
from xbarsim.netlist.graph.standins import CellElements
from xbarsim.netlist.recognition import Recognition


def recognise(circuit: FlatCircuit) -> Recognition:
    """Return the crossbar that a circuit is, by its graph, or the reason why it is none."""
    with collector_paused():
        cells = network = None
        cores: list[Core] = []
        try:
            cells = nonlinear_cells(circuit) if circuit.nonlinear else None
            network = network_of(circuit if cells is None else cells.stand_in(circuit))
            recognition = _by_names(network)
            if recognition is None:
                cores = cores_of(network)
                # Columns are apart from each other, as no crossbar's lines are, and looking for crossbars is slow where
                # there is none. One column alone may be a crossbar too.
                columns = ladder_pairs(circuit, cells, network, cores, least=2)
                if columns is not None:
                    return Recognition(circuit, reason=columns.reason, columns=columns)
                columns = None if circuit.nonlinear else shared_sources(circuit, network, cores)
                if columns is not None:
                    return Recognition(circuit, reason=columns.reason, columns=columns)
                recognition = stacked_layers(network, cores) or search(network)
            return recognition if cells is None else cells.put_back(circuit, recognition)
        except NoCrossbar as reason:
            if network is None:
                return Recognition(circuit, reason=str(reason))
            alone = ladder_pairs(circuit, cells, network, cores, least=1)
            if alone is not None:
                return Recognition(circuit, reason=alone.reason, columns=alone)
            return _lacking_cells(circuit, cells, network) or Recognition(circuit, reason=str(reason))


def put_back(circuit: FlatCircuit, cells: CellElements) -> Recognition:
    """Return the crossbar that a circuit with these cells is.

    Parameters
    ----------
    circuit : FlatCircuit
        With nonlinear cells.
    cells : CellElements
        These.

    Raises
    ------
    NoCrossbar
        It is none.
    """
    network = network_of(cells.stand_in(circuit))
    try:
        recognition = _by_names(network) or stacked_layers(network, cores_of(network)) or search(network)
        return cells.put_back(circuit, recognition)
    except NoCrossbar:
        layers = _lacking_cells(circuit, cells, network)
        if layers is None:
            raise
        return layers


def linear_crossbar(circuit: FlatCircuit, budget: Budget | None = None) -> Recognition:
    """Return the crossbar that a circuit of resistors and sources is, or raise ``NoCrossbar``; as ``search``.

    Parameters
    ----------
    circuit : FlatCircuit
        Of resistors and sources.
    budget : Budget, optional
        Of work; None: the usual one.
    """
    network = network_of(circuit)
    return _by_names(network) or search(network, budget)


def _lacking_cells(circuit: FlatCircuit, cells: CellElements | None, network: EdgeNetwork) -> Recognition | None:
    """Return the layers that a circuit is which share lines and lack cells, or None.

    Asked last: many ohms may be cells by such a layout that are wires by a better one.
    """
    for recognition in stacks_by_ohms(network):
        with suppress(NoCrossbar):
            return recognition if cells is None else cells.put_back(circuit, recognition)
    return None


def _by_names(network: EdgeNetwork) -> Recognition | None:
    """Return the crossbar that a circuit's names say that it is; None if its graph says otherwise."""
    layout = layout_by_names(network.circuit)
    if layout is not None:
        with suppress(NoCrossbar):
            return assemble(network, layout)
    return None
