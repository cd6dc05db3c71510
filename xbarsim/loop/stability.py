"""Whether a loop stays at its operating point, and how fast it gets there, by its poles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.loop.amplifier_modes import amplifier_modes
from xbarsim.loop.charged_modes import charged_modes
from xbarsim.loop.loop_equations import LoopEquations
from xbarsim.loop.loop_modes import Complex, LoopModes, settling_time
from xbarsim.solution import Solution

_SPARE = 7.0
"""How many of their own time constants modes that were left out have decayed beyond the accuracy."""

_MOST_BITS = 50


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
        Whose inner voltages are states, beside the voltages of capacitances.
    modes : LoopModes
        The modes of the poles.
    timed : bool
        Whether times are in seconds: amplifiers have bandwidths, or there are none.
    levels : (outputs, points)
        Volts at the operating points of what settles: the amplifiers' outputs, all nodes of a loop without amplifiers.
    """

    amplifiers: tuple[str, ...]
    modes: LoopModes
    timed: bool
    levels: Array

    @property
    def poles(self) -> Complex:
        """The poles, the slowest to decay first, in 1/s; without bandwidths in units of one amplifier's w."""
        return self.modes.poles

    @property
    def reach(self) -> float:
        """All poles of a smaller size are among ``poles``, and faster ones decay; inf where these are all."""
        return self.modes.reach

    @property
    def settles(self) -> bool:
        """Whether it is told how fast: it is stable, in seconds, and no mode that was left out may ring on."""
        return self.timed and self.stable and self.modes.damped

    @property
    def stable(self) -> bool:
        """Whether all poles decay."""
        return self.modes.decaying

    def leading(self, mode: int = 0) -> str:
        """Return the amplifier with the largest share in a mode, ``none`` where there are none.

        Parameters
        ----------
        mode : int
            Counted from the slowest, 0.
        """
        if not self.amplifiers:
            return "none"
        return self.amplifiers[int(np.abs(self.modes.drives[:, mode]).argmax())]

    @property
    def time_constant(self) -> float:
        """Seconds in which the slowest mode falls by a factor of e; NaN where it does not or that is not told."""
        if not self.settles:
            return math.nan
        return float(-1.0 / self.poles[0].real) if self.poles.size else 0.0

    def settling_time(self, accuracy: float | None = None, *, bits: float | None = None) -> Array:
        """Return how long the loop takes after a step of all sources until it has settled, (points,) in seconds.

        All capacitances and amplifiers are at 0 V before. It has settled when the amplifiers' outputs, or all nodes of
        a loop without amplifiers, stay within ``accuracy`` of the largest of them.

        Parameters
        ----------
        accuracy : float, optional
            The share; 1e-3 where ``bits`` is left out too.
        bits : float, optional
            Half a step of so many bits: a share of ``2**-(bits + 1)``.

        Raises
        ------
        InputError
            ``accuracy`` is not between 0 and 1, ``bits`` not above 0, both are given, or amplifiers have no bandwidth.
        SolveError
            The loop is not stable, or modes that were left out may ring on.
        ConvergenceError
            It settles before the slow modes of a large loop are all that is left.
        """
        share = _checked_share(accuracy, bits)
        self._check_timed()
        if not self.stable:
            raise SolveError(f"the loop is not stable, by amplifier {self.leading()}: it never settles")
        self._check_damped()
        largest = np.abs(self.levels).max(axis=0, initial=0.0)
        seconds = np.array([settling_time(self.modes, share * volts, k) for k, volts in enumerate(largest)])
        early = np.flatnonzero((seconds > 0.0) & (seconds < self._begin(share)))
        if early.size:
            raise ConvergenceError(
                f"the loop settles in {seconds[early[0]]:.2g} s, and modes faster than {self.reach:.2g} 1/s were left "
                "out",
                "ask for a higher accuracy",
            )
        return seconds

    def step_response(self, times: ArrayLike, point: int = 0) -> Array:
        """Return the volts of ``levels``' outputs after a step of all sources from 0, (times, outputs).

        Parameters
        ----------
        times : array_like, (times,)
            Seconds after the step.
        point : int
            Which of the sources' points.

        Raises
        ------
        InputError
            A time is negative or no number, there is no such point, or amplifiers have no bandwidth.
        SolveError
            Modes that were left out may ring on.
        ConvergenceError
            A time is earlier than the modes of a large loop tell to 1e-6.
        """
        seconds = checked_array("times", times)
        if seconds.ndim != 1:
            raise InputError(f"times has shape {seconds.shape}: it must be (times,)")
        self._check_timed()
        if not 0 <= point < self.levels.shape[1]:
            raise InputError(f"point is {point}: the loop has {self.levels.shape[1]}")
        self._check_damped()
        begin = self._begin(1e-6)
        if seconds.size and seconds.min() < begin:
            raise ConvergenceError(
                f"times begin at {seconds.min():.2g} s, and modes faster than {self.reach:.2g} 1/s were left out",
                f"take times from {begin:.2g} s on",
            )
        response: Array = self.levels[:, point] + self.modes.missing(seconds, point).T
        return response

    def _check_timed(self) -> None:
        if not self.timed:
            raise InputError("the amplifiers have no bandwidth: give Amplifier(bandwidth=...) for times in seconds")

    def _check_damped(self) -> None:
        if not self.modes.damped:
            raise SolveError(
                f"the loop's modes up to {self.reach:.2g} 1/s are computed, and faster ones decay but may ring on: "
                "times of large loops are told where amplifiers from ground with a bandwidth are all that is active"
            )

    def _begin(self, share: float) -> float:
        """Return the seconds after which modes that are left out of a large loop's are no part of a share."""
        return 0.0 if math.isinf(self.reach) else (math.log(1.0 / share) + _SPARE) / self.reach


def _checked_share(accuracy: float | None, bits: float | None) -> float:
    if bits is not None:
        if accuracy is not None:
            raise InputError("accuracy and bits are both given: give one")
        if not 0.0 < bits < _MOST_BITS:
            raise InputError(f"bits is {bits:g}: it must be above 0 and below {_MOST_BITS}")
        return float(2.0 ** -(bits + 1.0))
    share = 1e-3 if accuracy is None else accuracy
    if not 0.0 < share < 1.0:
        raise InputError(f"accuracy is {share:g}: it must be between 0 and 1, the share of the largest voltage")
    return share


def stability_of(equations: LoopEquations, x: Array, solutions: Mapping[str, Solution] | None = None) -> Stability:
    """Return the poles of a loop at operating points x (size, points).

    ``solutions`` are its arrays', with all node voltages, where these are none of its own cells: of slopes.

    Raises
    ------
    InputError
        The loop has capacitance and an amplifier no bandwidth.
    SolveError
        Amplifiers fix each other's outputs, so that no inner voltage is free.
    ConvergenceError
        Modes of a loop with capacitance are not certain.
    """
    loop = equations.loop
    names = tuple(amp.name for amp in loop.amplifiers)
    if loop.charged is not None or any(amp.amplifier.bandwidth == math.inf for amp in loop.amplifiers):
        modes = charged_modes(equations, x, solutions)
        return Stability(names, modes, True, x[equations.watched])
    timed = bool(names) and loop.amplifiers[0].amplifier.bandwidth is not None
    return Stability(names, amplifier_modes(equations, x), timed, x[equations.watched])


def check_stable(stability: Stability) -> None:
    """Check that all modes decay.

    Raises
    ------
    UnstableError
        One does not; the message names the amplifier with the largest share in it.
    """
    if stability.stable:
        return
    growing = stability.poles.real > stability.modes.uncertainty
    pole = stability.poles[0]
    rate = f"{pole.real:.2g}" + (" 1/s" if stability.timed else " of an amplifier's own")
    how = f"grows at {rate}" if growing[0] else "does not decay"
    if abs(pole.imag) > stability.modes.uncertainty[0] and stability.timed:
        how += f" and rings at {abs(pole.imag) / (2.0 * math.pi):.3g} Hz"
    count = int((stability.poles.real >= -stability.modes.uncertainty).sum())
    more = f", and {count - 1} more modes" if count > 1 else ""
    led = f"amplifier {stability.leading()}" if stability.amplifiers else "no amplifier"
    raise UnstableError(
        f"the loop is not stable: a mode led by {led} {how}{more}; "
        "a feedback of the other sign, a matrix whose eigenvalues have positive real parts, or faster inverters hold "
        "it",
        stability.leading(),
        stability,
    )
