"""A digital gain and a shift: what they do, how they are fitted, trained, saved and refused."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import IDEAL, MAPPINGS, apart, hardware, made, numbers, small, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarConv2d, CrossbarLinear, Hardware, Law, Wires, convert
from xbarsim.nonideal import Nonidealities, Variation

X = numbers(4, 9)
GAINS, SHIFTS = numbers(7, seed=8).abs() + 0.5, numbers(7, seed=9)


def layer_of(bias_row=False, **more):
    return CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(**more), bias_row=bias_row).program(0).eval()


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=16, range="full")])
@pytest.mark.parametrize(("gain", "shift"), [(1.7, None), (None, -0.3), (GAINS, SHIFTS), (GAINS, None), (0.9, SHIFTS)])
@pytest.mark.parametrize("bias_row", [False, True])
def test_outputs_are_gain_times_products_plus_bias_and_shift(mapping, adc, gain, shift, bias_row):
    layer = layer_of(bias_row, mapping=mapping, adc=adc)
    with torch.no_grad():
        plain = layer(X)
        digital = 0.0 if bias_row else layer.bias
        layer.gain, layer.shift = gain, shift
        expected = (1.0 if gain is None else gain) * (plain - digital) + digital + (0.0 if shift is None else shift)
        assert apart(layer(X), expected) < 1e-12
        assert apart(solved(layer, X), layer(X)) < (1e-12 if adc.bits is None else 1e-3)
        layer.gain = layer.shift = None
        assert torch.equal(layer(X), plain)


@pytest.mark.parametrize("dac", [Converter(), Converter(bits=5, range=2.0)])
def test_a_shift_is_not_driven_beside_a_bias_row(dac):
    layer = layer_of(bias_row=True, dac=dac)
    with torch.no_grad():
        plain = layer(X)
        layer.shift = SHIFTS
        assert apart(layer(X), plain + SHIFTS) < 1e-12


def test_groups_and_recurrent_layers():
    conv = CrossbarConv2d(made(nn.Conv2d, 4, 6, 3, groups=2), hardware()).program(0).eval()
    x, gain = numbers(2, 4, 5, 5), numbers(6, seed=4)
    with torch.no_grad():
        plain = conv(x) - conv.bias[:, None, None]
        conv.gain = gain
        assert apart(conv(x), plain * gain[:, None, None] + conv.bias[:, None, None]) < 1e-12
    lstm = made(nn.LSTM, 5, 4)
    network = convert(lstm, IDEAL).program(0).eval()
    for layer in network.layers.values():
        layer.gain = 0.5
    with torch.no_grad():
        found = network(numbers(3, 2, 5))[0]
        for name in ("weight_ih_l0", "weight_hh_l0"):
            getattr(lstm, name).mul_(0.5)
        assert apart(found, lstm(numbers(3, 2, 5))[0]) < 1e-12


@pytest.mark.parametrize("per", ["layer", "output"])
def test_a_fitted_gain_is_the_least_squares_one(per):
    cells = Nonidealities(variation=Variation(0.2))
    network = convert(small(), replace(hardware(cells=cells), wires=Wires(20.0, 20.0, 5.0, 5.0)), bias="row").program(0)
    network.fit_gains(per)
    for layer in network.layers.values():
        with torch.no_grad():
            wanted = torch.cat(layer.matrices(), dim=1).numpy()
            real = torch.cat(layer.effective_matrices(), dim=1).numpy()
        columns = [slice(None)] if per == "layer" else [slice(k, k + 1) for k in range(layer.outputs)]
        expected = [np.linalg.lstsq(real[:, k].reshape(-1, 1), wanted[:, k].ravel(), rcond=None)[0][0] for k in columns]
        np.testing.assert_allclose(np.atleast_1d(layer.gain.numpy()), expected, rtol=1e-9)


def test_a_fitted_gain_makes_up_for_wires():
    model = made(nn.Linear, 30, 12)
    network = convert(model, Hardware(wires=Wires(4.0, 4.0))).program(0).eval()
    x = numbers(20, 30)
    with torch.no_grad():
        before = (network(x) - model(x)).norm()
        assert (network.fit_gains()(x) - model(x)).norm() < 0.75 * before
    assert network.layers["model"].gain > 1.1
    nothing = nn.Linear(4, 3, dtype=torch.float64)
    nn.init.zeros_(nothing.weight)
    assert convert(nothing, hardware()).program(0).fit_gains("output").layers["model"].gain.tolist() == [1.0] * 3


def test_a_parameter_is_trained_and_a_number_is_not():
    network = convert(made(nn.Linear, 9, 7), hardware()).program(0)
    layer = network.layers["model"]
    layer.gain = 2.0
    assert "gain" not in dict(layer.named_parameters())
    layer.gain, layer.shift = nn.Parameter(torch.ones(7).double()), nn.Parameter(torch.zeros(7).double())
    assert {"gain", "shift"} <= set(dict(layer.named_parameters()))
    target = numbers(4, 7, seed=3)
    optimizer = torch.optim.SGD([layer.gain, layer.shift], lr=0.05)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = (network(X) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert apart(layer.gain, torch.ones(7)) > 1e-3
    network.fit_gains()
    assert isinstance(layer.gain, nn.Parameter)
    assert len(set(layer.gain.tolist())) == 1
    layer.gain = None
    assert "gain" not in dict(layer.named_parameters())


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=12, range="full")])
def test_gradients_of_gain_and_shift(adc):
    layer = layer_of(adc=adc)
    layer.gain, layer.shift = nn.Parameter(GAINS.clone()), nn.Parameter(SHIFTS.clone())
    weights = numbers(4, 7, seed=12)
    (layer(X) * weights).sum().backward()
    with torch.no_grad():
        products = (layer(X) - layer.shift - layer.bias) / layer.gain
    assert apart(layer.gain.grad, (products * weights).sum(dim=0)) < 1e-9
    assert apart(layer.shift.grad, weights.sum(dim=0)) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_they_are_saved_with_chips_states_and_copies(again, tmp_path):
    network = convert(small(), hardware()).program(0).eval()
    network.layers["conv1"].gain = 1.5
    network.layers["head.0"].gain = nn.Parameter(torch.linspace(0.5, 2.0, 12).double())
    network.layers["head.0"].shift = torch.linspace(-1.0, 1.0, 12)
    images = numbers(2, 3, 8, 8)
    network.save_chips(tmp_path / "chips.npz")
    with torch.no_grad():
        expected = network(images)
        loaded = convert(small(), hardware()).load_chips(tmp_path / "chips.npz").eval()
        stated = convert(small(), hardware()).program(0).eval()
        stated.load_state_dict(network.state_dict())
        for other in (loaded, stated, again(network)):
            assert torch.equal(other(images), expected)
    kinds = {name: isinstance(layer.gain, nn.Parameter) for name, layer in loaded.layers.items()}
    assert kinds == {"conv1": False, "conv2": False, "head.0": True, "head.3": False}
    convert(small(), hardware()).program(0).save_chips(tmp_path / "plain.npz")
    with torch.no_grad():
        plain = loaded.load_chips(tmp_path / "plain.npz")(images)
    assert apart(plain, expected) > 1e-3, "chips without a gain have none"
    assert type(network.to_torch().head[0]) is nn.Linear


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.ones(3), r"gain of layer 'model' has shape \(3,\): give one number, or \(7,\)"),
        (nn.Parameter(torch.ones(7, 1)), r"has shape \(7, 1\)"),
        (float("nan"), "must be finite"),
        ([1.0, float("inf"), 1.0, 1.0, 1.0, 1.0, 1.0], "must be finite"),
        ("two", "is 'two': give one number"),
        (nn.Parameter(torch.ones(7, dtype=torch.int64), requires_grad=False), "must be finite numbers"),
    ],
)
def test_gains_that_are_none(value, message):
    layer = convert(made(nn.Linear, 9, 7), hardware()).layers["model"]
    with pytest.raises(InputError, match=message):
        layer.gain = value
    assert layer.gain is None


def test_fits_that_cannot_be():
    network = convert(made(nn.Linear, 9, 7), hardware(law=Law("sinh"))).program(0)
    with pytest.raises(InputError, match="'sinh' and no effective matrix"):
        network.fit_gains()
    with pytest.raises(InputError, match="per is 'column'"):
        network.fit_gains("column")


@pytest.mark.parametrize("shape", [(), (1,)])
def test_one_trained_number_is_fitted_a_layer_only(shape):
    layer = layer_of()
    layer.gain = nn.Parameter(torch.ones(shape, dtype=torch.float64))
    with pytest.raises(InputError, match=r"gain of the layer is one number that is trained.*torch.ones\(7\)"):
        layer.fit_gain("output")
    trained = layer.gain
    layer.fit_gain("layer")
    assert layer.gain is trained
    assert float(trained.detach()) > 1.0


def test_an_optimiser_goes_on_with_a_gain_that_a_file_brought_back(tmp_path):
    network = convert(made(nn.Linear, 9, 7), IDEAL).program(0)
    layer = network.layers["model"]
    layer.gain, layer.shift = nn.Parameter(GAINS.clone()), nn.Parameter(SHIFTS.clone())
    network.save_chips(tmp_path / "chips.npz")
    optimizer = torch.optim.SGD([layer.gain, layer.shift], lr=0.1)
    with torch.no_grad():
        layer.gain.mul_(2.0)
    network.load_chips(tmp_path / "chips.npz")
    assert torch.equal(layer.gain, GAINS)
    network(X).square().sum().backward()
    optimizer.step()
    assert apart(layer.gain, GAINS) > 1e-3
    assert apart(layer.shift, SHIFTS) > 1e-3
