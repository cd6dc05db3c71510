"""The memristor model of Yakopcic et al."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.devices.dynamic import DynamicDevice
from xbarsim.devices.option import Option
from xbarsim.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class Yakopcic(DynamicDevice):
    """A cell of ``I = a1 x sinh(b V)`` for V >= 0 and ``a2 x sinh(b V)`` below, its state x moved by two thresholds.

    Yakopcic, Taha, Subramanyam, Pino and Rogers, "A memristor device model", IEEE Electron Device Letters 32, 1436
    (2011), eqs. 1 to 6; for many devices, Yakopcic, Taha, Subramanyam and Pino, IEEE Trans. CAD 32, 1201 (2013)::

        dx/dt = eta g(V) f(x)
        g = ap (exp(V) - exp(vp))         V > vp           g = -an (exp(-V) - exp(vn))         V < -vn
        f = exp(-alphap (x - xp)) (1 - x) / (1 - xp)       x >= xp and eta V > 0
        f = exp(alphan (x + xn - 1)) x / (1 - xn)          x <= 1 - xn and eta V < 0

    and 1 elsewhere for f, 0 between the thresholds for g. x is between 0 and 1; a state that has come to a bound stays
    there for good, as f is 0. With ``eta = 1`` a positive voltage from word to bit line turns the cell on.

    A cell's conductance is its slope just above 0 V, ``G = a1 b x``; ``state`` and ``conductance`` go from one to the
    other. What moves the state has defaults of the 2013 paper's orders of magnitude; reads do without.

    Parameters
    ----------
    a1, a2 : array_like, scalar or (rows, cols)
        Amperes, > 0.
    b : array_like, scalar or (rows, cols)
        1/V, > 0.
    ap, an : array_like, scalar or (rows, cols)
        How fast the state moves above ``vp`` and below ``-vn``, in 1/s, > 0.
    vp, vn : array_like, scalar or (rows, cols)
        Thresholds in volts, >= 0.
    alphap, alphan : array_like, scalar or (rows, cols)
        How steeply the motion fades (a plain number) beyond ``xp`` and ``1 - xn``, >= 0.
    xp, xn : array_like, scalar or (rows, cols)
        States at which it begins to fade, 0 to below 1.
    eta : array_like, scalar or (rows, cols)
        1 where a positive voltage raises x, -1 where it lowers x.

    Raises
    ------
    InputError
        A parameter is not finite or out of bounds.
    """

    name = "yakopcic"
    kernel = "YAKOPCIC"
    state_kernel = "YAKOPCIC"
    summary = "I = a1 x sinh(b V), a2 x sinh(b V) below 0 V, x = G / (a1 b)"
    options = (
        Option("a1", "amplitude above 0 V", 1e-4, "A", above=0.0),
        Option("a2", "amplitude below 0 V", 1e-4, "A", above=0.0),
        Option("b", "steepness", 3.0, "1/V", above=0.0),
        Option("ap", "speed above vp", 4000.0, "1/s", above=0.0, in_time=True),
        Option("an", "speed below -vn", 4000.0, "1/s", above=0.0, in_time=True),
        Option("vp", "threshold above 0 V", 0.16, "V", least=0.0, in_time=True),
        Option("vn", "threshold below 0 V, its magnitude", 0.15, "V", least=0.0, in_time=True),
        Option("alphap", "how steeply the motion fades above xp", 1.0, least=0.0, in_time=True),
        Option("alphan", "how steeply it fades below 1 - xn", 5.0, least=0.0, in_time=True),
        Option("xp", "state above which a rise fades", 0.3, least=0.0, below=1.0, in_time=True),
        Option("xn", "1 less the state below which a fall fades", 0.5, least=0.0, below=1.0, in_time=True),
        Option("eta", "1 where a positive voltage raises x, else -1", 1.0, in_time=True),
    )

    a1: Array
    a2: Array
    b: Array
    ap: Array
    an: Array
    vp: Array
    vn: Array
    alphap: Array
    alphan: Array
    xp: Array
    xn: Array
    eta: Array

    def __init__(
        self,
        a1: ArrayLike,
        a2: ArrayLike,
        b: ArrayLike,
        ap: ArrayLike = 4000.0,
        an: ArrayLike = 4000.0,
        vp: ArrayLike = 0.16,
        vn: ArrayLike = 0.15,
        alphap: ArrayLike = 1.0,
        alphan: ArrayLike = 5.0,
        xp: ArrayLike = 0.3,
        xn: ArrayLike = 0.5,
        eta: ArrayLike = 1.0,
    ) -> None:
        super().__init__(
            a1=a1, a2=a2, b=b, ap=ap, an=an, vp=vp, vn=vn, alphap=alphap, alphan=alphan, xp=xp, xn=xn, eta=eta
        )
        if not np.isin(self.eta, (-1.0, 1.0)).all():
            raise InputError(f"eta is {eta!r}: it must be 1, where a positive voltage raises x, or -1")

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Yakopcic:
        """Return cells of 10 uA to 1 mA and 1 to 4 / V."""
        return cls(10 ** rng.uniform(-5, -3, shape), 10 ** rng.uniform(-5, -3, shape), rng.uniform(1, 4, shape))

    @property
    def parameters(self) -> dict[str, Array]:
        """``b`` and the ratio ``a2 / a1``; with the conductance they say all that reads see."""
        with np.errstate(over="ignore", under="ignore"):
            return {"b": self.b, "ratio": self.a2 / self.a1}

    @property
    def bounds(self) -> tuple[Array, Array]:
        """0 and 1."""
        return np.array(0.0), np.array(1.0)

    @property
    def state_parameters(self) -> tuple[Array, ...]:
        """What the kernel takes."""
        return tuple(getattr(self, option.name) for option in self.options)

    def _conductance(self, state: Array) -> Array:
        siemens: Array = self.a1 * self.b * state
        return siemens

    def _state(self, conductance: Array) -> Array:
        x: Array = conductance / (self.a1 * self.b)
        return x

    def instance(self, conductance: ArrayLike) -> dict[str, Array]:
        """Return the subcircuit's parameters for each cell.

        Parameters
        ----------
        conductance : array_like, (rows, cols)
            Siemens at 0 V, which say what the states x are.
        """
        g = checked_array("conductance", conductance)
        values = {"x": self._state(g), "a1": self.a1, "a2": self.a2, "b": self.b}
        return {name: np.broadcast_to(value, g.shape) for name, value in values.items()}
