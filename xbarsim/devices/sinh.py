"""Cells that conduct like a hyperbolic sine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device
from xbarsim.devices.option import Option


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
    kernel = "SINH"
    summary = "I = G v0 sinh(V / v0)"
    options = (Option("v0", "volts from ohmic to exponential", 0.25, "V", above=0.0),)
    sinh_in_series = False

    v0: Array

    def __init__(self, v0: ArrayLike) -> None:
        super().__init__(v0=v0)

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Sinh:
        """Return cells of 0.1 to 0.4 V."""
        return cls(rng.uniform(0.1, 0.4, shape))

    @classmethod
    def from_sinh(cls, slope: Array, volts: Array) -> Sinh:
        """Return the source itself.

        Parameters
        ----------
        slope : array, (rows, cols)
            Siemens at 0 V, which are the crossbar's and not the model's.
        volts : array, (rows, cols)
            The v0 of each cell, in volts.
        """
        return cls(volts)
