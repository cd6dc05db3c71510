"""What inputs weigh, and what rows cost where they lie, against the same by hand."""

import numpy as np
import pytest
import torch
from mitigation_tools import bench_of, network
from row_tools import CHIPS, SMALL, any_network, small
from torch.nn import functional

from xbarsim.mitigation import Needs, Plan, realise
from xbarsim.mitigation.line_costs import input_weights, line_costs
from xbarsim.nn import Arrangement

IMAGES = Needs(data="images")


def rms(inputs):
    values = inputs.double().square().mean(dim=0).sqrt().numpy()
    return np.maximum(values, 1e-3 * values.max())


def test_inputs_weigh_their_root_mean_square():
    plan = Plan.of(network("mlp"))
    bench = bench_of(plan, IMAGES)
    images, model = bench.images(70).flatten(1), plan.model
    weights = input_weights(plan, bench, 70)
    with torch.no_grad():
        hidden = torch.relu(model.fc1(images))
    for name, inputs in (("fc1", images), ("fc2", hidden)):
        np.testing.assert_allclose(weights[name][0], rms(inputs), rtol=1e-5)
    assert weights["fc1"][0].min() == 1e-3 * weights["fc1"][0].max(), "corners are dark in all digits"


def test_those_of_convolutions_are_patches_by_group():
    model = any_network("grouped")
    plan = Plan.of(model)
    bench = bench_of(plan, IMAGES)
    weights = input_weights(plan, bench, 60)
    with torch.no_grad():
        images = bench.images(60)
        inputs = {"0": images, "2": torch.relu(model[0](images))}
        for name, stride in (("0", 1), ("2", 2)):
            patches = functional.unfold(inputs[name], 3, padding=1, stride=stride).transpose(1, 2).flatten(0, 1)
            whole = patches.double().square().mean(dim=0).sqrt().numpy()
            groups = np.split(np.maximum(whole, 1e-3 * whole.max()), model[int(name)].groups)
            for group, expected in enumerate(groups):
                np.testing.assert_allclose(weights[name][group], expected, rtol=1e-5)
    assert len(weights["2"]) == 2


def test_folded_norms_and_signs_are_in_what_inputs_are():
    for kind in ("norm", "binary"):
        model = network(kind)
        plan = Plan.of(model)
        bench = bench_of(plan, IMAGES)
        weights = input_weights(plan, bench, 50)
        with torch.no_grad():
            hidden = model[:-2](bench.images(50)) if kind == "binary" else model[:-1](bench.images(50))
        np.testing.assert_allclose(weights["fc2"][0], rms(hidden), rtol=1e-5)


@pytest.mark.parametrize("by", ["layer", "tile"])
def test_costs_are_of_the_lines_as_they_are(by):
    """Order, signs, weights and both costs of each part, with spare lines, columns in another order and a headroom."""
    plan = Plan.of(small(6, 5)).with_layer("0", headroom=1.3)
    order = np.array([3, -1, 0, 5, 1, 4, 2, -1])
    flips = np.arange(8) % 3 == 0
    cols = np.array([4, 2, 0, 1, 3])
    plan = plan.with_layer("0", arrangement=Arrangement(rows=[order], flips=[flips], cols=[cols], spare=2, by=by))
    layer = realise(plan, SMALL, seed=1).layers["0"]
    (costs,) = line_costs(layer, by, "method")
    np.testing.assert_array_equal(costs.order, order)
    np.testing.assert_array_equal(costs.flips, flips)
    apart = np.abs(layer.effective_matrices()[0].detach().numpy() - layer.matrices()[0].detach().numpy()).sum(axis=1)
    for line in np.flatnonzero(order >= 0):
        assert costs.present[order[line], line] == pytest.approx(apart[order[line]], rel=1e-5)
    weights = layer.matrices()[0].detach().numpy()
    np.testing.assert_allclose(np.sort(costs.weights, axis=1), np.sort(weights, axis=1))
    np.testing.assert_allclose(costs.plain[2, 5], np.abs(weights[2] - layer.realised(weights[2:3], [5])[0, 0]).sum())
    np.testing.assert_allclose(costs.negated[2, 5], np.abs(weights[2] + layer.realised(-weights[2:3], [5])[0, 0]).sum())
    assert (costs.better_negated == (costs.negated < costs.plain)).all()


def test_parts_are_those_of_an_arrangement():
    plan = Plan.of(any_network("grouped"))
    layer = realise(plan, CHIPS).layers["2"]
    assert [(part.group, len(part.inputs)) for part in line_costs(layer, "layer", "method")] == [(0, 18), (1, 18)]
    places = [place for place in layer.places if place.plane == 0]
    parts = list(line_costs(layer, "tile", "method"))
    assert [(part.group, part.inputs.tolist()) for part in parts] == [
        (place.group, place.inputs.tolist()) for place in places
    ]
    sums = [sum(part.present[part.order, range(len(part.order))].sum() for part in line_costs(layer, scope, "method"))
            for scope in ("layer", "tile")]  # fmt: skip
    assert sums[0] == pytest.approx(sums[1], rel=1e-9)
