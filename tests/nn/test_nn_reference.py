"""Random networks against the second implementation, and what that one itself is checked by."""

from dataclasses import replace

import layers
import numpy as np
import pytest
import torch
from nn_reference import ReferenceLayer
from nn_tools import IDEAL, made, numbers
from torch import nn

from xbarsim.nonideal import Chip, Nonidealities

SEEDS = range(60)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_networks_agree_to_rounding(block):
    """All that ranges, mappings, slices, converters, padding and groups do; ties go either way and are counted."""
    for seed in SEEDS[block::4]:
        found = layers.compare(layers.draw(seed))
        assert found.agrees or found.ties, (seed, found.difference, found.circuits, found.case.words)


def test_the_sample_has_of_everything():
    words = {word for seed in SEEDS for word in layers.draw(seed).words}
    expected = {
        "differential", "reference", "offset", "slices", "levels", "groups", "padding", "bias row", "sinh cells",
        "converter of 1 bit", "selector cells", "bit-serial inputs", "ideal", "accurate", "Linear", "Conv1d", "Conv2d",
        "DAC range calibrated", "ADC range calibrated", "ADC range full", "ADC range batch", "ADC range a number",
    }  # fmt: skip
    assert expected <= words


@pytest.mark.parametrize("kind", ["differential", "reference", "offset"])
def test_without_wires_and_converters_the_second_implementation_is_torch(kind):
    hw = replace(IDEAL, mapping=replace(IDEAL.mapping, kind=kind))
    for layer, x in ((made(nn.Linear, 70, 5), numbers(3, 70)), (made(nn.Linear, 3, 70), numbers(2, 3))):
        shape = (layer.in_features, layer.out_features)
        tiles = [(min(64, shape[0] - i), min(64, shape[1])) for i in range(0, shape[0], 64)] * 4
        second = ReferenceLayer(
            layer.weight.detach().numpy(), layer.bias.detach().numpy(), hw, Chip(Nonidealities(), 0, tiles[:4])
        )
        second.on_chip = lambda cells, tile: cells
        second.freeze()
        expected = layer(x).detach().numpy()
        assert np.abs(second(x.numpy()) - expected).max() < 1e-12 * np.abs(expected).max()


def series(kind, x, ih, hh, units):
    """Return the states of a recurrent layer, (time, batch, units), by its equations as torch documents them."""
    state = cell = np.zeros((x.shape[1], units))
    states = []
    for given in ih(x):
        ours, theirs = (np.split(one, len(one[0]) // units, axis=1) for one in (given, hh(state)))
        sums = [a + b for a, b in zip(ours, theirs, strict=True)]
        if kind is nn.RNN:
            state = np.tanh(sums[0])
        elif kind is nn.GRU:
            reset, update = sigmoid(sums[0]), sigmoid(sums[1])
            state = (1.0 - update) * np.tanh(ours[2] + reset * theirs[2]) + update * state
        else:
            enter, forget, leave = (sigmoid(sums[k]) for k in (0, 1, 3))
            cell = forget * cell + enter * np.tanh(sums[2])
            state = leave * np.tanh(cell)
        states.append(state)
    return np.array(states)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("seed", range(6))
def test_series_agree_to_rounding(seed, kind):
    """States come back as inputs: ranges of ``hh`` are those of what arrives there, step by step."""
    rng = np.random.default_rng(seed)
    hw = layers.hardware(rng)
    while hw.law.kind != "linear":
        hw = layers.hardware(rng)
    model, x, units = made(kind, 5, 3, seed=seed), 3.0 * numbers(6, 2, 5, seed=seed), 3
    network = layers.convert(model, hw).program(seed).calibrate(x).eval()
    ih, hh = (
        ReferenceLayer(
            *(getattr(model, f"{name}_{which}_l0").detach().numpy() for name in ("weight", "bias")), hw, layer.chip
        )
        for which, layer in zip(("ih", "hh"), network.layers.values(), strict=True)
    )
    ih.freeze()
    hh.freeze()
    ih.calibrate([x.numpy()])
    for what in ("inputs", "outputs"):
        series(kind, x.numpy(), ih, lambda state, what=what: hh.watched(state, what), units)
    expected = series(kind, x.numpy(), ih, hh, units)
    with torch.no_grad():
        found = network(x)[0].numpy()
    assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max() or ih.ties.count + hh.ties.count


@pytest.mark.slow
def test_a_difference_is_seen():
    case = layers.draw(4)
    network = layers.convert(case.model, case.hardware, bias=case.bias, fold_batchnorm=False).program(4)
    chips = list(network.chips.values())
    one, other = layers.reference(case, chips), layers.reference(case, chips)
    other[0].weight = other[0].weight * (1.0 + 1e-6)
    other[0].weight[0] *= -1.0
    for each in (one, other):
        each[0].calibrate(case.calibration)
    assert torch.tensor(np.abs(one[0](case.x) - other[0](case.x)).max()) > 1e-6
