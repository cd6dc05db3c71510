"""A linear network at many settings of its sources: few solutions, and sums of them.

With all sources but the varying ones at their values, and each varying one alone at 1, ``x = x0 + sum of s_k x_k``.
Each sum is checked by its residual as if it had been solved for; where large parts cancel, or the check fails, it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.mna.factors import Factors, UntrustedError
from xbarsim.mna.linear_network import Branches, Drive, Floats, Network, NetworkSolution
from xbarsim.mna.residual import TOLERANCE, Residual
from xbarsim.mna.system import System
from xbarsim.resources import check_memory

_CHUNK = 1 << 17
"""Unknowns at a time: some megabytes, whatever the number of points."""

_CANCELLED = 1e3
"""How much larger than their sum the parts of a solution may be: so many of 16 digits are given up."""

_ROUNDED = 0.5 * float(np.finfo(np.float64).eps)
"""What a number that is handed out may be off by for being a double."""


@dataclass(frozen=True)
class _Parts:
    """Values of the sources (sources, parts) whose sums, by the weights (parts, points), they have at the points."""

    volts: Floats
    amperes: Floats
    weights: list[Floats]

    def at(self, points: slice) -> Floats:
        """Return the weights (parts, points) of some points."""
        table = [np.ones(points.stop - points.start), *(weight[points] for weight in self.weights)]
        return np.array(table)


def _parts(network: Network, drive: Drive) -> _Parts:
    """Return what is constant, then each varying source at 1."""
    count = 1 + len(drive.volts) + len(drive.amperes)

    def table(sources: Branches, numbers: list[int], first: int) -> Floats:
        values = np.zeros((sources.value.size, count))
        values[:, 0] = sources.value
        values[numbers, 0] = 0.0
        values[numbers, first + np.arange(len(numbers))] = 1.0
        return values

    volts = table(network.voltages, list(drive.volts), 1)
    amperes = table(network.currents, list(drive.amperes), 1 + len(drive.volts))
    return _Parts(volts, amperes, [*drive.volts.values(), *drive.amperes.values()])


def solve_points(system: System, factors: Factors, drive: Drive) -> NetworkSolution:
    """Solve at every point of a drive.

    Parameters
    ----------
    system : System
        A network's equations.
    factors : Factors
        Of them.
    drive : Drive
        The sources' volts and amperes at each point.

    Raises
    ------
    UntrustedError
        A residual is above ``TOLERANCE``.
    TooLargeError
        The solution would not fit in memory.
    """
    unknowns, currents = system.unknowns, system.network.currents
    points = drive.points
    check_memory(
        8.0 * points * (unknowns.nodes + unknowns.reported + 1),
        f"the solution of {unknowns.nodes} nodes at {points} points",
        "take fewer points",
    )
    voltages, amperes = np.empty((points, unknowns.nodes)), np.empty((points, unknowns.reported))
    power, worst = np.empty(points), 0.0
    parts = _parts(system.network, drive)
    solver = _Solver(system, factors, parts, points)
    for start in range(0, points, solver.step):
        block = slice(start, min(start + solver.step, points))
        weights = parts.at(block)
        x, residual = solver.solve(weights)
        worst = max(worst, residual)
        volts = unknowns.voltages(x)
        branch = unknowns.currents(x)[: unknowns.reported]
        voltages[block], amperes[block] = volts.T, branch.T
        delivered = ((parts.volts @ weights) * branch[: parts.volts.shape[0]]).sum(axis=0)
        delivered += ((parts.amperes @ weights) * (volts[currents.a] - volts[currents.b])).sum(axis=0)
        power[block] = -delivered
    return NetworkSolution(voltages, amperes, power, worst)


class _Solver:
    """Solutions at weights of the parts."""

    def __init__(self, system: System, factors: Factors, parts: _Parts, points: int) -> None:
        self._factors, self._residual = factors, Residual(system)
        self._system = system
        self._right = system.right(parts.volts, parts.amperes)
        self.step = max(1, _CHUNK // max(system.size, 1))
        self._basis: Floats | None = None
        if points > self._right.shape[1]:
            try:
                self._basis, doubt = factors.refined(self._right)
            except UntrustedError:  # 1 V may be too much for a circuit that is driven by 1e-300 V
                return
            self._sizes, self._doubt = factors.part_sizes(self._basis), 2.0 * _ROUNDED + doubt.max(initial=0.0)

    def solve(self, weights: Floats) -> tuple[Floats, float]:
        """Return the unknowns (size, points) and the worst residual."""
        right = self._right @ weights
        if self._basis is None:
            return self._solved(right)
        x = self._basis @ weights
        ratios = self._residual.ratios(x, right).max(axis=0, initial=0.0)
        whole, summed = self._factors.part_sizes(x), self._sizes @ np.abs(weights)
        with np.errstate(divide="ignore"):
            cancelled = np.divide(summed, whole, out=np.ones_like(whole), where=summed > 0).max(axis=0, initial=1.0)
        good = (ratios <= TOLERANCE) & (cancelled <= _CANCELLED)
        worst = float(np.maximum(ratios, self._doubt * cancelled)[good].max(initial=0.0))
        if not good.all():
            x[:, ~good], residual = self._solved(right[:, ~good])
            worst = max(worst, residual)
        return x, worst

    def _solved(self, right: Floats) -> tuple[Floats, float]:
        """Solve for each point by itself: what refinement says of its error is evidence as Kirchhoff's laws are."""
        x, doubt = self._factors.refined(right)
        rounded = _ROUNDED if x.any() else 0.0
        return x, max(self._checked(x, right), float(doubt.max(initial=0.0)), rounded)

    def _checked(self, x: Floats, right: Floats) -> float:
        ratios = self._residual.ratios(x, right)
        worst = float(ratios.max(initial=0.0))
        if not worst <= TOLERANCE:
            raise UntrustedError(
                f"the network's solution violates Kirchhoff's laws by {worst:.1e} (tolerance {TOLERANCE:g}): "
                "look for resistances or gains many decades apart",
                int(ratios.max(axis=1).argmax()),
            )
        return worst
