"""A crossbar's cells whose states move, as kernels compute them: which laws, every cell's parameters and bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import state_laws

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DynamicCells:
    """The cells' current law and state law, as :mod:`state_laws` takes them.

    Attributes
    ----------
    kind : int
        Which laws, as :mod:`state_laws` numbers them.
    current_address, motion_address : int
        Addresses of a user's compiled functions, else 0.
    parameters : (K, rows, cols)
        The first two are the bounds.
    owner : object
        What keeps the code at the addresses in memory.
    """

    kind: int
    current_address: int
    motion_address: int
    parameters: Array
    owner: object = None

    @property
    def low(self) -> Array:
        """The states' lower bounds (rows, cols)."""
        bounds: Array = self.parameters[0]
        return bounds

    @property
    def high(self) -> Array:
        """The states' upper bounds (rows, cols)."""
        bounds: Array = self.parameters[1]
        return bounds

    def evaluate(self, v: Array, x: Array, i: Array, iv: Array, ix: Array, f: Array, fv: Array, fx: Array) -> None:
        """Fill currents, motions and their slopes (rows, cols), as :func:`state_laws.evaluate`."""
        laws = (self.kind, self.current_address, self.motion_address)
        state_laws.evaluate(*laws, v, x, self.parameters, i, iv, ix, f, fv, fx)
