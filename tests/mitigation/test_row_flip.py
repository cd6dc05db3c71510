"""Rows that are stored and driven negated where that is nearer, against what cells really hold."""

import numpy as np
import pytest
from mitigation_tools import bench_of
from row_tools import CHIPS, any_network, distance

from xbarsim.mitigation import Plan, method, realise
from xbarsim.nn import Arrangement


def flipped(plan, chip=0, **options):
    step = method("row-flip", **options)
    return step.apply(plan, bench_of(plan, step.needs, hardware=CHIPS, chip=chip))


def line_distances(plan, chip, by_array):
    """Return |w - t| of each input in each array, or of each input."""
    sums = []
    for layer in realise(plan, CHIPS, seed=chip).layers.values():
        apart = [
            np.abs((real - weights).detach().numpy())
            for real, weights in zip(layer.effective_matrices(), layer.matrices(), strict=True)
        ]
        places = [place for place in layer.places if place.plane == 0]
        if by_array:
            sums += [apart[place.group][np.sort(place.inputs)][:, place.outputs].sum(axis=1) for place in places]
        else:
            sums += [part.sum(axis=1) for part in apart]
    return np.concatenate(sums)


@pytest.mark.parametrize("kind", ["mlp", "grouped", "binary"])
@pytest.mark.parametrize("scope", ["layer", "tile"])
@pytest.mark.parametrize("chip", [0, 1])
def test_each_row_has_the_better_sign(kind, scope, chip):
    """The chip with no row and with all rows negated: the plan's is the less of both, row by row."""
    plan = Plan.of(any_network(kind))
    negated = plan
    for name, layer in realise(plan, CHIPS, seed=chip).layers.items():
        flips = [np.ones(layer.weight[0].numel(), dtype=bool)] * layer.groups
        negated = negated.with_layer(name, arrangement=Arrangement(flips=flips))
    by_array = scope == "tile"
    distances = [line_distances(one, chip, by_array) for one in (plan, negated, flipped(plan, chip, scope=scope))]
    np.testing.assert_allclose(distances[2], np.minimum(distances[0], distances[1]), rtol=1e-5, atol=1e-7)
    assert (distances[1] < distances[0] - 1e-6).any()
    assert (distances[1] > distances[0] + 1e-6).any()


def test_arrays_decide_by_themselves_or_together():
    plan = Plan.of(any_network("mlp"))
    tile, layer = flipped(plan), flipped(plan, scope="layer")
    assert distance(tile) < distance(layer) < distance(plan)
    assert len(layer.layer("fc1").arrangement.flips) == 1
    assert len(tile.layer("fc1").arrangement.flips) == 6


def test_rows_stay_where_an_earlier_step_laid_them():
    plan = Plan.of(any_network("mlp"))
    step = method("match-rows", scope="tile")
    matched = step.apply(plan, bench_of(plan, step.needs, hardware=CHIPS))
    both = flipped(matched)
    for name in ("fc1", "fc2"):
        orders = [one.layer(name).arrangement.rows for one in (matched, both)]
        assert all(np.array_equal(*pair) for pair in zip(*orders, strict=True))
    assert distance(both) < distance(matched)


def test_signs_are_chosen_anew():
    """Whatever they were."""
    plan = Plan.of(any_network("mlp"))
    before = plan.with_layer("fc1", arrangement=Arrangement(flips=[np.arange(64) % 2 == 0]))
    assert flipped(before, scope="layer").fingerprint() == flipped(plan, scope="layer").fingerprint()


def test_lines_that_are_off_are_not_negated():
    plan = Plan.of(any_network("mlp"), 3, "tile", ["fc1", "fc2"])
    after = flipped(plan).layer("fc1").arrangement
    assert after.spare == 3
    assert not any(flips[-3:].any() for flips in after.flips)
