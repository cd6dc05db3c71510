"""Layers that share lines and lack cells: their wires told by their ohms, and their lines laid along each other.

Cycles tell wires from cells only where cells are there. Wires are few ohms and cells many: where the ohms have a wide
gap, what lies below it is tried as wires. Nothing is believed of that: what is found is a crossbar only if every
element fits into it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, Floats, Ints, NoCrossbar
from xbarsim.netlist.graph.layout import ABSENT
from xbarsim.netlist.graph.paths import Paths

_GAPS = 3
_WIDEST = 2.0
"""A gap is one of ohms that are so many times as large; a smaller one may be anything."""


def cells_by_ohms(network: EdgeNetwork, core: Core) -> Iterator[Bools]:
    """Yield which edges of a stack may be cells: those above the widest gaps of the ohms, the widest first.

    Parameters
    ----------
    network : EdgeNetwork
        All edges.
    core : Core
        Some of them.
    """
    ohms = _ohms(network, core)
    if ohms is None:
        return
    above = np.unique(ohms[ohms > 0.0])
    width = above[1:] / above[:-1]
    for k in np.argsort(width)[::-1][:_GAPS].tolist():
        cells = ohms > above[k]
        if width[k] >= _WIDEST and _may_be(core, cells):
            yield cells


def _may_be(core: Core, cells: Bools) -> bool:
    """Whether nodes lie on wired lines that some layers share: one wire or two, and two cells at most, somewhere two.

    Where one layer is all there is, or lines are single nodes, lines are told otherwise.
    """
    wires, crossing = (
        np.bincount(core.u[part], minlength=core.node.size) + np.bincount(core.v[part], minlength=core.node.size)
        for part in (~cells, cells)
    )
    return bool(wires.min() >= 1 and wires.max() <= 2 and crossing.max() == 2)


def _ohms(network: EdgeNetwork, core: Core) -> Floats | None:
    """Return the ohms of a core's edges, the least of those side by side; None where one is no element's own."""
    size = network.count
    every = np.minimum(network.u, network.v) * size + np.maximum(network.u, network.v)
    order = np.lexsort((network.ohms, every))
    pairs, first = np.unique(every[order], return_index=True)
    a, b = core.node[core.u], core.node[core.v]
    key = np.minimum(a, b) * size + np.maximum(a, b)
    at = np.minimum(np.searchsorted(pairs, key), pairs.size - 1)
    if not pairs.size or np.any(pairs[at] != key):
        return None
    ohms: Floats = network.ohms[order][first[at]]
    return ohms


def crossed_everywhere(paths: Paths, crossed: Ints, crossing: Ints) -> tuple[Ints, Ints]:
    """Return what each node crosses, also where a cell is lacking, and for each group the one at the same place.

    Lines that cross the same others do so at the same distances: along a line of which two are known, all are. Two
    groups that are crossed at one place are lines of one place, which lack the cells that would join them.

    Parameters
    ----------
    paths : Paths
        The lines.
    crossed : (nodes,) array of int
        Which group of lines each node crosses, as its cells say; ``ABSENT`` where it has none.
    crossing : array of int
        The nodes in question, of lines that cross.

    Raises
    ------
    NoCrossbar
        A line's nodes cross others in different orders or distances, or it has not cells enough to tell.
    """
    joined = crossing[crossed[crossing] >= 0]
    lines = np.unique(paths.path[crossing])
    members = {line: joined[paths.path[joined] == line] for line in lines.tolist()}
    waiting = sorted(members, key=lambda line: -members[line].size)
    begin = waiting[0]
    where = np.full(int(crossed.max()) + 1, np.nan)
    start, turn = {begin: 0}, {begin: 1}
    where[crossed[members[begin]]] = paths.place[members[begin]]
    waiting = waiting[1:]
    while waiting:
        later = []
        for line in waiting:
            nodes = members[line]
            known_ones = nodes[~np.isnan(where[crossed[nodes]])]
            place, at = paths.place[known_ones], where[crossed[known_ones]]
            if place.size < 2 or place[0] == place[-1]:
                later.append(line)
                continue
            turn[line] = 1 if (at[-1] - at[0]) * (place[-1] - place[0]) > 0 else -1
            start[line] = int(at[0]) - turn[line] * int(place[0])
            if np.any(start[line] + turn[line] * place != at):
                raise NoCrossbar("the lines cross in different orders")
            where[crossed[nodes]] = start[line] + turn[line] * paths.place[nodes]
        if len(later) == len(waiting):
            for line in later:
                start[line], turn[line] = _by_length(paths, crossed, members[line], where, line)
            break
        waiting = later
    return _filled(paths, crossed, crossing, where, (start, turn))


def _by_length(paths: Paths, crossed: Ints, nodes: Ints, where: Floats, line: int) -> tuple[int, int]:
    """Return where a line starts, and which way it goes, one crossing of which is known, if its length tells."""
    joined = nodes[~np.isnan(where[crossed[nodes]])]
    if not joined.size:
        raise NoCrossbar("a line has not cells enough to tell what it crosses")
    place, at = int(paths.place[joined[0]]), int(where[crossed[joined[0]]])
    last = int(paths.place[paths.path == line].max())
    fitting = [
        (at - way * place, way)
        for way in (1, -1)
        if {at - way * place, at + way * (last - place)} <= {int(np.nanmin(where)), int(np.nanmax(where))}
    ]
    if len(fitting) != 1:
        raise NoCrossbar("a line has not cells enough to tell what it crosses")
    return fitting[0]


def _filled(
    paths: Paths, crossed: Ints, crossing: Ints, where: Floats, along: tuple[dict[int, int], dict[int, int]]
) -> tuple[Ints, Ints]:
    """Return ``crossed`` with the nodes that have no cells; groups that are at one place are one."""
    groups = np.flatnonzero(~np.isnan(where))
    at = where[groups].astype(np.int64)
    start, turn = (np.array([part[line] for line in paths.path[crossing].tolist()]) for part in along)
    place = start + turn * paths.place[crossing] - at.min()
    group_at = np.full(int(at.max() - at.min()) + 1, ABSENT)
    group_at[at[::-1] - at.min()] = groups[::-1]
    if np.any((place < 0) | (place >= group_at.size)):
        raise NoCrossbar("a line goes on beyond all others")
    filled, merged = crossed.copy(), np.arange(where.size)
    filled[crossing] = group_at[place]
    merged[groups] = group_at[at - at.min()]
    return filled, merged
