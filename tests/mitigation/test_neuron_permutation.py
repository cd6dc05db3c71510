"""Hidden units in other orders: the same function, costs against what cells really hold, the best of all orders."""

from collections import OrderedDict
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, OFFSET, bench_of, digits, network
from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation import Plan, chain, method, realise
from xbarsim.mitigation.unit_chain import hidden_layers
from xbarsim.nn import Arrangement, Mapping, Tiles, convert
from xbarsim.nonideal import Faults, Levels, Nonidealities, Variation, WriteVerify

STEADY = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))


def deep(width=9, norm=True):
    """Return three layers, with BatchNorms of some statistics."""
    torch.manual_seed(8)
    parts = OrderedDict(flat=nn.Flatten(), fc1=nn.Linear(64, width))
    if norm:
        parts["bn1"] = nn.BatchNorm1d(width)
    parts |= OrderedDict(
        act1=nn.Tanh(), fc2=nn.Linear(width, width + 2, bias=False), act2=nn.ReLU(), fc3=nn.Linear(width + 2, 10)
    )
    model = nn.Sequential(parts)
    if norm:
        with torch.no_grad():
            for part in (model.bn1.running_mean, model.bn1.weight, model.bn1.bias):
                part.copy_(torch.randn(width))
            model.bn1.running_var.copy_(torch.rand(width) + 0.5)
    return model.eval()


def ordered(model, hardware=STEADY, chip=0, plan=None, **options):
    step = method("neuron-permutation", **options)
    plan = plan or Plan.of(model)
    bench = bench_of(plan, step.needs, hardware=hardware, chip=chip)
    return step.apply(plan, bench), bench


def distance(plan, hardware=STEADY, chip=0, power=1):
    """Return the sum of ``|w - t|^power`` over all weights."""
    total = 0.0
    for layer in realise(plan, hardware, seed=chip).layers.values():
        for real, weights in zip(layer.effective_matrices(), layer.matrices(), strict=True):
            total += float((real - weights).detach().abs().pow(power).sum())
    return total


MODELS = {
    "deep": deep, "plain": lambda: deep(norm=False), "mlp": network, "norm": lambda: network("norm"),
    "binary": lambda: network("binary"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_the_network_does_what_it_did_and_cells_are_nearer(kind):
    model = MODELS[kind]()
    hardware = replace(STEADY, mapping=OFFSET.mapping) if kind == "binary" else STEADY
    plan, bench = ordered(model, hardware)
    images = bench_of(plan, chain("fpt").steps[0].needs).images(50)
    with torch.no_grad():
        before, after = model(images), plan.model(images)
    torch.testing.assert_close(after, before, rtol=0.0, atol=1e-5 * float(before.abs().max()))
    assert max(bench.trace["moved"]) > 0.3
    assert distance(plan, hardware) < distance(Plan.of(model), hardware)
    exact = replace(hardware, cells=Nonidealities(1e4, np.inf))
    with torch.no_grad():
        on_chip = realise(plan, exact)(images)
    torch.testing.assert_close(on_chip, before, rtol=0.0, atol=2e-5 * float(before.abs().max()))


@pytest.mark.parametrize("power", [1, 2])
def test_no_order_of_few_units_is_better(power):
    """Of all 24 orders of the hidden units of a small network, each programmed and compared cell by cell."""
    torch.manual_seed(2)
    model = nn.Sequential(OrderedDict(flat=nn.Flatten(), fc1=nn.Linear(64, 4), relu=nn.ReLU(), fc2=nn.Linear(4, 10)))
    hardware = replace(STEADY, tiles=Tiles(20, 3))
    plan, _ = ordered(model, hardware, power=power)
    state = model.state_dict()
    costs = []
    for order in permutations(range(4)):
        index = torch.tensor(order)
        other = {
            "fc1.weight": state["fc1.weight"][index], "fc1.bias": state["fc1.bias"][index],
            "fc2.weight": state["fc2.weight"][:, index],
        }  # fmt: skip
        costs.append(distance(Plan.of(model).with_weights(other), hardware, power=power))
    assert distance(plan, hardware, power=power) == pytest.approx(min(costs), rel=1e-6)
    assert min(costs) < 0.97 * costs[0]


VARIANTS = {
    "scale of columns": replace(STEADY, mapping=Mapping(per="column")),
    "reference": replace(STEADY, mapping=Mapping("reference")),
    "levels": replace(STEADY, cells=replace(STEADY.cells, levels=Levels(9))),
    "verified": replace(STEADY, cells=replace(STEADY.cells, write_verify=WriteVerify(tolerance=1e-6, max_pulses=400))),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_costs_of_columns_are_what_cells_hold_of_them(name):
    """Each unit's column on each other's cells, as programming leaves them."""
    hardware = VARIANTS[name]
    model = network()
    layer = realise(Plan.of(model), hardware).layers["fc1"]
    u = np.linspace(0.5, 2.0, 64)
    weights = model.fc1.weight.detach()
    for power in (1, 2):
        costs = layer.col_costs(weighting=u, power=power)
        for shift in (0, 1, 4):
            index = torch.from_numpy(np.roll(np.arange(11), -shift))
            plan = Plan.of(model).with_weights({"fc1.weight": weights[index]})
            moved = realise(plan, hardware).layers["fc1"]
            wanted = moved.matrices()[0].detach().double().numpy()
            # Pulses stop short of what they would come to.
            real = moved.effective_matrices()[0].detach().double().numpy()
            real = moved.weight_cells(0).represented(wanted) if name == "verified" else real
            apart = np.abs(real - wanted)
            expected = ((u[:, None] * apart) ** power).sum(axis=0)
            np.testing.assert_allclose(costs[index, np.arange(11)], expected, rtol=1e-4)


def test_rows_that_lie_elsewhere_stay_and_costs_are_of_where_they_lie():
    model = network()
    plan = Plan.of(model)
    for name, layer in convert(model, STEADY).layers.items():
        count = layer.weight[0].numel()
        rows = [np.concatenate([np.arange(count)[::-1], [-1]])]
        flips = [np.arange(count + 1) % 2 == 0]
        plan = plan.with_layer(name, arrangement=Arrangement(rows=rows, flips=flips, spare=1))
    better, _ = ordered(model, plan=plan)
    assert distance(better) < distance(plan)
    for name in ("fc1", "fc2"):
        assert better.layer(name).arrangement.to_dict() == plan.layer(name).arrangement.to_dict()
    again, bench = ordered(model, plan=better)
    assert bench.trace["moved"] == [0.0]
    assert again.fingerprint() == better.fingerprint()


def test_after_it_rows_find_a_better_place_than_before():
    model, results = network(), []
    for text in ("match-rows", "neuron-permutation+match-rows"):
        plan = Plan.of(model)
        for step in chain(text).steps:
            plan = step.apply(plan, bench_of(plan, step.needs, hardware=STEADY))
        results.append(distance(plan))
    assert results[1] < results[0]


def test_a_clean_chip_moves_nothing():
    clean = replace(STEADY, cells=Nonidealities(1e4, 1e6))
    plan, bench = ordered(network(), clean)
    assert plan.fingerprint() == Plan.of(network()).fingerprint()
    assert bench.trace["moved"] == [0.0]


def test_stuck_cells_alone_may_be_known():
    varied = replace(STEADY, cells=replace(STEADY.cells, faults=None, variation=Variation(0.4)))
    assert ordered(network(), varied, knows="faults")[1].trace["moved"] == [0.0]
    stuck = replace(STEADY, cells=replace(STEADY.cells, faults=Faults(0.2), variation=None))
    assert ordered(network(), stuck, knows="faults")[0].fingerprint() == ordered(network(), stuck)[0].fingerprint()


class Skipping(nn.Module):
    """A chain in which a unit is seen past the next layer."""

    def __init__(self):
        super().__init__()
        self.flat, self.fc1, self.fc2, self.fc3 = nn.Flatten(), nn.Linear(64, 8), nn.Linear(8, 8), nn.Linear(8, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(self.flat(x)))
        return self.fc3(x + self.fc2(x))


class Straight(Skipping):
    """The same without."""

    def forward(self, x):
        x = torch.relu(self.fc1(x.flatten(1)))
        return self.fc3(self.fc2(x).tanh()).log_softmax(1)


class Repeating(Skipping):
    """The same with a layer that is called twice."""

    def forward(self, x):
        return self.fc3(self.fc2(self.fc2(self.fc1(self.flat(x)))))


def sequence(*middle):
    names = [f"m{k}" for k in range(len(middle))]
    return nn.Sequential(OrderedDict(flat=nn.Flatten(), fc1=nn.Linear(64, 8), **dict(zip(names, middle, strict=True)),
                                     fc2=nn.Linear(8, 10)))  # fmt: skip


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Skipping(), "the network branches at"),
        (sequence(nn.LayerNorm(8)), "cannot tell what 'm0' does to units behind 'fc1'"),
        (sequence(nn.Softmax(dim=1)), "cannot tell what 'm0'"),
        (sequence(nn.PReLU(8)), "cannot tell what 'm0'"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), "permutes hidden units, and the network has none"),
        (network("convolution"), "takes fully connected layers only, and 'conv1' is none"),
    ],
)
def test_networks_that_it_does_not_take(model, message):
    with pytest.raises(InputError, match=message):
        chain("neuron-permutation").check(model, convert(model, STEADY), 100)


def test_a_layer_that_is_called_twice_is_refused():
    shared = nn.Linear(8, 8)
    model = nn.Sequential(OrderedDict(flat=nn.Flatten(), fc1=nn.Linear(64, 8), a=shared, relu=nn.ReLU(), b=shared,
                                      fc2=nn.Linear(8, 10)))  # fmt: skip
    with pytest.raises(InputError, match=r"'a\.weight' is 'b\.weight', too"):
        hidden_layers(model, ["fc1", "a", "fc2"], "neuron-permutation")
    model = Repeating()
    with pytest.raises(InputError, match="'fc2' is called more than once"):
        hidden_layers(model, ["fc1", "fc2", "fc3"], "neuron-permutation")


def test_chains_are_followed_through_modules_of_ones_own_and_what_is_nested():
    assert [(pair.name, pair.after) for pair in hidden_layers(Straight(), ["fc1", "fc2", "fc3"], "x")] == [
        ("fc1", "fc2"),
        ("fc2", "fc3"),
    ]
    nested = nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU()), nn.Linear(8, 10), nn.Softmax(dim=1)
    )
    (pair,) = hidden_layers(nested, ["1.0", "2"], "x")
    assert (pair.name, pair.after, pair.norms) == ("1.0", "2", ("1.1",))
    model = Straight().eval()
    plan, _ = ordered(model)
    images = bench_of(plan, chain("fpt").steps[0].needs, dataset=digits()).images(20)
    with torch.no_grad():
        torch.testing.assert_close(plan.model(images), model(images), rtol=0.0, atol=1e-5)


@pytest.mark.parametrize(
    "first", ["retrain", "fpt", "prescale", "gain", "output-correction", "neuron-permutation", "reduce-fix"]
)
def test_what_was_fitted_to_units_where_they_lie_does_not_come_before(first):
    with pytest.raises(InputError, match="undoes it"):
        chain(f"{first}+neuron-permutation")


@pytest.mark.parametrize("text", ["match-rows+neuron-permutation", "neuron-permutation+row-permutation",
                                  "neuron-permutation+prescale", "neuron-permutation+fpt"])  # fmt: skip
def test_what_may_come_with_it(text):
    assert len(chain(text).steps) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("power=3", "neuron-permutation:power is 3: it must be at most 2"),
        ("weighting=rms", "neuron-permutation:weighting is 'rms': it must be one of paper, input"),
        ("knows=hardware", "neuron-permutation:knows is 'hardware'"),
        ("images=0", "neuron-permutation:images is 0"),
    ],
)
def test_options_that_it_refuses(options, message):
    with pytest.raises(InputError, match=message):
        chain(f"neuron-permutation:{options}")
