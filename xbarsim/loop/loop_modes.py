"""Modes of a loop: its poles, what amplifiers and outputs have in each, and how much of each a step wakes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array

Complex = NDArray[np.complex128]

_TIMES = 4000
"""Times at which a way to the operating point is looked at, evenly over the logarithm."""

_MOST_ALIKE = 1e12
"""Condition number of modes from which on they are not told apart."""

_LAST_DIGITS = 1e-14

_AGAIN = 1.3
_BISECTIONS = 50


@dataclass(frozen=True, eq=False)
class LoopModes:
    """Modes, the slowest to decay first.

    Attributes
    ----------
    poles : (modes,) complex
        In 1/s, or in units of one amplifier's own where none has a bandwidth.
    drives : (amplifiers, modes) complex
        Volts of the amplifiers' inner voltages.
    outputs : (outputs, modes) complex
        Volts of what is looked at.
    weights : (modes, points) complex
        How much of each mode is in what is missing of the operating point when all sources step from 0.
    uncertainty : (modes,)
        Real parts of poles that are no larger are rounding.
    reach : float
        All poles of a smaller size are among these; inf where these are all.
    damped : bool
        Whether those of a larger size decay as fast as they are large, and do not ring on.
    """

    poles: Complex
    drives: Complex
    outputs: Complex
    weights: Complex
    uncertainty: Array
    reach: float = math.inf
    damped: bool = True

    @staticmethod
    def sorted_of(
        poles: Complex,
        drives: Complex,
        outputs: NDArray[Any],
        weights: Complex,
        uncertainty: Array,
        reach: float = math.inf,
    ) -> LoopModes:
        """Return modes that were in any order."""
        order = np.argsort(-poles.real, kind="stable")
        for k in range(order.size - 1):
            # Of a pair that with the positive imaginary part comes first, whatever rounding says.
            a, b = poles[order[k]], poles[order[k + 1]]
            if a.imag < 0.0 and abs(a - b.conjugate()) < 1e-9 * abs(a):
                order[[k, k + 1]] = order[[k + 1, k]]
        return LoopModes(poles[order], drives[:, order], outputs[:, order], weights[order], uncertainty[order], reach)

    @property
    def decaying(self) -> bool:
        """Whether all decay."""
        return bool((self.poles.real < -self.uncertainty).all())

    def missing(self, times: Array, point: int) -> Array:
        """Return the volts of all outputs less those at the operating point, (outputs, times)."""
        with np.errstate(under="ignore"):
            ways = np.exp(np.outer(self.poles, times))
        volts: Array = ((self.outputs * self.weights[:, point]) @ ways).real
        return volts

    def most_missing(self, times: Array, point: int) -> Array:
        """Return the largest volts that any output is off by, (times,)."""
        largest: Array = np.abs(self.missing(times, point)).max(axis=0, initial=0.0)
        return largest


def settling_time(modes: LoopModes, volts: float, point: int) -> float:
    """Return the seconds after which no more than ``volts`` are missing of any output at a point."""
    if not modes.poles.size or volts == 0.0:
        return 0.0
    parts = np.abs(modes.outputs * modes.weights[:, point])
    # Each mode's own time until it alone is below, with all of them.
    with np.errstate(divide="ignore"):
        alone = np.log(np.maximum(parts.max(axis=0) * len(modes.poles) / volts, 1.0)) / -modes.poles.real
    last = float(alone.max())
    if last == 0.0:
        return 0.0
    first = min(1e-3 / float(np.abs(modes.poles).max()), 1e-3 * last)
    times = np.concatenate([[0.0], np.geomspace(first, last, _TIMES)])
    late = _last_above(modes, volts, point, times)
    if late is None:
        return 0.0
    # Again where it may ring over between these times.
    late = _last_above(modes, volts, point, np.linspace(late[0], min(_AGAIN * late[1], last), _TIMES)) or late
    low, high = late
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        above = modes.most_missing(np.array([middle]), point)[0] > volts
        low, high = (middle, high) if above else (low, middle)
    return high


def _last_above(modes: LoopModes, volts: float, point: int, times: Array) -> tuple[float, float] | None:
    """Return the last of some times at which more is missing and the next one; None if at none."""
    above = np.flatnonzero(modes.most_missing(times, point) > volts)
    if not above.size:
        return None
    place = int(above[-1])
    return float(times[place]), float(times[min(place + 1, times.size - 1)])


def independent_modes(matrix: Array) -> tuple[Complex, Complex]:
    """Return eigenvalues and eigenvectors of a matrix (size, size) that has as many.

    Where modes fall together, so that there are fewer, the matrix is taken with its last digits changed: what it does
    to a vector is the same to these digits, and its modes are told apart.
    """
    values, vectors = np.linalg.eig(matrix)
    if vectors.size and not np.linalg.cond(vectors) < _MOST_ALIKE:
        noise = np.random.default_rng(0).uniform(-1.0, 1.0, matrix.shape)
        values, vectors = np.linalg.eig(matrix + _LAST_DIGITS * float(np.abs(matrix).max()) * noise)
    return values.astype(np.complex128), vectors.astype(np.complex128)
