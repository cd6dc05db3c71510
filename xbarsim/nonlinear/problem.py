"""The linear part and all nonlinear parts as one system of equations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xbarsim.mna import Branches, Factors, Network, Residual, Stamps, System
from xbarsim.mna.linear_network import Sparse
from xbarsim.nonlinear.law_sources import LEAST, Sources
from xbarsim.nonlinear.part import Floats, Part, across

ROUNDING = 4 * float(np.finfo(np.float64).eps)
"""Of a slope's share in a current: what a voltage's last digits make of it."""

_TWICE = 1e-31
"""What linear terms are rounded by."""

_PROBES = 3
"""Settings of random signs."""


class Linearised(NamedTuple):
    """All tangents at some unknowns: what they violate the equations by, their currents, and their slopes."""

    gap: Floats
    amounts: Floats
    slopes: Floats
    settled: bool


class Problem:
    """Equations ``A x + i(x) + shunt v = s``.

    Parameters
    ----------
    network : Network
        The linear part.
    parts : sequence of Part
        The nonlinear elements.

    Attributes
    ----------
    system : mna.System
        The linear part's equations.

    Raises
    ------
    FloatingError, LoopError
        As ``mna.System``.
    """

    def __init__(self, network: Network, parts: Sequence[Part]) -> None:
        self.parts = list(parts)
        a, b = (np.concatenate([getattr(part.ties, end) for part in parts]).astype(np.int64) for end in "ab")
        least = np.concatenate([part.ties.value for part in parts])
        self.system = System(network, Branches(a, b, least))
        nodes = np.arange(1, network.nodes)
        stamps = [part.stamps for part in parts]
        self._jacobian = self.system.jacobian(Stamps.of(*stamps, (nodes, 0, nodes, 0)))
        flows = [np.concatenate([part.flows[end] for part in parts]) for end in (0, 1)]
        self._flows = self.system.flows(flows[0], flows[1])
        self._flow_places, self._flow_count = self._flows.entries, flows[0].size
        self._controls = np.concatenate([stamp[2] for stamp in stamps]), np.concatenate([stamp[3] for stamp in stamps])
        self._slopes = self.system.flows(*(np.concatenate([stamp[end] for stamp in stamps]) for end in (0, 1)))
        self._shunts = self.system.flows(nodes, np.zeros_like(nodes))
        self._residual = Residual(self.system)

    def restart(self) -> None:
        """Forget all tangents."""
        for part in self.parts:
            part.restart()

    def disregard(self, negligible: Floats) -> None:
        """Let no law hold back a step whose currents are less than ``negligible`` (size,) in each of its equations."""
        equations, flows, _ = self._flow_places
        least = np.full(self._flow_count, np.inf)
        np.minimum.at(least, flows, negligible[equations])
        first = 0
        for part in self.parts:
            last = first + part.flows[0].size
            if isinstance(part, Sources):
                part.least = np.maximum(least[first:last], LEAST)
            first = last

    def start(self, voltages: Floats) -> Floats:
        """Return unknowns (size, 1) with these voltages (nodes,), those of further nodes and currents at 0."""
        unknowns = self.system.unknowns
        table = np.zeros((unknowns.nodes, 1))
        table[: voltages.size, 0] = voltages
        currents = np.zeros((unknowns.size - unknowns.nodes + 1, 1))
        return np.concatenate([unknowns.relative(table), currents])

    def values(self, x: Floats) -> Floats:
        """Return voltages, then branch currents, from the unknowns (size, 1)."""
        return self.system.unknowns.values(x)

    def linearise(self, x: Floats, right: Floats, time: float, shunt: float, share: float) -> Linearised:
        """Put all tangents anew at unknowns ``x`` (size, 1).

        Parameters
        ----------
        x, right : (size, 1)
            Unknowns and s.
        time : float
            Seconds.
        shunt : float
            Siemens from every node to ground.
        share : float
            What sources are scaled by.
        """
        values = self.values(x)
        tangents = [part.tangent(values, time, share) for part in self.parts]
        amounts = np.concatenate([tangent.amounts for tangent in tangents])
        gap = self.system.gap(x, right) - self._flows.sums(amounts[:, None])
        nodes = self.system.unknowns.nodes - 1
        if shunt:
            gap -= self._shunts.sums(shunt * values[1 : nodes + 1, None])
        slopes = np.concatenate([*(tangent.slopes for tangent in tangents), np.full(nodes, shunt)])
        return Linearised(gap, amounts, slopes, all(tangent.settled for tangent in tangents))

    def matrix(self, slopes: Floats) -> Sparse:
        """Return the equations' matrix (size, size) with these slopes, in extended precision."""
        return self._jacobian.matrix(slopes)

    def factored(self, slopes: Floats) -> Factors:
        """Factor the equations with these slopes."""
        return self._jacobian.factored(slopes)

    def sizes(self, x: Floats, right: Floats, amounts: Floats) -> Floats:
        """Return the sum of the sizes of each equation's terms: (size,).

        Parameters
        ----------
        x, right : (size, 1) array
            Unknowns, and what the sources give.
        amounts : (flows,) array
            What the laws give at x.
        """
        linear = self.system.magnitude @ np.abs(x) + np.abs(right)
        return np.asarray((linear + self._flows.sizes(amounts[:, None]))[:, 0])

    def violations(
        self, x: Floats, right: Floats, time: float, at: Linearised, negligible: Floats
    ) -> tuple[float, Floats, Floats]:
        """Return the largest of ``ratios``, the sizes (size,) of equations' terms, and places' values.

        Parameters
        ----------
        x, right : (size, 1) array
            Unknowns, and what the sources give.
        time : float
            Seconds.
        at : Linearised
            The last tangents, whose slopes and currents count.
        negligible : (size,) array
            What counts as no violation, equation by equation.
        """
        ratios = self.ratios(x, right, time, at.slopes, negligible)
        return float(ratios.max(initial=0.0)), self.sizes(x, right, at.amounts), self.values(x)

    def ratios(self, x: Floats, right: Floats, time: float, slopes: Floats, negligible: Floats | float = 0.0) -> Floats:
        """Return by how much unknowns violate each equation, laws evaluated anew: (size,).

        ``slopes`` (stamps,) say what a voltage's last digit makes of a current: 1 mS, 5 V and 1e-16 are 5e-19 A, which
        is much where 1 pA flows. ``negligible`` (size,) is what else counts as no violation.

        Parameters
        ----------
        x, right : (size, 1) array
            Unknowns, and what the sources give.
        time : float
            Seconds.
        slopes : (stamps,) array
            Siemens and the like, of the last tangents.
        negligible : (size,) array or float
            What counts as no violation, equation by equation.
        """
        values = self.values(x)
        amounts = self._amounts(values, time)
        largest = np.maximum(*(np.abs(values[places]) for places in self._controls))
        rounding = self._slopes.sizes((ROUNDING * slopes[: largest.size] * largest)[:, None])
        rounding += np.reshape(negligible, (-1, 1))
        return np.asarray(self._residual.ratios(x, right, self._flows, amounts[:, None], rounding)[:, 0])

    def _amounts(self, values: Floats, time: float) -> Floats:
        return np.concatenate([part.amounts(values, time) for part in self.parts])

    def doubt(self, factors: Factors, at: Linearised, step: Floats, x: Floats) -> float:
        """Return what voltages, and the currents that are asked for, may be off by, relative to the largest of each.

        That is Newton's last step, and what becomes of the rounding of each equation's terms: laws are worth some last
        digits, the linear part next to negligible. Random signs stand for the roundings, as in Kenney and
        Laub's condition estimates (SIAM J. Sci. Comput. 15, 36, 1994).

        Parameters
        ----------
        factors : Factors
            Of the last tangents.
        at : Linearised
            These tangents.
        step, x : (size, 1) array
            Newton's last step, and the unknowns after it.
        """
        values = self.values(x)
        moved = across(values, self._controls)
        rounding = self._flows.sizes(np.abs(at.amounts)[:, None])
        rounding += self._slopes.sizes(np.abs(at.slopes[: moved.size] * moved)[:, None])
        rounding = ROUNDING * rounding + _TWICE * (self.system.magnitude @ np.abs(x))
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (x.shape[0], _PROBES))
        return max(factors.share(step, x), factors.share(factors.apply(signs * rounding), x))

    def has_values(self, x: Floats, time: float) -> bool:
        """Whether all laws have a finite value at unknowns ``x``.

        Parameters
        ----------
        x : (size, 1) array
            Unknowns.
        time : float
            Seconds.
        """
        values = self.values(x)
        return all(np.isfinite(part.amounts(values, time)).all() for part in self.parts)

    def worst(self, before: Floats, at: Linearised, x: Floats, time: float) -> tuple[str, int]:
        """Return name and origin of the element whose tangent, put at ``before``, misses its law at ``x`` by most.

        Parameters
        ----------
        before, x : (size, 1) array
            Unknowns at which tangents were put, and those to which they led.
        at : Linearised
            These tangents.
        time : float
            Seconds.
        """
        old, new = self.values(before), self.values(x)
        moved = across(new, self._controls) - across(old, self._controls)
        change = at.slopes[: moved.size] * moved
        worst, element, stamp, flow = -1.0, ("", 0), 0, 0
        for part in self.parts:
            n, k = len(part.names), part.stamps[0].size
            predicted = at.amounts[flow : flow + n] + change[stamp : stamp + k].reshape(-1, n).sum(axis=0)
            gap = np.abs(part.amounts(new, time) - predicted)
            gap = np.where(np.isfinite(gap), gap, np.inf)
            if n and float(gap.max()) > worst:
                index = int(gap.argmax())
                worst, element = float(gap.max()), (part.names[index], int(part.origins[index]))
            stamp, flow = stamp + k, flow + n
        return element
