"""Scales with room above the largest weight, and chips that are handed over."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import IDEAL, apart, flat, hardware, made, numbers, small, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, ClippedWarning, CrossbarLinear, Hardware, Mapping, convert
from xbarsim.nonideal import Chip, Faults, Nonidealities, Variation

X = numbers(4, 9)
SCALES = pytest.mark.parametrize("scale", ["frozen", "dynamic"])
UNEVEN = Nonidealities(faults=Faults(0.1), variation=Variation(0.3))


def layer_of(mapping="differential", **more):
    return CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(mapping, **more))


@SCALES
@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
@pytest.mark.parametrize("per", ["layer", "column"])
def test_cells_are_those_of_weights_that_are_smaller_by_it(mapping, per, scale):
    """With headroom 2.5 the cells hold w / 2.5 of what they would, and outputs are those of w all the same."""
    layer, ideal = layer_of(mapping, per=per, scale=scale, fidelity="ideal"), layer_of(mapping, per=per)
    layer.program(headroom=2.5)
    ideal.program()
    cells = hardware(mapping).cells
    middle = 0.0 if mapping == "differential" else 0.5 * (cells.g_on - cells.g_off)
    for plane, full in zip(layer.programmed, ideal.programmed, strict=True):
        expected = cells.g_off + middle + (full - cells.g_off - middle) / 2.5
        np.testing.assert_allclose(plane, expected, rtol=1e-12)
    assert apart(layer(X), nn.functional.linear(X, layer.weight, layer.bias)) < 1e-10
    assert layer.headroom == 2.5


@SCALES
def test_the_circuit_is_that_of_the_smaller_cells(scale):
    layer = layer_of(scale=scale).program(3, headroom=1.7)
    assert apart(layer(X), flat(solved(layer, X))) < 1e-9
    assert apart(layer(X), copy.deepcopy(layer).program(3)(X)) > 1e-3, "wires cost less"


def test_gradients_through_a_dynamic_scale_are_those_of_differences():
    layer = layer_of(scale="dynamic", cells=UNEVEN).program(3, headroom=1.7)
    (layer(X) ** 2).sum().backward()
    k = divmod(int(layer.weight.detach().abs().argmax()), 9)
    values = []
    for step in (1e-5, -1e-5):
        with torch.no_grad():
            layer.weight[k] += step
            values.append(float((layer(X) ** 2).sum()))
            layer.weight[k] -= step
    assert float(layer.weight.grad[k]) == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5)


@SCALES
def test_less_than_one_clips_and_says_so(scale):
    layer = layer_of(scale=scale, fidelity="ideal").program(headroom=0.4)
    limit = 0.4 * layer.weight.detach().abs().max()
    share = float((layer.weight.abs() > limit).double().mean())
    assert 0.1 < share < 1.0
    assert layer.clipped == share
    with pytest.warns(ClippedWarning, match=r"which headroom=0.4 makes less .* program with headroom=1 or more"):
        outputs = layer(X)
    assert apart(outputs, nn.functional.linear(X, layer.weight.clamp(-limit, limit), layer.bias)) < 1e-10


def test_weights_may_grow_into_it():
    layer = layer_of(fidelity="ideal").program(headroom=2.0)
    with torch.no_grad():
        layer.weight.mul_(2.0)
    assert layer.clipped == 0.0
    with torch.no_grad():
        layer.weight.mul_(1.1)
    assert layer.clipped > 0.0


@SCALES
def test_it_stays_when_lines_are_arranged_and_cells_written(scale):
    layer = layer_of(scale=scale, cells=UNEVEN).program(3, headroom=1.7)
    scales = [part.detach().clone() for part in layer.scales()]
    layer.arrange(Arrangement(rows=[np.arange(9)[::-1]]))
    assert all(map(torch.equal, layer.scales(), scales))
    layer.write()
    assert all(map(torch.equal, layer.scales(), scales))
    expected = layer(X)
    layer.follows_weights = True
    assert apart(layer(X), expected) < 1e-12
    assert layer.program(3).headroom == 1.0, "each programming says its own"


@pytest.mark.parametrize("headroom", [0.0, -1.0, float("inf"), float("nan"), True, "2", None])
def test_what_is_no_headroom_is_refused_and_changes_nothing(headroom):
    layer = layer_of().program(3, headroom=1.5)
    with pytest.raises(InputError, match=r"headroom of the layer is .* above 0, and finite"):
        layer.program(4, headroom=headroom)
    assert (layer.headroom, layer.chip.seed) == (1.5, 3)


def network_of(hardware_=None):
    return convert(small(), hardware_ or replace(IDEAL, cells=UNEVEN))


def test_a_network_has_one_or_one_a_layer():
    network = network_of().program(1, headroom=3)
    assert {layer.headroom for layer in network.layers.values()} == {3.0}
    network.program(1, headroom={"conv2": 2.0})
    assert {name: layer.headroom for name, layer in network.layers.items() if layer.headroom != 1.0} == {"conv2": 2.0}
    assert network.summary().rows[1].headroom == 2.0
    assert "conv2 has headroom 2: its scale is so many times its largest weight" in str(network.summary())
    assert "headroom" not in str(network.program(1).summary())
    with pytest.raises(InputError, match=r"headroom names 'conv9', no layer on crossbars: there are 'conv1', 'conv2'"):
        network.program(1, headroom={"conv9": 2.0})
    with pytest.raises(InputError, match="headroom of layer 'conv2' is 0"):
        network.program(2, headroom={"conv2": 0.0})
    assert network.seed == 1


@SCALES
def test_files_keep_it(tmp_path, scale):
    images = numbers(2, 3, 8, 8)
    hw = Hardware(cells=UNEVEN, mapping=Mapping(scale=scale))
    network = network_of(hw).program(1, headroom={"conv2": 2.0})
    network.save_chips(tmp_path / "chips.npz")
    twin = network_of(hw).load_chips(tmp_path / "chips.npz")
    assert [layer.headroom for layer in twin.layers.values()] == [1.0, 2.0, 1.0, 1.0]
    assert torch.equal(twin(images), network(images))
    with np.load(tmp_path / "chips.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    assert about["version"] == 3
    about["layers"][1]["headroom"] = -2.0
    np.savez(tmp_path / "bad.npz", **arrays | {"about": np.array(json.dumps(about))})
    with pytest.raises(InputError, match="the chips are damaged: headroom of layer 'conv2' is -2"):
        twin.load_chips(tmp_path / "bad.npz")
    assert twin.layers["conv2"].headroom == 2.0


def test_chips_that_are_handed_over_are_what_the_weights_are_on():
    images = numbers(2, 3, 8, 8)
    first = network_of().program(5)
    second = network_of().program(chips=first.chips)
    assert torch.equal(second(images), first(images))
    assert all(second.chips[name] is chip for name, chip in first.chips.items())
    assert second.seed is None
    assert second.program(7, chips=first.chips).seed == 7
    assert torch.equal(second(images), first(images))
    measured = first.chips["conv2"].with_faults(np.full(first.chips["conv2"].shapes[0], 2))
    changed = second.program(chips={**first.chips, "conv2": measured}, headroom=2.0)
    assert changed.layers["conv2"].chip is measured
    assert changed.layers["conv2"].headroom == 2.0


def test_chips_of_other_layers_or_names_are_refused_by_name():
    network = network_of().program(5)
    before, chips = network.chips, network.chips
    for wrong, message in (
        ({**chips, "conv9": chips["conv1"]}, "chips names 'conv9', no layer on crossbars: there are 'conv1'"),
        ({"conv1": chips["conv1"], "conv2": chips["conv2"]}, r"chips has none for layer 'head.0', 'head.3': give one"),
        ({**chips, "head.3": chips["conv1"]}, r"the chip is of another kind .*: layer 'head.3' needs one of"),
        ({**chips, "head.3": 3}, "the chip of layer 'head.3' is 3: it must be a Chip"),
        ([chips["conv1"]], "chips is .* it must be a dictionary"),
    ):
        with pytest.raises(InputError, match=message):
            network.program(chips=wrong)
        assert all(network.chips[name] is chip for name, chip in before.items())
    other = Chip(replace(UNEVEN, r_on=2e3), 5, chips["conv1"].shapes)
    with pytest.raises(InputError, match="layer 'conv1' needs one of"):
        network.program(chips={**chips, "conv1": other})
