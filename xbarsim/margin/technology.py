"""What an array of any size is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Crossbar
from xbarsim.devices import Device, Linear
from xbarsim.errors import InputError

States = NDArray[np.bool_]
"""(rows, cols), True where a cell is in LRS."""


@dataclass(frozen=True)
class Technology:
    """Cells of two states, wires and ends, all in ohms and the same all over the array.

    Attributes
    ----------
    r_on, r_off : float
        1 / conductance of a cell in LRS and in HRS, ``0 < r_on < r_off``; ``r_off`` may be ``inf``. What conductance
        means is the device's: a sinh cell's slope at 0 V, the memristor alone behind a selector or a transistor.
    device : Device
        The cells' law; parameters that differ between cells fit one array size only.
    word_wire, bit_wire : float
        A segment's.
    driver, sense : float
        From each row's source, and to each column's.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    r_on: float = 1e3
    r_off: float = 1e6
    device: Device = field(default_factory=Linear)
    word_wire: float = 1.0
    bit_wire: float = 1.0
    driver: float = 1.0
    sense: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.device, Device):
            raise InputError(f"device is {self.device!r}: it must be a device of xbarsim.devices, as Sinh(v0=0.25)")
        for name in ("r_on", "r_off", "word_wire", "bit_wire", "driver", "sense"):
            value = getattr(self, name)
            if not isinstance(value, float | int | np.floating | np.integer) or math.isnan(value):
                raise InputError(f"{name} is {value!r}: it must be a number of ohms")
        if not 0.0 < self.r_on < math.inf:
            raise InputError(f"r_on is {self.r_on:g}: it must be above 0 ohm and finite")
        if not self.r_off > self.r_on:
            raise InputError(f"r_off is {self.r_off:g}: it must be above r_on, {self.r_on:g} ohm")
        for name in ("word_wire", "bit_wire", "driver", "sense"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name):g}: it must be >= 0 ohm and finite")

    def crossbar(self, states: States) -> Crossbar:
        """Return the array whose cells are in these states.

        Parameters
        ----------
        states : (rows, cols) array of bool
            Whether a cell is in LRS.
        """
        return Crossbar(
            np.where(states, 1.0 / self.r_on, 1.0 / self.r_off),
            word_wire=self.word_wire,
            bit_wire=self.bit_wire,
            driver=self.driver,
            sense=self.sense,
            device=self.device,
        )
