"""Newton's equations where unknowns are few: full matrices, and laws one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.dynamics.dense_factors import DenseFactors
from xbarsim.mna import Network
from xbarsim.nonlinear import Problem
from xbarsim.nonlinear.few_laws import FewLaws
from xbarsim.nonlinear.law_sources import Sources
from xbarsim.nonlinear.part import Floats, Part
from xbarsim.nonlinear.problem import Linearised

MOST = 80
"""Unknowns up to which full matrices are faster than sparse ones."""


class DenseProblem(Problem):
    """A small ``Problem``: it does the same, at a tenth of the time."""

    def __init__(self, network: Network, parts: Sequence[Part]) -> None:
        groups = [part for part in parts if isinstance(part, Sources)]
        self._others = [part for part in parts if not isinstance(part, Sources)]
        super().__init__(network, [*self._others, *groups])
        self._laws = FewLaws(groups) if groups else None
        self._wide = self.system.wide.toarray()
        self._no_shunts = np.zeros(network.nodes - 1)
        self.system.fill()
        for flows in (self._flows, self._slopes):
            flows.fill()

    def restart(self) -> None:
        """Forget all tangents."""
        super().restart()
        if self._laws is not None:
            self._laws.take_over()

    def linearise(self, x: Floats, right: Floats, time: float, shunt: float, share: float) -> Linearised:
        """Put all tangents anew, as ``Problem.linearise``."""
        if shunt or share != 1.0:
            return self._by_parts(x, right, time, shunt, share)
        values = self.values(x)
        tangents = [part.tangent(values, time, 1.0) for part in self._others]
        amounts, slopes = [tangent.amounts for tangent in tangents], [tangent.slopes for tangent in tangents]
        settled = all(tangent.settled for tangent in tangents)
        if self._laws is not None:
            currents, partials, free = self._laws.tangents(values, time)
            amounts.append(currents)
            slopes.append(partials)
            settled = settled and free
        flowing = np.concatenate(amounts)
        # Extended precision is enough for what double precision is asked of.
        gap = np.asarray(right - self._wide @ x, np.float64) - self._flows.sums(flowing[:, None])
        return Linearised(gap, flowing, np.concatenate([*slopes, self._no_shunts]), settled)

    def full_factors(self, slopes: Floats) -> DenseFactors:
        """Factor the equations with these slopes.

        Raises
        ------
        SolveError
            They are singular.
        """
        return DenseFactors(self._jacobian.full(slopes))

    def _by_parts(self, x: Floats, right: Floats, time: float, shunt: float, share: float) -> Linearised:
        if self._laws is None:
            return super().linearise(x, right, time, shunt, share)
        self._laws.hand_over()
        linearised = super().linearise(x, right, time, shunt, share)
        self._laws.take_over()
        return linearised

    def _amounts(self, values: Floats, time: float) -> Floats:
        amounts = [part.amounts(values, time) for part in self._others]
        if self._laws is not None:
            amounts.append(self._laws.amounts(values, time))
        return np.concatenate(amounts)
