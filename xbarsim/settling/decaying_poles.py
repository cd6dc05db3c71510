"""Few poles that have the first moments of a response, and when it has settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array

MOST_POLES = 3

_SAMPLES = 4000
_BISECTIONS = 60
_REAL = 1e-6
"""A pole is real whose imaginary part is no larger a part of it: rounding makes pairs of what is nearly double."""


@dataclass(frozen=True, eq=False)
class DecayingPoles:
    """``sum_k residue_k exp(-t / tau_k)``: what is missing of a step's end at time t, for each output.

    Attributes
    ----------
    tau : (poles, outputs)
        Seconds, the longest first; 0 where an output has fewer poles.
    residue : (poles, outputs)
        They add up to 1 less what comes at once.
    count : (outputs,) of int
        How many poles there are; 0 where none decay, or no current flows in the end, so that there is no time.
    """

    tau: Array
    residue: Array
    count: NDArray[np.int64]

    @staticmethod
    def of(moments: Array, most: int = MOST_POLES) -> DecayingPoles:
        r"""Fit normalised moments, (1 + 2 MOST_POLES, outputs), of the transfer's power series in s.

        What is missing has ``sum_k r_k tau_k^n = (-1)^n m_n`` for n from 1 on: Prony's problem, whose poles are roots
        of the polynomial that is orthogonal to these moments. Nothing is assumed of what comes at once.

        Parameters
        ----------
        moments : (count, outputs) array
            Coefficient of s^n in row n, in seconds^n; row 0 is 1. Those from the first NaN on do not count: so many
            poles take twice as many.
        most : int
            How many poles an output may have.
        """
        outputs = moments.shape[1]
        poles = DecayingPoles(np.zeros((MOST_POLES, outputs)), np.zeros((MOST_POLES, outputs)), np.zeros(outputs, int))
        signs = (-1.0) ** np.arange(len(moments))[:, None]
        for j in range(outputs):
            powers = (signs * moments)[:, j]
            highest = int(np.isfinite(powers).cumprod().sum()) - 1
            for count in range(min(most, MOST_POLES, highest // 2), 0, -1):
                if poles._put(j, count, powers):
                    break
        return poles

    def _put(self, j: int, count: int, powers: Array) -> bool:
        """Fit an output by so many poles; return whether all of them decay."""
        # In units of a time of its own, so that powers stay near 1.
        unit = float(np.sqrt(abs(powers[2])))
        if unit == 0.0:
            return False
        scaled = powers[: 1 + 2 * count] / unit ** np.arange(1 + 2 * count)
        hankel = np.array([[scaled[1 + a + b] for b in range(count)] for a in range(count)])
        try:
            polynomial = np.linalg.solve(hankel, scaled[1 + count : 1 + 2 * count])
        except np.linalg.LinAlgError:
            return False
        roots = np.roots(np.concatenate([[1.0], -polynomial[::-1]]))
        if (
            len(roots) < count
            or not (np.abs(roots.imag) <= _REAL * np.abs(roots)).all()
            or not (roots.real > 0.0).all()
        ):
            return False
        tau = np.sort(roots.real)[::-1]
        if count > 1 and (np.diff(tau) >= -_REAL * tau[1:]).any():
            return False
        weights = np.linalg.solve(np.vander(tau, count, increasing=True).T, scaled[1 : 1 + count])
        self.tau[:count, j], self.residue[:count, j], self.count[j] = tau * unit, weights / tau, count
        return True

    def unsettled(self, seconds: Array) -> Array:
        """Return what is missing, (outputs, times), at times of that shape or (outputs, 1).

        Parameters
        ----------
        seconds : (times,), (outputs, 1) or (outputs, times) array
            After the step.
        """
        missing = np.zeros(np.broadcast_shapes(seconds.shape, (self.count.size, 1)))
        for tau, residue in zip(self.tau, self.residue, strict=True):
            present = tau > 0.0
            with np.errstate(under="ignore"):
                missing += np.where(
                    present[:, None], residue[:, None] * np.exp(-seconds / np.where(present, tau, 1.0)[:, None]), 0.0
                )
        return missing

    def time(self, share: float) -> Array:
        """Return the seconds after which no more than a share is ever missing, (outputs,); NaN without a pole.

        Parameters
        ----------
        share : float
            Of the whole step, above 0.
        """
        largest = np.abs(self.residue).sum(axis=0)
        with np.errstate(divide="ignore"):
            end = self.tau[0] * np.maximum(np.log(largest / share), 0.0)
        grid = end[:, None] * np.linspace(0.0, 1.0, _SAMPLES)
        over = np.abs(self.unsettled(grid)) > share
        last = np.where(over.any(axis=1), _SAMPLES - 1 - over[:, ::-1].argmax(axis=1), -1)
        place = np.arange(end.size)
        low = grid[place, np.maximum(last, 0)]
        high = grid[place, np.minimum(last + 1, _SAMPLES - 1)]
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            beyond = np.abs(self.unsettled(middle[:, None])[:, 0]) > share
            low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
        return np.where(self.count == 0, np.nan, np.where(last < 0, 0.0, high))
