"""Writes are those of cells as they lie: of all of them, and of one cell whatever weight it had at the time."""

from dataclasses import replace

import numpy as np
import pytest
from mitigation_tools import HARDWARE, bench_of, digits, network

from xbarsim.mitigation import Cost, Needs, Plan
from xbarsim.mitigation.ledger import Ledger
from xbarsim.nn import Arrangement
from xbarsim.nn import Mapping as WeightMapping


def used(hardware, spare=0):
    """Return a plan of one layer, a bench on a chip for it, and what counts the writes."""
    plan = Plan.of(network("single"), spare, "layer", ["fc1"])
    ledger = Ledger.of(len(digits().train))
    return plan, bench_of(plan, Needs(data="images", chip="write"), hardware=hardware, ledger=ledger), ledger


def cost(plan, bench, ledger) -> Cost:
    return Cost.of(plan, bench._socket.network(plan), ledger, {})


@pytest.mark.parametrize("kind", ["differential", "reference", "offset"])
def test_each_programming_writes_all_cells(kind):
    plan, bench, ledger = used(replace(HARDWARE, mapping=WeightMapping(kind)), spare=3)
    bench.forward(plan, bench.images(2))
    once = cost(plan, bench, ledger)
    assert once.writes == sum(
        place.shape[0] * place.shape[1] for place in bench._socket.network(plan).layers["fc1"].places
    )
    doubled = plan.with_layer("fc1", headroom=2.0)
    bench.forward(doubled, bench.images(2))
    twice = cost(doubled, bench, ledger)
    assert (twice.writes, twice.pulses, twice.most_writes_a_cell) == (2 * once.writes, 2 * once.pulses, 2)


def test_a_weight_that_moves_leaves_its_writes_to_the_cells_that_it_had():
    plan, bench, ledger = used(HARDWARE)
    order = np.roll(np.arange(64), 1)
    moved = plan.with_layer("fc1", arrangement=Arrangement(rows=(order,)))
    mask = np.zeros((64, 10), dtype=bool)
    mask[5, 3] = True
    for present in (plan, moved):
        bench.forward(present, bench.images(2))
        bench.write(present, {"fc1": [mask, np.zeros_like(mask)]})
    assert cost(moved, bench, ledger).most_writes_a_cell == 3
    bench.write(moved, {"fc1": [np.roll(mask, -1, axis=0), np.zeros_like(mask)]})
    assert cost(moved, bench, ledger).most_writes_a_cell == 4
