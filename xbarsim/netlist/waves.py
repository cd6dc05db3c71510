"""The waveforms of V and I sources, as ngspice evaluates them; whole arrays of times at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Wave(Protocol):
    """A source's value over time."""

    def at(self, times: Floats) -> Floats:
        """Return volts or amperes at ``times`` (seconds)."""
        ...
