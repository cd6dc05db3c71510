"""The whole array through a pulse, step by step in time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.programming.line_bias import BiasedLines
from xbarsim.programming.write_pulse import WritePulse
from xbarsim.transient.stepper import Stepper


class PulseStepper(Stepper):
    """A crossbar at 0 V, about to get one pulse.

    Attributes
    ----------
    peaks : (cells,)
        The volts across the selected cells that were farthest from 0.
    """

    def __init__(self, biased: BiasedLines, states: ArrayLike, stuck: NDArray[np.bool_], reltol: float) -> None:
        super().__init__(biased.crossbar, initial_states=states, reltol=reltol)
        self._unit = biased.volts
        self.cells.stuck = stuck if stuck.any() else None
        self.keep_cell_energy = True
        self.volts = self._at(0.0)
        self.peaks: Array = np.zeros(0)

    def _at(self, volts: float) -> dict[Side, Array]:
        return {side: volts * self._unit[side] for side in SIDES}

    def give(self, pulse: WritePulse) -> None:
        """Go through a pulse and the gap behind it.

        Parameters
        ----------
        pulse : WritePulse
            Volts, seconds and cells; its edges and its gap are stepped through, too.

        Raises
        ------
        ConvergenceError
            No step was small enough.
        """
        rows, cols = (np.array(index) for index in zip(*pulse.cells, strict=True))
        self.peaks = np.zeros(rows.size)

        def look() -> None:
            across = self.stages.v[rows, cols] - self.stages.u[rows, cols]
            np.copyto(self.peaks, across, where=np.abs(across) > np.abs(self.peaks))

        times, shares = pulse.waveform
        if pulse.rise == 0.0:
            self.settle(self._at(pulse.amplitude))
            look()
        for begin, stop, first, last in zip(times[:-1], times[1:], shares[:-1], shares[1:], strict=True):
            if stop > begin:
                self._follow(begin, stop, pulse.amplitude * first, pulse.amplitude * last, look)
        if pulse.gap:
            self._follow(times[-1], times[-1] + pulse.gap, 0.0, 0.0, None)

    def _follow(self, begin: float, stop: float, first: float, last: float, look: Any) -> None:
        """Go on with a straight line between two amplitudes; where that is not the one at hand, sources jump."""
        slope = (last - first) / (stop - begin)
        self.advance(lambda time: self._at(first + slope * (time - begin)), stop, after=look)
