"""Is this circuit a crossbar? Layouts are proposed; the first that takes every element is the answer."""

from __future__ import annotations

from contextlib import suppress

from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.cell_laws import nonlinear_cells
from xbarsim.netlist.graph.edges import NoCrossbar, network_of
from xbarsim.netlist.graph.ladder_pairs import ladder_pairs
from xbarsim.netlist.graph.names import layout_by_names
from xbarsim.netlist.graph.search import search
from xbarsim.netlist.graph.shared_lines import two_layers
from xbarsim.netlist.graph.standins import CellElements
from xbarsim.netlist.recognition import Recognition


def recognise(circuit: FlatCircuit) -> Recognition:
    """Return the crossbar that a circuit is, by its graph, or the reason why it is none."""
    with collector_paused():
        cells = None
        try:
            if circuit.nonlinear:
                cells = nonlinear_cells(circuit)
            # Columns are apart from each other, as no crossbar's lines are: what looks at them is fast where they are
            # none, and what looks for crossbars is slow where there is none. One column alone may be a crossbar too.
            columns = ladder_pairs(circuit, cells, least=2)
            if columns is not None:
                return Recognition(circuit, reason=columns.reason, columns=columns)
            return _layout(circuit) if cells is None else put_back(circuit, cells)
        except NoCrossbar as reason:
            alone = None if circuit.nonlinear and cells is None else ladder_pairs(circuit, cells, least=1)
            return Recognition(circuit, reason=str(reason) if alone is None else alone.reason, columns=alone)


def put_back(circuit: FlatCircuit, cells: CellElements) -> Recognition:
    """Return the crossbar that a circuit with these cells is.

    Raises
    ------
    NoCrossbar
        It is none.
    """
    return cells.put_back(circuit, _layout(cells.stand_in(circuit)))


def _layout(circuit: FlatCircuit) -> Recognition:
    """Return the crossbar that a circuit of resistors and sources is, or raise ``NoCrossbar``."""
    network = network_of(circuit)
    layout = layout_by_names(circuit)
    if layout is not None:
        with suppress(NoCrossbar):
            return assemble(network, layout)
    return two_layers(network) or search(network)
