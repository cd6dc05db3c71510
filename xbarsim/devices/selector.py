"""Cells with a selector in series: 1S1R."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device
from xbarsim.devices.option import Option


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
    kernel = "SELECTOR"
    summary = "V = I / G + v0 asinh(I / i0)"
    options = (
        Option("i0", "leakage", 1e-9, "A", above=0.0),
        Option("v0", "volts an e-fold", 0.03, "V", above=0.0),
    )
    sinh_in_series = True

    i0: Array
    v0: Array

    def __init__(self, i0: ArrayLike, v0: ArrayLike) -> None:
        super().__init__(i0=i0, v0=v0)

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Selector:
        """Return cells of 1 to 100 nA and 0.04 to 0.1 V."""
        return cls(10 ** rng.uniform(-9, -7, shape), rng.uniform(0.04, 0.1, shape))

    @classmethod
    def from_sinh(cls, slope: Array, volts: Array) -> Selector:
        """Return the source as the selector.

        Parameters
        ----------
        slope : array, (rows, cols)
            Siemens at 0 V of a hyperbolic sine.
        volts : array, (rows, cols)
            Its v0, in volts.
        """
        return cls(slope * volts, volts)
