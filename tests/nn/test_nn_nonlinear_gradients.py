"""Gradients of layers whose cells are not linear: every input vector's own circuit, forward and back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, apart, hardware, ideal, made, numbers
from test_nn_gradients import checked
from torch import nn

from xbarsim import devices
from xbarsim.devices import registry
from xbarsim.nn import Converter, CrossbarConv2d, CrossbarLinear, Hardware, Law, Tiles, Wires, convert, products
from xbarsim.nn.datasets import load
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nn.training import inputs as digit_images
from xbarsim.nonideal import Fault, Faults, Levels, Nonidealities, ReadNoise, Variation

CURVE = [[-1.0, -2e-3], [-0.4, -3e-4], [0.3, 2e-4], [0.6, 9e-4], [1.2, 4e-3]]
LAWS = {
    "sinh": Law("sinh", v0=0.3),
    "selector": Law("selector", i0=1e-5, v0=0.05),
    "yakopcic": Law("yakopcic", options={"a1": 1e-4, "a2": 3e-4, "b": 2.0}),
    "table": Law("table", options={"curve": CURVE}),
    "transistor": Law("transistor", options={"gate": 1.4, "lam": 0.05}),
}


def small_layer(law, mapping="differential", *, bias_row=False, bias=True, **more):
    """A layer of 5 inputs and 4 outputs on arrays of 3 x 3; inputs of up to 1 have up to half a volt."""
    return CrossbarLinear.of(
        made(nn.Linear, 5, 4, bias=bias), hardware(mapping, 3, 3, law=LAWS[law], **more), bias_row=bias_row
    )


def inputs(*shape, seed=1):
    return torch.tanh(numbers(*shape, seed=seed))


@pytest.mark.parametrize("law", LAWS)
def test_a_layer_of_any_law(law):
    assert checked(small_layer(law), inputs(2, 5))


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_any_mapping(mapping, scale):
    assert checked(small_layer("sinh", mapping, scale=scale, bias_row=True), inputs(2, 5))


def test_a_scale_a_column():
    hw = hardware("differential", 3, 3, law=LAWS["selector"], per="column")
    assert checked(CrossbarLinear.of(made(nn.Linear, 5, 4), hw), inputs(2, 5), fast=True)


def test_a_convolution():
    conv = made(nn.Conv2d, 2, 4, 2, padding=1, groups=2)
    assert checked(CrossbarConv2d(conv, hardware("reference", 4, 3, law=LAWS["sinh"])), inputs(1, 2, 3, 2), fast=True)


def test_a_chip_with_variation_and_faults():
    cells = Nonidealities(variation=Variation(0.3), faults=Faults(0.2))
    assert checked(small_layer("sinh", cells=cells), inputs(2, 5))


@pytest.mark.slow
def test_a_law_of_the_user_s(monkeypatch):
    class Cubic(devices.Law):
        name = "cubic"
        summary = "I = G (V + k V^3)"
        options = (devices.Option("k", "how fast the slope grows", 1.0, "1/V^2", least=0.0),)

        def __init__(self, k=1.0):
            super().__init__(lambda v, g, k: (g * v + k * g * v * v * v, g + 3.0 * k * g * v * v), k=k)

    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    devices.register(Cubic)
    layer = CrossbarLinear.of(made(nn.Linear, 5, 4), hardware(rows=3, cols=3, law=Law("cubic", options={"k": 0.7})))
    assert checked(layer, inputs(2, 5))


@pytest.mark.parametrize("law", ["sinh", "selector"])
def test_a_law_that_hardly_bends_has_the_gradients_of_linear_cells(law):
    bent = Law("sinh", v0=1e5) if law == "sinh" else Law("selector", i0=1e3, v0=1e-6)
    gradients = []
    for settings in (Law("linear"), bent):
        layer = CrossbarLinear.of(made(nn.Linear, 9, 4), hardware(rows=5, cols=3, law=settings)).program(2)
        x = inputs(3, 9).requires_grad_()
        layer.train()(x).square().sum().backward()
        gradients.append((layer.weight.grad, layer.bias.grad, x.grad))
    for linear, ours in zip(*gradients, strict=True):
        assert apart(ours, linear) < 1e-7


@pytest.mark.parametrize("law", ["sinh", "transistor"])
def test_what_is_kept_for_the_gradient_changes_nothing(law, monkeypatch):
    """In eval(), and where it would be too much, vectors are solved once more."""
    layer, x = small_layer(law, bias_row=True).program(0), inputs(7, 5)
    kept = []
    original = products.array_currents

    def counted(*args, keep, **options):
        kept.append(keep)
        return original(*args, keep=keep, **options)

    monkeypatch.setattr(products, "array_currents", counted)
    gradients = []
    for mode, most in ((True, 256e6), (True, 8 * 7 * 48 - 1), (False, 256e6)):
        monkeypatch.setattr(products, "KEPT_BYTES", most)
        layer.train(mode).zero_grad()
        drive = x.clone().requires_grad_()
        layer(drive).square().sum().backward()
        gradients.append((layer.weight.grad.clone(), layer.bias.grad.clone(), drive.grad))
    tiles = len(layer.tiles)
    assert sum(tile.crossbar.conductance.size for tile in layer.tiles) == 48
    assert kept == [True] * tiles + [False] * (2 * tiles)
    for parts in zip(*gradients, strict=True):
        assert torch.equal(parts[0], parts[1])
        assert torch.equal(parts[0], parts[2])


def test_what_needs_no_gradient_solves_once_and_keeps_nothing(monkeypatch):
    layer, x = small_layer("sinh").program(0), inputs(2, 5)
    monkeypatch.setattr(products, "array_currents", None)
    with torch.no_grad():
        y = layer.train()(x)
    layer.requires_grad_(False)
    assert torch.equal(layer(x), y)
    assert not layer(x).requires_grad


@pytest.mark.parametrize("mode", [True, False])
def test_layers_before_nonlinear_cells_train(mode):
    hw = replace(hardware(law=LAWS["sinh"]), dac=Converter(range="full"))
    model = nn.Sequential(made(nn.Linear, 5, 4), nn.Tanh(), made(nn.Linear, 4, 3, seed=1))
    network = convert(model, hw, digital="0").program(0)
    network.layers["2"].requires_grad_(False)
    network.train(mode)
    first = network.model[0].weight
    x, cotangent = numbers(2, 5), numbers(2, 3, seed=6)
    (network(x) * cotangent).sum().backward()
    for at in ((0, 0), (3, 4)):
        sums = []
        for step in (1e-4, -1e-4):
            with torch.no_grad():
                before = first[at].clone()
                first[at] += step
                sums.append(float((network(x) * cotangent).sum()))
                first[at] = before
        assert (sums[0] - sums[1]) / 2e-4 == pytest.approx(float(first.grad[at]), rel=1e-5)
    assert network.layers["2"].weight.grad is None


def test_converters_are_passed_straight():
    """With fine steps the gradient is as without any; rounded to few it is that at the rounded volts."""
    x, cotangent = inputs(3, 5), numbers(3, 4, seed=4)
    gradients = []
    for dac, adc in ((None, None), (50, 55), (6, 6)):
        layer = small_layer("sinh", bias=False)
        layer.hardware = replace(
            layer.hardware,
            dac=Converter(bits=dac, range="full"),
            adc=Converter(bits=adc, range="full" if adc else "batch"),
        )
        (layer.program(0)(x) * cotangent).sum().backward()
        gradients.append(layer.weight.grad.clone())
    assert apart(gradients[1], gradients[0]) < 1e-9
    assert 1e-6 < apart(gradients[2], gradients[0]) < 0.1


def test_pulses_have_their_gradients():
    hw = hardware(rows=3, cols=3, encoding="bit-serial", law=LAWS["sinh"])
    layer = CrossbarLinear.of(made(nn.Linear, 5, 4, bias=False), hw).program(0)
    x, cotangent = inputs(3, 5), numbers(3, 4, seed=4)
    (layer(x) * cotangent).sum().backward()
    at, sums = (1, 2), []
    for step in (1e-4, -1e-4):
        with torch.no_grad():
            layer.weight[at] += step
            sums.append(float((layer(x) * cotangent).sum()))
            layer.weight[at] -= step
    assert (sums[0] - sums[1]) / 2e-4 == pytest.approx(float(layer.weight.grad[at]), rel=1e-5)


def test_levels_are_passed_straight_and_stuck_cells_have_none():
    layer = CrossbarLinear.of(
        made(nn.Linear, 6, 4, bias=False),
        hardware(rows=6, cols=5, law=LAWS["sinh"], cells=Nonidealities(levels=Levels(8))),
    ).program(0)
    chip = layer.chip
    for tile, shape in enumerate(chip.shapes):
        faults = np.zeros(shape, dtype=np.int8)
        faults[2, 1], faults[4, 3] = Fault.STUCK_AT_HRS, Fault.STUCK_AT_LRS
        chip = chip.with_faults(faults, tile)
    layer.program(chip=chip)(inputs(3, 6)).square().sum().backward()
    assert (layer.weight.grad == 0.0).nonzero().tolist() == [[1, 2], [3, 4]]


def test_each_training_step_reads_anew_and_its_gradient_is_of_that_read():
    cells = Nonidealities(read_noise=ReadNoise(0.1))
    layer, x = small_layer("sinh", bias=False, cells=cells).program(0), inputs(2, 5)
    outputs = [layer.train()(x) for _ in range(2)]
    assert not torch.equal(*outputs)
    gradients = [torch.autograd.grad(y.sum(), layer.weight)[0] for y in outputs]
    assert not torch.equal(*gradients)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.RNN])
def test_recurrent_layers(kind):
    model = made(kind, 3, 2, batch_first=True)
    network = convert(model, hardware(rows=4, cols=3, law=LAWS["sinh"])).program(0).train()
    x, weight = inputs(2, 3, 3), network.layers["hh_l0"].weight
    network(x)[0].square().sum().backward()
    sums = []
    for step in (1e-4, -1e-4):
        with torch.no_grad():
            weight[1, 0] += step
            sums.append(float(network(x)[0].square().sum()))
            weight[1, 0] -= step
    assert (sums[0] - sums[1]) / 2e-4 == pytest.approx(float(weight.grad[1, 0]), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["sinh", "selector", "table"])
def test_training_through_the_wires_lowers_the_loss(law):
    """Digits on cells of each law, 5 ohm a segment: what IR drop and laws do to the outputs is trained around."""
    digits = load("digits").limited(train=128, test=32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    Training(model, digits, TrainSettings(epochs=8, batch=32, rate=0.01)).run()
    hw = Hardware(law=LAWS[law], wires=Wires(word=5.0, bit=5.0), tiles=Tiles(32, 10))
    images = digit_images(digits, digits.train, np.arange(128))
    labels = torch.from_numpy(digits.train.labels)
    network = convert(model, hw).program(0, headroom=3.0).calibrate(images)
    network.layers["1"].gain = nn.Parameter(torch.ones(()))

    def loss():
        with torch.no_grad():
            return float(nn.functional.cross_entropy(network(images), labels))

    before = loss()
    Training(network, digits, TrainSettings(epochs=4, batch=32, rate=0.05)).run()
    assert loss() < 0.8 * before
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())


def test_an_ideal_fidelity_has_no_wires_and_gradients_all_the_same():
    layer = CrossbarLinear.of(made(nn.Linear, 5, 4), ideal(hardware(rows=3, cols=3, law=LAWS["selector"])))
    assert checked(layer, inputs(2, 5))
