"""The cells of a crossbar as kernels compute them: which law, and every cell's parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import channels, laws

Array = NDArray[np.float64]

_PART = 1e-3
"""Of its conductance, by which a compiled law is moved to see what that changes: of fourth order, right to 1e-12."""


@dataclass(frozen=True)
class Cells:
    """The cells' law and parameters.

    Attributes
    ----------
    kind, address : int
        Which law, as :mod:`laws` numbers them; the address of a compiled one.
    parameters : (K, m, n)
        The first is the conductance, or in proportion to it.
    shared : (pieces, columns)
        What all cells have in common.
    per_conductance : float
        What the first parameter grows by with each siemens of a cell's conductance.
    owner : object
        What keeps the code at the address in memory.
    """

    kind: int
    address: int
    parameters: Array
    shared: Array
    per_conductance: float = 1.0
    owner: object = None

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

    def per_siemens(self, across: Array, lower: Array, i: Array, a: Array) -> Array:
        """Return ``di/dg`` of every cell, g being its conductance, at fixed node voltages (m, n).

        Most laws are in proportion to g. A memristor g in series with a device that takes ``i = f(w)`` behind it obeys
        ``i = g (v - w)``; with ``a = g f' / (g + f')`` its slope in v is ``di/dg = (v - w) f' / (g + f') = i a / g^2``.
        Of a compiled law differences tell, and its open cells, whatever it says there, have 0.

        Parameters
        ----------
        across, lower : (m, n)
            Volts across the cells, and of the lower one of each cell's nodes.
        i, a : (m, n)
            Currents and slopes ``di/dv`` there.
        """
        table = self.parameters[0]
        closed = table > 0.0
        if self.kind == laws.COMPILED:
            return np.where(closed, self._difference(across), 0.0)
        scale = np.where(closed, table, 1.0)
        if self.kind in (laws.SELECTOR, laws.TRANSISTOR):
            slopes = (i / scale) * (a / scale)
            return slopes if closed.all() else np.where(closed, slopes, self._opening(across, lower))
        if not closed.all():
            # Open cells take nothing, whatever the law; what they begin to take is that of cells of a parameter 1.
            i, zero, spare = np.empty(across.shape), np.zeros(across.shape), np.empty((2, *across.shape))
            self._with_conductances(scale).evaluate(across, zero, zero, i, *spare)
        siemens: Array = i / scale * self.per_conductance
        return siemens

    def _opening(self, across: Array, lower: Array) -> Array:
        """Return ``di/dg`` of series cells at ``g = 0``: their memristors' volts, when they carry nothing."""
        if self.kind == laws.SELECTOR:
            return across
        over = self.parameters[1] - self.parameters[3] - lower
        # The inner node is where the bit node is, or where the channel ends below that.
        return np.where(over > 0.0, np.maximum(across, -over), 0.0)

    def _difference(self, across: Array) -> Array:
        """Return ``(8 (f(g + h) - f(g - h)) - (f(g + 2 h) - f(g - 2 h))) / 12 h`` of a law f at the same volts."""
        amperes, zero, spare = np.empty(across.shape), np.zeros(across.shape), np.empty((2, *across.shape))
        total = np.zeros(across.shape)
        for steps, weight in ((1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)):
            moved = self._with_conductances(self.parameters[0] * (1.0 + _PART * steps))
            moved.evaluate(across, zero, zero, amperes, *spare)
            total += weight * amperes
        siemens: Array = total / (12.0 * _PART * np.where(self.parameters[0] > 0.0, self.parameters[0], 1.0))
        return siemens

    def _with_conductances(self, table: Array) -> Cells:
        parameters = self.parameters.copy()
        parameters[0] = table
        return replace(self, parameters=parameters)
