"""Lines and signs chosen together: at most the cost of either order, and of all orders with all signs."""

import itertools

import numpy as np
import pytest
from mitigation_tools import bench_of, harness_of
from row_tools import CHIPS, SMALL, all_distances, any_network, distance, small

from xbarsim.errors import InputError
from xbarsim.mitigation import Plan, chain, method, realise


def steps(plan, *names, hardware=CHIPS, chip=0):
    """Apply methods one after the other, each by itself, on each array."""
    for name in names:
        step = method(name, scope="tile")
        plan = step.apply(plan, bench_of(plan, step.needs, hardware=hardware, chip=chip))
    return plan


@pytest.mark.parametrize("kind", ["mlp", "grouped", "binary"])
@pytest.mark.parametrize("chip", [0, 1])
def test_together_is_better_than_in_either_order(kind, chip):
    plan = Plan.of(any_network(kind))
    joint, flips_first, rows_first, rows, flips, nothing = (
        distance(steps(plan, *names, chip=chip), chip=chip)
        for names in (
            ["row-flip-match"], ["row-flip", "match-rows"], ["match-rows", "row-flip"], ["match-rows"], ["row-flip"], []
        )
    )  # fmt: skip
    assert joint <= min(flips_first, rows_first) * (1 + 1e-6)
    assert joint < rows < flips < nothing
    assert rows_first <= rows * (1 + 1e-6)
    assert flips_first <= flips * (1 + 1e-6)


@pytest.mark.slow
def test_no_order_with_any_signs_is_better():
    """Four rows: 24 orders, 16 signs each."""
    signs = list(itertools.product([False, True], repeat=4))
    for chip in range(2):
        plan = Plan.of(small(4, 5, seed=chip))
        best = min(all_distances(plan, 4, SMALL, chip, signs=signs))
        joint = steps(plan, "row-flip-match", hardware=SMALL, chip=chip)
        assert distance(joint, SMALL, chip) == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("row-flip+row-permutation", "row-flip-match"),
        ("row-flip+row-permutation:weighting=input", "row-flip-match:weighting=input"),
        ("row-flip:knows=faults+row-permutation:knows=faults,spare=2", "row-flip-match:knows=faults,spare=2"),
        ("row-flip:scope=layer+row-permutation:scope=layer", "row-flip-match:scope=layer"),
        ("headroom+row-flip + row-permutation+fpt", "headroom+row-flip-match+fpt"),
        ("row-permutation+row-flip", "match-rows:scope=tile+row-flip"),
        ("row-permutation", "match-rows:scope=tile"),
    ],
)
def test_names_of_chains(text, label):
    assert chain(text).label == label


def test_names_that_contradict_each_other():
    for text in ("row-flip:knows=faults+row-permutation:knows=maps", "row-flip:scope=layer+row-permutation"):
        with pytest.raises(InputError, match=r"row-flip\+row-permutation is one step, row-flip-match: give both"):
            chain(text)


def test_of_layers():
    plan = Plan.of(any_network("mlp"))
    step = method("row-flip-match", scope="layer")
    changed = step.apply(plan, bench_of(plan, step.needs, hardware=CHIPS))
    layer = changed.layer("fc1").arrangement
    assert (layer.by, len(layer.rows), len(layer.flips)) == ("layer", 1, 1)
    assert distance(steps(plan, "row-flip-match")) < distance(changed) < distance(plan)


def test_what_a_chain_takes_in_its_record():
    """Lines that are negated, that have another input, and that are spare, of all arrays of a plane."""
    harness, steps = harness_of(hardware=CHIPS), chain("row-flip+row-permutation:spare=1")
    cost = harness.record(steps, 0).cost
    negated = moved = spare = 0
    for layer in realise(harness.apply(steps, 0).plan, CHIPS).layers.values():
        orders = layer.arrangement
        # Arrays that share word lines, side by side, are driven by routers of their own.
        negated += sum(int(flips.sum()) for flips in orders.flips)
        moved += sum(int(((order >= 0) & (order != np.arange(len(order)))).sum()) for order in orders.rows)
        spare += sum(int((order < 0).sum()) for order in orders.rows)
    assert (cost.negated_lines, cost.router_lines, cost.spare_rows) == (negated, moved, spare)
