"""Cells with a selector in series: 1S1R."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device, parameter
from xbarsim.kernels import laws


@dataclass(frozen=True, eq=False, repr=False)
class Selector(Device):
    """A memristor in series with a bidirectional exponential selector, solved inside the cell (1S1R).

    The selector carries ``I = i0 sinh(Vs / v0)`` and the memristor ``I = G (V - Vs)``, so a cell's voltage is
    ``V = I / G + v0 asinh(I / i0)``. G is the memristor's conductance; at 0 V the selector's ``i0 / v0`` is in series.

    Parameters
    ----------
    i0 : array_like, scalar or (rows, cols)
        Amperes, > 0: the selector's leakage.
    v0 : array_like, scalar or (rows, cols)
        Volts, > 0: the current grows e-fold with each.

    Raises
    ------
    InputError
        A parameter is not finite or not above 0.
    """

    name = "selector"
    kind = laws.SELECTOR

    i0: Array
    v0: Array

    def __init__(self, i0: ArrayLike, v0: ArrayLike) -> None:
        object.__setattr__(self, "i0", parameter("i0", i0, above=0.0))
        object.__setattr__(self, "v0", parameter("v0", v0, above=0.0))

    @property
    def parameters(self) -> dict[str, Array]:
        """``i0`` and ``v0``."""
        return {"i0": self.i0, "v0": self.v0}
