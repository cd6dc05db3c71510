"""1T1R arrays as they are drawn, with leaks and body effects, solved along the lines of the crossbar that they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.analysis.point_results import result_at
from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels.access import PARAMETERS
from xbarsim.netlist.element_kinds import GROUND, fixes_voltage
from xbarsim.netlist.graph.gate_lines import held_nodes
from xbarsim.netlist.graph.standins import held_at
from xbarsim.netlist.nonlinear_elements import Mosfets
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition import Inner, Recognition, report_points
from xbarsim.quantities import counted
from xbarsim.resources import check_memory
from xbarsim.solution import Solution
from xbarsim.solvers import access_newton
from xbarsim.solvers.segments import Segments

_NUMBERS = 60
"""That a solution keeps for each cell."""


def solve_drawn(
    circuit: ReadCircuit, recognition: Recognition, sources: dict[Side, Array], points: Points
) -> AnalysisResult | None:
    """Solve a recognised 1T1R array with everything that its transistors do.

    Parameters
    ----------
    circuit, recognition : ReadCircuit, Recognition
        The netlist, and the crossbar in it.
    sources : dict of side to (points, lines)
        Volts of the line ends' sources.
    points : Points
        The analysis.

    Returns
    -------
    AnalysisResult or None
        As the general solver's. None where that has to solve it: a part of the circuit is beyond this model, or steps
        do not settle, as where lines hang on leaks alone.

    Raises
    ------
    TooLargeError
        The work would not fit in memory.
    """
    m = circuit.mosfets
    if (
        m is None
        or recognition.inner is None
        or recognition.crossbar is None
        or beyond(circuit, m, recognition, points)
    ):
        return None
    segments = Segments.of(recognition.crossbar)
    if any(lines.any() for lines in segments.joined.values()):
        return None
    rows, cols = recognition.crossbar.shape
    check_memory(
        8.0 * rows * cols * (_NUMBERS + 5 * points.count),
        f"solving {points.count} point(s) on {rows} x {cols} cells with transistors",
        "take fewer points",
    )
    fixed, _ = held_nodes(circuit, m.gate)
    cells = access_cells(circuit, m, recognition.inner, recognition.crossbar.shape, fixed)
    states: list[access_newton.AccessState] = []
    for k in range(points.count):
        at = {side: volts[k] for side, volts in sources.items()}
        state = access_newton.solve(segments, cells, at, states[-1] if states else None)
        if state is None:
            return None
        states.append(state)
    return _result(circuit, m, recognition, sources, points, states, fixed)


def beyond(circuit: ReadCircuit, m: Mosfets, recognition: Recognition, points: Points) -> bool:
    """Whether transistors have resistances of their own, or bulks and gates do not stay at volts that sources give.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    m : Mosfets
        Its access transistors.
    recognition : Recognition
        The crossbar that it is.
    points : Points
        The sources' values at each point.
    """
    assert recognition.inner is not None
    outer = m.drain + m.source - recognition.inner.node
    holder = held_at(circuit)[0]
    free = (m.bulk != outer) & (m.bulk != GROUND) & (holder[m.bulk] < 0)
    moving = np.isin(holder[np.concatenate([m.gate, m.bulk])], list(points.varying))
    return bool(m.drain_series.any() or m.source_series.any() or free.any() or moving.any())


def access_cells(
    circuit: ReadCircuit, m: Mosfets, inner: Inner, shape: tuple[int, int], fixed: Array
) -> access_newton.AccessCells:
    """Lay transistors out over an array, gates and bulks at the volts (nodes,) at which sources hold them.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    m : Mosfets
        Its access transistors.
    inner : Inner
        Which transistor is at which cell, and the node inside.
    shape : (rows, cols)
        Of the array.
    fixed : (nodes,) array
        Volts at which sources hold nodes.
    """
    outer = m.drain + m.source - inner.node
    at_source, at_drain = m.bulk == outer, m.drain == inner.node
    numbers: dict[str, Array | float] = {
        "g": 1.0 / np.abs(inner.ohms),
        "beta": m.beta,
        "channel": m.channel,
        "gamma": m.gamma,
        "phi": m.phi,
        "built_in": m.built_in,
        "inner_saturation": np.where(at_drain, m.drain_saturation, m.source_saturation),
        "end_saturation": np.where(at_drain, m.source_saturation, m.drain_saturation),
        "thermal": m.thermal,
        "gmin": circuit.gmin,
    }
    parameters = np.zeros((*shape, len(PARAMETERS)))
    for k, name in enumerate(PARAMETERS):
        parameters[inner.row, inner.col, k] = numbers[name]

    def placed(values: Array) -> Array:
        table = np.zeros(shape)
        table[inner.row, inner.col] = values
        return table

    def marked(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(placed(mask.astype(np.float64)) > 0.0)

    bulk = np.where(at_source, 0.0, fixed[m.bulk])
    return access_newton.AccessCells(
        parameters, placed(fixed[m.gate]), placed(bulk), marked(at_source), marked(inner.ohms < 0.0)
    )


def _result(
    circuit: ReadCircuit,
    m: Mosfets,
    recognition: Recognition,
    sources: dict[Side, Array],
    points: Points,
    states: list[access_newton.AccessState],
    fixed: Array,
) -> AnalysisResult | None:
    """Put solutions into the netlist's names; None where a node is none of the crossbar's."""
    inner = recognition.inner
    assert inner is not None
    branches = np.flatnonzero(fixes_voltage(circuit.kinds))
    values = points.values(circuit, branches)
    leaving = np.stack([state.cells + state.leak_word for state in states])
    volts, amperes = report_points(recognition, _solution(recognition, states, leaving), sources, values, branches)
    place = {element: k for k, element in enumerate(branches.tolist())}
    down = [place[wire.element] for wire in recognition.wire_sources if wire.layer == "bit"]
    if down:
        entering = np.stack([state.cells - state.leak_bit for state in states])
        amperes[:, down] = report_points(
            recognition, _solution(recognition, states, entering), sources, values, branches
        )[1][:, down]
    volts[:, inner.node - 1] = np.stack([state.inner[inner.row, inner.col] for state in states])
    volts = np.where(np.isnan(volts), fixed[1:], volts)
    if np.isnan(volts).any():
        return None
    for k, state in enumerate(states):
        add_leaks(circuit, m, inner, state.leak_word + state.leak_bit, amperes[k], place)
    bound = max(state.bound for state in states)
    steps = counted(sum(state.steps for state in states), "step")
    power = -(values * amperes).sum(axis=1)
    return result_at(circuit, points, branches, (volts, amperes), power, bound, f"newton, {steps}")


def _solution(recognition: Recognition, states: list[access_newton.AccessState], cells: Array) -> Solution:
    """Return the crossbar's solution with some currents (points, rows, cols) as its cells'."""
    assert recognition.crossbar is not None
    return Solution(
        crossbar=recognition.crossbar,
        end_currents={side: np.stack([state.currents[side] for state in states]) for side in SIDES},
        power=np.zeros(len(states)),
        residual=0.0,
        iterations=np.array([state.steps for state in states]),
        method="newton",
        floating=[],
        _word=np.stack([state.pairs.v for state in states]),
        _bit=np.stack([state.pairs.u for state in states]),
        _cells=cells,
    )


def add_leaks(
    circuit: ReadCircuit, m: Mosfets, inner: Inner, leaks: Array, amperes: Array, place: dict[int, int]
) -> None:
    """Add what bulks take, ``leaks`` at the cells' places, to the currents of the sources that hold them.

    ``amperes`` (branches,) are a point's, and ``place`` each element's among them.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    m : Mosfets
        Its access transistors.
    inner : Inner
        Which transistor is at which cell.
    leaks : array
        Amperes that bulks take, at the cells' places.
    amperes : (branches,) array
        Of a point; it is changed.
    place : dict of int to int
        Each element's among the branches.
    """
    outer = m.drain + m.source - inner.node
    holder = np.where(m.bulk == outer, -1, held_at(circuit)[0][m.bulk])
    for element in np.unique(holder[holder >= 0]).tolist():
        mine = holder == element
        sign = 1.0 if circuit.first[element] == m.bulk[mine][0] else -1.0
        amperes[place[element]] += sign * float(leaks[inner.row[mine], inner.col[mine]].sum())
