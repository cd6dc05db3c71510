"""Reads and writes of a layer's arrays: which noise is drawn anew, and when."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import apart, hardware, made, numbers
from torch import nn

from xbarsim.nn import Converter, CrossbarLinear, Law, convert
from xbarsim.nn import layers as of_layers
from xbarsim.nonideal import Faults, Levels, Nonidealities, ReadNoise, Variation, WriteVerify

NOISY = Nonidealities(read_noise=ReadNoise(0.05))
CYCLES = Nonidealities(variation=Variation(0.1), cycle_variation=Variation(0.2), faults=Faults(0.05))
VERIFIED = Nonidealities(write_verify=WriteVerify(tolerance=0.02, noise=0.3), levels=Levels(8))


def linear(hw, inputs=9, outputs=4, seed=3):
    return CrossbarLinear.of(made(nn.Linear, inputs, outputs, bias=False), hw).program(seed).eval()


def cells(layer):
    return [np.array(tile.crossbar.conductance) for tile in layer.tiles]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# A forward pass is one read.


@pytest.mark.parametrize(
    "settings",
    [
        {"adc": Converter(bits=12, range="full")},
        {"adc": Converter(bits=12, range="batch")},
        {"law": Law("sinh", v0=0.3)},
        {"encoding": "bit-serial", "dac": Converter(bits=4, range=9.0), "adc": Converter(bits=12, range="full")},
        {"dac": Converter(bits=8, range=9.0)},
    ],
    ids=str,
)
@pytest.mark.parametrize("gradients", [False, True])
def test_a_pass_is_one_read_however_many_vectors(monkeypatch, settings, gradients):
    """The same vector gives the same output wherever it stands; vectors go through arrays a few at a time."""
    monkeypatch.setattr(of_layers, "_TOGETHER", 4)
    layer = linear(hardware(cells=NOISY, **settings)).requires_grad_(gradients)
    x = numbers(3, 9).repeat(5, 1)
    with torch.set_grad_enabled(gradients):
        first, second = layer(x).reshape(5, 3, 4), layer(x).reshape(5, 3, 4)
    assert layer.reads == 2
    for again in first[1:]:
        assert apart(again, first[0]) < 1e-12
    assert apart(second, first) > 1e-3


def test_more_vectors_than_go_together():
    layer = linear(hardware(cells=NOISY, adc=Converter(bits=12, range="full")))
    count = of_layers._TOGETHER + 3
    with torch.no_grad():
        y = layer(numbers(1, 9).expand(count, 9))
    assert layer.reads == 1
    assert apart(y[-1], y[0]) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_the_steps_of_a_series_are_one_read(kind):
    """With converters every step is a product of its own, without them all steps are one call of torch's kernel."""
    model = made(kind, 5, 4, 2, bidirectional=True)
    x = numbers(6, 3, 5)
    found = []
    for dac in (Converter(), Converter(bits=30, range=50.0)):
        network = convert(model, hardware(cells=NOISY, dac=dac)).program(3).eval()
        with torch.no_grad():
            found.append((network(x)[0], network(x)[0]))
        assert {layer.reads for layer in network.layers.values()} == {2}
    for exact, stepwise in zip(*found, strict=True):
        assert apart(stepwise, exact) < 1e-5
    assert apart(found[0][1], found[0][0]) > 1e-3


def test_summaries_of_series_see_wires_and_nothing_else():
    """What one read keeps is not used for the same layer without its wires."""
    network = convert(made(nn.LSTM, 5, 4), hardware(cells=NOISY, dac=Converter(bits=20, range=50.0))).program(3).eval()
    rows = network.summary(numbers(6, 3, 5)).rows
    assert all(1e-4 < row.ir_drop_error < 0.2 for row in rows)
    assert {layer.reads for layer in network.layers.values()} == {0}


# Each writing has noise of its own.


@pytest.mark.parametrize("model", [CYCLES, VERIFIED], ids=["blind", "verified"])
def test_programming_again_is_another_write(model):
    layer = linear(hardware(cells=model))
    first, maps = cells(layer), layer.chip.maps(0)
    second, third = cells(layer.program(3)), cells(layer.program(3))
    assert layer.writes == 2
    assert not same(first, second)
    assert not same(second, third)
    assert layer.chip.maps(0) == maps
    assert same(cells(linear(hardware(cells=model))), first)
    assert same(cells(layer.program(4).program(3)), first)


def test_writes_have_the_spread_that_is_asked_for():
    only = Nonidealities(cycle_variation=Variation(0.2))
    layer = linear(replace(hardware(cells=only), fidelity="ideal"), inputs=40, outputs=30)
    target = cells(linear(replace(hardware(), fidelity="ideal"), inputs=40, outputs=30))
    logs = []
    for _ in range(6):
        logs.append(np.concatenate([np.log(a / b).ravel() for a, b in zip(cells(layer), target, strict=True)]))
        layer.program(3)
    logs = np.array(logs)
    # 14,400 numbers each of standard deviation 0.2: means are within 4 x 0.2 / 120, products of two writes as well.
    assert abs(logs.std() - 0.2) < 0.007
    assert abs(logs.mean()) < 0.007
    assert abs((logs[:-1] * logs[1:]).mean()) < 0.007 * 0.2


@pytest.mark.parametrize("model", [CYCLES, VERIFIED], ids=["blind", "verified"])
def test_weights_that_change_are_written_anew(model):
    layer = linear(hardware(cells=model))
    first = cells(layer)
    x = numbers(3, 9)
    with torch.no_grad():
        assert torch.equal(layer(x), layer(x))
        assert same(cells(layer), first)
        layer.weight[0, 0] += 1e-9
        second = cells(layer)
        assert not same(first, second)
        assert layer.writes == 1
        assert same(cells(layer), second)


def test_moving_to_another_type_or_looking_at_ideal_wires_writes_nothing():
    network = convert(made(nn.Linear, 9, 4), hardware(cells=CYCLES)).program(3).eval()
    layer = network.layers["model"]
    first = cells(layer)
    network.summary()
    for kind in (torch.float32, torch.float64):
        network.to(kind)
        assert all(np.allclose(a, b, rtol=1e-4, atol=0.0) for a, b in zip(cells(layer), first, strict=True))
    assert layer.writes == 0


def test_a_training_step_is_a_write():
    layer = linear(hardware(cells=CYCLES)).train()
    optimiser = torch.optim.SGD(layer.parameters(), lr=1e-6)
    for step in range(3):
        layer(numbers(3, 9)).sum().backward()
        assert layer.writes == step
        optimiser.step()


def test_chips_in_files_keep_what_was_written(tmp_path):
    hw = hardware(cells=CYCLES)
    network = convert(made(nn.Linear, 9, 4), hw).program(3).program(3).eval()
    network.save_chips(tmp_path / "chips.npz")
    other = convert(made(nn.Linear, 9, 4), hw).load_chips(tmp_path / "chips.npz").eval()
    assert same(cells(other.layers["model"]), cells(network.layers["model"]))
