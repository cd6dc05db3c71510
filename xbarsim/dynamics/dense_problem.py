"""Newton's equations where unknowns are few: full matrices, and laws one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.dynamics.dense_factors import DenseFactors
from xbarsim.kernels import full_matrices
from xbarsim.mna import Network
from xbarsim.mna.residual import DIGIT, LEAST
from xbarsim.nonlinear import Problem
from xbarsim.nonlinear.few_laws import FewLaws
from xbarsim.nonlinear.law_sources import Sources
from xbarsim.nonlinear.part import Floats, Part
from xbarsim.nonlinear.problem import ROUNDING, Linearised

MOST = 80
"""Unknowns up to which full matrices are faster than sparse ones."""


class DenseProblem(Problem):
    """A small ``Problem``: it does the same, at a tenth of the time."""

    def __init__(self, network: Network, parts: Sequence[Part]) -> None:
        groups = [part for part in parts if isinstance(part, Sources)]
        self._charged = [part for part in parts if not isinstance(part, Sources)]
        super().__init__(network, [*self._charged, *groups])
        self._laws = FewLaws(groups) if groups else None
        wide = self.system.wide
        high = wide.data.astype(np.float64)
        self._wide = wide.indptr.astype(np.int64), wide.indices.astype(np.int64), high, (wide.data - high).astype(float)
        self._flow_entries, self._slope_entries = self._flow_places, self._slopes.entries[:2]
        self._room, self._allowed = np.empty(self.system.size), np.empty(self.system.size)
        self._no_shunts = np.zeros(network.nodes - 1)
        self.system.fill()
        for flows in (self._flows, self._slopes):
            flows.fill()

    def restart(self) -> None:
        """Forget all tangents."""
        super().restart()
        if self._laws is not None:
            self._laws.take_over()

    def disregard(self, negligible: Floats) -> None:
        """Let no law hold back a step for what is negligible, as ``Problem.disregard``."""
        super().disregard(negligible)
        if self._laws is not None:
            self._laws.disregard()

    def linearise(self, x: Floats, right: Floats, time: float, shunt: float, share: float) -> Linearised:
        """Put all tangents anew, as ``Problem.linearise``."""
        if shunt or share != 1.0:
            return self._by_parts(x, right, time, shunt, share)
        values = self.values(x)
        tangents = [part.tangent(values, time, 1.0) for part in self._charged]
        amounts, slopes = [tangent.amounts for tangent in tangents], [tangent.slopes for tangent in tangents]
        settled = all(tangent.settled for tangent in tangents)
        if self._laws is not None:
            currents, partials, free = self._laws.tangents(values, time)
            amounts.append(currents)
            slopes.append(partials)
            settled = settled and free
        flowing = np.concatenate(amounts)
        gap = np.empty_like(right)
        full_matrices.left(*self._wide, x[:, 0], right[:, 0], *self._flow_entries, flowing, gap[:, 0], self._room)
        return Linearised(gap, flowing, np.concatenate([*slopes, self._no_shunts]), settled)

    def violations(
        self, x: Floats, right: Floats, time: float, at: Linearised, negligible: Floats
    ) -> tuple[float, Floats, Floats]:
        """Return what ``Problem.violations`` does."""
        values = self.values(x)
        amounts = self._amounts(values, time)
        gap, sizes, ratios = np.empty_like(negligible), np.empty_like(negligible), np.empty_like(negligible)
        full_matrices.left(*self._wide, x[:, 0], right[:, 0], *self._flow_entries, amounts, gap, self._room)
        residual = self._residual
        worst = full_matrices.judge(
            *self._wide[:3], *self._flow_entries, *self._slope_entries, *self._controls, residual.nodes,
            residual.groups, residual.ties, x[:, 0], values, right[:, 0], amounts, at.slopes, negligible, ROUNDING,
            DIGIT, LEAST, gap, self._allowed, sizes, ratios,
        )  # fmt: skip
        return worst, sizes, values

    def full_factors(self, slopes: Floats) -> DenseFactors:
        """Factor the equations with these slopes.

        Parameters
        ----------
        slopes : (stamps,) array
            Of all laws, siemens and the like, in the order of the problem's parts.

        Raises
        ------
        SolveError
            They are singular.
        """
        table = np.empty((self.system.size, self.system.size))
        full_matrices.add(*self._jacobian.full, slopes, table)
        return DenseFactors(table)

    def _by_parts(self, x: Floats, right: Floats, time: float, shunt: float, share: float) -> Linearised:
        if self._laws is None:
            return super().linearise(x, right, time, shunt, share)
        self._laws.hand_over()
        linearised = super().linearise(x, right, time, shunt, share)
        self._laws.take_over()
        return linearised

    def _amounts(self, values: Floats, time: float) -> Floats:
        amounts = [part.amounts(values, time) for part in self._charged]
        if self._laws is not None:
            amounts.append(self._laws.amounts(values, time))
        return np.concatenate(amounts)
