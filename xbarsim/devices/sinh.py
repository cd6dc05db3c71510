"""Cells that conduct like a hyperbolic sine."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device, parameter
from xbarsim.kernels import laws


@dataclass(frozen=True, eq=False, repr=False)
class Sinh(Device):
    """A cell of hopping or tunnelling conduction: ``I = G v0 sinh(V / v0)``.

    G is the cell's conductance, its slope at 0 V, and V the voltage from word to bit line. The Stanford-PKU model
    at a frozen gap is such a cell, with ``G = (I0 / V0) exp(-gap / g0)`` (Jiang et al., IEEE Trans. Electron
    Devices 63, 1884, 2016).

    Parameters
    ----------
    v0 : array_like, scalar or (rows, cols)
        Volts over which the law turns from ohmic to exponential, > 0.

    Raises
    ------
    InputError
        ``v0`` is not finite or not above 0.
    """

    name = "sinh"
    kind = laws.SINH

    v0: Array

    def __init__(self, v0: ArrayLike) -> None:
        object.__setattr__(self, "v0", parameter("v0", v0, above=0.0))

    @property
    def parameters(self) -> dict[str, Array]:
        """``v0``."""
        return {"v0": self.v0}
