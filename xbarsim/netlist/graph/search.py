"""The search for a layout in the graph alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.assemble import assemble
from xbarsim.netlist.graph.core import cut
from xbarsim.netlist.graph.deduce import Budget
from xbarsim.netlist.graph.edges import Bools, EdgeNetwork, NoCrossbar
from xbarsim.netlist.graph.labels import readings
from xbarsim.netlist.graph.lines import layout_of
from xbarsim.netlist.graph.obstacles import crowded, meets_at, parted
from xbarsim.netlist.graph.orient import oriented, penalty, ties_of
from xbarsim.netlist.recognition import Recognition

_TINY = 60


def search(network: EdgeNetwork, budget: Budget | None = None) -> Recognition:
    """Return the crossbar that a network is.

    A tiny graph can be read in several ways: all are made and the most usual one is kept. Of a larger graph the
    first reading that takes every element is the answer. ``budget`` bounds the work on irregular ones.

    Parameters
    ----------
    network : EdgeNetwork
        All edges and sources of the circuit.
    budget : Budget, optional
        Of work; None: the usual one.

    Raises
    ------
    NoCrossbar
        No reading takes every element; the reason is that of the first that came to placing elements.
    """
    reasons: list[NoCrossbar] = []
    misfits: list[NoCrossbar] = []
    budget = budget or Budget()
    best: tuple[int, Recognition] | None = None
    for rail, ground_on_array, peel in _rails(network):
        try:
            core = cut(network, rail, ground_on_array=ground_on_array, peel=peel)
        except NoCrossbar as reason:
            reasons.append(reason)
            continue
        ties = ties_of(core, network.count)
        for cells in readings(core, budget):
            try:
                layout = oriented(layout_of(core, cells), ties)
            except NoCrossbar as reason:
                reasons.append(reason)
                continue
            try:
                reading = assemble(network, layout)
            except NoCrossbar as reason:
                misfits.append(reason)
                continue
            if core.u.size > _TINY and best is None:
                return reading
            cost = penalty(reading)
            if best is None or cost < best[0]:
                best = cost, reading
            if cost == 0:
                return reading
    if best is not None:
        return best[1]
    first = next(iter(misfits + reasons), "it has no cells between word lines and bit lines")
    obstacle = crowded(network) or parted(network) or first
    raise NoCrossbar(f"no word lines and bit lines were found in its graph that take every element ({obstacle})")


def _rails(network: EdgeNetwork) -> Iterator[tuple[Bools, bool, str]]:
    """Yield which nodes lie outside the array, whether ground may lie on it, and what is part of a tie.

    A source's node is a rail behind the line ends' resistors, or it is the line's end itself.
    """
    sourced = network.source >= 0
    meets = meets_at(network)
    zero = sourced & (network.volts == 0)
    ground = np.zeros(network.count, dtype=bool)
    ground[GROUND] = True
    tried: set[bytes] = set()
    for peel in ("ideal", "none", "all"):
        if peel == "none" and not np.any(network.ohms == 0):
            continue
        for ground_on_array in (False, True):
            for rail in (sourced & (meets <= 1), sourced, sourced & False, zero, sourced & ~zero):
                outside = rail if ground_on_array else rail | ground
                key = outside.tobytes() + peel.encode()
                if key not in tried:
                    tried.add(key)
                    yield outside, ground_on_array, peel
