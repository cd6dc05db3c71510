"""Conductances that move with time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import Settings, checked_shape
from xbarsim.nonideal.streams import Draw, Stream, every


@dataclass(frozen=True)
class Drift(Settings):
    """A power law of time since programming: ``G(t) = G(t0) (t / t0)^-nu``.

    Ielmini et al., IEEE Trans. Electron Devices 54, 308, 2007; for the weights of networks, Joshi et al., Nature
    Communications 11, 2473, 2020.

    Attributes
    ----------
    nu : float
        Mean exponent, -1 to 1; above 0 conductances fall.
    nu_sigma : float
        Standard deviation of the exponent from cell to cell, 0 to 1. The distribution is not cut: a cell whose exponent
        is below 0 rises.
    t0 : float
        Seconds after programming at which the programmed conductances hold, > 0.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    nu: float = 0.0
    nu_sigma: float = 0.0
    t0: float = 1.0

    def __post_init__(self) -> None:
        self._number("nu", -1.0, 1.0)
        self._number("nu_sigma", 0.0, 1.0)
        self._number("t0", 0.0, math.inf, above=True)

    def exponents(self, shape: tuple[int, int], seed: int, tile: int = 0) -> Array:
        """Return each cell's nu, (rows, cols).

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.
        seed : int
            Of the chip.
        tile : int
            Which of its tiles, counted from 0.
        """
        normal = Stream.of(seed, Draw.DRIFT, tile).normal(*every(checked_shape(shape)))
        return self.nu + self.nu_sigma * normal

    def after(self, conductance: ArrayLike, exponents: ArrayLike, time: float) -> Array:
        """Return conductances ``time`` seconds after programming.

        Parameters
        ----------
        conductance : array_like, (rows, cols)
            Siemens at t0.
        exponents : array_like, (rows, cols)
            Each cell's nu.
        time : float
            Seconds, at least t0.

        Raises
        ------
        InputError
            ``time`` is before t0 or no finite number.
        """
        seconds = self.checked_time(time)
        drifted: Array = np.asarray(conductance) * (seconds / self.t0) ** -np.asarray(exponents)
        return drifted

    def checked_time(self, time: float) -> float:
        """Return seconds since programming as a float.

        Parameters
        ----------
        time : float
            Seconds since programming.

        Raises
        ------
        InputError
            They are before t0, or no finite number.
        """
        seconds = checked_array("time", time)
        if seconds.ndim:
            raise InputError(f"time has shape {seconds.shape}: give one number of seconds")
        if seconds < self.t0:
            raise InputError(f"time is {float(seconds):g} s: the law holds from t0, {self.t0:g} s, on")
        return float(seconds)
