"""Spectral densities of the noise that cells themselves make, at their operating points."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, broadcast, checked_array
from xbarsim.errors import InputError

BOLTZMANN = 1.380649e-23
"""Joules a kelvin, exact in the SI."""

CHARGE = 1.602176634e-19
"""Of an electron, coulombs, exact in the SI."""

_SERIES = 1e-4
"""Below, ``x coth x`` is its series: the quotient would lose digits."""


@dataclass(frozen=True, eq=False, init=False)
class CellNoise:
    r"""What each cell adds of its own: a current source beside it, independent of all others.

    With I its current, V its voltage and G = I / V (the slope at 0 V)::

        white      4 k T G ((1 - F) + F x coth x),  x = q |V| / 2 k T
        flicker    K I**2 / f**alpha
        telegraph  4 (a I)**2 p (1 - p) tau / (1 + (2 pi f tau)**2)

    White noise is thermal for F = 0, and with F = 1 goes over to the shot noise 2 q I of independent electrons
    (Ya. M. Blanter and M. Büttiker, Phys. Rep. 336, 1, 2000). Flicker is the 1/f noise of F. N. Hooge (Phys. Lett. A
    29, 139, 1969). Telegraph noise is that of one trap, which takes the share a of the current for the share p of
    the time (S. Machlup, J. Appl. Phys. 25, 341, 1954); tau is the inverse sum of the two mean times' inverses.

    Each is one number, or (rows, cols) of them.

    Attributes
    ----------
    fano : float or (rows, cols)
        F, a share, 0 to 1.
    flicker : float or (rows, cols)
        K, at least 0, of hertz to the power alpha - 1.
    exponent : float or (rows, cols)
        alpha, a plain number, above 0 and at most 3.
    telegraph : float or (rows, cols)
        a, a share, 0 to 1.
    occupancy : float or (rows, cols)
        p, a share, 0 to 1.
    lifetime : float or (rows, cols)
        tau in seconds, above 0.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    fano: Array
    flicker: Array
    exponent: Array
    telegraph: Array
    occupancy: Array
    lifetime: Array

    def __init__(
        self, *, fano: ArrayLike = 0.0, flicker: ArrayLike = 0.0, exponent: ArrayLike = 1.0,
        telegraph: ArrayLike = 0.0, occupancy: ArrayLike = 0.5, lifetime: ArrayLike = 1e-3,
    ) -> None:  # fmt: skip
        for name, value, most in (
            ("fano", fano, 1.0), ("flicker", flicker, math.inf), ("exponent", exponent, 3.0),
            ("telegraph", telegraph, 1.0), ("occupancy", occupancy, 1.0), ("lifetime", lifetime, math.inf),
        ):  # fmt: skip
            values = checked_array(name, value, signed=True)
            positive = name in ("exponent", "lifetime")
            wrong = ((values <= 0.0) if positive else (values < 0.0)) | (values > most)
            if wrong.any():
                least = "above 0" if positive else "at least 0"
                upper = f" and at most {most:g}" if math.isfinite(most) else ""
                raise InputError(f"{name} is {values[wrong].flat[0]:g}: it must be {least}{upper}")
            object.__setattr__(self, name, values)

    def for_cells(self, shape: tuple[int, int]) -> CellNoise:
        """Return the same with an entry a cell; raises InputError where a shape is another.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.
        """
        return CellNoise(
            **{field.name: broadcast(field.name, getattr(self, field.name), shape) for field in fields(self)}
        )

    def white(self, conductance: Array, volts: Array, temperature: float) -> Array:
        """Return A^2/Hz of cells of chords ``conductance`` = I / V, siemens, at ``volts``, both (..., rows, cols).

        Parameters
        ----------
        conductance : (..., rows, cols) array
            Siemens: current over voltage.
        volts : (..., rows, cols) array
            Across the cells.
        temperature : float
            Kelvin.
        """
        x = CHARGE * np.abs(volts) / (2.0 * BOLTZMANN * temperature)
        small = x < _SERIES
        ratio: Array = np.where(small, 1.0 + x * x / 3.0, x / np.tanh(np.where(small, 1.0, x)))
        white: Array = 4.0 * BOLTZMANN * temperature * conductance * ((1.0 - self.fano) + self.fano * ratio)
        return white

    def flicker_power(self, amperes: Array, band: tuple[float, float]) -> Array:
        """Return A^2 between two frequencies, of cells with currents ``amperes`` (..., rows, cols).

        Parameters
        ----------
        amperes : (..., rows, cols) array
            Currents of the cells.
        band : (float, float)
            Its lower and upper end in hertz.
        """
        low, high = band
        alpha = self.exponent
        decades = math.log(high / low) if low > 0.0 else math.inf
        # (high**(1 - alpha) - low**(1 - alpha)) / (1 - alpha), which is the logarithm of high / low at 1.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            power = -np.expm1((alpha - 1.0) * decades) / (1.0 - alpha) * high ** (1.0 - alpha)
        power = np.where(alpha == 1.0, decades, power)
        squares: Array = np.where(self.flicker > 0.0, self.flicker * amperes**2 * power, 0.0)
        return squares

    def telegraph_power(self, amperes: Array, band: tuple[float, float]) -> Array:
        """Return A^2 between two frequencies, of cells with currents ``amperes`` (..., rows, cols).

        Parameters
        ----------
        amperes : (..., rows, cols) array
            Currents of the cells.
        band : (float, float)
            Its lower and upper end in hertz.
        """
        low, high = (2.0 * np.pi * frequency * self.lifetime for frequency in band)
        # arctan(high) - arctan(low), of which far above the corner nothing would be left.
        angle = np.arctan2(high - low, 1.0 + low * high)
        step = self.telegraph * amperes
        power: Array = step**2 * self.occupancy * (1.0 - self.occupancy) * angle * 2.0 / np.pi
        return power

    def flicker_density(self, amperes: Array, frequency: float) -> Array:
        """Return A^2/Hz at a frequency, of cells with currents ``amperes`` (..., rows, cols).

        Parameters
        ----------
        amperes : (..., rows, cols) array
            Currents of the cells.
        frequency : float
            Hertz.
        """
        density: Array = self.flicker * amperes**2 / frequency**self.exponent
        return density

    def telegraph_density(self, amperes: Array, frequency: float) -> Array:
        """Return A^2/Hz at a frequency, of cells with currents ``amperes`` (..., rows, cols).

        Parameters
        ----------
        amperes : (..., rows, cols) array
            Currents of the cells.
        frequency : float
            Hertz.
        """
        step, turns = self.telegraph * amperes, 2.0 * np.pi * frequency * self.lifetime
        density: Array = 4.0 * step**2 * self.occupancy * (1.0 - self.occupancy) * self.lifetime / (1.0 + turns**2)
        return density
