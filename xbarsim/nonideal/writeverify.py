"""Programming by pulses, each followed by a look at what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, broadcast, checked_array
from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import Settings
from xbarsim.nonideal.streams import Draw, Stream

if TYPE_CHECKING:
    from xbarsim.solvers.updatable import Updatable

Mask = NDArray[np.bool_]
Look = Callable[[Array], Array]
"""Tells what a read makes of cells, (cells,), in siemens, that have others in truth."""


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


def through_array(array: Updatable, cells: PulsedCells) -> Look:
    """Return reads of cells where they lie: with their row at 1 V and all others at 0 V, what their column shows.

    That is the effective conductance, wires, ends and sneak paths included. ``array`` is written as the cells are, so
    that it holds them in the end; looks at few cells cost no reduction of the whole.
    """

    def look(conductance: Array) -> Array:
        array.update(cells.rows, cells.cols, conductance)
        return array.effective_conductance(offset=True)[0][cells.rows, cells.cols]

    return look


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
        """Return which ``conductance`` is within tolerance of its ``target``; ``span`` is g_on - g_off, in siemens.

        Parameters
        ----------
        conductance : array, any shape
            Siemens that cells have.
        target : array of its shape
            Siemens that they are to have.
        span : float
            Siemens of LRS less those of HRS.
        """
        near: Mask = np.abs(conductance - target) <= self.tolerance * (span if self.of == "range" else target)
        return near

    def program(
        self, cells: PulsedCells, span: float, stream: Stream, look: Look | None = None
    ) -> tuple[Array, NDArray[np.int32], Mask]:
        """Program cells from their start to their target.

        Parameters
        ----------
        cells : PulsedCells
            Which, from where, to where. A cell whose bounds coincide does not move.
        span : float
            g_on - g_off in siemens.
        stream : Stream
            The pulses' noise.
        look : callable, optional
            What reads show, as ``through_array`` gives it; targets then are of that. None: the cells themselves. Where
            pulses to one cell move what others show, these are pulsed again.

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
        shows = reached if look is None else look(reached)
        left = np.flatnonzero(~self.accepts(shows, cells.target, span))
        for number in range(self.max_pulses):
            if not left.size:
                break
            direction = np.sign(cells.target[left] - shows[left])
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
            if look is None:
                left = left[~self.accepts(reached[left], cells.target[left], span)]
            else:
                shows = look(reached)
                left = np.flatnonzero(~self.accepts(shows, cells.target, span))
        return reached, pulses, self.accepts(shows, cells.target, span)


def write_in_array(
    array: Updatable,
    rows: ArrayLike,
    cols: ArrayLike,
    target: ArrayLike,
    law: WriteVerify,
    *,
    low: float,
    high: float,
    seed: int = 0,
) -> tuple[NDArray[np.int32], Mask]:
    """Write cells of an array until reads through its wires find them near enough.

    Parameters
    ----------
    array : Updatable
        It is left with the cells as they are after the last pulse.
    rows, cols : (cells,) of int
        Which cells.
    target : float or (cells,)
        Siemens that reads are to show: effective conductances.
    law : WriteVerify
        How pulses move a cell; its tolerance is a share of ``high - low``, or of the targets.
    low, high : float
        Least and largest conductance that pulses reach, in siemens.
    seed : int
        Of the pulses' noise.

    Returns
    -------
    pulses : (cells,) of int32
        How many each took.
    accepted : (cells,) of bool
        Whether the last look found it within tolerance.

    Raises
    ------
    InputError
        A cell is outside of the array or comes twice, or ``target``, ``low`` and ``high`` are no conductances.
    """
    bounds = checked_array("low", low), checked_array("high", high)
    if any(bound.ndim for bound in bounds) or not bounds[0] < bounds[1]:
        raise InputError(f"low is {low} and high is {high}: they must be siemens, low below high")
    index = array.numbers(rows, cols)
    place = np.divmod(index, array.crossbar.shape[1])
    goal = broadcast("target", checked_array("target", target), index.shape)
    start = array.crossbar.conductance[place]
    least, most = (np.full(index.shape, float(bound)) for bound in bounds)
    cells = PulsedCells(*place, least, most, start, goal)
    stream = Stream.of(seed, Draw.PULSE)
    _, pulses, accepted = law.program(cells, float(bounds[1] - bounds[0]), stream, through_array(array, cells))
    return pulses, accepted
