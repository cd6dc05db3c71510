"""Transients of circuits with memory: the integrator's points, and what is printed between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from xbarsim.analysis.interpolation import interpolated
from xbarsim.analysis.readout import Readout, asked_texts, with_readings
from xbarsim.analysis.results import AnalysisResult, Integration
from xbarsim.analysis.stop_wish import StopWish
from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.netlist.analyses import Transient
from xbarsim.netlist.as_network import network_of
from xbarsim.netlist.element_kinds import CURRENT, VOLTAGE, is_hidden
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.reading.trantimes import tran_times
from xbarsim.netlist.requests import saves_some
from xbarsim.quantities import counted

_PATIENCE = 2.0
"""Seconds until the first word on how far a run is."""

_PAUSE = 0.2
"""Seconds between two words on how far a run is."""


def solve_transient(
    circuit: ReadCircuit, transient: Transient, progress: Callable[[str], None], stop: StopWish
) -> AnalysisResult:
    """Integrate a circuit in time.

    Parameters
    ----------
    circuit : ReadCircuit
        The netlist.
    transient : Transient
        From when to when.
    progress : callable
        Is told how far it is, where that takes long.
    stop : StopWish
        Heeded while it runs: what was computed until then is the answer, and not complete.

    Returns
    -------
    AnalysisResult
        At the printed times, NaN from where the run ended early; the integrator's points are in ``internal``.

    Raises
    ------
    SolveError
        There is no first point.
    InputError
        Initial values contradict each other, or the points would not fit in memory.
    """
    # with scipy.sparse, which a crossbar does not need
    from xbarsim.dynamics import integrate
    from xbarsim.dynamics.law_corners import law_corners

    branches = network_of(circuit).fixing
    keep = recorded(circuit, branches)
    tell = announced(progress, transient.stop)

    def accepted(share: float) -> bool:
        tell(share)
        return stop.wished

    with stop.heeding():
        solution = integrate(circuit, transient, progress=accepted, keep=keep)
    nodes = [k for k, node in enumerate(keep[0].tolist()) if node and not is_hidden(circuit.nodes[node])]
    fixing = [k for k, branch in enumerate(keep[1].tolist()) if not is_hidden(branches[branch])]
    rule = {"trap": "trapezoidal rule", "gear": "Gear's formulas"}[transient.tolerances.method]
    points = AnalysisResult(
        "tran",
        [("time", solution.times)],
        [circuit.nodes[keep[0][k]] for k in nodes],
        solution.voltages[:, nodes],
        [branches[keep[1][k]] for k in fixing],
        solution.amperes[:, fixing],
        np.zeros(solution.times.size),
        solution.residual,
        steps_taken(rule, solution.accepted, solution.rejected),
        integration=Integration(solution.accepted, solution.rejected, solution.complete, solution.problem),
    )
    points = replace(points, power=source_power(circuit, points))
    points = with_readings(circuit, points)
    return at_printed_times(points, transient, wave_corners(circuit, transient, law_corners(circuit.behaviours)))


def steps_taken(rule: str, accepted: int, rejected: int) -> str:
    """Say how a run was integrated.

    Parameters
    ----------
    rule : str
        The formula's name.
    accepted, rejected : int
        How many steps.
    """
    return f"{rule}, {counted(accepted, 'step')}" + (f", {rejected} of them taken again" if rejected else "")


def wave_corners(circuit: ReadCircuit, transient: Transient, *more: Array) -> Array:
    """Return the times at which sources of a run bend or jump, and ``more`` of them.

    Parameters
    ----------
    circuit : ReadCircuit
        With the waves of its sources.
    transient : Transient
        Until when.
    *more : array
        Seconds.
    """
    waves = {id(wave): wave for wave in circuit.waves.values()}.values()
    return np.concatenate([np.zeros(0), *(wave.corners(0.0, transient.stop) for wave in waves), *more])


def trimmed(result: AnalysisResult) -> AnalysisResult:
    """Return a transient without the printed times that its run did not come to."""
    if result.integration is None or result.integration.complete or not result.internal:
        return result
    times = result.sweep[0][1]
    count = int(np.searchsorted(times, result.internal[0].sweep[0][1][-1], side="right"))
    return _at_points(result, times[:count], lambda column: column[:count])


def at_printed_times(points: AnalysisResult, transient: Transient, corners: Array) -> AnalysisResult:
    """Return a run at the times that ``.tran`` asks for, with its own points from the first of them on.

    Parameters
    ----------
    points : AnalysisResult
        At the integrator's own points.
    transient : Transient
        Whose start, stop and step say when.
    corners : (count,) array
        Seconds at which sources bend or jump.
    """
    times = points.sweep[0][1]

    def at(printed_times: Array) -> Callable[[Array], Array]:
        def of(column: Array) -> Array:
            table = column.reshape(times.size, -1)
            return interpolated(times, table, printed_times, corners).reshape(printed_times.size, *column.shape[1:])

        return of

    printed_times = tran_times(transient.step, transient.stop, transient.start)
    printed = _at_points(points, printed_times, at(printed_times))
    late = times > transient.start
    if transient.start > times[0] and transient.start <= times[-1]:
        # The run has no point there: its points begin with one between two.
        begin = np.array([transient.start])
        tail = _at_points(points, times[late], lambda column: column[late])
        points = _joined(_at_points(points, begin, at(begin)), tail, np.append(begin, times[late]))
    return replace(printed, internal=(points,))


def _at_points(result: AnalysisResult, times: Array, of: Callable[[Array], Array]) -> AnalysisResult:
    """Return a result at other times, each column as ``of`` makes it."""
    return replace(
        result,
        sweep=[("time", times)],
        voltages=of(result.voltages),
        currents=of(result.currents),
        power=of(result.power),
        readings={text: of(column) for text, column in result.readings.items()},
        printed={text: of(column) for text, column in result.printed.items()},
        measures={},
        failed={},
    )


def _joined(first: AnalysisResult, second: AnalysisResult, times: Array) -> AnalysisResult:
    """Return the points of one result and then those of another."""
    return replace(
        second,
        sweep=[("time", times)],
        voltages=np.concatenate([first.voltages, second.voltages]),
        currents=np.concatenate([first.currents, second.currents]),
        power=np.concatenate([first.power, second.power]),
        readings={text: np.append(first.readings[text], column) for text, column in second.readings.items()},
    )


def source_power(circuit: ReadCircuit, points: AnalysisResult) -> Array:
    """Return the watts that V and I sources deliver at each point.

    Parameters
    ----------
    circuit : ReadCircuit
        With its sources.
    points : AnalysisResult
        With their nodes and branches.
    """
    times = points.sweep[0][1]
    branch = {name: k for k, name in enumerate(points.branches)}
    node = {name: k for k, name in enumerate(points.nodes)}
    power = np.zeros(times.size)

    def volts(number: int) -> Array | float:
        name = circuit.nodes[number]
        return 0.0 if number == 0 else points.voltages[:, node[name]]

    for k in np.flatnonzero((circuit.kinds == VOLTAGE) | (circuit.kinds == CURRENT)).tolist():
        value = circuit.waves[k].at(times) if k in circuit.waves else circuit.values[k]
        if np.any(value) and circuit.kinds[k] == VOLTAGE:
            power -= value * points.currents[:, branch[circuit.names[k]]]
        elif np.any(value):
            power -= value * (volts(int(circuit.first[k])) - volts(int(circuit.second[k])))
    return power


def announced(progress: Callable[[str], None], stop: float) -> Callable[[float], None]:
    """Return what says now and then how far a run is, and how long it will take, once it has taken long.

    Parameters
    ----------
    progress : callable
        Told a line.
    stop : float
        Seconds at which the run ends.
    """
    start = time.monotonic()
    due = start + _PATIENCE

    def tell(share: float) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + _PAUSE
            left = (now - start) * (1 - share) / share
            progress(f"solving tran: {share * stop:.3g} of {stop:g} s ({share:.0%}), {_lasting(left)} left")

    return tell


def _lasting(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


class _Noticing(Readout):
    """A read-out that notices which nodes and branches it looks at."""

    def __init__(self, circuit: ReadCircuit, result: AnalysisResult) -> None:
        super().__init__(circuit, result)
        self.nodes: set[str] = set()
        self.branches: set[str] = set()

    def _volts(self, node: str) -> Array:
        self.nodes.add(node)
        return super()._volts(node)

    def current(self, name: str) -> Array:
        self.branches.add(name)
        return super().current(name)


def recorded(circuit: ReadCircuit, branches: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes and branches of which points are kept: all, or what ``.save`` and other cards ask for.

    Those of sources are kept, for their power.

    Parameters
    ----------
    circuit : ReadCircuit
        With its cards' requests.
    branches : list of str
        All that have a current.
    """
    full = np.arange(len(circuit.nodes)), np.arange(len(branches))
    if not saves_some(circuit.requests):
        return full
    shape = (1, len(circuit.nodes) - 1), (1, len(branches))
    empty = AnalysisResult(
        "tran", [("time", np.zeros(1))], circuit.nodes[1:], np.zeros(shape[0]), branches, np.zeros(shape[1]),
        np.zeros(1), 0.0, "",
    )  # fmt: skip
    noticing = _Noticing(circuit, empty)
    with np.errstate(all="ignore"):
        for text in asked_texts(circuit):
            if text in empty.nodes:  # a vector's name in .control
                noticing.nodes.add(text)
            with suppress(InputError):
                noticing(text)
    driving = np.flatnonzero((circuit.kinds == VOLTAGE) | (circuit.kinds == CURRENT))
    fed = driving[circuit.kinds[driving] == CURRENT]
    names = noticing.branches | {circuit.names[k] for k in driving.tolist()}
    numbers = {int(node) for node in (*circuit.first[fed], *circuit.second[fed])}
    nodes = [k for k, name in enumerate(circuit.nodes) if k and (name in noticing.nodes or k in numbers)]
    return np.array(nodes, np.int64), np.array([k for k, name in enumerate(branches) if name in names], np.int64)
