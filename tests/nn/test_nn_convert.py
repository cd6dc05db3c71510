"""Models onto crossbars: which layers, on what hardware, what stays digital, what is folded, and what is refused."""

import copy
from dataclasses import replace

import pytest
import torch
from nn_tools import IDEAL, apart, hardware, made, numbers, seeded, small, solved
from torch import nn
from torch.nn.utils import parametrizations

from xbarsim.errors import InputError
from xbarsim.nn import (
    Converter,
    CrossbarConv2d,
    CrossbarLinear,
    CrossbarNetwork,
    Hardware,
    Mapping,
    NotProgrammedError,
    Tiles,
    convert,
    preset,
)  # fmt: skip
from xbarsim.nonideal import Faults, Nonidealities

IMAGES = numbers(4, 3, 8, 8)


def kinds(network):
    return {name: type(layer).__name__ for name, layer in network.layers.items()}


@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
@pytest.mark.parametrize("bias", ["digital", "row"])
@pytest.mark.parametrize("folded", [True, False])
def test_no_wires_and_no_faults_are_the_torch_model(mapping, bias, folded):
    model = small()
    network = convert(model, replace(IDEAL, mapping=Mapping(mapping)), bias=bias, fold_batchnorm=folded).program(1)
    assert apart(network(IMAGES), model(IMAGES)) < 1e-10
    assert kinds(network) == {
        "conv1": "CrossbarConv2d", "conv2": "CrossbarConv2d", "head.0": "CrossbarLinear", "head.3": "CrossbarLinear",
    }  # fmt: skip


def test_the_model_given_is_left_as_it_is():
    model = small()
    before = copy.deepcopy(model.state_dict())
    network = convert(model, hardware()).program(0)
    network.train()(IMAGES).sum().backward()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert type(model.conv1) is nn.Conv2d
    assert all(one.grad is None for one in model.parameters())


def test_every_layer_has_its_own_stream_and_seeds_differ():
    hw = hardware(cells=Nonidealities(faults=Faults(0.3)))
    model = nn.Sequential(made(nn.Linear, 6, 6), made(nn.Linear, 6, 6, seed=1))
    one, same, other = (convert(model, hw).program(seed) for seed in (5, 5, 6))
    assert one.chips == same.chips
    assert one.chips["0"] != one.chips["1"]
    assert one.chips["0"] != other.chips["0"]


def test_overrides_by_name_and_by_what_they_are_below():
    special, other = replace(hardware(), tiles=Tiles(3, 3)), replace(hardware(), tiles=Tiles(4, 4))
    network = convert(small(), hardware(), overrides={"head": special, "head.3": other})
    found = {name: layer.hardware.tiles for name, layer in network.layers.items()}
    assert found == {"conv1": Tiles(7, 5), "conv2": Tiles(7, 5), "head.0": Tiles(3, 3), "head.3": Tiles(4, 4)}


@pytest.mark.parametrize(
    ("digital", "left"),
    [
        ((), {"conv1", "conv2", "head.0", "head.3"}),
        (("head",), {"conv1", "conv2"}),
        ("conv1", {"conv2", "head.0", "head.3"}),
        (lambda name, module: isinstance(module, nn.Conv2d), {"head.0", "head.3"}),
        (["conv2", lambda name, module: name.endswith("3")], {"conv1", "head.0"}),
    ],
)
def test_left_digital_by_name_or_predicate(digital, left):
    model = small()
    network = convert(model, IDEAL, digital=digital).program(0)
    assert set(network.layers) == left
    assert apart(network(IMAGES), model(IMAGES)) < 1e-10


def test_to_torch_has_the_weights_as_they_are_now():
    model = small()
    network = convert(model, hardware()).program(0)
    with torch.no_grad():
        network.layers["conv2"].weight.mul_(2.0)
    plain = network.to_torch()
    assert not any(isinstance(one, CrossbarLinear | CrossbarConv2d) for one in plain.modules())
    assert torch.equal(plain.conv2.weight, model.conv2.weight * 2.0)
    with torch.no_grad():
        model.conv2.weight.mul_(2.0)
    assert apart(plain.eval()(IMAGES), model(IMAGES)) < 1e-12
    # A copy: the network does not follow it.
    with torch.no_grad():
        plain.conv2.weight.zero_()
    assert network.layers["conv2"].weight.any()


def test_a_module_that_is_used_twice_stays_one_and_tied_weights_stay_tied():
    shared = nn.Linear(5, 5)
    tied = nn.Linear(5, 5)
    model = nn.Sequential(shared, nn.ReLU(), shared, tied).double()
    tied.weight = shared.weight
    network = convert(model, IDEAL).program(0)
    assert list(network.layers) == ["0", "3"]
    assert network.model[0] is network.model[2]
    assert network.layers["0"].weight is network.layers["3"].weight
    assert apart(network(numbers(2, 5)), model(numbers(2, 5))) < 1e-10
    plain = network.to_torch()
    assert plain[0] is plain[2]


def test_frozen_parameters_and_modes_stay_so():
    model = small()
    model.conv2.weight.requires_grad_(False)
    network = convert(model.train(), hardware())
    assert not network.layers["conv2"].weight.requires_grad
    assert network.layers["conv1"].training
    assert not convert(model.eval(), hardware()).layers["conv1"].training


def test_a_layer_that_is_the_whole_model():
    network = convert(made(nn.Linear, 5, 4), IDEAL)
    with pytest.raises(NotProgrammedError, match=r"'model'.*program\(seed\)"):
        network(numbers(2, 5))
    assert list(network.program(0).layers) == ["model"]
    assert type(network.to_torch()) is nn.Linear


def test_hooks_come_along():
    model = small()
    seen = []
    model.conv2.register_forward_hook(lambda module, x, y: seen.append(type(module)))
    network = convert(model, IDEAL).program(0)
    network(IMAGES)
    assert seen == [CrossbarConv2d]


class Standardised(nn.Conv2d):
    """Computes something else than its base."""

    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight - weight.mean(), bias)


def test_forward_before_program_names_the_layer():
    with pytest.raises(NotProgrammedError, match=r"layer 'conv1'.*program\(seed\)"):
        convert(small(), hardware())(IMAGES)
    with pytest.raises(NotProgrammedError, match=r"conv1"):
        convert(small(), hardware()).calibrate(IMAGES)


class Own(nn.Module):
    """A matrix outside of any layer, beside one in a layer."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.mixing = nn.Parameter(torch.eye(4))
        self.token = nn.Parameter(torch.zeros(1, 1, 4))

    def forward(self, x):
        return self.inner(x) @ self.mixing + self.token[0]


def weight_normed():
    return nn.Sequential(nn.ReLU(), parametrizations.weight_norm(nn.Linear(4, 4)))


def empty():
    layer = nn.Linear(4, 4)
    layer.weight = nn.Parameter(torch.empty(0, 4))
    layer.bias = nn.Parameter(torch.empty(0))
    return nn.Sequential(layer)


def broken(value, name="weight"):
    layer = nn.Linear(4, 4)
    getattr(layer, name).data[1] = value
    return nn.Sequential(layer)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.ConvTranspose2d(3, 3, 2)), r"'1' is ConvTr.*digital=\('1',\)"),
        (lambda: nn.Sequential(nn.Conv3d(3, 3, 2)), r"'0' is Conv3d.*digital=\('0',\)"),
        (lambda: nn.Sequential(Standardised(3, 3, 2)), r"'0' is Standardised.*digital"),
        (lambda: nn.Sequential(nn.Bilinear(3, 3, 2)), r"Bilinear.*digital"),
        (Own, r"parameter 'mixing' of Own.*digital=\('mixing',\)"),
        (weight_normed, r"'1' has parametrized weights.*remove_parametrizations"),
        (empty, r"layer '0'.*at least one weight"),
        (lambda: broken(float("nan")), r"layer '0'.*weight.*not finite"),
        (lambda: broken(float("inf"), "bias"), r"layer '0'.*bias.*not finite"),
        (lambda: nn.Sequential(nn.LazyLinear(3)), r"layer '0'.*run the model once"),
        (lambda: nn.Sequential(nn.ReLU(), nn.LayerNorm((3, 4)), nn.Embedding(4, 5)), "no layer"),
        (lambda: "resnet", "it must be a torch"),
        (lambda: CrossbarNetwork(nn.Linear(2, 2), Hardware()), "on crossbars already"),
    ],
)  # fmt: skip
def test_what_is_refused(model, message):
    with pytest.raises(InputError, match=message):
        convert(model(), Hardware())


def test_parameters_left_digital_by_name():
    model = Own().double()
    network = convert(model, IDEAL, digital="mixing").program(0)
    assert list(network.layers) == ["inner"]
    assert apart(network(numbers(2, 4)), model(numbers(2, 4))) < 1e-10


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"digital": "haed"}, r"digital names 'haed'.*head"),
        ({"digital": [3]}, r"digital has 3"),
        ({"overrides": {"conv3": Hardware()}}, r"overrides names 'conv3'.*conv1"),
        ({"overrides": {"bn1": Hardware()}}, r"'bn1', which holds no layer"),
        ({"overrides": {"conv1": "rram-64"}}, r"overrides\['conv1'\] is 'rram-64'"),
        ({"bias": "column"}, r"bias is 'column'"),
        ({"hardware": "rram-64"}, r"hardware is 'rram-64'"),
        ({"hardware": Hardware(dac=Converter(bits=4, range=0.5)), "bias": "row"}, r"conv1.*range of at least 1"),
    ],
)
def test_arguments_that_fit_nothing(more, message):
    given = {"hardware": Hardware(), **more}
    with pytest.raises(InputError, match=message):
        convert(small(), given.pop("hardware"), **given)


def test_hardware_that_cannot_be():
    for make, message in (
        (lambda: Tiles(0, 4), "Tiles.rows is 0"),
        (lambda: Converter(bits=0), "Converter.bits is 0"),
        (lambda: preset("rram"), "rram-64"),
    ):
        with pytest.raises(InputError, match=message):
            make()


def test_weights_that_are_no_longer_finite_are_named():
    network = convert(small(), hardware()).program(0)
    with torch.no_grad():
        network.layers["conv2"].weight[0] = float("nan")
        with pytest.raises(InputError, match=r"weight of layer 'conv2'.*not finite"):
            network(IMAGES)


def test_inputs_of_another_shape_are_named():
    network = convert(small(), hardware()).program(0)
    with pytest.raises(InputError, match="layer 'conv1' has 3 input channels"):
        network(numbers(4, 2, 8, 8))
    with pytest.raises(InputError, match=r"layer 'head.0' has 72 inputs: x has shape \(4, 128\)"):
        network(numbers(4, 3, 10, 10))


def test_an_accurate_network_is_what_its_circuits_say():
    """Layer by layer, from what arrived there."""
    network = convert(small(), hardware(cells=Nonidealities(faults=Faults(0.05))), bias="row").program(2).eval()
    arrived, left = {}, {}

    def keep(layer, x, y):
        arrived[layer.name], left[layer.name] = x[0], y

    for layer in network.layers.values():
        layer.register_forward_hook(keep)
    with torch.no_grad():
        network(IMAGES)
        for name, layer in network.layers.items():
            expected = left[name].movedim(1, -1).flatten(0, -2)
            assert apart(solved(layer, arrived[name]), expected) < 1e-12


def test_small_batches_and_empty_ones():
    network = convert(small(), replace(hardware(), adc=Converter(bits=8, range="batch"))).program(0).eval()
    with torch.no_grad():
        assert network(IMAGES[:0]).shape == (0, 4)
        assert network(torch.zeros_like(IMAGES)).isfinite().all()


def test_training_mode_reaches_dropout():
    model = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5)).double()
    network = convert(model, IDEAL).program(0)
    x = torch.rand(3, 6, generator=seeded(), dtype=torch.float64)
    assert (network.train()(x) == 0).any()
    assert not (network.eval()(x) == 0).any()


@pytest.mark.parametrize(
    ("kind", "arguments", "given"),
    [
        (nn.Linear, (6, 4), {"input": numbers(3, 6)}),
        (nn.Conv1d, (3, 4, 2), {"input": numbers(2, 3, 7)}),
        (nn.Conv2d, (3, 4, 2), {"input": numbers(2, 3, 7, 6)}),
        (nn.GRU, (5, 4), {"input": numbers(3, 2, 5), "hx": numbers(1, 2, 4)}),
        (nn.LSTMCell, (5, 4), {"input": numbers(2, 5), "hx": (numbers(2, 4), numbers(2, 4, seed=3))}),
    ],
)
def test_inputs_by_the_names_that_torch_gives_them(kind, arguments, given):
    model = made(kind, *arguments)
    found, expected = convert(model, IDEAL).program(0)(**given), model(**given)
    for one, other in zip(*((x if isinstance(x, tuple) else (x,)) for x in (found, expected)), strict=True):
        assert apart(one, other) < 1e-12


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            torch.ones(3, 72, dtype=torch.int64),
            r"x is torch.int64: layer 'head.0' is driven by torch.float64, give x.to",
        ),
        (torch.ones(3, 72, dtype=torch.bool), "x is torch.bool"),
        (torch.ones(3, 72, dtype=torch.complex64), "x is torch.complex64"),
        (torch.ones(3, 72, device="meta"), "layer 'head.0' is on the meta device"),
        ([[1.0] * 72], "x is list: layer 'head.0' takes a tensor"),
    ],
)
def test_inputs_that_no_word_line_takes(x, message):
    layer = convert(small(), hardware()).program(0).layers["head.0"]
    with pytest.raises(InputError, match=message):
        layer(x)
