"""The Runge-Kutta method that steps are made of.

R. Alexander, SIAM J. Numer. Anal. 14, 1006 (1977): three implicit stages of one share ``gamma`` of the step, third
order, L-stable, and the last stage is the step's end. No stage needs what was before the step but the states and
charges: a step may begin where sources jump. What a second-order combination of the first two stages says instead
tells the error.
"""

from __future__ import annotations

import numpy as np

GAMMA = 0.43586652150845899942
"""The root of ``x^3 - 3 x^2 + 3/2 x - 1/6`` in (1/6, 1/2)."""

_SECOND = 0.5 * (1.0 + GAMMA)

NODES = (GAMMA, _SECOND, 1.0)
"""Where in the step the stages are."""

WEIGHTS = (-(6.0 * GAMMA**2 - 16.0 * GAMMA + 1.0) / 4.0, (6.0 * GAMMA**2 - 20.0 * GAMMA + 5.0) / 4.0, GAMMA)
"""What the step takes of the stages' rates."""

STAGES = ((GAMMA,), (_SECOND - GAMMA, GAMMA), WEIGHTS)
"""What each stage takes of the rates of those before, and of its own."""

_LATER = (0.5 - GAMMA) / (_SECOND - GAMMA)

ERROR = (WEIGHTS[0] - (1.0 - _LATER), WEIGHTS[1] - _LATER, GAMMA)
"""Weights less those of a combination of the first two stages that is right to second order."""

BESIDE = tuple(
    (
        np.linalg.solve(np.vander([0.0, *NODES], 4, increasing=True).T, 1.0 / np.arange(1.0, 5.0)) - [0.0, *WEIGHTS]
    ).tolist()
)
"""By what the weights of a quadrature of fourth order, of the rate at the step's begin and those of the stages, differ
from the step's. Where a motion ends amid a step, the stages may all be at rest while the begin was not."""

ORDER = 3
