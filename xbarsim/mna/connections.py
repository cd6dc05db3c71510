"""What the graph alone says is wrong: loops of elements that fix a voltage, nodes without a path to ground."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from xbarsim.errors import FloatingError, SolveError
from xbarsim.mna.linear_network import Bools, Branches, Ints, Network


class LoopError(SolveError):
    """Voltage-fixing element number ``branch`` closes a loop of such elements."""

    def __init__(self, branch: int) -> None:
        super().__init__(f"voltage-fixing element {branch} closes a loop of such elements")
        self.branch = branch


def components(nodes: int, a: Ints, b: Ints) -> Ints:
    """Return the number of the connected component of each node.

    Parameters
    ----------
    nodes : int
        How many there are.
    a, b : (edges,) array of int
        Which nodes each edge joins.
    """
    graph = sp.coo_array((np.ones(a.size), (a, b)), (nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def check_loops(nodes: int, a: Ints, b: Ints, yielding: Bools) -> None:
    """Refuse loops of elements that fix a voltage: the current around one has no bound, or no value.

    Those that are ``yielding`` fix one that depends on currents, and close no such loop.

    Parameters
    ----------
    nodes : int
        How many there are.
    a, b : (branches,) array of int
        Ends of the elements that fix a voltage.
    yielding : (branches,) array of bool
        Which of them fix one that depends on currents.
    """
    firm = np.flatnonzero(~yielding)
    a, b = a[firm], b[firm]
    if a.size == nodes - np.unique(components(nodes, a, b)).size:
        return  # as many elements as a forest has
    parent = np.arange(nodes)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for k, (first, second) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        ra, rb = root(first), root(second)
        if ra == rb:
            raise LoopError(int(firm[k]))
        parent[ra] = rb


def check_islands(network: Network, a: Ints, b: Ints, ties: Branches) -> None:
    """Refuse nodes without a path to ground through elements that tie voltages together.

    ``a`` and ``b`` are the ends of the elements that fix a voltage, ``ties`` what else conducts.

    Parameters
    ----------
    network : Network
        All linear elements.
    a, b : (branches,) array of int
        Ends of the elements that fix a voltage.
    ties : Branches
        Ends of nonlinear elements that conduct.
    """
    ohms = network.resistors
    label = components(network.nodes, np.concatenate([a, ohms.a, ties.a]), np.concatenate([b, ohms.b, ties.b]))
    # Controlled sources tie an island to the rest if one senses its voltage and one's current returns elsewhere.
    sensed, fed = np.zeros(network.nodes, bool), np.zeros(network.nodes, bool)
    for coupling, group in network.controlled.items():
        for pairs, tied in ((coupling.sensing, sensed), (coupling.feeding, fed)):
            for start, end in (map(label.__getitem__, group.pair(pair)) for pair in pairs):
                tied[start[start != end]] = tied[end[start != end]] = True
    floating = np.flatnonzero((label != label[0]) & ~(sensed & fed)[label])
    if floating.size:
        raise FloatingError(f"{floating.size} nodes have no path to ground", [str(node) for node in floating])
