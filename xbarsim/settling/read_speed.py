"""How fast an array can be read: typical inputs and the worst in one call, and the reads a second that bits leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.settling.delays import elmore_delays
from xbarsim.settling.outputs import Settling, settling


@dataclass(frozen=True, eq=False)
class ReadSpeed:
    """The outputs' responses to a sample of inputs, and to the worst ones.

    Attributes
    ----------
    typical : Settling
        Of each vector of the sample, (batch, cols).
    worst : Settling
        Of each output's slowest row alone, (rows in question, cols).
    worst_rows : (cols,) of int
        That row: the one whose Elmore delay is the longest. No pattern of inputs of one sign has a longer delay, for
        its delay is a mean of its rows'. -1 for outputs that no input reaches.
    """

    typical: Settling
    worst: Settling
    worst_rows: NDArray[np.int64]

    def typical_times(self, bits: float, *, poles: int | None = None) -> Array:
        """Return the sample's median of each output's time to half a step of so many bits of its end, (cols,) seconds.

        NaN for outputs without a current.

        Parameters
        ----------
        bits : float
            To half a step of which outputs settle.
        poles : int, optional
            How many each output's answer may have, as ``time`` takes them.
        """
        times = self.typical.time(bits=bits, poles=poles)
        return np.array([_median(column) for column in np.atleast_2d(times).T])

    def worst_times(self, bits: float, *, poles: int | None = None) -> Array:
        """Return the same of each output's slowest row alone, (cols,) seconds.

        Parameters
        ----------
        bits : float
            To half a step of which outputs settle.
        poles : int, optional
            How many each output's answer may have, as ``time`` takes them.
        """
        reached = self.worst_rows >= 0
        if not reached.any():
            return np.full(reached.size, np.nan)
        slowest = np.unique(self.worst_rows[reached])
        times = self.worst.time(bits=bits, poles=poles)
        place = np.searchsorted(slowest, np.maximum(self.worst_rows, slowest[0]))
        return np.where(reached, times[np.minimum(place, slowest.size - 1), np.arange(reached.size)], np.nan)

    def bandwidth(self, bits: ArrayLike, *, poles: int | None = None) -> Bandwidth:
        """Return how many reads a second there is time for, against the bits to which outputs settle.

        Parameters
        ----------
        bits : float or (points,) array
            To half a step of which outputs settle.
        poles : int, optional
            How many each output's answer may have, as ``time`` takes them.

        Raises
        ------
        InputError
            Bits are not numbers above 0, or too many.
        """
        counts = np.atleast_1d(checked_array("bits", bits))
        if counts.ndim != 1 or not (counts > 0.0).all():
            raise InputError(f"bits is {bits!r}: give numbers above 0")
        typical, worst = (
            np.array([_reads(times(float(count), poles=poles)) for count in counts])
            for times in (self.typical_times, self.worst_times)
        )
        return Bandwidth(counts, typical, worst)


@dataclass(frozen=True, eq=False)
class Bandwidth:
    """Reads a second, the slowest output deciding, against bits.

    Attributes
    ----------
    bits : (count,)
        To half a step of which outputs settle.
    typical, worst : (count,)
        Hertz, of the sample's inputs and of the worst; infinite where outputs are there at once, NaN without any.
    """

    bits: Array
    typical: Array
    worst: Array


def read_speed(
    crossbar: Crossbar,
    voltages: ArrayLike,
    *,
    word_capacitance: ArrayLike = 0.0,
    bit_capacitance: ArrayLike = 0.0,
    cell_capacitance: ArrayLike = 0.0,
    threads: int | None = None,
) -> ReadSpeed:
    """Find how outputs settle for a sample of inputs, and for the slowest row of each.

    Parameters
    ----------
    crossbar : Crossbar
        Of linear cells: rows are compared through their delays.
    voltages : array_like, (rows,) or (batch, rows)
        Volts after the step: the sample. The worst row steps to the largest of them; linear outputs settle alike at
        any height.
    word_capacitance, bit_capacitance, cell_capacitance, threads
        As of :func:`settling`.

    Returns
    -------
    ReadSpeed

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``settling`` and ``elmore_delays``.
    """
    if isinstance(crossbar, Crossbar) and not crossbar.device.linear:
        raise InputError(
            f"cells of {crossbar.device!r} are not linear, and the rows' delays are those of linear cells: "
            "settling(crossbar, voltages) takes their slopes at the end of a step"
        )
    farads = {
        "word_capacitance": word_capacitance,
        "bit_capacitance": bit_capacitance,
        "cell_capacitance": cell_capacitance,
    }
    delays = elmore_delays(crossbar, threads=threads, **farads)
    typical = settling(crossbar, voltages, threads=threads, **farads)
    reached = ~np.isnan(delays).all(axis=0)
    rows = np.where(reached, np.where(np.isnan(delays), -np.inf, delays).argmax(axis=0), -1)
    height = float(np.abs(np.asarray(voltages, float)).max(initial=0.0)) or 1.0
    alone = height * np.eye(crossbar.shape[0])[np.unique(rows[reached])]
    worst = settling(crossbar, alone, threads=threads, **farads)
    return ReadSpeed(typical, worst, rows.astype(np.int64))


def _median(values: Array) -> float:
    return float(np.nanmedian(values)) if not np.isnan(values).all() else np.nan


def _reads(times: Array) -> float:
    """Return how many reads a second the slowest output leaves."""
    if np.isnan(times).all():
        return np.nan
    slowest = float(np.nanmax(times))
    return 1.0 / slowest if slowest > 0.0 else np.inf
