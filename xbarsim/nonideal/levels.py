"""Cells that are programmed to one of a few levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import Settings

_HALF_WAY = 1e-9
"""Of the step between two levels: a target so near to their middle is half-way."""


@dataclass(frozen=True)
class Levels(Settings):
    """``count`` levels from g_off to g_on, both included.

    Attributes
    ----------
    count : int
        How many, at least 2; 16 are four bits.
    spacing : {"conductance", "resistance", "log"}
        What is equal from level to level: the step of conductance, of resistance, or the ratio.

    Raises
    ------
    InputError
        ``count`` is below 2 or no whole number, or the spacing has another name.
    """

    count: int = 16
    spacing: Literal["conductance", "resistance", "log"] = "conductance"

    def __post_init__(self) -> None:
        self._count("count", 2, 2**20)
        self._word("spacing", ("conductance", "resistance", "log"))

    def values(self, g_off: float, g_on: float) -> Array:
        """Return the levels in siemens, rising, (count,).

        Parameters
        ----------
        g_off, g_on : float
            Siemens of HRS and LRS.

        Raises
        ------
        InputError
            g_off is 0 where resistances or ratios are to be equal.
        """
        if self.spacing == "conductance":
            return np.linspace(g_off, g_on, self.count)
        if g_off <= 0.0:
            raise InputError(
                f"Levels.spacing is {self.spacing!r}: it needs a finite r_off, give one or space conductances"
            )
        if self.spacing == "log":
            return np.geomspace(g_off, g_on, self.count)
        levels: Array = 1.0 / np.linspace(1.0 / g_off, 1.0 / g_on, self.count)
        levels[[0, -1]] = g_off, g_on
        return levels

    def centre(self, g_off: float, g_on: float) -> float:
        """Return the level nearest to the middle of g_off and g_on, in siemens; half-way the lower one.

        Parameters
        ----------
        g_off, g_on : float
            Siemens of HRS and LRS.
        """
        return float(self.quantise(0.5 * (g_off + g_on), g_off, g_on))

    def quantise(self, target: ArrayLike, g_off: float, g_on: float) -> Array:
        """Return for each target the level nearest to it in conductance, whatever the spacing.

        Half-way between two levels the lower one is taken; what lies outside goes to the outermost level.

        Parameters
        ----------
        target : array_like
            Siemens.
        g_off, g_on : float
            The outermost levels in siemens.
        """
        levels = self.values(g_off, g_on)
        # Rounding of a target must not choose where it is half-way: 0.5 of a weight is a common one.
        middles = 0.5 * (levels[:-1] + levels[1:]) + _HALF_WAY * np.diff(levels)
        quantised: Array = levels[np.searchsorted(middles, checked_array("target", target), side="left")]
        return quantised
