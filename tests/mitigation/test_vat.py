"""Variation-aware training: its scores and its spread against other code, and how gamma is chosen."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from mitigation_tools import HARDWARE, bench_of, harness_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Chain, Plan, method
from xbarsim.mitigation.vat import held_apart, relative_spread
from xbarsim.nonideal import Variation

VARIED = replace(HARDWARE, cells=replace(HARDWARE.cells, variation=Variation(1.2)))
SHORT = {"epochs": 2, "batch": 20, "rate": 0.01}


def trained(hardware=VARIED, **options):
    plan, step = Plan.of(network("single")), method("vat", **{**SHORT, **options})
    bench = bench_of(plan, step.needs, hardware=hardware)
    return plan, step.apply(plan, bench), bench


def test_scores_are_held_apart():
    rng = np.random.default_rng(0)
    x, w, scores = rng.normal(size=(4, 7)), rng.normal(size=(3, 7)), rng.normal(size=(4, 3))
    labels = np.array([2, 0, 1, 2])
    tensors = (torch.from_numpy(array) for array in (scores, x, w, labels))
    apart = held_apart(*tensors, 0.3).numpy()
    for k in range(4):
        for j in range(3):
            r = np.sqrt(sum(x[k, i] ** 2 * w[j, i] ** 2 for i in range(7)))
            sign = -1 if j == labels[k] else 1
            np.testing.assert_allclose(apart[k, j], scores[k, j] + sign * 0.3 * r, rtol=1e-9)


def test_the_spread_is_that_of_factors():
    """Of many cells that are really drawn."""
    for variation in (
        Variation(0.2), Variation(0.9), Variation(0.9, of="resistance"), Variation(0.1, kind="gaussian"),
        Variation(0.5, kind="gaussian"), Variation(0.2, kind="gaussian", of="resistance", floor=0.3),
    ):  # fmt: skip
        np.testing.assert_allclose(relative_spread(variation), np.std(variation.factor((600, 600), 3)), rtol=0.01)
    assert relative_spread(None) == relative_spread(Variation(0.0)) == 0.0
    assert relative_spread(Variation(0.0, kind="gaussian")) == 0.0


def test_the_best_gamma_stays():
    _, after, bench = trained(gammas=(0.0, 0.2, 40.0))
    curve = dict(zip(bench.trace["gamma"], bench.trace["validation"], strict=True))
    assert list(curve)[:3] == [0.0, 0.2, 40.0]
    assert len(set(curve.values())) > 2
    assert bench.validation(after) == max(curve.values())
    _, plain, bench = trained(gammas=(0.0,))
    assert bench.trace["gamma"] == [0.0]
    assert bench.validation(plain) == curve[0.0]


def test_a_choice_at_the_edge_widens_the_grid():
    *_, bench = trained(gammas=(0.0, 0.2))
    gammas, levels = bench.trace["gamma"], bench.trace["validation"]
    assert gammas[:3] == [0.0, 0.2, 0.4]
    assert all(later == 2 * earlier for earlier, later in pairwise(gammas[1:]))
    assert max(levels) in levels[:-1], "the last one is no better than the one before it"


def test_without_variation_there_is_one_training():
    *_, bench = trained(replace(VARIED, cells=replace(VARIED.cells, variation=None)))
    assert bench.trace["gamma"] == [0.0]


def test_chips_of_the_kind_gain():
    """It lifts the accuracy on chips that it never saw."""
    harness = harness_of("single", VARIED)
    records = [harness.record(Chain((method("vat", **{**SHORT, "epochs": 10}),)), seed) for seed in range(4)]
    assert np.mean([record.after for record in records]) > np.mean([record.before for record in records]) + 0.02
    assert len({tuple(record.trace["validation"]) for record in records}) == 1


@cache
def usual():
    return trained()[1].fingerprint()


def test_a_choice_at_the_lower_edge_widens_the_grid():
    plan, step = Plan.of(network("single")), method("vat", **SHORT, gammas=(0.2, 0.4))
    bench = bench_of(plan, step.needs, hardware=VARIED)
    levels = iter([0.8, 0.7, 0.9, 0.5])
    bench.validation = lambda _: next(levels)
    step.apply(plan, bench)
    assert bench.trace["gamma"] == [0.2, 0.4, 0.1, 0.05], "0.1 is best, and no end of the grid any more"


@pytest.mark.parametrize("option", [{"gammas": (0.0, 1.0)}, {"epochs": 1}, {"batch": 13}, {"rate": 0.001}])
def test_every_option_acts(option):
    assert usual() != trained(**option)[1].fingerprint()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gammas": (0.1, -0.1)}, r"vat:gammas is \(0.1, -0.1\): they must be numbers, at least 0"),
        ({"gammas": (0.1, 0.1)}, "each must be larger than the one before it"),
        ({"gammas": "wide"}, "they must be numbers"),
        ({"epochs": 0}, "vat:epochs is 0: it must be a whole number, at least 1"),
        ({"rate": 0.0}, "vat:rate is 0: it must be above 0"),
    ],
)
def test_options_out_of_their_bounds(options, message):
    with pytest.raises(InputError, match=message):
        method("vat", **options)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("mlp", {}, "takes one fully connected layer, and the network has 2"),
        ("single", {"batch": 161}, "batch is 161, and there are 160 images"),
    ],
)
def test_what_it_does_not_go_with(kind, options, message):
    with pytest.raises(InputError, match=message):
        harness_of(kind, VARIED).check([Chain((method("vat", **{**SHORT, **options}),))])
