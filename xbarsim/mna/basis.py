"""From which node each node's voltage is measured: from ground, or from within a group that is tied to it weakly.

A group of nodes with conductances g inside and c << g to the rest has a common voltage that rests on c alone. In nodal
equations c is what is left over when the g cancel: rounding swallows it from c / g = 1e-16 on, and every digit counts
before. So such a group gets one *reference* node r. The unknowns are the voltages ``y[k] = v[k] - v[r]`` of its other
nodes, and the balance of r becomes that of the whole group, the sum of its nodes' balances. Both are written down
without the terms that cancel: an element inside has no share in the group's balance, nor in column r. Groups nest.

With v = T y for the unknown voltages y, T of zeros and ones, this is ``T' A T y = T' s`` in place of ``A v = s``: a
cutset basis (Desoer, Kuh, Basic Circuit Theory, 1969, chapter 11), used only where it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import minimum_spanning_tree

from xbarsim.mna.connections import components
from xbarsim.mna.linear_network import Bools, Branches, Coupling, Floats, Ints, Network, Sparse

WEAK = 1e8
"""How much better than what ties it to the rest a group conducts inside that gets a reference of its own.

Up to here refinement with residuals of 64 bits leaves 5e-20 WEAK of the common voltage in doubt; where a machine has no
more than doubles, 1e-16 WEAK.
"""

_LARGEST = 1e300
"""Siemens; the reciprocal of the smallest doubles is no number."""

_AT_WORK = 1.0
"""Siemens that an element may have which is known by its least conductance."""


@dataclass
class _Group:
    """Nodes that belong together: those without a reference yet, and the largest conductance that is in the way."""

    free: list[int]
    inside: float
    outside: float = 0.0


@dataclass
class _Groups:
    """Groups as they merge, from the strongest tie to the weakest."""

    references: Ints
    groups: list[_Group]
    parent: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parent = list(range(len(self.groups)))

    def root(self, k: int) -> int:
        while self.parent[k] != k:
            self.parent[k] = self.parent[self.parent[k]]
            k = self.parent[k]
        return k

    def close(self, group: _Group) -> None:
        """Measure a group's voltages from its first node; its inside is in nobody's way any more."""
        first, *members = group.free
        self.references[members] = first
        group.free, group.inside = [first], 0.0

    def merge(self, node: int, neighbour: int, siemens: float, ground: int) -> None:
        """Join two groups whose best tie to anything else is the one to each other."""
        a, b = self.root(node), self.root(neighbour)
        grounded = self.root(ground)
        for k in (a, b):
            group = self.groups[k]
            if k != grounded and group.inside > WEAK * max(siemens, group.outside):
                self.close(group)
        if len(self.groups[a].free) < len(self.groups[b].free):
            a, b = b, a
        self.parent[b] = a
        large, small = self.groups[a], self.groups[b]
        large.free += small.free
        large.inside, large.outside = max(large.inside, small.inside, siemens), 0.0


def references(network: Network, a: Ints, b: Ints, stiff: Ints, ties: Branches) -> Ints:
    """Return the node from which each node's voltage is measured; 0, ground, but for weakly tied groups.

    Parameters
    ----------
    network : Network
        The circuit.
    a, b : (n,)
        Ends of the elements that fix a voltage.
    stiff : (m,)
        Resistors whose currents are unknowns.
    ties : Branches
        What else conducts, with the least conductance that it has.
    """
    ohms, n = network.resistors, network.nodes
    result = np.zeros(n, np.int64)
    live = np.flatnonzero((ohms.value != 0) & (ohms.a != ohms.b))
    is_stiff = np.isin(live, stiff)
    with np.errstate(divide="ignore", over="ignore"):
        siemens = np.minimum(1 / np.abs(ohms.value[live]), _LARGEST)
    first, second = np.concatenate([ohms.a[live], ties.a]), np.concatenate([ohms.b[live], ties.b])
    out = np.concatenate([siemens, ties.value])
    within = np.concatenate([siemens, np.maximum(ties.value, _AT_WORK)])
    feeding = [(coupling, group) for coupling, group in network.controlled.items() if coupling.feeding]
    gains = [(*group.pair(pair), group.value) for coupling, group in feeding for pair in _conducting(coupling)]
    top = max(within.max(initial=0.0), *(float(np.abs(value).max(initial=0.0)) for _, _, value in gains), 0.0)
    uncertain = any(group.a.size for _, group in feeding)  # what ties islands to ground that have no resistor to it
    if not uncertain and top <= WEAK * out.min(initial=np.inf):
        return result
    strong = out * WEAK >= top
    label = components(n, np.concatenate([a, first[strong]]), np.concatenate([b, second[strong]]))
    edges = np.concatenate([is_stiff, np.zeros(ties.a.size, bool)])
    groups = _first_groups(label, (first, second, within, out), edges, a)
    for start, end, value in gains:
        _add_gains(groups, label[start], label[end], value)
    merging = _Groups(result, groups)
    for node, neighbour, g in _tree(label[first], label[second], out):
        merging.merge(node, neighbour, g, int(label[0]))
    grounded = merging.root(int(label[0]))
    for k in {merging.root(k) for k in range(len(groups))} - {grounded}:
        merging.close(groups[k])
    return result


def _first_groups(label: Ints, edges: tuple[Ints, Ints, Floats, Floats], stiff: Bools, fixed: Ints) -> list[_Group]:
    """Return the groups that strong ties make, each with its largest conductance inside and their sum to the rest."""
    first, second, within, out = edges
    count = int(label.max(initial=-1)) + 1
    inner = label[first] == label[second]
    inside, outside = np.zeros(count), np.zeros(count)
    np.maximum.at(inside, label[first[inner]], within[inner])
    for end in (first, second):
        np.add.at(outside, label[end[~inner]], out[~inner])
    # A tree whose currents are all unknowns is eliminated from its leaves on: nothing cancels in it.
    size = np.bincount(label, minlength=count)
    elements = np.bincount(label[first[inner]], minlength=count) + np.bincount(label[fixed], minlength=count)
    plain = np.bincount(label[first[inner & ~stiff]], minlength=count)
    inside[(elements == size - 1) & (plain == 0)] = 0.0
    order = np.argsort(label, kind="stable")
    members = np.split(order, np.cumsum(size)[:-1])
    sizes = zip(members, inside.tolist(), outside.tolist(), strict=True)
    return [_Group(nodes.tolist(), g, c) for nodes, g, c in sizes]


def _conducting(coupling: Coupling) -> list[str]:
    """Return the pairs of nodes whose balances depend on a voltage times the gain."""
    return [equations for equations, unknowns, _ in coupling.stamps if {equations, unknowns} <= {"ab", "cd"}]


def _add_gains(groups: list[_Group], a: Ints, b: Ints, siemens: Floats) -> None:
    """Count transconductances between groups' nodes as what they can be worth inside a group."""
    inner = a == b
    for group, value in zip(a[inner].tolist(), siemens[inner].tolist(), strict=True):
        groups[group].inside = max(groups[group].inside, abs(value))


def _tree(a: Ints, b: Ints, siemens: Floats) -> list[tuple[int, int, float]]:
    """Return the ties of a spanning forest of the best conductances between groups, best first."""
    across = a != b
    low, high, siemens = np.minimum(a, b)[across], np.maximum(a, b)[across], siemens[across]
    if not low.size:
        return []
    order = np.lexsort((-siemens, high, low))
    low, high, siemens = low[order], high[order], siemens[order]
    best = np.append(True, (low[1:] != low[:-1]) | (high[1:] != high[:-1]))  # a sparse table would add up parallel ones
    count = int(high.max()) + 1
    ranks = np.empty(int(best.sum()))
    by_size = np.argsort(-siemens[best], kind="stable")
    ranks[by_size] = np.arange(1, by_size.size + 1)
    # scipy 1.13 takes 32-bit indices only.
    ends = low[best].astype(np.int32), high[best].astype(np.int32)
    tree = minimum_spanning_tree(sp.csr_array((ranks, ends), (count, count))).tocoo()
    branches = by_size[np.sort(tree.data).astype(np.int64) - 1]
    return list(zip(*(column[best][branches].tolist() for column in (low, high, siemens)), strict=True))


def paths(references: Ints) -> Sparse:
    """Return T of ``v = T y``: (nodes, nodes), ground's row and column empty."""
    n = references.size
    rows, cols = [], []
    node, at = np.arange(1, n), np.arange(1, n)
    while node.size:
        rows.append(node)
        cols.append(at)
        at = references[at]
        node, at = node[at != 0], at[at != 0]
    row, col = (np.concatenate(part) if part else np.zeros(0, np.int64) for part in (rows, cols))
    return sp.csr_array((np.ones(row.size), (row, col)), (n, n))
