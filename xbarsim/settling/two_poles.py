"""Two poles that have the first moments of a response, and when it has settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array

_SAMPLES = 4000
_BISECTIONS = 60


@dataclass(frozen=True, eq=False)
class TwoPoles:
    """``1 - sum_k residue_k exp(-t / tau_k)``, what is settled of a step at time t, for each output.

    Attributes
    ----------
    tau : (2, outputs)
        Seconds.
    residue : (2, outputs)
        They add up to 1 less what comes at once.
    order : (outputs,) of int
        2, or 1 where no two poles that decay have these moments: then the one of the first moment.
    """

    tau: Array
    residue: Array
    order: NDArray[np.int64]

    @staticmethod
    def of(moments: Array) -> TwoPoles:
        r"""Fit normalised moments, (4, outputs), the first of them 1.

        The transfer ``1 + m1 s + m2 s^2 + m3 s^3 = (1 + a s) / (1 + b1 s + b2 s^2)`` asks for
        ``b2 + b1 m1 + m2 = 0`` and ``b2 m1 + b1 m2 + m3 = 0``.
        """
        m1, m2, m3 = moments[1:]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            b1 = (m1 * m2 - m3) / (m2 - m1 * m1)
            b2 = -m2 - b1 * m1
            a = m1 + b1
            spread = np.sqrt(b1 * b1 - 4.0 * b2)
            slow = 0.5 * (b1 + spread)
            fast = b2 / slow
            # 1 - transfer has at -1/tau the residue (1 - a / tau) tau / (tau - other).
            first, second = (slow - a) / (slow - fast), (fast - a) / (fast - slow)
        fit = np.isfinite(first) & np.isfinite(second) & (fast > 0.0) & (slow > fast)
        single = np.maximum(-m1, 0.0)
        tau = np.where(fit, np.array([slow, fast]), np.array([single, np.zeros_like(single)]))
        residue = np.where(fit, np.array([first, second]), np.array([np.ones_like(single), np.zeros_like(single)]))
        return TwoPoles(tau, residue, np.where(fit, 2, 1))

    def unsettled(self, seconds: Array) -> Array:
        """Return what is missing at some times, (outputs, times) for times of that shape."""
        with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
            decays = [np.where(tau[:, None] > 0.0, np.exp(-seconds / tau[:, None]), 0.0) for tau in self.tau]
        missing: Array = self.residue[0][:, None] * decays[0] + self.residue[1][:, None] * decays[1]
        return missing

    def time(self, share: float) -> Array:
        """Return the seconds after which no more than a share is ever missing, (outputs,)."""
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
        return np.where(last < 0, 0.0, high)
