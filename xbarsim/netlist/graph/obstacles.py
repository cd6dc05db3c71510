"""What stands out in a graph that is no crossbar, for the reason that the user reads."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.edges import EdgeNetwork, Ints

_USUAL = 3
_HUB = 6
_FEW = 0.2
_MOST_NAMES = 6


def crowded(network: EdgeNetwork) -> str | None:
    """Return what stands out where a few nodes join more elements than a node between two wires and a cell does."""
    meets = meets_at(network)
    meets[network.source >= 0] = meets[GROUND] = 0
    nodes = np.flatnonzero(meets > _USUAL)
    if meets.max(initial=0) > _HUB or not 0 < nodes.size <= _FEW * np.count_nonzero(meets == _USUAL):
        return None
    elements = np.flatnonzero((network.u == nodes[0]) | (network.v == nodes[0]))
    names = ", ".join(network.name(edge) for edge in elements[:_MOST_NAMES].tolist())
    return f"node '{network.circuit.nodes[nodes[0]]}' joins {elements.size} elements: {names}"


def parted(network: EdgeNetwork) -> str | None:
    """Return what tells circuits apart that share only ground and sources, if there are two of some size."""
    rail = network.source >= 0
    rail[GROUND] = True
    inside = ~rail[network.u] & ~rail[network.v]
    part = components(network.u[inside], network.v[inside], network.count)
    size = np.bincount(part)
    large = np.flatnonzero(size > _FEW * np.count_nonzero(~rail))
    if large.size < 2:
        return None
    names = " and ".join(f"'{network.circuit.nodes[node]}'" for node in large[:2])
    return f"it has {large.size} parts that share nothing but ground and sources, at nodes {names}"


def meets_at(network: EdgeNetwork) -> Ints:
    """Return how many elements meet at each node."""
    ends: Ints = np.bincount(network.u, minlength=network.count) + np.bincount(network.v, minlength=network.count)
    return ends
