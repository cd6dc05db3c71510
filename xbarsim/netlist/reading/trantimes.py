"""``.tran``'s numbers: what they mean, and the times that are printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.reading.sweepcards import MOST_POINTS
from xbarsim.netlist.refusals import CardError

_PRINTED = 1000
"""How many steps are printed where the card does not say the step."""


class TranNumbers(NamedTuple):
    """Seconds: between printed times, the end, the first time that is kept, the longest step, NaN if not given.

    ``free_step`` says that the card left the first to us.
    """

    step: float
    stop: float
    start: float = 0.0
    largest: float = float("nan")
    free_step: bool = False


def tran_numbers(numbers: Sequence[float]) -> TranNumbers:
    """Return what a card's numbers mean: step, stop, start, largest step, as far as given.

    LTspice has cards of a stop time alone, and a step of 0 where it chooses itself: a thousandth is printed then. A
    largest step of 0 is none.

    Raises
    ------
    CardError
        They make no sequence in time.
    """
    step, stop, start, largest = numbers if len(numbers) == 4 else (*_spread(numbers), float("nan"))
    if not np.isfinite([step, stop, start]).all() or np.isinf(largest):
        raise CardError(
            f".tran has step {step:g}, stop {stop:g}, start {start:g}, longest step {largest:g}: all must be finite"
        )
    if step < 0 or stop <= 0 or start < 0 or start >= stop:
        raise CardError(
            f".tran has step {step:g}, stop {stop:g}, start {start:g}: step and stop must be > 0, start in [0, stop)"
        )
    if largest < 0:
        raise CardError(f".tran has the longest step {largest:g}: it must be > 0")
    free_step = step == 0
    return TranNumbers(
        (stop - start) / _PRINTED if free_step else step, stop, start, largest or float("nan"), free_step
    )


def _spread(numbers: Sequence[float]) -> tuple[float, float, float]:
    """Return step, stop and start of up to three numbers."""
    if len(numbers) == 1:
        return 0.0, numbers[0], 0.0
    return numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0.0


def tran_times(step: float, stop: float, start: float = 0.0) -> NDArray[np.float64]:
    """Return the print times of ``.tran``: each step from ``start``, and ``stop``.

    Parameters
    ----------
    step, stop, start : float
        Seconds.

    Raises
    ------
    CardError
        There are too many.
    """
    span = (stop - start) / step
    if not span < MOST_POINTS:
        raise CardError(f".tran has {span:.3g} points: {MOST_POINTS} fit")
    count = int(np.floor(span * (1 + 1e-12)))
    times: NDArray[np.float64] = start + step * np.arange(count + 1, dtype=np.float64)
    if stop - times[-1] > 1e-9 * step:
        return np.append(times, stop)
    times[-1] = stop
    return times
