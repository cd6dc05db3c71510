"""Currents that differ from read to read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import LATER, Settings
from xbarsim.nonideal.streams import Draw, Stream, every


@dataclass(frozen=True)
class ReadNoise(Settings):
    """Gaussian noise, drawn anew at each read: of conductances, or what the circuit itself makes.

    Attributes
    ----------
    sigma : float
        Standard deviation, 0 to 1, as a share of the cell's own conductance (``relative``), or of g_on, the same for
        all cells (``absolute``). The mean is kept, but for the cut at 0, which matters above sigma = 0.3, or where a
        cell conducts less than three times the absolute noise.
    kind : {"relative", "absolute", "circuit"}
        Which of them; of the ``circuit`` nothing is guessed: thermal noise of wires, ends and cells is added to the
        currents of each input vector, with what columns have in common (``xbarsim.noise``), and conductances
        fluctuate by what flicker noise has in the band.
    bandwidth : float
        Hertz, above 0: of ``circuit``, up to where the sense amplifiers pass noise.
    temperature : float
        Kelvin, above 0, of ``circuit``.
    flicker : float
        K of ``circuit``: a cell's current has the density ``K I^2 / f``. Each read draws one conductance of relative
        deviation ``sqrt(K log(bandwidth / lowest))`` a cell; what would fall below 0 is 0.
    lowest : float
        Hertz, above 0 and below the bandwidth: from where flicker noise counts, one over the time since the offset
        was taken away.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    sigma: float = 0.0
    kind: Literal["relative", "absolute", "circuit"] = "relative"
    bandwidth: float = field(default=1e7, metadata=LATER)
    temperature: float = field(default=300.0, metadata=LATER)
    flicker: float = field(default=0.0, metadata=LATER)
    lowest: float = field(default=1.0, metadata=LATER)

    def __post_init__(self) -> None:
        self._number("sigma", 0.0, 1.0)
        self._word("kind", ("relative", "absolute", "circuit"))
        for name in ("bandwidth", "temperature", "lowest"):
            self._number(name, 0.0, math.inf, above=True)
        self._number("flicker", 0.0, math.inf)
        if self.of_currents and self.sigma > 0.0:
            raise InputError(f"ReadNoise.sigma is {self.sigma:g}: of kind 'circuit' nothing is guessed, leave it out")
        if not self.lowest < self.bandwidth:
            raise InputError(f"ReadNoise.lowest is {self.lowest:g}: it must be below the bandwidth, {self.bandwidth:g}")

    @property
    def of_currents(self) -> bool:
        """Whether currents have noise of their own, which is not the cells'."""
        return self.kind == "circuit"

    @property
    def of_cells(self) -> bool:
        """Whether each read sees other conductances."""
        return not self.of_currents or self.flicker > 0.0

    @property
    def spread(self) -> float:
        """Deviation of conductances, as a share of the cell's or of g_on."""
        return math.sqrt(self.flicker * math.log(self.bandwidth / self.lowest)) if self.of_currents else self.sigma

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
        if not self.of_cells:
            return conductance
        normal = Stream.of(seed, Draw.READ, tile, read).normal(*every((conductance.shape[0], conductance.shape[1])))
        noise = self.spread * normal * (g_on if self.kind == "absolute" else conductance)
        return np.maximum(conductance + noise, 0.0)
