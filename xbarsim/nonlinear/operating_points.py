"""A circuit with nonlinear elements at all points of an analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xbarsim.errors import SolveError
from xbarsim.mna import Drive
from xbarsim.nonlinear.continuation import find
from xbarsim.nonlinear.iteration import NewtonError
from xbarsim.nonlinear.part import Floats
from xbarsim.nonlinear.problem import Problem
from xbarsim.resources import check_memory


@dataclass(frozen=True)
class NonlinearSolution:
    """As ``mna.NetworkSolution``, with the number of Newton steps of all points."""

    voltages: Floats
    currents: Floats
    power: Floats
    residual: float
    steps: int


class FailedPointError(SolveError):
    """Newton's method failed at a point."""

    def __init__(self, point: int, cause: NewtonError) -> None:
        super().__init__(f"point {point}: {cause}")
        self.point, self.cause = point, cause


def solve(problem: Problem, drive: Drive, times: Floats, start: Floats | None = None) -> NonlinearSolution:
    """Solve at every point, each from the one before.

    Parameters
    ----------
    problem : Problem
        The circuit.
    drive : Drive
        Its sources.
    times : (points,)
        Seconds.
    start : (size, 1), optional
        Unknowns near the first point's.

    Raises
    ------
    FailedPointError
        No solution was found at a point.
    TooLargeError
        The solution would not fit in memory.
    """
    system = problem.system
    network, unknowns, points = system.network, system.unknowns, drive.points
    check_memory(
        8.0 * points * (unknowns.nodes + unknowns.reported + 1),
        f"the solution of {unknowns.nodes} nodes at {points} points",
        "take fewer points",
    )
    voltages, amperes = np.empty((points, unknowns.nodes)), np.empty((points, unknowns.reported))
    power, worst, steps = np.empty(points), 0.0, 0
    warm = start
    for k in range(points):
        volts, feeds = _at(network.voltages.value, drive.volts, k), _at(network.currents.value, drive.amperes, k)
        right = system.right(volts[:, None], feeds[:, None])
        try:
            point = find(problem, right, float(times[k]), warm)
        except NewtonError as error:
            raise FailedPointError(k, error) from None
        warm = point.x
        voltages[k] = unknowns.voltages(point.x)[:, 0]
        amperes[k] = unknowns.currents(point.x)[: unknowns.reported, 0]
        across = voltages[k][network.currents.a] - voltages[k][network.currents.b]
        power[k] = -(volts @ amperes[k][: volts.size]) - feeds @ across
        worst, steps = max(worst, point.residual), steps + point.steps
    return NonlinearSolution(voltages, amperes, power, worst, steps)


def _at(constant: Floats, varying: Mapping[int, Floats], point: int) -> Floats:
    values = constant.copy()
    for number, column in varying.items():
        values[number] = column[point]
    return values
