"""The memristor of drifting ions: two resistances in series, their border the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device
from xbarsim.devices.dynamic import DynamicDevice, check_below
from xbarsim.devices.ohmic import Linear
from xbarsim.devices.option import Option
from xbarsim.devices.window import WINDOW_OPTIONS, check_window, fades_both_ways, window_number


@dataclass(frozen=True, eq=False, repr=False)
class IonDrift(DynamicDevice):
    """A film whose doped part, x of its thickness, grows and shrinks with the current; ohmic at any state.

    Strukov, Snider, Stewart and Williams, "The missing memristor found", Nature 453, 80 (2008), eqs. 5 and 6, with a
    window f::

        V = (r_on x + r_off (1 - x)) I
        dx/dt = mobility r_on / thickness^2 I f(x)

    A positive voltage from word to bit line turns it on. Without a window x stops at 0 and 1. With Joglekar's and
    Prodromakis's a state that has come to a bound stays there for good; Biolek's lets it go, by a slope df/dV that
    jumps at 0 V. Prodromakis's factor j is part of the mobility.

    Parameters
    ----------
    r_on, r_off : array_like, scalar or (rows, cols)
        Ohms of the film all doped, and not at all, > 0 and ``r_on < r_off``.
    mobility : array_like, scalar or (rows, cols)
        The ions', in m^2/(V s), > 0.
    thickness : array_like, scalar or (rows, cols)
        The film's, in metres, > 0.
    window : str
        "none", "joglekar", "biolek" or "prodromakis".
    exponent : array_like, scalar or (rows, cols)
        The window's, >= 1.

    Raises
    ------
    InputError
        A parameter is not finite or out of bounds, or there is an exponent and no window.
    """

    name = "ion_drift"
    kernel = "LINEAR"
    state_kernel = "ION_DRIFT"
    summary = "I = V / R(x), a state that moves with the current"
    linear = True
    options = (
        Option("r_on", "resistance at x = 1", 100.0, "ohm", above=0.0, in_time=True),
        Option("r_off", "resistance at x = 0", 16e3, "ohm", above=0.0, in_time=True),
        Option("mobility", "the ions' mobility", 1e-14, "m^2/(V s)", above=0.0, in_time=True),
        Option("thickness", "the film's thickness", 10e-9, "m", above=0.0, in_time=True),
        *WINDOW_OPTIONS,
    )

    r_on: Array
    r_off: Array
    mobility: Array
    thickness: Array
    window: str
    exponent: Array

    def __init__(
        self,
        r_on: ArrayLike = 100.0,
        r_off: ArrayLike = 16e3,
        mobility: ArrayLike = 1e-14,
        thickness: ArrayLike = 10e-9,
        window: str = "none",
        exponent: ArrayLike = 1.0,
    ) -> None:
        super().__init__(
            r_on=r_on, r_off=r_off, mobility=mobility, thickness=thickness, window=window, exponent=exponent
        )
        check_below("r_on", self.r_on, "r_off", self.r_off)
        check_window(self.window, self.exponent)

    @property
    def parameters(self) -> dict[str, Array]:
        """None: at any state the cell is ohmic."""
        return {}

    @property
    def reads_as(self) -> Device:
        """Ohmic cells."""
        return Linear()

    @property
    def bounds(self) -> tuple[Array, Array]:
        """0 and 1."""
        return np.array(0.0), np.array(1.0)

    @property
    def _rate(self) -> Array:
        """``dx/dt`` of an ampere without a window."""
        rate: Array = self.mobility * self.r_on / self.thickness**2
        return rate

    @property
    def fades(self) -> bool:
        """Whether the window is 0 at a bound both ways."""
        return fades_both_ways(self.window)

    @property
    def state_parameters(self) -> tuple[Array, ...]:
        """What the kernel takes."""
        return self.r_on, self.r_off, self._rate, window_number(self.window), self.exponent

    def _conductance(self, state: Array) -> Array:
        siemens: Array = 1.0 / (self.r_off - (self.r_off - self.r_on) * state)
        return siemens

    def _state(self, conductance: Array) -> Array:
        x: Array = (self.r_off - 1.0 / conductance) / (self.r_off - self.r_on)
        return x

    def _twin_parameters(self) -> dict[str, Any]:
        return super()._twin_parameters() | {"window": window_number(self.window)}
