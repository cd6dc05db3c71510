"""Conductances that differ from read to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from xbarsim.checks import Array
from xbarsim.nonideal.effect_settings import Settings
from xbarsim.nonideal.streams import Draw, Stream, every


@dataclass(frozen=True)
class ReadNoise(Settings):
    """Gaussian noise of conductance, drawn anew at each read; what would fall below 0 is 0.

    Attributes
    ----------
    sigma : float
        Standard deviation, 0 to 1, as a share of the cell's own conductance (``relative``), or of g_on, the same for
        all cells (``absolute``). The mean is kept, but for the cut at 0, which matters above sigma = 0.3, or where a
        cell conducts less than three times the absolute noise.
    kind : {"relative", "absolute"}
        Which of them.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    sigma: float = 0.0
    kind: Literal["relative", "absolute"] = "relative"

    def __post_init__(self) -> None:
        self._number("sigma", 0.0, 1.0)
        self._word("kind", ("relative", "absolute"))

    def at(self, conductance: Array, g_on: float, seed: int, tile: int = 0, read: int = 0) -> Array:
        """Return what one read sees, (rows, cols) in siemens.

        Parameters
        ----------
        conductance : (rows, cols)
            Siemens.
        g_on : float
            A cell's in LRS.
        seed, tile, read : int
            The chip, which of its arrays, and which read: the same read has the same noise.
        """
        normal = Stream.of(seed, Draw.READ, tile, read).normal(*every((conductance.shape[0], conductance.shape[1])))
        noise = self.sigma * normal * (conductance if self.kind == "relative" else g_on)
        return np.maximum(conductance + noise, 0.0)
