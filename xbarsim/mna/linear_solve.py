"""A linear network, solved."""

from __future__ import annotations

import numpy as np

from xbarsim.mna.cancelling import can_cancel, check_cancelling
from xbarsim.mna.factors import UntrustedError
from xbarsim.mna.linear_network import Drive, Network, NetworkSolution
from xbarsim.mna.sweep import solve_points
from xbarsim.mna.system import System


def solve(network: Network, drive: Drive | None = None) -> NetworkSolution:
    """Solve a network for one or more settings of its sources.

    Parameters
    ----------
    network : Network
        The circuit.
    drive : Drive, optional
        Values of the sources at each point; by default the network's own, one point.

    Raises
    ------
    FloatingError
        Nodes without a path to ground; ``nodes`` are their numbers as text.
    SolveError
        Loops of voltage sources, or singular equations.
    UntrustedError
        The residual is above ``TOLERANCE``, or refinement does not settle; ``nodes`` says where.
    TooLargeError
        The solution would not fit in memory.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is no solution: the residual says so
        system = System(network)
        factors = system.factored()
        if can_cancel(network):
            check_cancelling(system, factors)
        try:
            return solve_points(system, factors, drive or Drive())
        except UntrustedError as error:
            error.nodes = system.near(error.unknown).tolist()
            raise
