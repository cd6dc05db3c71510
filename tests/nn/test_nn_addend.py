"""A digital addend: products with a layer's inputs that no converter and no cell has seen, kept and trained."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from nn_tools import IDEAL, MAPPINGS, apart, flat, hardware, made, numbers, small, solved
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarConv1d, CrossbarConv2d, CrossbarLinear, Law, convert
from xbarsim.nonideal import Faults, Nonidealities, Variation

X = numbers(4, 9)
VARIED = Nonidealities(variation=Variation(0.2), faults=Faults(0.1))


def sparse(*shape, seed=5, share=0.2):
    values = numbers(*shape, seed=seed)
    return values * (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share)


ADDEND = sparse(7, 9)


def linear(bias_row=False, **more):
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(cells=VARIED, **more), bias_row=bias_row)
    return layer.program(0).eval()


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("bias_row", [False, True])
@pytest.mark.parametrize(
    "converters",
    [
        {},
        {"dac": Converter(bits=3, range=2.0)},
        {"adc": Converter(bits=5, range="full")},
        {"dac": Converter(bits=2, range="batch"), "adc": Converter(bits=4, range="batch")},
        {"encoding": "bit-serial"},
    ],
)
def test_it_is_exact_whatever_stands_around_the_arrays(mapping, bias_row, converters):
    layer = linear(bias_row, mapping=mapping, **converters)
    with torch.no_grad():
        plain = layer(X)
        layer.addend = ADDEND
        expected = plain + X @ ADDEND.T
        assert apart(layer(X), expected) < 1e-14
        layer.gain, layer.shift = 1.7, -0.3
        digital = 0.0 if bias_row else layer.bias
        assert apart(layer(X), 1.7 * (plain - digital) + digital - 0.3 + X @ ADDEND.T) < 1e-12
        assert apart(layer(X[0]), layer(X[:1])[0]) < 1e-12
        layer.addend = layer.gain = layer.shift = None
        assert torch.equal(layer(X), plain)


@pytest.mark.parametrize("law", ["linear", "sinh"])
@pytest.mark.parametrize("dac", [Converter(range=3.0), Converter(bits=4, range=3.0), Converter(bits=4, range="batch")])
def test_decoded_outputs_have_it_too(law, dac):
    layer = linear(law=Law(law), dac=dac)
    layer.addend = ADDEND
    with torch.no_grad():
        assert apart(solved(layer, X), layer(X)) < 1e-8
    currents = [tile.solve(layer.encode(X)) for tile in layer.tiles]
    volts = layer.encode(X)
    assert torch.equal(layer.decode(currents, volts), layer.decode(currents))
    with pytest.raises(
        InputError, match=r"volts are not what the layer encoded last, and its (addend|DAC has another)"
    ):
        layer.decode(currents, volts * 0.5)


CONVOLUTIONS = [
    (CrossbarConv2d, nn.Conv2d, (4, 6, 3), {"groups": 2}, (2, 4, 6, 5)),
    (CrossbarConv2d, nn.Conv2d, (3, 5, (3, 2)), {"stride": 2, "padding": (1, 2), "dilation": (1, 2)}, (2, 3, 7, 8)),
    (CrossbarConv2d, nn.Conv2d, (2, 3, 3), {"padding": 1, "padding_mode": "circular"}, (2, 2, 5, 6)),
    (CrossbarConv1d, nn.Conv1d, (2, 4, 3), {"padding": "same", "groups": 2}, (2, 2, 9)),
]


@pytest.mark.parametrize(("kind", "torch_kind", "sizes", "more", "shape"), CONVOLUTIONS)
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=6, range="full")])
def test_convolutions(kind, torch_kind, sizes, more, shape, adc):
    module = made(torch_kind, *sizes, **more)
    layer = kind(module, hardware(cells=VARIED, adc=adc)).program(0).eval()
    x, addend = numbers(*shape, seed=6), sparse(*module.weight.shape)
    with torch.no_grad():
        plain = layer(x)
        layer.addend = addend
        module.weight.copy_(addend)
        module.bias.zero_()
        assert apart(layer(x), plain + module(x)) < 1e-14
        assert apart(layer(x[0]), layer(x)[0]) < 1e-12 or adc.bits
        assert apart(solved(layer, x), flat(layer(x), 1)) < (1e-12 if adc.bits is None else 1e-2)


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=30, range="batch")])
@pytest.mark.parametrize(
    ("kind", "sizes", "more"),
    [
        (nn.LSTM, (5, 4), {"num_layers": 2, "bidirectional": True}),
        (nn.LSTM, (5, 4), {"proj_size": 3}),
        (nn.GRU, (5, 4), {}),
        (nn.LSTMCell, (5, 4), {}),
    ],
)
def test_recurrent_layers_take_it_on_every_path(kind, sizes, more, adc):
    """Torch's kernels, and step by step: as a layer whose weights are the sum."""
    module = made(kind, *sizes, **more)
    network = convert(module, hardware(fidelity="ideal", adc=adc)).program(0).eval()
    x = numbers(3, 5) if kind is nn.LSTMCell else numbers(6, 3, 5)
    with torch.no_grad():
        plain = network(x)[0]
        for name, layer in network.layers.items():
            kind_name, _, end = name.partition("_")
            weight = getattr(module, f"weight_{kind_name}_{end}" if end else f"weight_{kind_name}")
            layer.addend = sparse(*weight.shape)
            weight.add_(layer.addend)
        assert apart(network(x)[0], plain) > 1e-2
        assert apart(network(x)[0], module(x)[0]) < (1e-10 if adc.bits is None else 1e-7)


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=30, range="batch")])
def test_attention_takes_it(adc):
    module = made(nn.MultiheadAttention, 8, 2)
    network = convert(module, hardware(fidelity="ideal", adc=adc)).program(0).eval()
    x = numbers(5, 3, 8)
    with torch.no_grad():
        for name, rows in (("q_proj", slice(0, 8)), ("v_proj", slice(16, 24))):
            network.layers[name].addend = sparse(8, 8)
            module.in_proj_weight[rows] += sparse(8, 8)
        network.layers["out_proj"].addend = sparse(8, 8, seed=9)
        module.out_proj.weight.add_(sparse(8, 8, seed=9))
        assert apart(network(x, x, x)[0], module(x, x, x)[0]) < (1e-10 if adc.bits is None else 1e-7)


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=12, range="full")])
@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_gradients(kind, adc):
    """Of the addend: those of torch's own layer; of inputs: its part is exact."""
    if kind == "linear":
        layer, x, operation = linear(adc=adc), X.clone().requires_grad_(), functional.linear
    else:
        layer = CrossbarConv2d(made(nn.Conv2d, 3, 4, 3), hardware(adc=adc)).program(0).eval()
        x, operation = numbers(2, 3, 6, 5).requires_grad_(), functional.conv2d
    layer.addend = nn.Parameter(sparse(*layer.weight.shape))
    factors = numbers(*layer(x).shape, seed=12)
    (layer(x) * factors).sum().backward()
    with_addend, x.grad = x.grad, None
    twin = layer.addend.detach().clone().requires_grad_()
    (operation(x, twin) * factors).sum().backward()
    assert apart(layer.addend.grad, twin.grad) < 1e-12
    part, x.grad, layer.addend = x.grad, None, None
    (layer(x) * factors).sum().backward()
    assert apart(with_addend, part + x.grad) < 1e-12


def test_a_frozen_array_is_corrected_by_its_addend_alone():
    network = convert(made(nn.Linear, 9, 7), hardware(cells=VARIED)).program(0)
    layer = network.layers["model"]
    layer.weight.requires_grad_(requires_grad=False)
    layer.addend = nn.Parameter(torch.zeros(7, 9).double())
    assert "addend" in dict(layer.named_parameters())
    x, before = numbers(50, 9), layer.programmed
    target = made(nn.Linear, 9, 7)(x).detach()
    optimizer = torch.optim.Adam([layer.addend], lr=0.02)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]
    assert all(map(np.array_equal, layer.programmed, before))
    layer.addend = ADDEND
    assert "addend" not in dict(layer.named_parameters())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_files_states_and_copies_keep_it(again, tmp_path):
    network = convert(small(), IDEAL).program(0).eval()
    network.layers["conv2"].addend = sparse(*network.layers["conv2"].weight.shape)
    head = network.layers["head.0"]
    head.addend = nn.Parameter(sparse(*head.weight.shape))
    images = numbers(2, 3, 8, 8)
    network.save_chips(tmp_path / "chips.npz")
    with np.load(tmp_path / "chips.npz") as file:
        assert json.loads(str(file["about"]))["version"] == 3
    with torch.no_grad():
        expected = network(images)
        loaded = convert(small(), IDEAL).load_chips(tmp_path / "chips.npz").eval()
        stated = convert(small(), IDEAL).program(0).eval()
        stated.load_state_dict(network.state_dict())
        for twin in (loaded, stated, again(network)):
            assert torch.equal(twin(images), expected)
    kinds = {name: type(layer.addend) for name, layer in loaded.layers.items()}
    assert kinds == {"conv1": type(None), "conv2": torch.Tensor, "head.0": nn.Parameter, "head.3": type(None)}
    convert(small(), IDEAL).program(0).save_chips(tmp_path / "plain.npz")
    with torch.no_grad():
        assert apart(loaded.load_chips(tmp_path / "plain.npz")(images), expected) > 1e-3
    assert network.to_torch().head[0].weight.shape == head.weight.shape


def test_files_whose_addend_does_not_fit_are_damaged(tmp_path):
    network = convert(made(nn.Linear, 9, 7), IDEAL).program(0)
    network.layers["model"].addend = ADDEND
    network.save_chips(tmp_path / "chips.npz")
    with np.load(tmp_path / "chips.npz") as file:
        arrays = {name: array[:3] if name.endswith(":addend") else array for name, array in file.items()}
    np.savez(tmp_path / "chips.npz", **arrays)
    with pytest.raises(InputError, match="damaged: addend of layer 'model' does not fit"):
        network.load_chips(tmp_path / "chips.npz")


@pytest.mark.parametrize("value", [ADDEND.to_sparse(), ADDEND.numpy(), ADDEND.float(), ADDEND.tolist()])
def test_forms_of_an_addend(value):
    layer = linear()
    layer.addend = value
    assert (layer.addend.dtype, layer.addend.layout) == (torch.float64, torch.strided)
    torch.testing.assert_close(layer.addend, ADDEND, rtol=1e-6, atol=0)


def test_half_precision_and_autocast():
    module = made(nn.Linear, 9, 7, dtype=torch.float32)
    layer = CrossbarLinear.of(module, hardware(adc=Converter(bits=12, range="full"))).program(0).eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        plain = layer(X.float())
        layer.addend = ADDEND
        assert apart(layer(X.float()) - plain, X @ ADDEND.T) < 1e-5
        layer.hardware = hardware()
        assert layer(X.float()).dtype == torch.bfloat16
    with torch.no_grad():
        assert layer.half()(X.half()).dtype == torch.float16


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, r"addend of layer 'model' has shape \(\): give the weight's, \(7, 9\)"),
        (torch.ones(9, 7), r"addend of layer 'model' has shape \(9, 7\)"),
        (torch.full((7, 9), float("nan")), "must be finite"),
        (torch.full((7, 9), float("inf")).to_sparse(), "must be finite"),
        ("two", "is 'two': give a tensor of the weight's shape"),
        (nn.Parameter(ADDEND.to_sparse()), r"is a sparse parameter: give nn.Parameter\(value.to_dense\(\)\)"),
    ],
)
def test_addends_that_cannot_be(value, message):
    layer = convert(made(nn.Linear, 9, 7), hardware()).layers["model"]
    with pytest.raises(InputError, match=message):
        layer.addend = value
    assert layer.addend is None
