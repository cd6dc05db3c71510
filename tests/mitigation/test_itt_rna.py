"""Training off and on the device: what is laid out, reduced, trained and written, against other code."""

from dataclasses import replace
from functools import cache
from itertools import count

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, bench_of, digits, harness_of, network
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation import Bench, Chain, Harness, Plan, chain, method, realise
from xbarsim.mitigation.forward_pass import forward_pass
from xbarsim.mitigation.independence import Neighbourhood, independent
from xbarsim.nn import Law, Wires
from xbarsim.nn import Mapping as WeightMapping
from xbarsim.nn.training import DivergedError

STEADY = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))
"""Cells that hold the same at each writing, so that what is known of them is all."""

OFF = {"iterations": 0, "batch": 20}
ON = {"mapping": "none", "rounds": 0, "batch": 20}


def trained(kind="mlp", hardware=STEADY, plan=None, **options):
    """Return a plan, what the method made of it on chip 0, and the bench."""
    plan = plan or Plan.of(network(kind))
    step = method("itt-rna", **options)
    bench = bench_of(plan, step.needs, hardware=hardware, label="itt-rna")
    return plan, step.apply(plan, bench), bench


def on_chip(kind="mlp", hardware=STEADY, text="", dataset=None, **options):
    """Return what a chain that ends with the method comes to on chip 0, and its record."""
    step = method("itt-rna", **{**ON, **options})
    steps = Chain((*(chain(text).steps if text else ()), step))
    harness = harness_of(kind, hardware, dataset)
    harness.check([steps])
    return harness.apply(steps, 0), harness.record(steps, 0)


@cache
def recorded(kind, text):
    """Return the records of a chain on two chips."""
    harness = harness_of(kind, STEADY)
    return [harness.record(chain(text), seed) for seed in range(2)]


ON_AND_OFF = "rounds=6,share=0.02,iterations=40,batch=20,rate=0.01,interval=40"


def weights(plan, layer="fc1"):
    return plan.model.state_dict()[plan.weight_name(layer)]


def rising(monkeypatch, levels=None):
    """Have every measurement be better than the one before, or what is given."""
    levels = iter(levels) if levels is not None else (k * 1e-3 for k in count())
    monkeypatch.setattr(Bench, "validation", lambda bench, candidate: next(levels))


# Off the device: rows.


def test_rows_are_matched_with_what_imperfect_layers_give():
    """The first layer's as by match-rows; the second's by the inputs that the chip's first layer gives."""
    plan, after, bench = trained(rounds=0, **OFF)
    usual = method("match-rows", weighting="input")
    first = usual.apply(plan, bench_of(plan, usual.needs, hardware=STEADY))
    np.testing.assert_array_equal(after.layer("fc1").arrangement.rows[0], first.layer("fc1").arrangement.rows[0])
    midway = plan.with_layer("fc1", arrangement=after.layer("fc1").arrangement)
    known = bench.known_network(midway)
    inputs = forward_pass(known, bench.images()).inputs["fc2"].double().numpy()
    u = np.sqrt((inputs**2).mean(axis=0))
    costs = np.maximum(u, 1e-3 * u.max())[:, None] * known.layers["fc2"].row_costs()
    rows, lines = linear_sum_assignment(costs)
    order = np.empty(len(lines), dtype=int)
    order[lines] = rows
    np.testing.assert_array_equal(after.layer("fc2").arrangement.rows[0], order)
    with torch.no_grad():
        in_software = network("mlp").relu1(network("mlp").fc1(bench.images().flatten(1))).double().numpy()
    assert np.abs(inputs - in_software).max() > 0.1


def test_matching_alone_changes_no_weight():
    plan, after, _ = trained(rounds=0, **OFF)
    assert all(torch.equal(weights(plan, name), weights(after, name)) for name in ("fc1", "fc2"))


def test_without_matching_rows_stay_as_they_were_laid_out():
    laid_out = harness_of("mlp", STEADY).apply(chain("match-rows"), 0).plan
    application, _ = on_chip(text="match-rows", iterations=2)
    for name in ("fc1", "fc2"):
        assert application.plan.layer(name).arrangement.to_dict() == laid_out.layer(name).arrangement.to_dict()


# Off the device: reductions.


@pytest.mark.parametrize("kind", ["mlp", "convolution"])
def test_what_is_reduced_is_what_harms_the_loss_most(kind, monkeypatch):
    """One round of one layer, with steps that change nothing: S = |w - t(w)| |dL/dw| in the imperfect network."""
    rising(monkeypatch)
    name = "fc1" if kind == "mlp" else "conv1"
    shares = {"rounds": 1, "share": 0.03, "steps": 1, "step_rate": 1e-30, "mapping": "none", **OFF}
    plan, after, bench = trained(kind, **shares)
    layer = bench.known_network(plan).layers[name]
    represented = layer.effective_parameters()[0].detach()
    model = Plan.of(network(kind)).model
    parameter = model.get_parameter(plan.weight_name(name))
    with torch.no_grad():
        parameter.copy_(represented)
    data = bench.labelled()
    functional.cross_entropy(model(data.images), data.labels).backward()
    weight, slope = (tensor.detach().flatten(1).double().numpy() for tensor in (weights(plan, name), parameter.grad))
    stuck = np.logical_or.reduce([faults != 0 for faults, _ in layer.known()]).T
    harm = np.where(stuck, 0.0, np.abs(weight - represented.flatten(1).double().numpy()) * np.abs(slope))
    grid = (8, 8) if kind == "mlp" else (3, 3)
    picks = independent(harm, int(np.ceil(0.03 * weight.size)), Neighbourhood(weight.shape[1], grid))
    reduced = (weights(after, name) != weights(plan, name)).flatten(1).numpy()
    assert {tuple(cell) for cell in np.argwhere(reduced)} == set(picks)
    assert torch.equal(weights(after, name).flatten(1)[reduced], weights(plan, name).flatten(1)[reduced] / 2)


def test_earlier_layers_stay_and_later_ones_train_along(monkeypatch):
    """Layers: fc1, then fc2. What fc2's turn brings does not touch what is programmed of fc1."""
    turns = {"rounds": 3, "patience": 3, "steps": 5, "step_rate": 0.2, **OFF}
    rising(monkeypatch, [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5])
    plan, first, bench = trained(**turns)
    assert bench.trace["layer"] == [0.0] * 4 + [1.0] * 4
    rising(monkeypatch, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    _, second, _ = trained(**turns)
    assert torch.equal(weights(first), weights(second))
    assert torch.equal(first.model.fc1.bias, second.model.fc1.bias)
    assert not torch.equal(weights(first, "fc2"), weights(second, "fc2"))
    assert not torch.equal(weights(first, "fc2"), weights(plan, "fc2")), "fc2 trained along with fc1"


def test_the_best_state_stays_and_patience_ends_a_layers_turn(monkeypatch):
    rising(monkeypatch, [0.5, 0.6, 0.1, 0.2, 0.7, 0.7, 0.7, 0.9, 0.8, 0.8])
    _, after, bench = trained(rounds=9, patience=2, **OFF)
    assert bench.trace["round"] == [0, 1, 2, 3, 0, 1, 2]
    rising(monkeypatch, [0.5, 0.6, 0.7, 0.7])
    _, expected, _ = trained(rounds=1, patience=2, **OFF)
    assert torch.equal(weights(after), weights(expected))
    rising(monkeypatch, [0.5] * 20)
    plan, unchanged, _ = trained(rounds=9, patience=2, **OFF)
    assert torch.equal(weights(plan), weights(unchanged))


def test_scales_stay_and_stuck_pairs_are_programmed_as_before():
    plan, after, bench = trained(rounds=4, steps=4, **OFF)
    before, behind = (realise(each, STEADY, seed=0).layers["fc1"] for each in (plan, after))
    np.testing.assert_allclose(float(behind.scale), float(before.scale), rtol=1e-12)
    assert behind.clipped == 0.0
    stuck = np.logical_or.reduce([faults != 0 for faults, _ in bench.known_network(after).layers["fc1"].known()]).T
    assert torch.equal(weights(plan)[stuck], weights(after)[stuck])
    assert not torch.equal(weights(plan), weights(after))


@pytest.mark.parametrize("kind", ["mlp", "convolution"])
def test_accuracy_comes_back_by_each_stage(kind):
    """Means of two chips: nothing, rows alone, off the device, and on it."""
    texts = [
        "none", "itt-rna:rounds=0,iterations=0", "itt-rna:rounds=6,share=0.02,iterations=0,batch=20",
        f"itt-rna:{ON_AND_OFF}",
    ]  # fmt: skip
    means = [np.mean([record.after for record in recorded(kind, text)]) for text in texts]
    assert means[1] > means[0]
    assert means[2] > means[0] + 0.1
    assert means[3] > means[0] + 0.15


# On the device.


@pytest.mark.parametrize("kind", ["mlp", "norm", "convolution"])
def test_what_is_programmed_at_the_end_is_the_plan(kind):
    application, _ = on_chip(kind, iterations=8, rate=0.1, threshold=0.03)
    again = realise(application.plan, STEADY, seed=0)
    for name, layer in application.network.layers.items():
        assert not torch.equal(weights(application.plan, name), network(kind).state_dict()[f"{name}.weight"])
        for present, fresh in zip(layer.programmed, again.layers[name].programmed, strict=True):
            np.testing.assert_allclose(present, fresh, rtol=1e-9)


def test_a_step_is_forward_on_the_chip_and_backward_in_software():
    """One step of all images, by hand: errors of the chip's outputs, through the weights that are wanted."""
    rate = 0.05
    application, _ = on_chip(iterations=1, batch=160, momentum=0.0, rate=rate, threshold=0.0)
    data = bench_of(Plan.of(network()), method("itt-rna").needs).labelled()
    forward = forward_pass(realise(Plan.of(network()), STEADY, seed=0), data.images)
    hidden, scores = (forward.layers[name].double().numpy() for name in ("fc1", "fc2"))
    errors = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    errors[np.arange(160), data.labels.numpy()] -= 1.0
    errors /= 160
    second = network().fc2.weight.detach().double().numpy()
    slope_2 = errors.T @ np.maximum(hidden, 0.0)
    slope_1 = ((errors @ second) * (hidden > 0.0)).T @ data.images.flatten(1).double().numpy()
    for name, slope in (("fc1", slope_1), ("fc2", slope_2)):
        before = network().get_parameter(f"{name}.weight").detach().numpy()
        limit = np.abs(before).max()
        expected = np.clip(before - rate * slope, -limit, limit)
        np.testing.assert_allclose(weights(application.plan, name).numpy(), expected, atol=2e-7)
        assert np.abs(slope).max() > 1e-4


@pytest.mark.parametrize("text", ["", "match-rows", "row-flip:scope=layer", "write-verify:tolerance=0.05"])
def test_writes_are_counted_as_the_chip_counts_them(text):
    application, record = on_chip(text=text, hardware=HARDWARE, iterations=10, rate=0.1)
    cells = sum(plane.size for layer in application.network.layers.values() for plane in layer.writes_per_cell)
    trace, layers = application.trace, application.network.layers.values()
    cell_writes = [plane - 1 for layer in layers for plane in layer.writes_per_cell]
    assert trace["writes"][-1] == sum(int(plane.sum()) for plane in cell_writes) > 0
    assert trace["writes_a_cell"][-1] == pytest.approx(trace["writes"][-1] / cells)
    assert trace["most_writes_a_cell"][-1] == max(int(plane.max()) for plane in cell_writes)
    assert trace["writes"] == sorted(trace["writes"])
    programmed = sum(int(plane.sum()) for layer in layers for plane in layer.present_cells().writes)
    assert record.cost.writes == programmed
    first = record.cost.pulses - trace["pulses"][-1]
    if text.startswith("write-verify"):
        assert trace["pulses"][-1] > 1.5 * trace["writes"][-1]
        assert first > 1.5 * cells
    else:
        assert trace["pulses"][-1] == trace["writes"][-1]
        assert record.cost.writes == first + trace["writes"][-1]


def test_stuck_cells_that_are_known_are_not_written():
    application, _ = on_chip(iterations=10, rate=0.2)
    for layer in application.network.layers.values():
        for (faults, _), counts in zip(layer.known(), layer.writes_per_cell, strict=True):
            assert (counts[faults != 0] == 1).all()
            assert (counts[faults == 0] > 1).any()


def test_a_threshold_of_the_whole_scale_writes_nothing():
    """Biases are digital, and go on."""
    application, record = on_chip(iterations=10, threshold=1.0)
    assert application.trace["writes"][-1] == 0
    assert torch.equal(weights(application.plan), network().fc1.weight)
    assert not torch.equal(application.plan.model.fc1.bias, network().fc1.bias)
    assert record.cost.most_writes_a_cell == 1


def test_a_larger_threshold_writes_less():
    writes = [on_chip(iterations=20, threshold=level)[0].trace["writes"][-1] for level in (0.0, 0.01, 0.05)]
    assert writes[0] > 2 * writes[1] > 4 * writes[2] > 0


def test_images_and_measurements_are_counted():
    application, record = on_chip(iterations=5, interval=2)
    assert application.trace["iteration"] == [0, 2, 4, 5]
    assert record.cost.forward_images == 5 * 20 + 4 * 60
    assert record.cost.labels == 5 * 20 + 60
    assert record.cost.gradient_steps == 5
    data = digits()
    images = torch.from_numpy(data.validation.images).float() / 255
    with torch.no_grad():
        classes = application.network(images).argmax(dim=1)
    share = float((classes == torch.from_numpy(data.validation.labels)).float().mean())
    assert application.trace["chip_validation"][-1] == pytest.approx(share)


def test_training_off_the_device_saves_writes():
    """The same iterations from a chip that nothing was done for write more cells, and end no better."""
    alone = "itt-rna:mapping=none,rounds=0,iterations=40,batch=20,rate=0.01,interval=40"
    records = [recorded("mlp", text) for text in (alone, f"itt-rna:{ON_AND_OFF}")]
    writes = [np.mean([record.trace["writes"][-1] for record in line]) for line in records]
    after = [np.mean([record.after for record in line]) for line in records]
    assert writes[1] < 0.8 * writes[0]
    assert after[1] >= after[0] - 0.05


def test_wires_are_in_what_training_looks_at(monkeypatch):
    """Of the same cells: the slope of the loss, and what comes out of the first layer, are those of the circuit."""
    wired = replace(STEADY, fidelity="accurate", wires=Wires(200.0))
    plans = []
    for hardware in (STEADY, wired):
        rising(monkeypatch)
        plans.append(trained(rounds=1, steps=1, share=0.05, hardware=hardware, **OFF)[1])
    assert not torch.equal(weights(plans[0]), weights(plans[1]))
    orders = [plan.layer("fc2").arrangement.rows[0] for plan in plans]
    assert not np.array_equal(*orders)


def test_a_chip_with_wires_is_written_and_read():
    wired = replace(STEADY, fidelity="accurate", wires=Wires(20.0))
    application, _ = on_chip(hardware=wired, iterations=3, rate=0.1)
    assert application.trace["writes"][-1] > 0
    assert application.trace["chip_validation"][-1] > 0.2


@pytest.mark.parametrize("mapping", ["reference", "offset"])
def test_weights_of_a_single_cell(mapping):
    hardware = replace(STEADY, mapping=WeightMapping(mapping))
    application, record = on_chip(hardware=hardware, iterations=40, rate=0.02)
    assert record.after > record.before
    assert all(len(layer.writes_per_cell) == 1 for layer in application.network.layers.values())


def test_groups_of_a_convolution():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False), nn.ReLU(),
        nn.Flatten(), nn.Linear(54, 10),
    )  # fmt: skip
    harness = Harness(model, digits(), STEADY)
    record = harness.record(chain("itt-rna:rounds=2,batch=20,iterations=30"), 0)
    assert record.trace["layer"] == sorted(record.trace["layer"])
    assert set(record.trace["layer"]) == {0.0, 1.0, 2.0}
    assert record.trace["writes"][-1] > 0


# What it does not take.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mapping": "greedy"}, "itt-rna:mapping is 'greedy': it must be one of match, none"),
        ({"forward": "chip"}, "itt-rna:forward is 'chip': it must be one of cells, weights"),
        ({"t": 1.0}, "itt-rna:t is 1: it must be above 1"),
        ({"bound": 0}, "itt-rna:bound is 0: it must be a whole number, at least 1"),
        ({"share": 0.0}, "itt-rna:share is 0: it must be above 0 and at most 1"),
        ({"momentum": 1.5}, "itt-rna:momentum is 1.5: it must be at least 0 and at most 1"),
        ({"threshold": -0.1}, "itt-rna:threshold is -0.1: it must be at least 0"),
        ({"iterations": -1}, "itt-rna:iterations is -1: it must be a whole number, at least 0"),
        (
            {"mapping": "none", "rounds": 0, "iterations": 0},
            "itt-rna:iterations is 0, as are rounds, and mapping is none",
        ),
    ],
)
def test_options_out_of_their_bounds(options, message):
    with pytest.raises(InputError, match=message):
        method("itt-rna", **options)


@pytest.mark.parametrize(
    ("kind", "hardware", "options", "message"),
    [
        ("binary", HARDWARE, {}, "those of a binary network are"),
        ("mlp", replace(HARDWARE, mapping=WeightMapping(per="column")), {}, "take hardware with mapping.per=layer"),
        ("mlp", HARDWARE, {"batch": 161}, "itt-rna:batch is 161, and there are 160 images"),
        ("mlp", replace(HARDWARE, law=Law("sinh", v0=0.1)), {}, "take law.kind=linear, or rounds=0,mapping=none"),
    ],
)
def test_what_it_does_not_go_with(kind, hardware, options, message):
    with pytest.raises(InputError, match=message):
        harness_of(kind, hardware).check([Chain((method("itt-rna", **{"batch": 20, **options}),))])


def test_layers_that_share_weights_are_refused():
    linear = nn.Linear
    model = nn.Sequential(nn.Flatten(), linear(64, 64), nn.ReLU(), linear(64, 64), linear(64, 10))
    model[3].weight = model[1].weight
    with pytest.raises(InputError, match="two layers share a weight"):
        Harness(model, digits(), STEADY).check([chain("itt-rna:batch=20")])


@pytest.mark.parametrize("options", ["iterations=2,mapping=none,rounds=0", "iterations=0"])
def test_a_layer_that_images_pass_twice_is_refused(options):
    class Twice(nn.Sequential):
        def forward(self, x):
            return self[3](self[1](self[1](self[0](x)).relu()))

    model = Twice(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    with pytest.raises(InputError, match="take a network that calls each of its layers once"):
        Harness(model, digits(), STEADY).record(chain(f"itt-rna:batch=20,{options}"), 0)


def test_training_that_diverges_is_said():
    with pytest.raises(DivergedError, match=r"itt-rna: .*: give a smaller rate"):
        on_chip(iterations=20, rate=1e38)
