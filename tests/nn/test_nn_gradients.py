"""Gradients of layers: against finite differences, through scales, at stuck cells, and in training."""

import numpy as np
import pytest
import torch
from nn_tools import IDEAL, MAPPINGS, apart, hardware, ideal, made, numbers, solved
from torch import nn
from torch.func import functional_call

from xbarsim.devices import registry
from xbarsim.devices.ohmic import Linear
from xbarsim.nn import Converter, CrossbarConv2d, CrossbarLinear, Law
from xbarsim.nonideal import Fault, Faults, Levels, Nonidealities, ReadNoise, Shorts, Variation, WriteVerify

SIZES = [(1, 1), (2, 3), (7, 5), (33, 17)]
"""Of arrays; a reference column needs one more."""


def checked(layer, x, *, fast=False):
    """gradcheck over weights, bias and inputs; weights are kept off the ends of a frozen scale, where they clip."""
    layer.program(3)
    shrunk = 0.9 if layer.hardware.mapping.scale == "frozen" else 1.0
    names = [name for name, _ in layer.named_parameters()]
    values = [(one.detach() * shrunk).requires_grad_() for _, one in layer.named_parameters()]

    def call(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    return torch.autograd.gradcheck(call, (x.requires_grad_(), *values), fast_mode=fast)


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_linear(mapping, size, scale):
    hw = hardware(mapping, size[0], size[1] + (mapping == "reference"), scale=scale)
    large = size == (33, 17)
    inputs, outputs = (40, 20) if large else (5, 4)
    layer = CrossbarLinear.of(made(nn.Linear, inputs, outputs), hw)
    assert checked(layer, numbers(2, inputs), fast=size != (2, 3))


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_conv2d(mapping, size, scale):
    hw = hardware(mapping, size[0], size[1] + (mapping == "reference"), scale=scale, per="column")
    large = size == (33, 17)
    channels = 8 if large else 2
    conv = made(nn.Conv2d, channels, 2 * channels, 2, padding=1, groups=2)
    assert checked(CrossbarConv2d(conv, hw, bias_row=large), numbers(1, channels, 3, 2), fast=True)


@pytest.mark.slow
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_array_by_array(mapping):
    """The path of converters, with an ADC so fine that its steps are below what differences see."""
    layer = CrossbarLinear.of(made(nn.Linear, 5, 4), hardware(mapping, 3, 3, adc=Converter(bits=60, range="full")))
    assert checked(layer, numbers(2, 5))


@pytest.mark.slow
def test_with_variation_faults_and_shorts():
    cells = Nonidealities(variation=Variation(0.2), faults=Faults(0.1), shorts=Shorts(0.05, 0.05))
    layer = CrossbarLinear.of(made(nn.Linear, 6, 4), hardware(rows=4, cols=3, cells=cells))
    assert checked(layer, numbers(2, 6))
    assert any(tile.bridged is not None for tile in layer.tiles)


@pytest.mark.parametrize("verify", [None, WriteVerify(0.01)])
def test_levels_are_passed_straight(verify):
    cells = Nonidealities(levels=Levels(8), write_verify=verify)
    layer = CrossbarLinear.of(made(nn.Linear, 5, 4, bias=False), ideal(hardware(cells=cells))).program(0)
    cotangent = numbers(2, 4, seed=5)
    x = numbers(2, 5)
    layer(x).backward(cotangent)
    assert apart(layer.weight.grad, cotangent.T @ x) < 1e-12


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_stuck_cells_get_no_gradient(mapping):
    layer = CrossbarLinear.of(made(nn.Linear, 6, 4, bias=False), hardware(mapping, 6, 5)).program(0)
    chip = layer.chip
    for tile, shape in enumerate(chip.shapes):
        faults = np.zeros(shape, dtype=np.int8)
        faults[2, 1], faults[4, 3] = Fault.STUCK_AT_HRS, Fault.STUCK_AT_LRS
        chip = chip.with_faults(faults, tile)
    layer.program(chip=chip)(numbers(3, 6)).square().sum().backward()
    zeros = (layer.weight.grad == 0.0).nonzero().tolist()
    assert zeros == [[1, 2], [3, 4]]


def test_a_weight_of_zero_counts_once():
    """Two clamped halves would give it the gradients of both its cells."""
    layer = CrossbarLinear.of(made(nn.Linear, 3, 2, bias=False), IDEAL).program(0)
    with torch.no_grad():
        layer.weight[1, 2] = 0.0
    x = numbers(1, 3)
    layer(x)[0, 1].backward()
    assert apart(layer.weight.grad[1], x[0]) < 1e-12


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
def test_gradients_in_eval_are_those_of_training(scale):
    """In eval() known maps are used again, and what gradients need is computed when they are asked for."""
    found = []
    for training in (True, False):
        layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(scale=scale)).program(0).train(training)
        for _ in range(2):
            layer.zero_grad()
            layer(numbers(3, 9)).square().sum().backward()
        found.append(layer.weight.grad)
    assert torch.equal(*found)


def test_quantised_inputs_pass_straight_and_stop_where_they_clip():
    layer = CrossbarLinear.of(made(nn.Linear, 3, 2, bias=False), hardware(dac=Converter(bits=4, range=1.0))).program(0)
    x = torch.tensor([[0.3, 1.7, -0.8]], dtype=torch.float64, requires_grad=True)
    layer(x).sum().backward()
    matrix = layer.effective_matrices()[0].detach().sum(dim=1)
    assert apart(x.grad[0], matrix * torch.tensor([1.0, 0.0, 1.0])) < 1e-12


@pytest.mark.slow
def test_training_learns_what_the_circuit_does():
    """A layer trained through its arrays meets a target that the wires had spoilt."""
    torch.manual_seed(0)
    layer = CrossbarLinear.of(made(nn.Linear, 12, 6), hardware(scale="dynamic", rows=12, cols=6)).program(1).train()
    x, target = numbers(64, 12), numbers(64, 12) @ (0.3 * numbers(12, 6, seed=3))
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.04)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = (layer(x) - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.05 * losses[0]
    with torch.no_grad():
        assert apart(solved(layer, x), layer(x)) < 1e-12


@pytest.mark.parametrize("cells", [Nonidealities(), Nonidealities(read_noise=ReadNoise(0.05))], ids=["still", "noisy"])
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=20, range="full")])
@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
def test_gradients_outside_of_training_are_those_in_training(cells, adc, scale):
    """They reduce the arrays again, of the same read, whether or not their maps were stored before."""
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(cells=cells, adc=adc, scale=scale), bias_row=True)
    gradients = []
    for training, before in ((True, False), (False, False), (False, True)):
        layer.program(3).train(training)
        if before and cells.read_noise is None:
            with torch.no_grad():
                layer(numbers(4, 9))
        layer.zero_grad()
        layer(numbers(4, 9)).square().sum().backward()
        gradients.append((layer.weight.grad.clone(), layer.bias.grad.clone()))
    for pair in gradients[1:]:
        for gradient, expected in zip(pair, gradients[0], strict=True):
            assert apart(gradient, expected) < 1e-12


def test_an_ohmic_model_of_another_name_is_linear_behind_converters_too(monkeypatch):
    class Resistor(Linear):
        name = "resistor"

    monkeypatch.setattr(registry, "_registered", {"resistor": Resistor})
    x, gradients = numbers(4, 9), []
    for kind in ("linear", "resistor"):
        hw = hardware("reference", adc=Converter(bits=12, range="full"), law=Law(kind))
        layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hw).program(0).train()
        layer(x).square().sum().backward()
        gradients.append(layer.weight.grad)
    assert torch.equal(*gradients)
