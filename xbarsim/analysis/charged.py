"""The currents that charge frozen states, added to a solution that was found without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbarsim.analysis.results import AnalysisResult
from xbarsim.crossbar import Array
from xbarsim.netlist.flat_circuit import Charging
from xbarsim.netlist.read_circuit import ReadCircuit


def with_charging(circuit: ReadCircuit, result: AnalysisResult) -> AnalysisResult:
    """Return a result with the currents of states' sources and ammeters, and without what the states deliver as power.

    Parameters
    ----------
    circuit : ReadCircuit
        The netlist.
    result : AnalysisResult
        Its solution without what charges them.
    """
    if not circuit.states:
        return result
    column = {name: k for k, name in enumerate(result.branches)}
    states = [(column[name], volts) for name, volts, _ in circuit.states if name in column]
    power, currents = result.power.copy(), result.currents.copy()
    for at, volts in states:
        power += volts * result.currents[:, at]
    if circuit.charging is not None:
        amperes = _amperes(circuit, circuit.charging, result)
        names = _branch_names(circuit)
        rows = zip(circuit.charging.element, circuit.charging.branch, circuit.charging.sign, strict=True)
        for element, branch, sign in rows:
            if names[branch] in column:
                currents[:, column[names[branch]]] += sign * amperes[:, element]
    return replace(result, power=power, currents=currents)


def _branch_names(circuit: ReadCircuit) -> list[str]:
    """Return elements' names, numbered as in ``Behaviours.plus``."""
    volts = [name for laws in circuit.behaviours if laws.output == "v" for name in laws.names]
    return [*circuit.names, *(laws.name for laws in circuit.controlled), *volts]


def _amperes(circuit: ReadCircuit, charging: Charging, result: AnalysisResult) -> Array:
    """Return what the sources that charge carry: (points, sources)."""
    volts = np.concatenate([np.zeros((result.points, 1)), result.voltages], axis=1)
    names = _branch_names(circuit)
    column = {name: k for k, name in enumerate(result.branches)}

    def current(branch: int) -> Array:
        return np.asarray(result.currents[:, column[names[branch]]])

    times = dict(result.sweep).get("time", np.zeros(result.points))
    columns = []
    for laws in charging.laws:
        table = np.empty((result.points, len(laws.names)))
        for k in range(result.points):
            controls = [
                np.array([current(b)[k] for b in plus.tolist()]) if kind == "i" else volts[k][plus] - volts[k][minus]
                for kind, plus, minus in zip(laws.kinds, laws.plus, laws.minus, strict=True)
            ]
            value, _ = laws.template.evaluate(controls, list(laws.constants), float(times[k]))
            table[k] = laws.factor * value
        columns.append(table)
    for source in charging.gains:
        columns.append(source.amperes(lambda plus, minus: volts[:, plus] - volts[:, minus], current)[:, None])
    return np.concatenate(columns, axis=1)
