"""The nodes and branches inside of arrays, put into a circuit's result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.unsolvable import floating_error
from xbarsim.crossbar import Array, Side
from xbarsim.netlist.element_kinds import fixes_voltage, is_hidden
from xbarsim.netlist.graph.arrays_inside import ArrayInside
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition import report_points
from xbarsim.solution import Solution


def with_insides(
    circuit: ReadCircuit,
    result: AnalysisResult,
    volts: Array,
    arrays: list[tuple[ArrayInside, Solution, dict[Side, Array]]],
) -> AnalysisResult:
    """Return the result of all nodes and branches, in the circuit's order.

    Parameters
    ----------
    circuit : ReadCircuit
        The whole.
    result : AnalysisResult
        Of what is outside of the arrays; its nodes do not matter.
    volts : (points, nodes)
        Of all the circuit's nodes, those outside filled in.
    arrays : list of (array, solution, sources)
        Each array's solution with all node voltages, at its ends' volts (points, lines).

    Raises
    ------
    FloatingError
        Nodes inside have no path to the line ends.
    """
    volts = volts.copy()
    currents = dict(zip(result.branches, result.currents.T, strict=True))
    for array, solution, sources in arrays:
        branches = np.flatnonzero(fixes_voltage(array.recognition.circuit.kinds))
        wires = branches < array.first_source
        levels = np.zeros((volts.shape[0], branches.size))
        levels[:, ~wires] = volts[:, array.outer]
        inner, amperes = report_points(array.recognition, solution, sources, levels, branches)
        mine = np.flatnonzero(np.isin(array.nodes, array.inner))
        volts[:, array.nodes[mine]] = inner[:, mine - 1]
        currents.update(zip([circuit.names[k] for k in branches[wires].tolist()], amperes[:, wires].T, strict=True))
    lost = np.flatnonzero(np.isnan(volts).any(axis=0))
    if lost.size:
        raise floating_error(circuit, [circuit.nodes[k] for k in lost.tolist()])
    fixing = [circuit.names[k] for k in np.flatnonzero(fixes_voltage(circuit.kinds)).tolist()]
    order = [name for name in fixing if not is_hidden(name)]
    order += [name for name in result.branches if name not in set(order)]
    visible = [k for k, name in enumerate(circuit.nodes) if k and not is_hidden(name)]
    return replace(
        result,
        nodes=[circuit.nodes[k] for k in visible],
        voltages=volts[:, visible],
        branches=order,
        currents=np.stack([currents[name] for name in order], axis=1) if order else np.zeros((volts.shape[0], 0)),
        inside=tuple(array.recognition.shape or (0, 0) for array, _, _ in arrays),
    )
