"""The array without its ends: what is left when rails and the elements that lead to them are cut off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Floats, Ints, NoCrossbar
from xbarsim.netlist.graph.order import run_starts

_MOST_IN_SERIES = 8
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Core:
    """A graph whose edges are wires and cells; nodes are renumbered from 0 in the order of the file.

    Attributes
    ----------
    node : (n,) array of int
        The circuit's nodes; ground stands once for each edge that meets it, if it lies on the array.
    u, v : (m,) array of int
        The edges, each pair of nodes once.
    ideal : (m,) array of bool
        Edges of 0 ohm: they are no cells.
    tied, driven : (n,) array of bool
        Whether a node has a tie, and one to a source that is not at 0 V.
    sourced : (n,) array of bool
        Whether a source holds the node itself.
    order : (n,) array of int
        The first source that it is tied to, by element; NEVER if there is none.
    """

    node: Ints
    u: Ints
    v: Ints
    ideal: Bools
    tied: Bools
    sourced: Bools
    driven: Bools
    order: Ints

    @cached_property
    def degree(self) -> Ints:
        """The number of neighbours of each node."""
        count: Ints = np.bincount(self.u, minlength=self.node.size) + np.bincount(self.v, minlength=self.node.size)
        return count

    def neighbours(self, width: int) -> NDArray[np.int32]:
        """Return each node's neighbours, the lowest first, as an (n, width) table; -1 where there is none."""
        return self._table(self.v, self.u, self.node.size, width)

    def edges_at(self, width: int) -> NDArray[np.int32]:
        """Return the edges at each node, the first in the file first, likewise."""
        edge = np.arange(self.u.size)
        return self._table(edge, edge, edge.size, width)

    def _table(self, at_u: Ints, at_v: Ints, bound: int, width: int) -> NDArray[np.int32]:
        """Return a table of what stands at both ends of each edge, in order; numbers are below ``bound``."""
        bits = bound.bit_length()
        packed = np.concatenate([(self.u << bits) | at_u, (self.v << bits) | at_v])
        packed.sort()
        packed &= (1 << bits) - 1
        start = np.cumsum(self.degree) - self.degree
        table = np.full((self.node.size, width), -1, dtype=np.int32)
        for k in range(width):
            more = np.flatnonzero(self.degree > k)
            table[more, k] = packed[start[more] + k]
        return table


def cut(network: EdgeNetwork, rail: Bools, *, ground_on_array: bool, peel: str = "none") -> Core:
    """Return the core that is left when ``rail`` nodes are outside the array.

    Parameters
    ----------
    network : EdgeNetwork
        The circuit.
    rail : (nodes,) array of bool
        The nodes that lie outside.
    ground_on_array : bool
        Whether ground is split, a node for each edge that meets it.
    peel : {"none", "ideal", "all"}
        Which elements in series with a tie count as part of it: those of 0 ohm, or all.

    Raises
    ------
    NoCrossbar
        An element joins two rails, or nothing is left.
    """
    u, v, ohms = network.u, network.v, network.ohms
    source, volts = network.source, network.volts
    extra = np.zeros(0, dtype=np.int64)
    if ground_on_array:
        at_u, at_v = np.flatnonzero(u == GROUND), np.flatnonzero(v == GROUND)
        u, v = u.copy(), v.copy()
        u[at_u] = network.count + np.arange(at_u.size)
        v[at_v] = network.count + at_u.size + np.arange(at_v.size)
        extra = np.full(at_u.size + at_v.size, GROUND)
    total = network.count + extra.size
    outside = np.zeros(total, dtype=bool)
    outside[: network.count] = rail
    u_out, v_out = outside[u], outside[v]
    if np.any(u_out & v_out):
        raise NoCrossbar("an element joins two sources, or a source and ground")
    tied = np.zeros(total, dtype=bool)
    driven = np.zeros(total, dtype=bool)
    order = np.full(total, NEVER)
    sourced = np.flatnonzero((source >= 0) & ~rail)
    tied[sourced], driven[sourced], order[sourced] = True, volts[sourced] != 0, source[sourced]
    tied[network.count :] = True
    for inner, outer, away in ((u, v, v_out), (v, u, u_out)):
        end = np.flatnonzero(away)
        nodes, rails = inner[end], outer[end]
        tied[nodes] = True
        driven[nodes[volts[rails] != 0]] = True
        np.minimum.at(order, nodes, np.where(source[rails] >= 0, source[rails], NEVER))
    if peel != "none":
        _peel(u, v, (ohms == 0) | (peel == "all"), outside, tied, driven, order)
    keep = ~outside[u] & ~outside[v]
    present = np.zeros(total, dtype=bool)
    present[u[keep]] = present[v[keep]] = True
    if not present.any():
        raise NoCrossbar("it has no cells between word lines and bit lines")
    nodes = np.flatnonzero(present)
    number = np.cumsum(present) - 1
    a, b, ideal = _distinct(number[u[keep]], number[v[keep]], ohms[keep], nodes.size)
    names = np.concatenate([np.arange(network.count), extra])
    at_source = np.zeros(total, dtype=bool)
    at_source[sourced] = True
    return Core(names[nodes], a, b, ideal, tied[nodes], at_source[nodes], driven[nodes], order[nodes])


def _peel(u: Ints, v: Ints, loose: Bools, outside: Bools, tied: Bools, driven: Bools, order: Ints) -> None:
    """Move the tie of a node with one edge inward, over edges that are ``loose``; the node is then outside."""
    for _ in range(_MOST_IN_SERIES if loose.any() else 0):
        inside = np.flatnonzero(~outside[u] & ~outside[v])
        degree = np.bincount(u[inside], minlength=outside.size) + np.bincount(v[inside], minlength=outside.size)
        tip = tied & (degree == 1)
        edges = inside[loose[inside] & (tip[u[inside]] != tip[v[inside]])]
        outer = np.where(tip[u[edges]], u[edges], v[edges])
        inner = u[edges] + v[edges] - outer
        free = ~tied[inner]
        if not free.any():
            return
        outer, inner = outer[free], inner[free]
        tied[inner] = True
        driven[inner] |= driven[outer]
        np.minimum.at(order, inner, order[outer])
        outside[outer] = True


def _distinct(u: Ints, v: Ints, ohms: Floats, count: int) -> tuple[Ints, Ints, Bools]:
    """Return edges without repetition; one is ideal if any of those beside it is."""
    key = np.minimum(u, v) * count + np.maximum(u, v)
    ordered = np.sort(key)
    if not np.any(ordered[1:] == ordered[:-1]):
        return u, v, ohms == 0
    order = np.argsort(key, kind="stable")
    first = run_starts(key[order])
    ideal = np.logical_or.reduceat(ohms[order] == 0, first)
    keep = order[first]
    keep, ideal = keep[np.argsort(keep)], ideal[np.argsort(keep)]
    return u[keep], v[keep], ideal
