"""The memristor model of Yakopcic et al., read at frozen state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, broadcast, checked_array
from xbarsim.devices.base import Device, parameter, short
from xbarsim.errors import InputError
from xbarsim.kernels import laws


@dataclass(frozen=True, eq=False, repr=False)
class Yakopcic(Device):
    """A cell of ``I = a1 x sinh(b V)`` for V >= 0 and ``a2 x sinh(b V)`` below, its state x frozen.

    Yakopcic, Taha, Subramanyam, Pino and Rogers, "A memristor device model", IEEE Electron Device Letters 32, 1436
    (2011), eq. 1. A cell's conductance is its slope just above 0 V, ``G = a1 b x``; ``state`` and ``conductance`` go
    from one to the other.

    Parameters
    ----------
    a1, a2 : array_like, scalar or (rows, cols)
        Amperes, > 0.
    b : array_like, scalar or (rows, cols)
        1/V, > 0.

    Raises
    ------
    InputError
        A parameter is not finite or not above 0.
    """

    name = "yakopcic"
    kind = laws.YAKOPCIC

    a1: Array
    a2: Array
    b: Array

    def __init__(self, a1: ArrayLike, a2: ArrayLike, b: ArrayLike) -> None:
        for name, value in (("a1", a1), ("a2", a2), ("b", b)):
            object.__setattr__(self, name, parameter(name, value, above=0.0))
        try:
            np.broadcast_shapes(self.a1.shape, self.a2.shape, self.b.shape)
        except ValueError:
            raise InputError(
                f"a2 has shape {self.a2.shape}, a1 {self.a1.shape} and b {self.b.shape}: they do not fit"
            ) from None

    @property
    def parameters(self) -> dict[str, Array]:
        """``b`` and the ratio ``a2 / a1``; with the conductance they say all."""
        with np.errstate(over="ignore", under="ignore"):
            return {"b": self.b, "ratio": self.a2 / self.a1}

    def check(self, shape: tuple[int, int]) -> None:
        """See that the parameters fit an array of ``(rows, cols)``."""
        for name in ("a1", "a2", "b"):
            broadcast(f"device.{name}", getattr(self, name), shape)

    def conductance(self, state: ArrayLike) -> Array:
        """Siemens of cells in states x, 0 to 1."""
        siemens: Array = self.a1 * self.b * checked_array("state", state)
        return siemens

    def state(self, conductance: ArrayLike) -> Array:
        """States x of cells of so many siemens."""
        x: Array = checked_array("conductance", conductance) / (self.a1 * self.b)
        return x

    def instance(self, conductance: Array) -> dict[str, Array]:
        """Return the subcircuit's parameters for each cell."""
        shape = conductance.shape
        named = {"x": self.state(conductance), "a1": self.a1, "a2": self.a2, "b": self.b}
        return {name: np.broadcast_to(value, shape) for name, value in named.items()}

    def __repr__(self) -> str:
        return f"Yakopcic(a1={short(self.a1)}, a2={short(self.a2)}, b={short(self.b)})"
