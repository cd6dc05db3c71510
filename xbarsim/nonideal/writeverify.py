"""Programming by pulses, each followed by a look at what it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.nonideal.effect_settings import Settings
from xbarsim.nonideal.streams import Stream

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PulsedCells:
    """PulsedCells in a row, and what programming has to know of each.

    Attributes
    ----------
    rows, cols : (cells,) of int
        Where they are in their tile.
    low, high : (cells,)
        Least and largest conductance that pulses reach, in siemens: g_off and g_on times the cell's own factor.
    start, target : (cells,)
        Siemens.
    """

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    low: Array
    high: Array
    start: Array
    target: Array


@dataclass(frozen=True)
class WriteVerify(Settings):
    """Pulse, read, and pulse again until a cell is near enough to its target, or has had enough.

    The loop is that of Alibart et al. (Nanotechnology 23, 075201, 2012): read; below the target pulse to SET, above it
    to RESET; each time the polarity turns, go on with finer pulses. What a pulse does is the exponential law of
    Chen, Peng and Yu (NeuroSim, IEEE Trans. Computer-Aided Design 37, 3067, 2018) with x = (G - low) / (high - low)
    between the cell's own bounds, and Gaussian noise from cycle to cycle in proportion to the step::

        SET    x <- x + a (1 - x) (1 + noise z)
        RESET  x <- x - a x (1 + noise z)          z ~ N(0, 1), x kept within 0 and 1

    Noise is drawn for the cell and the number of its pulse: neither other cells nor the order of work change it.

    Attributes
    ----------
    tolerance : float
        Accepted distance from the target, above 0 and at most 1, as a share of g_on - g_off, or of the target itself.
    of : {"range", "target"}
        Which of them.
    max_pulses : int
        After these the cell is left as it is and reported, at least 1.
    step : float
        a of the first pulses: the share of the way to its bound that one moves a cell, above 0 and at most 1.
    shrink : float
        What a is multiplied by when the polarity turns, above 0 and at most 1; 1 keeps all pulses alike.
    noise : float
        Standard deviation of a pulse's effect over its mean, 0 to 10. Above about 0.3 some pulses go backwards.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    tolerance: float = 0.01
    of: Literal["range", "target"] = "range"
    max_pulses: int = 100
    step: float = 0.1
    shrink: float = 0.5
    noise: float = 0.0

    def __post_init__(self) -> None:
        self._word("of", ("range", "target"))
        self._count("max_pulses", 1, 2**31 - 1)
        for name in ("tolerance", "step", "shrink"):
            self._number(name, 0.0, 1.0, above=True)
        self._number("noise", 0.0, 10.0)

    def accepts(self, conductance: Array, target: Array, span: float) -> Mask:
        """Tell which cells are within tolerance; ``span`` is g_on - g_off in siemens."""
        near: Mask = np.abs(conductance - target) <= self.tolerance * (span if self.of == "range" else target)
        return near

    def program(self, cells: PulsedCells, span: float, stream: Stream) -> tuple[Array, NDArray[np.int32], Mask]:
        """Program cells from their start to their target.

        Parameters
        ----------
        cells : PulsedCells
            Which, from where, to where. A cell whose bounds coincide does not move.
        span : float
            g_on - g_off in siemens.
        stream : Stream
            The pulses' noise.

        Returns
        -------
        conductance : (cells,)
            Siemens after the last pulse.
        pulses : (cells,) of int32
            How many each took; 0 where the start was near enough.
        accepted : (cells,) of bool
            Whether the last look found it within tolerance.
        """
        reached = cells.start.copy()
        pulses = np.zeros(reached.size, dtype=np.int32)
        step, polarity = np.full(reached.size, self.step), np.zeros(reached.size)
        left = np.flatnonzero(~self.accepts(reached, cells.target, span))
        for number in range(self.max_pulses):
            if not left.size:
                break
            direction = np.sign(cells.target[left] - reached[left])
            turned = direction * polarity[left] < 0.0
            step[left[turned]] *= self.shrink
            polarity[left] = direction
            bound = np.where(direction > 0.0, cells.high[left], cells.low[left])
            effect = step[left]
            if self.noise:
                effect = effect * (1.0 + self.noise * stream.normal(cells.rows[left], cells.cols[left], number))
            # a (1 - x) and a x, times high - low, are a times the way to the bound.
            moved = reached[left] + effect * (bound - reached[left])
            reached[left] = np.clip(moved, cells.low[left], cells.high[left])
            pulses[left] += 1
            left = left[~self.accepts(reached[left], cells.target[left], span)]
        return reached, pulses, self.accepts(reached, cells.target, span)
