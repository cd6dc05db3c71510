"""Training through a chip that is programmed: stuck cells get no gradient, and the others learn around them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from xbarsim.nn import Hardware, Mapping, Tiles, Wires, convert, zoo
from xbarsim.nn.datasets import load
from xbarsim.nn.training import Training, TrainSettings, accuracy, inputs
from xbarsim.nonideal import Fault, Faults, Nonidealities, Variation

DIGITS = load("digits").limited(train=600).split(validation=200)
FAULTY = Hardware(
    tiles=Tiles(32, 8),
    cells=Nonidealities(faults=Faults(0.2), variation=Variation(0.3)),
    wires=Wires(5.0, 5.0, 5.0, 5.0),
    fidelity="ideal",
)
SETTINGS = TrainSettings(epochs=2, batch=32, rate=1e-2)
FIDELITIES = pytest.mark.parametrize("fidelity", ["ideal", pytest.param("accurate", marks=pytest.mark.slow)])
GROWS = pytest.mark.filterwarnings("ignore:.*beyond the scale")


def on_chip(hardware, model=None, **more):
    model = zoo.build("linear", DIGITS.shape, 10) if model is None else model
    Training(model, DIGITS, SETTINGS).run()
    return convert(model.eval(), hardware, **more).program(2, headroom=2.0)


def movable(layer):
    """Weights (outputs, inputs) of which a cell that would move with them is healthy, as the chip's maps say it."""
    faults = [plane == Fault.HEALTHY for plane, _ in layer.known()]
    weights = layer.weight.detach().numpy().T
    mapping = layer.hardware.mapping.kind
    moves = np.where(weights > 0, faults[0], faults[1]) if mapping == "differential" else faults[0]
    return torch.from_numpy(moves.T.copy())


def gradient(network):
    network.zero_grad()
    x, labels = inputs(DIGITS, DIGITS.train, slice(0, 64)), torch.from_numpy(DIGITS.train.labels[:64])
    functional.cross_entropy(network(x), labels).backward()
    return network.layers["fc1"].weight.grad


@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
@FIDELITIES
def test_gradients_are_0_where_the_cell_is_stuck_and_nowhere_else(mapping, fidelity):
    network = on_chip(replace(FAULTY, mapping=Mapping(mapping), fidelity=fidelity))
    moves = movable(network.layers["fc1"])
    found = gradient(network)
    assert 0.1 < (~moves).double().mean() < 0.3
    assert (found[~moves] == 0.0).all()
    if fidelity == "ideal":
        # An input that is 0 in all images moves nothing there; with wires its line is a path for others' currents.
        moves &= torch.from_numpy((DIGITS.train.images[:64].reshape(64, -1) > 0).any(axis=0))
    assert (found[moves] != 0.0).double().mean() > 0.99


def test_gradients_elsewhere_are_those_of_what_the_chip_multiplies_by():
    """dL/dw is the factor of the cell that moves times dL/dw_eff, which torch says of the effective weights."""
    network = on_chip(FAULTY)
    layer = network.layers["fc1"]
    found = gradient(network)
    weight = layer.effective_parameters()[0].detach().requires_grad_()
    x, labels = inputs(DIGITS, DIGITS.train, slice(0, 64)), torch.from_numpy(DIGITS.train.labels[:64])
    functional.cross_entropy(functional.linear(x.flatten(1), weight, layer.bias), labels).backward()
    (_, positive), (_, negative) = layer.known()
    factor = np.where(layer.weight.detach().numpy().T > 0, positive, negative).T
    expected = weight.grad * torch.from_numpy(factor.copy()).float() * movable(layer)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-8)


@GROWS
@FIDELITIES
def test_adamw_learns_around_stuck_cells_on_the_same_chip(fidelity):
    network = on_chip(replace(FAULTY, fidelity=fidelity))
    layer = network.layers["fc1"]
    chip, stuck, before = layer.chip, ~movable(layer), layer.weight.detach().clone()
    untrained = accuracy(network, DIGITS, DIGITS.validation)
    training = Training(network, DIGITS, replace(SETTINGS, epochs=1))
    assert training.run()
    assert layer.chip is chip
    assert layer.headroom == 2.0
    assert training.history[-1].accuracy == accuracy(network, DIGITS, DIGITS.validation)
    assert training.history[-1].accuracy > untrained + 0.02
    assert torch.equal(layer.weight[stuck & ~(layer.weight * before < 0)], before[stuck & ~(layer.weight * before < 0)])


@GROWS
def test_norms_learn_with_the_chip():
    """In training mode a BatchNorm stays digital: its statistics are those of the chip's outputs."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 12, bias=False), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 10))
    Training(model, DIGITS, SETTINGS).run()
    network = convert(model.train(), FAULTY).program(2, headroom=2.0)
    before = {name: tensor.clone() for name, tensor in network.model[2].state_dict().items()}
    Training(network, DIGITS, replace(SETTINGS, epochs=1)).run()
    after = network.model[2].state_dict()
    for name in ("weight", "bias", "running_mean", "running_var"):
        assert not torch.equal(after[name], before[name])
