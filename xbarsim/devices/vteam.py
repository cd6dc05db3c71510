"""The voltage-threshold memristor model, VTEAM."""

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
class VTEAM(DynamicDevice):
    """A cell whose state moves beyond two threshold voltages, and an ohmic one at any state.

    Kvatinsky, Ramadan, Friedman and Kolodny, "VTEAM: a general model for voltage-controlled memristors", IEEE Trans.
    Circuits Syst. II 62, 786 (2015). With ``y = (x - x_on) / (x_off - x_on)`` and f a window::

        dx/dt = k_off (V / v_off - 1)^alpha_off f(y)      V > v_off > 0
        dx/dt = k_on (V / v_on - 1)^alpha_on f(y)         V < v_on < 0
        dx/dt = 0                                         between

        V = (r_on + (r_off - r_on) y) I                   curve "linear"
        I = exp(-ln(r_off / r_on) y) V / r_on             curve "exponential"

    A positive voltage from word to bit line turns it off. The defaults are an example, no fit.

    Parameters
    ----------
    r_on, r_off : array_like, scalar or (rows, cols)
        Ohms at ``x_on`` and at ``x_off``, > 0 and ``r_on < r_off``.
    k_on, k_off : array_like, scalar or (rows, cols)
        The state's velocities in m/s, < 0 and > 0.
    v_on, v_off : array_like, scalar or (rows, cols)
        Thresholds in volts, < 0 and > 0.
    alpha_on, alpha_off : array_like, scalar or (rows, cols)
        How steep the motion grows beyond the thresholds, >= 1.
    x_on, x_off : array_like, scalar or (rows, cols)
        The state's bounds in metres, ``x_on < x_off``.
    curve : str
        How the resistance grows between the bounds, "linear" or "exponential".
    window : str
        "none", "joglekar", "biolek" or "prodromakis".
    exponent : array_like, scalar or (rows, cols)
        The window's, >= 1.

    Raises
    ------
    InputError
        A parameter is not finite or out of bounds, or there is an exponent and no window.
    """

    name = "vteam"
    kernel = "LINEAR"
    state_kernel = "VTEAM"
    state_unit = "m"
    summary = "I = V / R(x), a state that moves beyond thresholds"
    linear = True
    options = (
        Option("r_on", "resistance at x_on", 1e3, "ohm", above=0.0, in_time=True),
        Option("r_off", "resistance at x_off", 1e6, "ohm", above=0.0, in_time=True),
        Option("k_on", "velocity below v_on", -0.1, "m/s", below=0.0, in_time=True),
        Option("k_off", "velocity above v_off", 0.1, "m/s", above=0.0, in_time=True),
        Option("v_on", "threshold below which the cell turns on", -0.7, "V", below=0.0, in_time=True),
        Option("v_off", "threshold above which it turns off", 0.7, "V", above=0.0, in_time=True),
        Option("alpha_on", "exponent of the overdrive below v_on", 3.0, least=1.0, in_time=True),
        Option("alpha_off", "exponent of the overdrive above v_off", 3.0, least=1.0, in_time=True),
        Option("x_on", "state of r_on", 0.0, "m", in_time=True),
        Option("x_off", "state of r_off", 3e-9, "m", in_time=True),
        Option("curve", "resistance between", "linear", choices=("linear", "exponential"), in_time=True),
        *WINDOW_OPTIONS,
    )

    r_on: Array
    r_off: Array
    k_on: Array
    k_off: Array
    v_on: Array
    v_off: Array
    alpha_on: Array
    alpha_off: Array
    x_on: Array
    x_off: Array
    curve: str
    window: str
    exponent: Array

    def __init__(
        self,
        r_on: ArrayLike = 1e3,
        r_off: ArrayLike = 1e6,
        k_on: ArrayLike = -0.1,
        k_off: ArrayLike = 0.1,
        v_on: ArrayLike = -0.7,
        v_off: ArrayLike = 0.7,
        alpha_on: ArrayLike = 3.0,
        alpha_off: ArrayLike = 3.0,
        x_on: ArrayLike = 0.0,
        x_off: ArrayLike = 3e-9,
        curve: str = "linear",
        window: str = "none",
        exponent: ArrayLike = 1.0,
    ) -> None:
        super().__init__(
            r_on=r_on, r_off=r_off, k_on=k_on, k_off=k_off, v_on=v_on, v_off=v_off, alpha_on=alpha_on,
            alpha_off=alpha_off, x_on=x_on, x_off=x_off, curve=curve, window=window, exponent=exponent,
        )  # fmt: skip
        check_below("r_on", self.r_on, "r_off", self.r_off)
        check_below("x_on", self.x_on, "x_off", self.x_off)
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
        """``x_on`` and ``x_off``."""
        return self.x_on, self.x_off

    @property
    def thresholds(self) -> tuple[Array, Array]:
        """``v_on`` and ``v_off``."""
        return self.v_on, self.v_off

    @property
    def _gain(self) -> Array:
        """``ln(r_off / r_on)`` of the exponential curve, 0 of the linear one."""
        gain = np.log(self.r_off / self.r_on)
        return gain if self.curve == "exponential" else np.zeros_like(gain)

    @property
    def fades(self) -> bool:
        """Whether the window is 0 at a bound both ways."""
        return fades_both_ways(self.window)

    @property
    def state_parameters(self) -> tuple[Array, ...]:
        """What the kernel takes."""
        return (
            self.r_on, self.r_off, self._gain, self.k_on, self.k_off, self.v_on, self.v_off,
            self.alpha_on, self.alpha_off, window_number(self.window), self.exponent,
        )  # fmt: skip

    def _conductance(self, state: Array) -> Array:
        y = (state - self.x_on) / (self.x_off - self.x_on)
        if self.curve == "exponential":
            siemens: Array = np.exp(-self._gain * y) / self.r_on
        else:
            siemens = 1.0 / (self.r_on + (self.r_off - self.r_on) * y)
        return siemens

    def _state(self, conductance: Array) -> Array:
        if self.curve == "exponential":
            y = -np.log(conductance * self.r_on) / self._gain
        else:
            y = (1.0 / conductance - self.r_on) / (self.r_off - self.r_on)
        x: Array = self.x_on + (self.x_off - self.x_on) * y
        return x

    def _twin_parameters(self) -> dict[str, Any]:
        return super()._twin_parameters() | {"gain": self._gain, "window": window_number(self.window)}
