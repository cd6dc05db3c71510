"""Which edges are cells: readings of a core that suit each kind of array."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.netlist.components import components
from xbarsim.netlist.graph.core import Core
from xbarsim.netlist.graph.deduce import Budget, deductions
from xbarsim.netlist.graph.edges import Bools
from xbarsim.netlist.graph.grid import grid_cells

_MIN_FILL = 0.25


def readings(core: Core, budget: Budget) -> Iterator[Bools]:
    """Yield, for each way to read the core, which of its edges are cells; the likeliest first.

    Parameters
    ----------
    core : Core
        Whose edges are wires and cells.
    budget : Budget
        Of work, for irregular ones.
    """
    degree = core.degree
    widest = int(degree.max())
    if widest <= 3:
        if core.u.size >= core.node.size:
            cells = grid_cells(core)
            if cells is not None:
                yield cells
        else:
            yield _comb(core)
    yield from _one_layer(core)
    whole = _no_wires(core)
    if whole is not None:
        yield whole
    if widest <= 3:
        yield from deductions(core, budget)


def _comb(core: Core) -> Bools:
    """One line with wires, crossed by single nodes: cells are the edges to tied leaves."""
    leaf = (core.degree == 1) & core.tied
    cells: Bools = leaf[core.u] | leaf[core.v]
    return cells & ~core.ideal


def _one_layer(core: Core) -> Iterator[Bools]:
    """Lines without wires are hubs: an edge is a cell if one of its ends is one."""
    degree = core.degree
    tried: list[Bools] = []
    for hub in (degree > 3, core.driven, core.tied & ~core.driven, core.sourced, core.tied & ~core.sourced):
        if not hub.any() or hub.all() or any(np.array_equal(hub, earlier) for earlier in tried):
            continue
        tried.append(hub)
        if not np.any(hub[core.u] & hub[core.v]):
            yield hub[core.u] | hub[core.v]


def _no_wires(core: Core) -> Bools | None:
    """Every edge a cell, if the nodes part into two well filled layers, all lines of one of them tied."""
    n, m = core.node.size, core.u.size
    u, v = np.concatenate([core.u, core.u + n]), np.concatenate([core.v + n, core.v])
    side = components(u, v, 2 * n)
    side_a, side_b = side[:n], side[n:]
    if np.any(side_a == side_b) or core.ideal.any():
        return None
    first = side_a < side_b
    full = np.count_nonzero(first) * np.count_nonzero(~first)
    if m < _MIN_FILL * full or not (core.tied[first].all() or core.tied[~first].all()):
        return None
    return np.ones(m, dtype=bool)
