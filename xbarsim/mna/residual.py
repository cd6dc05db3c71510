"""By how much a solution violates Kirchhoff's laws."""

from __future__ import annotations

import numpy as np

from xbarsim.mna.linear_network import Floats
from xbarsim.mna.system import Flows, System

TOLERANCE = 1e-9
"""Largest residual of a solution that is returned."""

LEAST = 1e-6
"""Share of the largest current below which a node's balance counts in full."""

DIGIT = float(np.finfo(np.float64).eps)
"""What a violation counts as at most that is no more than rounding."""


class Residual:
    """Judges solutions of a system.

    Each row of ``A x + i(x) - s``: a node's balance relative to its currents, a branch's law relative to the largest
    voltage, the balance of a weakly tied group relative to its currents or to what the largest voltage would drive
    through its ties, all at one and the same point.

    Attributes
    ----------
    nodes : int
        How many equations are balances, the first ones.
    groups, ties : (n,)
        The balances of weakly tied groups, and the siemens that tie each.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self.nodes = system.unknowns.nodes - 1
        self.groups = system.unknowns.groups - 1
        ties = abs(system.unknowns.pairs(system.ties.a, system.ties.b)).T @ system.ties.value
        linear = system.magnitude[self.groups][:, : self.nodes]
        self.ties = ties[self.groups] + linear.max(axis=1).toarray().ravel()

    def ratios(
        self,
        x: Floats,
        right: Floats,
        flows: Flows | None = None,
        amounts: Floats | None = None,
        rounding: Floats | None = None,
    ) -> Floats:
        """Return each equation's violation (size, points) at unknowns x for right-hand sides s, (size, points) both.

        ``amounts`` (flows, points) are the currents at x of ``flows``, where there are any. ``rounding`` (size, points)
        is what these differ by between neighbouring doubles of x: no x could do better, so it counts as a last digit.

        Parameters
        ----------
        x, right : (size, points) array
            Unknowns, and what the sources give.
        flows : Flows, optional
            Where currents of laws go.
        amounts : (flows, points) array, optional
            These currents at x.
        rounding : (size, points) array, optional
            What a last digit of x makes of each equation.
        """
        gap = self._system.matrix @ x
        gap -= right
        scale = self._system.magnitude @ np.abs(x)
        scale += np.abs(right)
        if flows is not None and amounts is not None:
            gap += flows.sums(amounts)
            scale += flows.sizes(amounts)
        nodes, groups = self.nodes, self.groups
        voltages = self._system.unknowns.voltages(x)
        volts = np.abs(voltages).max(axis=0) + np.abs(right[nodes:]).max(axis=0, initial=0.0)
        scale[nodes:] = np.maximum(scale[nodes:], volts)
        balance = scale[groups]
        # Where a branch leads nowhere its current is all there is, and nothing but rounding.
        scale[:nodes] = np.maximum(scale[:nodes], LEAST * scale[:nodes].max(axis=0, initial=0.0))
        scale[groups] = np.maximum(balance, self.ties[:, None] * volts)
        gap = np.abs(gap)
        if rounding is not None:
            gap = np.maximum(gap - rounding, np.minimum(gap, DIGIT * scale))
        # What overflowed is no solution: not even where a violation is finite.
        ratio = np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0)
        ratio[~np.isfinite(scale) | ~np.isfinite(gap)] = np.inf
        return np.asarray(ratio)
