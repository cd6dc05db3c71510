"""Formulas for the rate of a stored charge or flux at the end of a step.

All are ``rate = alpha (q - q_n) + carried`` with q at the end and q_n at the start, so that what does not change gives
a rate of exactly 0 (Nagel, UCB/ERL M520, 1975, section 6; for unequal steps Hairer, Norsett, Wanner, Solving Ordinary
Differential Equations I, section III.5):

- backward Euler, order 1: ``alpha = 1 / h``;
- the trapezoidal rule, order 2: ``alpha = 2 / h`` and ``carried = -rate_n``;
- Gear's second formula (BDF2), order 2: with g the step before h, ``alpha = 1 / h + 1 / (h + g)`` and
  ``carried = h / (g (h + g)) (q_{n-1} - q_n)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.dynamics.history import History

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RateFormula:
    """A formula for one step.

    Attributes
    ----------
    order : int
        Halving steps divides the error of a whole run by two to this power.
    alpha : float
        1/s.
    carried : (states,)
        Coulombs or webers a second.
    error : float
        What a step errs by, as a multiple of the divided difference of ``order + 1``-th order: seconds to the power of
        that order.
    """

    order: int
    alpha: float
    carried: Floats
    error: float


def formula(method: str, order: int, step: float, past: History) -> RateFormula:
    """Return the formula of a step, of order 1 where there is no past since the last corner.

    Parameters
    ----------
    method : {"trap", "gear"}
        Which family.
    order : int
        The highest order.
    step : float
        Seconds.
    past : History
        The points before.
    """
    if order == 1 or past.count < 3:
        # q'' / 2 is the divided difference.
        return RateFormula(1, 1 / step, np.zeros_like(past.charges[-1]), step**2)
    if method == "trap":
        # The step errs by h^3 q''' / 12, and q''' / 6 is the divided difference.
        return RateFormula(2, 2 / step, -past.rates, step**3 / 2)
    before = past.times[-1] - past.times[-2]
    span = step + before
    carried = step / (before * span) * (past.charges[-2] - past.charges[-1])
    return RateFormula(2, 1 / step + 1 / span, carried, step**2 * span**2 / (step + span))
