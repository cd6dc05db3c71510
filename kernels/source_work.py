"""What the sources of a crossbar's line ends do in a step: work, and by what a quadrature of it may be wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def take(left: Array, right: Array, top: Array, bottom: Array, volts: Array) -> float:
    """Fill the ``volts`` of all sides, one after the other; return the largest size."""
    most, at = 0.0, 0
    for i in range(left.size):
        volts[at + i] = left[i]
    at += left.size
    for i in range(right.size):
        volts[at + i] = right[i]
    at += right.size
    for j in range(top.size):
        volts[at + j] = top[j]
    at += top.size
    for j in range(bottom.size):
        volts[at + j] = bottom[j]
    for k in range(volts.size):
        most = max(most, abs(volts[k]))
    return most


@njit(**_OPTIONS)
def work(
    watts: Array, weights: Array, wrong: Array, h: float, joules: Array
) -> tuple[float, float, float]:  # fmt: skip
    """Fill the ``joules`` that sources deliver in a step of h seconds.

    ``watts`` (4, lines) are what they take at its begin and at its stages, ``weights`` (3,) the stages', ``wrong`` (4,)
    by what another rule's differ. Return the sum of joules' sizes, that of how much the rules differ by, and the
    largest sum of watts' sizes of a stage.
    """
    gross = apart = 0.0
    first = second = third = 0.0
    for k in range(joules.size):
        joules[k] = -h * (weights[0] * watts[1, k] + weights[1] * watts[2, k] + weights[2] * watts[3, k])
        gross += abs(joules[k])
        apart += abs(wrong[0] * watts[0, k] + wrong[1] * watts[1, k] + wrong[2] * watts[2, k] + wrong[3] * watts[3, k])
        first += abs(watts[1, k])
        second += abs(watts[2, k])
        third += abs(watts[3, k])
    return gross, h * apart, max(first, second, third)
