"""What pulses have done to an array so far: counts, energies, and how far cells that were not meant have moved."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.programming.pulsed_array import PulsedArray, PulseEffect
from xbarsim.programming.write_pulse import WritePulse

Counts = NDArray[np.int64]


@dataclass
class WriteLog:
    """Sums over pulses, (rows, cols) each but the last two.

    Attributes
    ----------
    pulses : of int
        Pulses that were meant for a cell: how often it was written.
    half_selects : of int
        Pulses for others of its word or bit line.
    energy : joules
        What the sources delivered in a cell's pulses, in equal parts where a pulse was for several.
    cell_energy : joules
        What the cell itself dissipated in its pulses.
    disturbance : part of the state's range
        Sum of how far pulses that were not for a cell moved it, either way.
    largest_disturbance : part of the state's range
        The farthest that one such pulse moved it.
    arrived : volts
        Across the cell in its last pulse, those farthest from 0.
    residual : float
        The largest of all circuits' equations.
    steps : int
        In time.
    """

    pulses: Counts
    half_selects: Counts
    energy: Array
    cell_energy: Array
    disturbance: Array
    largest_disturbance: Array
    arrived: Array
    residual: float = 0.0
    steps: int = 0

    @staticmethod
    def empty(shape: tuple[int, int]) -> WriteLog:
        """Return a log without pulses.

        Parameters
        ----------
        shape : (rows, cols)
            Of the array.
        """
        counts = np.zeros((2, *shape), np.int64)
        sums = np.zeros((4, *shape))
        return WriteLog(counts[0], counts[1], sums[0], sums[1], sums[2], sums[3], np.full(shape, np.nan))

    def copy(self) -> WriteLog:
        """Return a log that goes on by itself."""
        return deepcopy(self)

    def add(self, array: PulsedArray, pulse: WritePulse, effect: PulseEffect) -> None:
        """Add what a pulse did.

        Parameters
        ----------
        array : PulsedArray
            As the pulse has left it.
        pulse : WritePulse
            Whose cells count as selected.
        effect : PulseEffect
            What it did: states before and after, energies in joules.
        """
        rows, cols = (np.array(index) for index in zip(*pulse.cells, strict=True))
        self.pulses[rows, cols] += 1
        # A cell where two selected lines cross is one of the pulse's: counted on neither line.
        self.half_selects[pulse.rows, :] += 1
        self.half_selects[:, pulse.cols] += 1
        self.half_selects[rows, cols] -= 2
        self.energy[rows, cols] += effect.source_joules / rows.size
        self.cell_energy[rows, cols] += effect.cell_joules
        self.arrived[rows, cols] = effect.arrived
        self.residual = max(self.residual, effect.residual)
        self.steps += effect.steps
        if effect.moved is not None:
            part = np.abs(effect.moved) / (array.high - array.low)
            part[rows, cols] = 0.0
            self.disturbance += part
            np.maximum(self.largest_disturbance, part, out=self.largest_disturbance)
