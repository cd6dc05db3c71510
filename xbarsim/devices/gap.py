"""Cells that conduct across the gap between a filament's tip and an electrode."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from xbarsim.checks import Array
from xbarsim.devices.base import Device
from xbarsim.devices.dynamic import DynamicDevice
from xbarsim.devices.sinh import Sinh


class GapLaw(NamedTuple):
    """The parameters of the gap's laws, in the kernel's order; see :class:`xbarsim.devices.Stanford`."""

    i0: Array
    g0: Array
    v0: Array
    velocity: Array
    gamma0: Array
    beta: Array
    field: Array
    """``a0 / L``, the part of the voltage across one hop."""
    eg: Array
    er: Array
    t0: Array
    rth: Array


class GapDevice(DynamicDevice):
    """A cell of ``I = i0 exp(-gap / g0) sinh(V / v0)``, whose gap hopping ions grow and shrink.

    Attributes
    ----------
    sign : float
        Of the state in ``gap = offset + sign x``, 1 or -1.
    """

    kernel = "SINH"
    state_kernel = "GAP"
    state_unit = "m"
    sign: ClassVar[float] = 1.0

    @property
    def gap_law(self) -> GapLaw:
        """The laws' parameters."""
        raise NotImplementedError

    @property
    def offset(self) -> Array:
        """The gap, in metres, where the state is 0."""
        return np.array(0.0)

    @property
    def parameters(self) -> dict[str, Array]:
        """``v0``; with the conductance it says what reads see."""
        return {"v0": self.gap_law.v0}

    @property
    def reads_as(self) -> Device:
        """A :class:`Sinh` cell."""
        return Sinh(self.gap_law.v0)

    @property
    def state_parameters(self) -> tuple[Array, ...]:
        """What the kernel takes."""
        return *self.gap_law, self.offset, np.array(self.sign)

    def _conductance(self, state: Array) -> Array:
        law = self.gap_law
        siemens: Array = law.i0 / law.v0 * np.exp(-(self.offset + self.sign * state) / law.g0)
        return siemens

    def _state(self, conductance: Array) -> Array:
        law = self.gap_law
        gap = -law.g0 * np.log(conductance * law.v0 / law.i0)
        x: Array = (gap - self.offset) / self.sign
        return x
