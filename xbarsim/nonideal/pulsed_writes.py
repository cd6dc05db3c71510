"""Tiles written by pulses through their own wires."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.devices import DynamicDevice, models
from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import Settings
from xbarsim.programming import PulseLadder, VerifyRead
from xbarsim.programming import program as write_array
from xbarsim.schemes import scheme_of

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]

_ROUNDING = 1e-9  # of a tolerance: cells' ranges go through ohms


@dataclass(frozen=True)
class PulsedWrites(Settings):
    """How cells are brought to their targets: pulses and looks at them (:mod:`xbarsim.programming`).

    A cell's model has the tile's two states as the ends of its range, each cell with its own factor of variation; its
    other parameters are the model's defaults. A look finds the cell's own conductance. Stuck cells do not move.

    Attributes
    ----------
    device : str
        A model with a state that moves and with ``r_on`` and ``r_off``, as ``vteam``.
    scheme : str
        What unselected lines are tied to, as of :mod:`xbarsim.schemes`.
    amplitude, width, rise, fall : float
        The first pulse for a cell: volts, and seconds.
    increment, most_amplitude : float
        Volts by which further pulses are higher, and where that ends; without an end there is no increment.
    tolerance : float
        How far a cell may be off, as a share of its own range, above 0 and below 1.
    max_pulses : int
        For one cell, at least 1.
    rounds : int
        Turns, where pulses for others disturb a cell, at least 1.

    Raises
    ------
    InputError
        A number is out of its bounds, or the model has no state that moves, or not these two states.
    """

    device: str = "vteam"
    scheme: str = "half"
    amplitude: float = 0.9
    width: float = 1e-8
    rise: float = 0.0
    fall: float = 0.0
    increment: float = 0.05
    most_amplitude: float | None = 1.3
    tolerance: float = 0.01
    max_pulses: int = 100
    rounds: int = 3

    def __post_init__(self) -> None:
        for name in ("amplitude", "width"):
            self._number(name, 0.0, math.inf, above=True)
        for name in ("rise", "fall", "increment"):
            self._number(name, 0.0, math.inf)
        self._number("tolerance", 0.0, 1.0, above=True)
        self._count("max_pulses", 1, 2**31 - 1)
        self._count("rounds", 1, 2**31 - 1)
        scheme_of(self.scheme)
        self._ladder()
        fit = [
            name
            for name, model in models().items()
            if issubclass(model, DynamicDevice) and {"r_on", "r_off"} <= {option.name for option in model.options}
        ]
        if self.device not in fit:
            raise InputError(
                f"PulsedWrites.device is {self.device!r}: pulses write cells with a state between r_on and r_off, "
                f"{' or '.join(fit)}"
            )

    def _ladder(self) -> PulseLadder:
        return PulseLadder(
            self.amplitude, self.width, self.rise, self.fall, increment=self.increment,
            most_amplitude=self.most_amplitude,
        )  # fmt: skip

    def write(
        self, circuit: Crossbar, before: Array, goal: Array, bounds: tuple[Array, Array], stuck: Mask, mask: Mask
    ) -> tuple[Array, Counts, Mask]:
        """Write the cells of a mask.

        Returns all cells' siemens, those that pulses for others moved too, each cell's pulses, and which of the mask
        are farther from their goal than they may be, stuck ones and such whose range ends before it among them.

        Parameters
        ----------
        circuit : Crossbar
            Wires and ends; its cells do not count.
        before, goal : (rows, cols)
            Siemens.
        bounds : two of (rows, cols)
            The least and the largest siemens of each cell.
        stuck, mask : (rows, cols) of bool
            Cells that do not move, and those that are written.
        """
        least, most = bounds
        span = most - least
        # A cell stuck beyond its own range has it widened: the range only says how fast cells move.
        least, most = np.minimum(least, before), np.maximum(most, before)
        device = models()[self.device](r_on=1.0 / most, r_off=1.0 / least)
        cells = [(int(i), int(j)) for i, j in np.argwhere(mask & ~stuck)]
        siemens, pulses = before, np.zeros(mask.shape, np.int64)
        if cells:
            record = write_array(
                circuit.with_cells(before, device), np.clip(goal, least, most), pulse=self._ladder(),
                scheme=self.scheme, tolerance=self.tolerance, of="range", most_pulses=self.max_pulses,
                read=VerifyRead("cell"), order=cells, rounds=self.rounds, stuck=stuck,
            )  # fmt: skip
            siemens, pulses = record.conductance, record.pulses
        return siemens, pulses, mask & ~(np.abs(siemens - goal) <= (1.0 + _ROUNDING) * self.tolerance * span)
