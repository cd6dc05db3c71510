"""The memristor model of Yakopcic et al., read at frozen state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, broadcast, checked_array
from xbarsim.devices.base import Device, short
from xbarsim.devices.option import Option
from xbarsim.errors import InputError


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
    kernel = "YAKOPCIC"
    summary = "I = a1 x sinh(b V), a2 x sinh(b V) below 0 V, x = G / (a1 b)"
    options = (
        Option("a1", "amplitude above 0 V", 1e-4, "A", above=0.0),
        Option("a2", "amplitude below 0 V", 1e-4, "A", above=0.0),
        Option("b", "steepness", 3.0, "1/V", above=0.0),
    )

    a1: Array
    a2: Array
    b: Array

    def __init__(self, a1: ArrayLike, a2: ArrayLike, b: ArrayLike) -> None:
        super().__init__(a1=a1, a2=a2, b=b)
        try:
            np.broadcast_shapes(self.a1.shape, self.a2.shape, self.b.shape)
        except ValueError:
            raise InputError(
                f"a2 has shape {self.a2.shape}, a1 {self.a1.shape} and b {self.b.shape}: they do not fit"
            ) from None

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Yakopcic:
        """Return cells of 10 uA to 1 mA and 1 to 4 / V."""
        return cls(10 ** rng.uniform(-5, -3, shape), 10 ** rng.uniform(-5, -3, shape), rng.uniform(1, 4, shape))

    @property
    def parameters(self) -> dict[str, Array]:
        """``b`` and the ratio ``a2 / a1``; with the conductance they say all."""
        with np.errstate(over="ignore", under="ignore"):
            return {"b": self.b, "ratio": self.a2 / self.a1}

    def check(self, shape: tuple[int, int]) -> None:
        """Check that the parameters fit an array of ``(rows, cols)``."""
        for option in self.options:
            broadcast(f"device.{option.name}", getattr(self, option.name), shape)

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
        values = {"x": self.state(conductance), "a1": self.a1, "a2": self.a2, "b": self.b}
        return {name: np.broadcast_to(value, shape) for name, value in values.items()}

    def __repr__(self) -> str:
        return f"Yakopcic(a1={short(self.a1)}, a2={short(self.a2)}, b={short(self.b)})"
