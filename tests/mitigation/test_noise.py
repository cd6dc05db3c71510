"""Training on chips that are drawn anew: which chips, through what circuit, by which gradients, and what it brings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, LEVELS, OFFSET, bench_of, digits, harness_of, network
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation import Chain, LayerPlan, Plan, chain, method, realise
from xbarsim.mitigation.bench import VALIDATION_CHIPS
from xbarsim.nn import Converter, CrossbarNetwork, Hardware, Mapping, Tiles, Wires
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nonideal import Faults, Nonidealities

SPREAD = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))
WIRED = Hardware(
    tiles=Tiles(24, 7), cells=Nonidealities(1e3, 1e6, faults=Faults(0.02)), wires=Wires(60.0, 60.0, 60.0, 60.0),
    fidelity="accurate",
)  # fmt: skip
SHORT = {"epochs": 1, "batch": 20, "images": 60}


def trained(kind="mlp", hardware=SPREAD, name="noise", seed=5, **options):
    step = method(name, **{**SHORT, **options})
    plan = Plan.of(network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, label=name, seed=seed)
    return plan, step.apply(plan, bench), bench


@pytest.fixture
def programmings(monkeypatch):
    """Record each chip of the first layer that a network is programmed on, and how many images then go through."""
    chips, passes = [], []
    program, forward = CrossbarLayer.program, CrossbarNetwork.forward

    def watched_program(layer, *arguments, **more):
        result = program(layer, *arguments, **more)
        if layer.name == "fc1":
            chips.append(layer.checked_chip())
        return result

    def watched_forward(net, images):
        passes.append((len(chips), len(images)))
        return forward(net, images)

    monkeypatch.setattr(CrossbarLayer, "program", watched_program)
    monkeypatch.setattr(CrossbarNetwork, "forward", watched_forward)
    return chips, passes


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, [0, 1, 2]), ({"chips": 2}, [0, 1, 2, 3, 4, 5]), ({"every": 2}, [0, 0, 1]),
     ({"chips": 2, "every": 2}, [0, 1, 0, 1, 2, 3])],
)  # fmt: skip
def test_each_step_has_chips_of_its_own(programmings, options, expected):
    chips, passes = programmings
    trained(**options)
    maps = [(chip.maps(0).faults.tobytes(), chip.maps(0).factor.tobytes()) for chip in chips]
    assert [list(dict.fromkeys(maps)).index(pair) for pair in maps] == expected
    assert len({chip.seed for chip in chips}) == max(expected) + 1
    assert passes == [(count + 1, 20) for count in range(len(expected))], "all of a batch goes through each"


def test_drawn_chips_are_of_the_hardwares_statistics(programmings):
    chips, _ = programmings
    trained(epochs=12)
    maps = [chip.maps(tile) for chip in chips for tile in range(len(chip.shapes))]
    faults = np.concatenate([part.faults.ravel() for part in maps])
    factors = np.log(np.concatenate([part.factor.ravel() for part in maps]))
    np.testing.assert_allclose((faults != 0).mean(), 0.1, rtol=0.1)
    np.testing.assert_allclose(factors.std(), 0.4, rtol=0.05)


def test_drawn_chips_are_none_that_is_tested_or_validates(programmings):
    """Whatever the tested chip's seed, the chips of training are the same, and neither it nor those to choose by."""
    chips, _ = programmings
    plan, step = Plan.of(network("mlp")), method("noise", **SHORT)
    drawn = []
    for tested in (0, 1):
        bench = bench_of(plan, step.needs, hardware=SPREAD, chip=tested)
        chips.clear()
        step.apply(plan, bench)
        drawn.append([chip.seed for chip in chips])
    assert drawn[0] == drawn[1]
    simulated = [
        bench.simulated_network(plan, number).layers["fc1"].checked_chip().seed for number in range(VALIDATION_CHIPS)
    ]
    real = [realise(plan, SPREAD, seed=seed).layers["fc1"].checked_chip().seed for seed in range(50)]
    assert not set(drawn[0]) & {*simulated, *real, *range(50)}
    chips.clear()
    step.apply(plan, bench_of(plan, step.needs, hardware=SPREAD, seed=6))
    assert not set(drawn[0]) & {chip.seed for chip in chips}, "they are of the methods' seed"


def on_drawn_chip(plan, bench, number) -> CrossbarNetwork:
    """Return a plan's network to be trained, whose scale is that of its weights, on a chip of a step."""
    net = bench.ideal_network(plan).train().requires_grad_(True)
    for layer in net.layers.values():
        layer.hardware = replace(layer.hardware, mapping=Mapping(scale="dynamic"))
    bench.reprogram(net, plan, VALIDATION_CHIPS + number)
    return net


def test_a_step_is_the_mean_gradient_of_its_chips():
    """By torch's own: the gradient of the mean loss over the chips of the first step, then one step of AdamW."""
    _, after, bench = trained(chips=2, images=20)
    nets = [on_drawn_chip(Plan.of(network("mlp")), bench, number) for number in range(2)]
    data = bench.labelled(20)
    weights = [net.layers["fc1"].weight for net in nets]
    for net in nets:
        (0.5 * functional.cross_entropy(net(data.images), data.labels)).backward()
    gradient = weights[0].grad + weights[1].grad
    # The first step of Adam is the rate times the gradient's sign, up to epsilon.
    expected = weights[0].detach() - 5e-3 * gradient / (gradient.abs() + 1e-8)
    torch.testing.assert_close(after.model.fc1.weight.detach(), expected, rtol=1e-4, atol=2e-5)


def test_largest_weights_are_drawn_in():
    """Many cells at LRS, each of which stands for a whole scale."""
    stuck = replace(SPREAD, cells=replace(SPREAD.cells, faults=Faults(0.2, ocr=0.2), variation=None))
    before, after, _ = trained("mlp", stuck, epochs=12, rate=0.01, images=160)
    ratios = [
        float(weight.abs().max() / weight.square().mean().sqrt())
        for weight in (before.model.fc1.weight.detach(), after.model.fc1.weight.detach())
    ]
    assert ratios[1] < 0.8 * ratios[0]


def loss_on_chips(plan: Plan, hardware: Hardware, seeds=range(4)) -> float:
    data = bench_of(plan, method("noise").needs, hardware=hardware).labelled()
    with torch.no_grad():
        values = [functional.cross_entropy(realise(plan, hardware, seed=k)(data.images), data.labels) for k in seeds]
    return float(torch.stack(values).mean())


@pytest.mark.parametrize("kind", ["mlp", "norm", "convolution", "binary"])
def test_it_lowers_the_loss_on_chips_that_it_never_saw(kind):
    hardware = OFFSET if kind == "binary" else SPREAD
    before, after, bench = trained(kind, hardware, epochs=12, rate=0.01, images=160)
    assert loss_on_chips(after, hardware) < 0.8 * loss_on_chips(before, hardware)
    assert len(bench.trace["loss"]) == 12
    assert all(vars(settled) == vars(LayerPlan()) for settled in after.layers.values())


def test_wires_act_and_training_through_them_is_better_on_them():
    """Of the same drawn chips, with and without their wires."""
    cut = replace(WIRED, fidelity="ideal")
    plans = [trained("mlp", hardware, epochs=6, rate=0.01, images=160)[1] for hardware in (WIRED, cut)]
    assert plans[0].fingerprint() != plans[1].fingerprint()
    losses = [loss_on_chips(plan, WIRED) for plan in plans]
    assert losses[0] < 0.8 * losses[1]
    assert losses[0] < 0.8 * loss_on_chips(Plan.of(network("mlp")), WIRED)


def test_gradients_through_wires_are_those_of_the_loss():
    """Along a random direction, the adjoint's slope is that of differences of the loss on the same drawn chip."""
    plan, step = Plan.of(network("single")), method("noise")
    bench = bench_of(plan, step.needs, hardware=WIRED)
    data = bench.labelled(20)
    net = on_drawn_chip(plan, bench, 0).double()
    weight = net.layers["fc1"].weight
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    start = weight.detach().clone()

    def loss(step_size: float) -> torch.Tensor:
        with torch.no_grad():
            weight.copy_(start + step_size * direction)
        bench.reprogram(net, plan, VALIDATION_CHIPS)
        return functional.cross_entropy(net(data.images.double()), data.labels)

    loss(0.0).backward()
    slope = float((weight.grad * direction).sum())
    with torch.no_grad():
        difference = float(loss(1e-5) - loss(-1e-5)) / 2e-5
    assert abs(slope) > 1e-3
    np.testing.assert_allclose(slope, difference, rtol=1e-4)


def test_norms_become_digital_and_take_statistics_of_drawn_chips():
    before, after, _ = trained("norm", epochs=3)
    assert after.batchnorm == "outputs"
    norm, old = after.model.bn1, before.model.bn1
    assert int(norm.num_batches_tracked) == int(old.num_batches_tracked) + 9
    assert not torch.equal(norm.running_var, old.running_var)


def test_binary_weights_stay_within_their_bounds():
    before, after, _ = trained("binary", OFFSET, rate=0.3)
    name = "fc1.parametrizations.weight.original"
    latent = after.model.state_dict()[name]
    assert float(latent.abs().max()) <= 1.0
    assert (torch.sign(latent) != torch.sign(before.model.state_dict()[name])).any()


def test_one_training_serves_all_chips():
    harness = harness_of("mlp", SPREAD)
    steps = chain("noise:epochs=1,batch=20")
    first, second = (harness.apply(steps, seed) for seed in (0, 1))
    assert first.plan is second.plan
    assert first.ledger.gradient_steps == second.ledger.gradient_steps == 8
    assert (first.ledger.labels, first.ledger.forward_images) == (len(digits().train), 0)


def test_verified_writes_before_it_are_what_it_trains_on():
    """Chips without what write-verify corrects are other chips to train for."""
    steps = [chain(text) for text in ("noise:epochs=1,batch=20", "write-verify+noise:epochs=1,batch=20")]
    models = [harness_of("mlp", SPREAD).apply(step, 0).plan.model for step in steps]
    assert not torch.equal(models[0].fc1.weight, models[1].fc1.weight)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("match-rows+noise", r"noise after match-rows undoes it \(rows\): take one of them, or the other order"),
        ("fpt+noise", "noise after fpt undoes it"),
        ("prescale+noise", "noise after prescale undoes it"),
        ("rsa+noise", "noise after rsa undoes it"),
        ("retrain+distill", "distill after retrain undoes it"),
        ("noise+distill", "distill after noise undoes it"),
        ("noise+write-verify", "write-verify after noise undoes it .*, or the other order"),
        ("noise:chips=0", "noise:chips is 0: it must be a whole number, at least 1"),
        ("noise:every=0", "noise:every is 0: it must be a whole number, at least 1"),
        ("noise:epochs=0", "noise:epochs is 0"),
        ("noise:rate=0", "noise:rate is 0: it must be above 0"),
    ],
)
def test_bad_options_and_chains_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


@pytest.mark.parametrize("text", ["noise+match-rows", "noise+fpt", "noise+rsa", "noise+retrain", "noise+prescale"])
def test_what_knows_the_chip_may_follow(text):
    assert len(chain(text).steps) == 2


@pytest.mark.parametrize("name", ["noise", "distill"])
@pytest.mark.parametrize(
    ("options", "hardware", "message"),
    [
        ({"batch": 161}, SPREAD, "batch is 161, and there are 160 images: give a smaller batch"),
        ({"images": 161}, SPREAD, "images is 161, and there are 160 to train on: ask for fewer"),
        ({}, replace(SPREAD, adc=Converter(bits=6)), "needs gradients, and adc.bits"),
    ],
)
def test_what_it_does_not_go_with_is_refused_before_any_work(name, options, hardware, message):
    with pytest.raises(InputError, match=f"{name}.*{message}"):
        harness_of("mlp", hardware).check([Chain((method(name, **{"batch": 20, **options}),))])


def test_levels_are_passed_straight():
    """On cells of few levels weights move where the step of a level is far larger than theirs."""
    coarse = replace(LEVELS, cells=replace(LEVELS.cells, levels=replace(LEVELS.cells.levels, count=2)))
    before, after, _ = trained("mlp", coarse, rate=1e-4)
    moved = (after.model.fc1.weight - before.model.fc1.weight).abs()
    assert float((moved > 0.0).float().mean()) > 0.5
