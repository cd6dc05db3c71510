"""Which voltages sources alone fix, so that no step of Newton's method moves them."""

from __future__ import annotations

import numpy as np

from xbarsim.mna import Network
from xbarsim.mna.connections import components
from xbarsim.nonlinear.part import Bools, Ints


def fixed_groups(network: Network, sources: Bools) -> Ints:
    """Return a number for each node, equal for two nodes whose difference does not depend on any current.

    Parameters
    ----------
    network : Network
        The linear part.
    sources : (n,) of bool
        Which of its ``voltages`` are independent.

    Returns
    -------
    group : (nodes,)
        Nodes tied by independent sources and 0 ohm resistors, and by E sources whose controls are fixed themselves.
    """
    ohms = network.resistors
    gains = [group for coupling, group in network.controlled.items() if coupling.follows_voltages]
    first, second, plus, minus = (
        np.concatenate([np.zeros(0, np.int64), *(getattr(group, name) for group in gains)]) for name in "abcd"
    )
    shorts = ohms.value == 0
    a = np.concatenate([network.voltages.a[sources], ohms.a[shorts]])
    b = np.concatenate([network.voltages.b[sources], ohms.b[shorts]])
    left = np.ones(first.size, bool)
    while True:
        group = components(network.nodes, a, b)
        fixed = left & (group[plus] == group[minus])
        if not fixed.any():
            return group
        left &= ~fixed
        a, b = np.concatenate([a, first[fixed]]), np.concatenate([b, second[fixed]])
