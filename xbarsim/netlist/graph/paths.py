"""Lines as paths of wires, told apart by the cells between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.components import components
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, Ints, NoCrossbar


@dataclass(frozen=True, eq=False)
class Paths:
    """The lines: each node's path and its place along it."""

    path: Ints
    place: Ints
    count: int


def paths_of(core: Core, wire: Bools) -> Paths:
    """Return the nodes' places along each path of wires.

    Parameters
    ----------
    core : Core
        Nodes and edges.
    wire : (m,) array of bool
        Which of its edges are wires.
    """
    n = core.node.size
    u, v = core.u[wire], core.v[wire]
    degree = np.bincount(u, minlength=n) + np.bincount(v, minlength=n)
    if degree.max(initial=0) > 2:
        raise NoCrossbar("more than two wires meet at a node")
    path, place = _walk(u, v, degree)
    if np.any(path < 0):
        raise NoCrossbar("a line's wires form a ring")
    first = np.zeros(n, dtype=bool)
    first[path] = True
    number = np.cumsum(first) - 1
    return Paths(number[path], place, int(number[-1]) + 1)


def _walk(u: Ints, v: Ints, degree: Ints) -> tuple[Ints, Ints]:
    """Return each node's line, named by the lower of its two ends, and its place from there; -1 on rings.

    All lines are walked at once and from both ends; a walker stops where one from a lower end has been. The sum of a
    node's neighbours, less the one it was entered from, is the next; nodes count from 1 here, so 0 is none.
    """
    n = degree.size
    total = np.zeros(n + 1, dtype=np.int64)
    total[1:] = np.bincount(u, weights=v + 1.0, minlength=n) + np.bincount(v, weights=u + 1.0, minlength=n)
    path = np.full(n + 1, n)
    place = np.zeros(n + 1, dtype=np.int64)
    tip = np.flatnonzero(degree <= 1)[::-1]
    at, before, step = tip + 1, np.zeros(tip.size, dtype=np.int64), 0
    while at.size:
        # Where two walkers meet, the one from the lower end is written last.
        path[at], place[at] = tip, step
        ahead = total[at] - before
        go = path[ahead] > tip
        go &= ahead > 0
        before, at, tip = at[go], ahead[go], tip[go]
        step += 1
    path[path == n] = -1
    return path[1:], place[1:]


def two_layers(paths: Paths, a: Ints, b: Ints) -> Ints:
    """Colour the lines so that every cell joins two layers; each connected piece by itself.

    Parameters
    ----------
    paths : Paths
        The lines.
    a, b : (cells,) array of int
        Which two lines each cell joins.
    """
    count = paths.count
    if np.any(a == b):
        raise NoCrossbar("a cell joins two places of one line")
    side = components(np.concatenate([a, a + count]), np.concatenate([b + count, b]), 2 * count)
    upper, lower = side[:count], side[count:]
    if np.any(upper == lower):
        raise NoCrossbar("the lines cannot be parted into word lines and bit lines")
    layer: Ints = (upper > lower).astype(np.int64)
    return layer
