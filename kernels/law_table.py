"""The cells of a crossbar as kernels compute them: which law, and every cell's parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import channels, laws

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """The cells' law and parameters.

    Attributes
    ----------
    kind, address : int
        Which law, as :mod:`laws` numbers them; the address of a compiled one.
    parameters : (K, m, n)
        The first is the conductance.
    shared : (pieces, columns)
        What all cells have in common.
    """

    kind: int
    address: int
    parameters: Array
    shared: Array

    @property
    def symmetric(self) -> bool:
        """Whether currents depend on ``v - u`` alone."""
        return self.kind != laws.TRANSISTOR

    @property
    def siemens(self) -> Array:
        """The memristors' conductances (m, n)."""
        siemens: Array = self.parameters[0]
        return siemens

    def evaluate(self, v: Array, u: Array, near: Array, i: Array, a: Array, b: Array) -> None:
        """Fill currents ``i`` and slopes ``a = di/dv``, ``b = -di/du`` (m, n) at node voltages v and u.

        ``near`` are currents near those, or 0; b is left as it is where it is the same as a.
        """
        if self.symmetric:
            laws.evaluate(self.kind, self.address, v, u, self.parameters, self.shared, near, i, a)
        else:
            channels.evaluate(v, u, self.parameters, i, a, b)

    def precise(self, across: Array, lower: Array, low: Array, i: Array, a: Array, b: Array) -> None:
        """As ``evaluate`` for the volts ``across`` the cells, whose lower nodes are at ``lower + low``."""
        if self.symmetric:
            zero = np.zeros_like(across)
            laws.evaluate(self.kind, self.address, across, zero, self.parameters, self.shared, zero, i, a)
            b[:] = a
        else:
            channels.precise(across, lower, low, self.parameters, i, a, b)

    def renew(
        self, v: Array, u: Array, predicted: Array, i: Array, anchor: Array, a: Array, b: Array, j: Array
    ) -> tuple[int, int]:  # fmt: skip
        """Put every cell's tangent ``a v - b u + j`` anew; return the first bad law's fault, and its cell.

        ``predicted`` receives the currents of the old tangents at v, u, and i those of the laws.
        """
        if self.symmetric:
            law = (self.kind, self.address, v, u, self.parameters, self.shared)
            fault: tuple[int, int] = laws.renew(*law, predicted, i, anchor, a, j)
            return fault
        bad = channels.renew(v, u, self.parameters, predicted, i, anchor, a, b, j)
        return (laws.GOOD, 0) if bad < 0 else (laws.NOT_FINITE, bad)
