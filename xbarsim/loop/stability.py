"""Whether a loop stays at its operating point, and how fast it gets there: the poles of its amplifiers.

With the amplifiers' inner voltages v driving, the resistive loop puts ``D v`` between their inputs, so that
``dv/dt = w (D - 1 / gain) v + ...`` with w = 2 pi bandwidth. The eigenvalues of that matrix are the poles; arrays and
resistors store nothing here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.errors import InputError, SolveError
from xbarsim.loop.dense_system import DenseSystem, SingularSystemError
from xbarsim.loop.loop_equations import LoopEquations
from xbarsim.resources import one_blas_thread

_ROUNDING = 1e-12
"""Share of the largest rate below which a pole is taken as at 0."""

_TIMES = 4000
"""Times at which a way to the operating point is looked at, evenly over the logarithm."""


class UnstableError(SolveError):
    """A loop runs away from its operating point.

    Attributes
    ----------
    amplifier : str
        The one that has the largest share in the fastest growing mode.
    stability : Stability
        All poles.
    """

    def __init__(self, message: str, amplifier: str, stability: Stability) -> None:
        super().__init__(message)
        self.amplifier, self.stability = amplifier, stability


@dataclass(frozen=True, eq=False)
class Stability:
    """The poles of a loop.

    Attributes
    ----------
    amplifiers : tuple of str
        Whose inner voltages are the states.
    rates : (amplifiers, amplifiers)
        ``w (D - 1 / gain)`` in 1/s; without bandwidths in units of one amplifier's w.
    timed : bool
        Whether the amplifiers have bandwidths.
    levels : (amplifiers, points)
        Volts: the inner voltages at the operating point.
    """

    amplifiers: tuple[str, ...]
    rates: Array
    timed: bool
    levels: Array

    @cached_property
    def _modes(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        with one_blas_thread():
            poles, modes = np.linalg.eig(self.rates)
        order = np.argsort(-poles.real, kind="stable")
        return poles[order].astype(np.complex128), modes[:, order].astype(np.complex128)

    @property
    def poles(self) -> NDArray[np.complex128]:
        """The poles, the slowest to decay first, (amplifiers,); in the unit of ``rates``."""
        return self._modes[0]

    @property
    def modes(self) -> NDArray[np.complex128]:
        """Their modes in columns, (amplifiers, amplifiers)."""
        return self._modes[1]

    @property
    def rounding(self) -> float:
        """What is no rate but rounding."""
        return _ROUNDING * float(np.abs(self.rates).sum(axis=1).max(initial=0.0))

    @property
    def stable(self) -> bool:
        """Whether all poles decay."""
        return bool((self.poles.real < -self.rounding).all())

    def leading(self, mode: int = 0) -> str:
        """Return the amplifier with the largest share in a mode.

        Parameters
        ----------
        mode : int
            Counted from the slowest, 0.
        """
        return self.amplifiers[int(np.abs(self.modes[:, mode]).argmax())]

    @property
    def time_constant(self) -> float:
        """Seconds in which the slowest mode falls by a factor of e; NaN without bandwidths or where it does not."""
        if not (self.timed and self.stable):
            return math.nan
        return float(-1.0 / self.poles[0].real) if self.poles.size else 0.0

    def settling_time(self, accuracy: float = 1e-3) -> Array:
        """Return how long the loop takes from 0 V at all amplifiers until it stays within ``accuracy``, (points,).

        That is of the largest inner voltage, in seconds; the response is looked at where times are about 1 % apart.

        Parameters
        ----------
        accuracy : float
            Share of the largest inner voltage within which the loop stays.

        Raises
        ------
        InputError
            ``accuracy`` is not between 0 and 1, or amplifiers have no bandwidth.
        SolveError
            The loop is not stable.
        """
        if not 0.0 < accuracy < 1.0:
            raise InputError(f"accuracy is {accuracy:g}: it must be between 0 and 1, the share of the largest voltage")
        if not self.timed:
            raise InputError("the amplifiers have no bandwidth: give Amplifier(bandwidth=...) for times in seconds")
        if not self.stable:
            raise SolveError(f"the loop is not stable, by amplifier {self.leading()}: it never settles")
        seconds = np.zeros(self.levels.shape[1])
        if not self.poles.size:
            return seconds
        parts = np.linalg.solve(self.modes, self.levels.astype(np.complex128))
        fast, slow = 1.0 / float(np.abs(self.poles).max()), 1.0 / float(-self.poles.real.max())
        last = slow * 3.0 * (math.log(1.0 / accuracy) + math.log(1.0 + float(np.linalg.cond(self.modes))))
        times = np.geomspace(1e-3 * fast * accuracy, last, _TIMES)
        decays = np.exp(np.outer(self.poles, times))
        for point in range(seconds.size):
            off = np.abs(((self.modes * parts[:, point]) @ decays).real).max(axis=0)
            outside = np.flatnonzero(off > accuracy * np.abs(self.levels[:, point]).max())
            # An array of no voltage is there at once.
            seconds[point] = times[min(outside[-1] + 1, _TIMES - 1)] if outside.size else 0.0
        return seconds


def stability_of(equations: LoopEquations, x: Array) -> Stability:
    """Return the poles of a loop at an operating point x (size, points).

    Raises
    ------
    SolveError
        Amplifiers fix each other's outputs, so that no inner voltage is free.
    """
    amplifiers = equations.loop.amplifiers
    count, first = len(amplifiers), equations.first_amplifier
    driving = np.zeros((equations.size, count))
    driving[first + np.arange(count), np.arange(count)] = 1.0
    try:
        response = DenseSystem.of(equations.driven_matrix()).solve(driving) if count else driving
    except SingularSystemError as error:
        at = equations.label(int(np.abs(error.mode).argmax()))
        raise SolveError(
            f"outputs of amplifiers without resistance are joined, near {at}: give one an output resistance"
        ) from None
    # Ground's row is the last.
    response = np.concatenate([response, np.zeros((1, count))])
    plus, minus, _ = equations.inputs
    timed = bool(amplifiers) and amplifiers[0].amplifier.bandwidth is not None
    speed = np.array(
        [2.0 * math.pi * amp.amplifier.bandwidth if amp.amplifier.bandwidth else 1.0 for amp in amplifiers]
    )
    share = np.array([1.0 / amp.amplifier.gain for amp in amplifiers])
    with np.errstate(over="ignore", invalid="ignore"):
        rates = speed[:, None] * (response[plus] - response[minus] - np.diag(share))
    if not np.isfinite(rates).all():
        raise SolveError("the rates of amplifiers overflow: give bandwidths in hertz, and gains above 1e-300")
    return Stability(tuple(amp.name for amp in amplifiers), rates, timed, equations.inner_voltages(x))


def check_stable(stability: Stability) -> None:
    """Check that all modes decay.

    Raises
    ------
    UnstableError
        One does not; the message names the amplifier with the largest share in it.
    """
    if stability.stable:
        return
    growing = stability.poles.real > stability.rounding
    rate = f"{stability.poles[0].real:.2g}" + (" 1/s" if stability.timed else " of an amplifier's own")
    how = f"grows at {rate}" if growing[0] else "does not decay"
    count = int((stability.poles.real >= -stability.rounding).sum())
    more = f", and {count - 1} more modes" if count > 1 else ""
    raise UnstableError(
        f"the loop is not stable: a mode led by amplifier {stability.leading()} {how}{more}; "
        "a feedback of the other sign, or a matrix whose eigenvalues have positive real parts, holds it",
        stability.leading(),
        stability,
    )
