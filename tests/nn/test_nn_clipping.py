"""Weights beyond a frozen scale are counted, and said once."""

import warnings
from dataclasses import replace

import pytest
import torch
from nn_tools import IDEAL, apart, hardware, made, numbers, small
from torch import nn

from xbarsim.nn import ClippedWarning, Mapping, convert

X = numbers(4, 9)


def network_of(mapping="differential", *, bias="digital", **more):
    model = made(nn.Linear, 9, 7)
    return convert(model, replace(IDEAL, mapping=Mapping(mapping, **more)), bias=bias).program(0).eval()


@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
@pytest.mark.parametrize("per", ["layer", "column"])
@pytest.mark.parametrize("bias", ["digital", "row"])
def test_the_share_is_that_of_weights_beyond_the_scale(mapping, per, bias):
    network = network_of(mapping, per=per, bias=bias)
    layer = network.layers["model"]
    with torch.no_grad():
        network(X)
        assert layer.clipped == 0.0
        layer.weight.mul_(3.0)
        cells = torch.cat([layer.weight.T, layer.bias[None]]) if bias == "row" else layer.weight.T
        expected = float((cells.abs() > layer.scale).double().mean())
        assert 0.3 < expected < 1.0
        assert layer.clipped == expected
        with pytest.warns(
            ClippedWarning, match=rf"{expected:.3g} of the weights of layer 'model' are beyond the scale"
        ):
            found = network(X)
        held = nn.functional.linear(X, cells[:9].clamp(-layer.scale, layer.scale).T)
        held += cells[9].clamp(-layer.scale, layer.scale) if bias == "row" else layer.bias
        assert apart(found, held) < 1e-12
    row = network.summary().rows[0]
    assert row.clipped == expected
    assert f"{expected:.3g} of the weights of model are beyond the frozen scale" in str(network.summary())


def test_before_a_chip_there_is_no_scale_to_clip_at():
    model = made(nn.Linear, 9, 7)
    with torch.no_grad():
        model.weight.mul_(100.0)
    network = convert(model, IDEAL)
    assert network.layers["model"].clipped == 0.0
    assert "clipped" not in str(network.summary())


def test_it_is_said_once_a_programming():
    network = network_of()
    weight = network.layers["model"].weight
    with torch.no_grad():
        weight.mul_(3.0)
        with pytest.warns(ClippedWarning):
            network(X)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            network(X)
            weight.mul_(1.1)
            network(X)
            network.program(1)(X)
            assert network.layers["model"].clipped == 0.0
            weight.mul_(0.5)
            network(X)
        weight.mul_(4.0)
        with pytest.warns(ClippedWarning):
            network(X)


def test_dynamic_scales_and_single_precision_clip_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dynamic = network_of(scale="dynamic")
        dynamic.layers["model"].weight.data.mul_(3.0)
        dynamic(X)
        assert dynamic.layers["model"].clipped == 0.0
        network = convert(small(), IDEAL).program(0).eval()
        network.float()(numbers(2, 3, 8, 8).float())
        assert max(layer.clipped for layer in network.layers.values()) == 0.0


def test_training_that_leaves_the_scale_says_so():
    network = network_of().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=5.0)

    def steps():
        for _ in range(3):
            optimizer.zero_grad()
            (network(X) - 5.0).square().mean().backward()
            optimizer.step()

    with pytest.warns(ClippedWarning, match="program again"):
        steps()
    assert network.layers["model"].clipped > 0.0


def test_chips_for_other_weights_are_taken_with_a_word(tmp_path):
    convert(small(), hardware()).program(0).save_chips(tmp_path / "chips.npz")
    larger = small()
    with torch.no_grad():
        larger.conv2.weight.mul_(10.0)
    network = convert(larger, hardware())
    with pytest.warns(ClippedWarning, match=r"0\.\d+ of the weights of layer 'conv2' are beyond"):
        network.load_chips(tmp_path / "chips.npz")
    assert [name for name, layer in network.layers.items() if layer.clipped] == ["conv2"]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("per", ["layer", "column"])
def test_weights_that_were_rounded_to_a_shorter_type_are_not_clipped(kind, per):
    network = network_of(per=per)
    layer = network.layers["model"]
    with torch.no_grad():
        layer.weight[2, 3] = 1.0 + 0.7 * torch.finfo(kind).eps
    network.program(0).to(kind)
    assert (layer.weight.double().abs() > layer.scale[:, None] * (1.0 + 1e-6)).any(), "a largest weight was rounded up"
    assert layer.clipped == 0.0
    with torch.no_grad():
        network(X.to(kind))
        layer.weight[0, 0] = 1.05 * layer.scale.max()
    assert layer.clipped == 1 / layer.weight.numel()
