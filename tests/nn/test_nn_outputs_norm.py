"""A BatchNorm as a layer's digital gain and shift: cells hold the model's own weights, whatever it does."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from network_tools import made as pictures_of
from nn_tools import IDEAL, MAPPINGS, apart, hardware, made, numbers, small
from test_nn_folding import Branching, Seen, Twice
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Converter, Mapping, convert
from xbarsim.nn.inference import layer_errors
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nonideal import Faults, Nonidealities, Variation

IMAGES = numbers(4, 3, 8, 8)
UNEVEN = Nonidealities(faults=Faults(0.05), variation=Variation(0.2))


def with_norm(kind, *args, bias, dtype=torch.float64, affine=True, **more):
    """A layer and a BatchNorm that is far from doing nothing."""
    layer = made(kind, *args, bias=bias, dtype=dtype, **more)
    outputs = layer.weight.shape[0]
    norms = {nn.Linear: nn.BatchNorm1d, nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d}
    norm = norms[kind](outputs, affine=affine).to(dtype)
    for k, name in enumerate(("running_mean", "weight", "bias") if affine else ("running_mean",)):
        getattr(norm, name).data.copy_(numbers(outputs, seed=30 + k))
    norm.running_var.copy_(numbers(outputs, seed=40) ** 2 + 0.1)
    return nn.Sequential(layer, norm).eval()


LAYERS = pytest.mark.parametrize(
    ("kind", "args", "more", "shape"),
    [
        (nn.Linear, (9, 7), {}, (5, 9)),
        (nn.Conv1d, (4, 6, 3), {"groups": 2, "padding": 1}, (2, 4, 8)),
        (nn.Conv2d, (3, 4, 3), {"stride": 2}, (2, 3, 7, 6)),
    ],
    ids=["linear", "conv1d", "conv2d"],
)


@LAYERS
@pytest.mark.parametrize("bias", ["none", "digital", "row"])
@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_is_exact_and_weights_are_the_models_own(kind, args, more, shape, bias, mapping, dtype):
    model = with_norm(kind, *args, bias=bias != "none", dtype=dtype, **more)
    hw = replace(IDEAL, mapping=Mapping(mapping))
    network = convert(model, hw, fold_batchnorm="outputs", bias="row" if bias == "row" else "digital").program(1)
    x = numbers(*shape).to(dtype)
    assert apart(network(x), model(x)) < (1e-11 if dtype == torch.float64 else 1e-6)
    layer = network.layers["0"]
    assert torch.equal(layer.weight, model[0].weight)
    assert layer.bias is None if bias == "none" else torch.equal(layer.bias, model[0].bias)
    assert not any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in network.modules())


@LAYERS
@pytest.mark.parametrize("bias", ["none", "digital", "row"])
@pytest.mark.parametrize("adc", [None, Converter(bits=9, range="batch")], ids=["direct", "converted"])
def test_on_the_same_chip_it_is_what_the_norm_was(kind, args, more, shape, bias, adc):
    """Wires, stuck cells, variation and converters included: cells and their circuits are the same to the last bit."""
    model = with_norm(kind, *args, bias=bias != "none", **more)
    hw, x = hardware(cells=UNEVEN, adc=adc), numbers(*shape)
    moved, digital, folded = (
        convert(model, hw, fold_batchnorm=fold, bias="row" if bias == "row" else "digital").program(3)
        for fold in ("outputs", False, True)
    )
    assert all(map(np.array_equal, moved.layers["0"].programmed, digital.layers["0"].programmed))
    assert apart(moved(x), digital(x)) < 1e-11
    assert apart(folded(x), digital(x)) > 1e-3, "folded into weights it is another chip"


def test_a_norm_without_factors_of_its_own():
    model = with_norm(nn.Conv2d, 3, 4, 3, bias=True, affine=False)
    assert apart(convert(model, IDEAL, fold_batchnorm="outputs").program(1)(IMAGES), model(IMAGES)) < 1e-11


def test_binary_weights_stay_so():
    model = with_norm(nn.Linear, 9, 7, bias=False)
    model[0].weight.data.sign_()
    weights = convert(model, IDEAL, fold_batchnorm="outputs").program(1).layers["0"].programmed
    cells = IDEAL.cells
    for plane in weights:
        assert np.array_equal(np.unique(plane), [cells.g_off, cells.g_on])


@pytest.mark.parametrize(("kind", "left"), [(Seen, {"bn"}), (Branching, {"bn"}), (Twice, {"one", "two"})])
def test_norms_stay_digital_where_it_cannot_be_told(kind, left):
    model = made(kind)
    for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_mean.copy_(numbers(norm.num_features, seed=7))
    network = convert(model, IDEAL, fold_batchnorm="outputs").program(0)
    assert {name for name, module in network.model.named_modules() if isinstance(module, nn.BatchNorm2d)} == left
    assert apart(network(IMAGES), model(IMAGES)) < 1e-10


def test_norms_in_training_mode_and_of_digital_layers_stay():
    model = with_norm(nn.Linear, 9, 7, bias=True)
    assert type(convert(model, IDEAL, fold_batchnorm="outputs", digital="1").model[1]) is nn.BatchNorm1d
    model[1].train()
    network = convert(model, IDEAL, fold_batchnorm="outputs")
    assert type(network.model[1]) is nn.BatchNorm1d
    assert network.layers["0"].gain is None


def test_a_linear_layer_wants_a_batch_of_vectors():
    network = convert(with_norm(nn.Linear, 5, 4, bias=True), IDEAL, fold_batchnorm="outputs").program(0)
    with pytest.raises(InputError, match="fold_batchnorm=False"):
        network(numbers(2, 4, 5))


@pytest.mark.parametrize("value", ["output", None, 2, "weights"])
def test_words_that_are_none_are_refused(value):
    with pytest.raises(InputError, match=rf"fold_batchnorm is {value!r}: it must be True, False or 'outputs'"):
        convert(small(), IDEAL, fold_batchnorm=value)


def test_torch_gets_its_norms_back():
    model = small()
    network = convert(model, IDEAL, fold_batchnorm="outputs").program(0)
    again = network.to_torch().eval()
    assert type(again.bn1) is nn.BatchNorm2d
    assert torch.equal(again(IMAGES), model(IMAGES))
    assert list(again.state_dict()) == list(model.state_dict())
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in model.parameters()]
    half = copy.deepcopy(network).float()
    assert half.to_torch().bn1.weight.dtype == torch.float32
    assert network.to_torch().bn1.weight.dtype == torch.float64
    assert network.train().to_torch().bn1.training


def test_a_state_has_the_norm_too():
    first, second = small(), small()
    for name in ("running_mean", "weight", "bias"):
        getattr(second.bn1, name).data.add_(1.0)
    source = convert(second, IDEAL, fold_batchnorm="outputs").program(0)
    network = convert(first, IDEAL, fold_batchnorm="outputs").program(0)
    network.load_state_dict(source.state_dict())
    assert torch.equal(network(IMAGES), source(IMAGES))
    assert apart(network(IMAGES), second(IMAGES)) < 1e-10
    assert torch.equal(network.to_torch()(IMAGES), second(IMAGES))


def test_files_of_chips_keep_gain_and_shift(tmp_path):
    hw = hardware(cells=UNEVEN)
    network = convert(small(), hw, fold_batchnorm="outputs").program(3)
    network.save_chips(tmp_path / "chips.npz")
    twin = convert(small(), hw, fold_batchnorm="outputs").load_chips(tmp_path / "chips.npz")
    assert torch.equal(twin(IMAGES), network(IMAGES))


@pytest.mark.parametrize("per", ["layer", "output"])
@pytest.mark.parametrize("bias", ["digital", "row"])
def test_a_fitted_gain_is_multiplied_with_the_norms(per, bias):
    moved, digital = (
        convert(small(), hardware(cells=UNEVEN), fold_batchnorm=fold, bias=bias).program(3)
        for fold in ("outputs", False)
    )
    for _ in range(2):
        assert apart(moved.fit_gains(per)(IMAGES), digital.fit_gains(per)(IMAGES)) < 1e-10


def test_gradients_are_those_of_the_model():
    model = small()
    network = convert(model, IDEAL, fold_batchnorm="outputs").program(0)
    (network(IMAGES) ** 2).sum().backward()
    (model(IMAGES) ** 2).sum().backward()
    for name in ("conv1", "conv2", "head.0"):
        assert apart(network.layers[name].weight.grad, model.get_submodule(name).weight.grad) < 1e-8


def test_errors_of_layers_are_told_behind_the_norm():
    network = convert(small(), IDEAL, fold_batchnorm="outputs").program(0)
    errors = layer_errors(network, network.to_torch().eval(), IMAGES)
    assert max(own for own, _ in errors.values()) < 1e-10
    assert errors["conv1"][1] < 1e-10


def test_a_training_goes_on_from_its_file(tmp_path):
    data = pictures_of(41)

    def training():
        model = nn.Sequential(nn.Flatten(), with_norm(nn.Linear, 64, 3, bias=True, dtype=torch.float32))
        network = convert(model.eval(), replace(IDEAL, cells=UNEVEN), fold_batchnorm="outputs").program(1, headroom=4.0)
        return Training(network, data, TrainSettings(epochs=2, batch=8))

    whole, half, resumed = training(), training(), training()
    whole.run()
    steps = iter(range(100))
    half.run(stop=lambda: next(steps) == 4)
    torch.save(half.state(), tmp_path / "state.pt")
    resumed.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    resumed.run()
    layer, twin = whole.model.layers["1.0"], resumed.model.layers["1.0"]
    assert torch.equal(layer.weight, twin.weight)
    assert torch.equal(layer.gain, training().model.layers["1.0"].gain), "a gain that is no parameter is fixed"
