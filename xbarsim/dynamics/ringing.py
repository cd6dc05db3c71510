"""Whether the trapezoidal rule rings.

It carries rates from step to step with their sign turned: what settles far faster than a step takes, as a memristor's
state at its bound, then has rates that turn from step to step and never die down, and laws with corners in that
range find no solution for long. A step by backward Euler ends that (Nagel, UCB/ERL M520, 1975, section 6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xbarsim.nonlinear.part import Floats

_TURNS = 2
"""How often a rate turns before it rings: what is resolved turns once in many steps."""

_LASTING = 0.3
"""Of a rate before its turn: what it is at least after it where it rings."""


class Ringing:
    """Looks at rates of charges and fluxes from step to step."""

    def __init__(self) -> None:
        self._last: Floats | None = None
        self._turns = np.zeros(0, np.int64)

    def restart(self) -> None:
        """Forget all rates."""
        self._last = None

    def see(self, rates: Floats, step: float, allowed: Callable[[], Floats]) -> bool:
        """Return whether some of ``rates`` (states,) ring.

        Parameters
        ----------
        rates : (states,)
            At the end of a step.
        step : float
            Seconds.
        allowed : callable
            Returns by how much each state may be off: what rings by less in a step does no harm.
        """
        last, self._last = self._last, rates
        if last is None:
            self._turns = np.zeros(rates.size, np.int64)
            return False
        turned = (rates * last < 0) & (np.abs(rates) > _LASTING * np.abs(last))
        self._turns = np.where(turned, self._turns + 1, 0)
        ringing = self._turns >= _TURNS
        return bool(ringing.any() and np.any(step * np.abs(rates[ringing]) > allowed()[ringing]))
