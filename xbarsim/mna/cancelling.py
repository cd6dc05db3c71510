"""Whether a solution rests on the rounding of elements' values."""

from __future__ import annotations

import numpy as np

from xbarsim.errors import SolveError
from xbarsim.mna.factors import SINGULAR, Factors
from xbarsim.mna.linear_network import Network
from xbarsim.mna.system import System

_MOST_MOVED = 1e13
"""A solution that moves by more than this times the relative change of its elements' values has no digit left."""


def can_cancel(network: Network) -> bool:
    """Whether some elements could cancel others; resistors above 0 ohm cannot."""
    return any(group.a.size for group in network.controlled.values()) or bool((network.resistors.value < 0).any())


def check_cancelling(system: System, factors: Factors) -> None:
    """Refuse a circuit whose solution rests on the rounding of its elements' values.

    Controlled sources can cancel a resistance all but for a last bit. To first order, changed values dA move the
    solution x of A x = b by -inv(A) dA x.

    Parameters
    ----------
    system : System
        A network's equations.
    factors : Factors
        Of them.
    """
    rng = np.random.default_rng(0)
    shares = np.where(system.valued, rng.uniform(-1, 1, system.values.size), 0.0)
    change = system.matrix_of(system.stamps, system.values * shares).astype(np.float64)
    # Any excitation will do, also where the circuit has none.
    excitation = rng.uniform(-1, 1, (system.size, 1)) / factors.row_scale[:, None]
    while True:
        x = factors.apply(excitation)
        moved = factors.apply(change @ x)
        if factors.sizes(moved)[0] <= _MOST_MOVED * factors.sizes(x)[0]:
            return
        if not factors.advance():
            raise SolveError(SINGULAR)
