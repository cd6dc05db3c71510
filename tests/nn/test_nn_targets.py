"""Conductances that are set instead of those of the weights: what flows, what is written, kept and refused."""

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, apart, hardware, ideal, made, numbers, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, Converter, CrossbarConv2d, CrossbarLinear, Law, convert
from xbarsim.nn.planes import zeros
from xbarsim.nonideal import Fault, Faults, Levels, Nonidealities, Variation, WriteVerify

X = numbers(4, 9)
PLAIN = Nonidealities(r_on=1e3, r_off=2e4)
VARIED = replace(PLAIN, variation=Variation(0.2), faults=Faults(0.15, lrs_ohms=700.0))
ROWS = np.array([3, -1, 9, 0, 1, 7, 2, 8, 4, 5, 6])
LINES = Arrangement(rows=[ROWS], cols=[[6, 2, 0, 1, 5, 3, 4]], flips=[np.arange(11) % 3 == 0], spare=1)
MAPPED = pytest.mark.parametrize("mapping", MAPPINGS)
ARRANGED = pytest.mark.parametrize("lines", [None, LINES], ids=["in order", "arranged"])


def linear(mapping="differential", cells=PLAIN, lines=None, **more):
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(mapping, cells=cells, **more), bias_row=True)
    return layer.arrange(lines).program(3).eval()


def random_targets(layer, seed=0):
    cells, rng = layer.hardware.cells, np.random.default_rng(seed)
    return [rng.uniform(cells.g_off, cells.g_on, plane.shape) for plane in layer.programmed]


def output(layer):
    with torch.no_grad():
        return layer(X)


def matrix(layer):
    return torch.cat(layer.effective_matrices(), dim=1).detach().numpy()


@MAPPED
@ARRANGED
@pytest.mark.parametrize("cells", [VARIED, replace(VARIED, levels=Levels(9))], ids=["real", "levels"])
@pytest.mark.parametrize("slices", [1, 2])
def test_targets_of_the_weights_change_nothing(mapping, lines, cells, slices):
    """What a layer of perfect cells holds, set as targets, is what its weights ask for."""
    sliced = {"slices": slices, "slice_bits": 2}
    layer = linear(mapping, cells, lines, **sliced)
    healthy = replace(PLAIN, levels=cells.levels)
    targets = linear(mapping, healthy, lines, **sliced).programmed
    before, programmed = output(layer), layer.programmed
    layer.targets = targets
    assert all(map(np.array_equal, layer.targets, targets))
    assert torch.equal(output(layer), before)
    assert all(map(np.array_equal, layer.programmed, programmed))


@MAPPED
@ARRANGED
def test_targets_by_hand(mapping, lines):
    """Without wires: a difference of planes, or less zero, in the weights' unit; negated where a line is flipped."""
    layer = linear(mapping, lines=lines, fidelity="ideal")
    targets = layer.targets = random_targets(layer)
    span = PLAIN.g_on - PLAIN.g_off
    if mapping == "differential":
        expected = (targets[0] - targets[1]) / span
    else:
        expected = (targets[0] - zeros(layer.hardware)[0]) / (span / 2)
    if lines is not None:
        flipped = ROWS[(np.arange(11) % 3 == 0) & (ROWS >= 0)]
        expected[flipped] *= -1.0
    np.testing.assert_allclose(matrix(layer), expected * float(layer.scale), rtol=1e-10)


@MAPPED
@ARRANGED
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=20, range="full")])
def test_circuits_hold_targets(mapping, lines, adc):
    layer = linear(mapping, VARIED, lines, adc=adc)
    before = output(layer)
    layer.targets = random_targets(layer)
    assert apart(output(layer), before) > 0.1
    assert apart(solved(layer, X), output(layer)) < (1e-12 if adc.bits is None else 1e-5)
    for target, cells, (faults, factors) in zip(layer.targets, layer.programmed, layer.known(), strict=True):
        healthy = faults == Fault.HEALTHY
        np.testing.assert_allclose(cells[healthy], (target * factors)[healthy], rtol=1e-12)


def test_targets_are_of_linear_cells_alone_no_more_than_weights():
    layer = linear(law=Law("sinh", v0=0.2))
    before = output(layer)
    layer.targets = random_targets(layer)
    assert apart(solved(layer, X), output(layer)) < 1e-9
    assert apart(output(layer), before) > 0.1


def test_groups_of_convolutions():
    layer = CrossbarConv2d(made(nn.Conv2d, 4, 6, 3, groups=2), ideal(hardware(cells=PLAIN))).program(0).eval()
    targets = layer.targets = random_targets(layer)
    weights = (targets[0] - targets[1]) / (PLAIN.g_on - PLAIN.g_off) * float(layer.scale)
    np.testing.assert_allclose(layer.effective_parameters()[0].detach().reshape(6, -1).T.numpy(), weights, rtol=1e-9)


def test_none_is_the_weights_again_and_each_assignment_is_a_write():
    layer = linear(cells=replace(VARIED, cycle_variation=Variation(0.1)))
    first = output(layer)
    targets = random_targets(layer)
    layer.targets = targets
    assert layer.writes == 1
    second = output(layer)
    layer.targets = targets
    assert apart(output(layer), second) > 1e-3, "written anew, with noise of its own"
    layer.targets = None
    assert layer.targets is None
    assert layer.writes == 3
    assert 1e-3 < apart(output(layer), first) < 0.5
    layer.targets = None
    assert layer.writes == 3
    quiet = linear(cells=VARIED)
    before = output(quiet)
    quiet.targets = targets
    assert apart(output(quiet), before) > 0.1
    quiet.targets = None
    assert torch.equal(output(quiet), before)


def test_weights_do_not_move_targets():
    layer = linear(cells=VARIED)
    layer.targets = random_targets(layer)
    before, writes = output(layer), layer.writes
    with torch.no_grad():
        layer.weight.mul_(3.0)
    assert torch.equal(output(layer), before)
    assert (layer.writes, layer.clipped) == (writes, 0.0)


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=12, range="full")])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_reach_inputs_and_not_weights(scale, adc, training):
    layer = linear(cells=VARIED, scale=scale, adc=adc).train(training)
    before = output(layer)
    layer.targets = random_targets(layer)
    present = float(layer.scales()[0])
    x = X.clone().requires_grad_()
    layer(x).sum().backward()
    assert layer.weight.grad is None or not layer.weight.grad.any()
    expected = torch.from_numpy(matrix(layer)[:-1]).sum(dim=1).expand(4, -1)
    assert apart(x.grad, expected) < (1e-12 if adc.bits is None else 1e-2)
    layer.clipping_warned = True
    with torch.no_grad():
        layer.weight.mul_(2.0)
    assert float(layer.scales()[0]) == present
    layer.targets = None
    moved = 2.0 * present if scale == "dynamic" else present
    np.testing.assert_allclose(float(layer.scales()[0].detach()), moved, rtol=1e-12)
    assert apart(output(layer), before) > 1e-2


def test_cells_that_do_not_follow_get_targets_at_the_next_write():
    layer = linear(cells=VARIED)
    layer.follows_weights = False
    before, programmed = output(layer), layer.programmed
    layer.targets = random_targets(layer)
    assert torch.equal(output(layer), before)
    mask = [np.random.default_rng(k).random(plane.shape) < 0.4 for k, plane in enumerate(programmed)]
    layer.write(mask)
    whole = linear(cells=VARIED)
    whole.targets = layer.targets
    for now, then, target, cells in zip(layer.programmed, programmed, whole.programmed, mask, strict=True):
        assert np.array_equal(now, np.where(cells, target, then))
    layer.write()
    assert torch.equal(output(layer), output(whole))


def test_verified_writes_come_to_their_targets():
    cells = replace(PLAIN, write_verify=WriteVerify(tolerance=0.01), variation=Variation(0.02))
    layer = linear(cells=cells)
    targets = [0.2 * PLAIN.g_off + 0.8 * plane for plane in random_targets(layer)]
    layer.targets = targets
    for target, real in zip(targets, layer.programmed, strict=True):
        assert np.abs(target - real).max() <= 0.01 * (PLAIN.g_on - PLAIN.g_off)


def test_arrangements_carry_targets_along():
    layer = linear(fidelity="ideal")
    layer.targets = random_targets(layer)
    before = matrix(layer)
    layer.arrange(Arrangement(rows=[np.arange(10)[::-1]], cols=[[6, 2, 0, 1, 5, 3, 4]]))
    np.testing.assert_allclose(matrix(layer), before, rtol=1e-12)


@MAPPED
def test_rows_of_targets_on_other_lines(mapping):
    """What they would be there, against a layer that is arranged so; and their costs."""
    layer = linear(mapping, VARIED, fidelity="ideal")
    layer.targets = random_targets(layer)
    real, costs = layer.realised(None, range(10)), layer.row_costs()
    negated = layer.row_costs(negated=True)
    weights = layer.matrices()[0].detach().numpy()
    order = np.random.default_rng(5).permutation(10)
    layer.arrange(Arrangement(rows=[order]))
    there = matrix(layer)
    for line, row in enumerate(order):
        np.testing.assert_allclose(real[row, line], there[row], rtol=0, atol=1e-12)
        np.testing.assert_allclose(costs[row, line], np.abs(weights[row] - there[row]).sum(), rtol=1e-11)
        np.testing.assert_allclose(negated[row, line], np.abs(weights[row] + there[row]).sum(), rtol=1e-11)
    part = layer.row_costs(rows=[2, 7], lines=[4, 1, 0], cols=slice(1, 6))
    expected = np.abs(weights[[2, 7], None, 1:6] - real[[2, 7]][:, [4, 1, 0], 1:6]).sum(axis=2)
    np.testing.assert_allclose(part, expected, rtol=1e-11)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_have_the_same_targets(again):
    layer = linear(cells=VARIED)
    layer.targets = random_targets(layer)
    twin = again(layer)
    assert all(map(np.array_equal, twin.targets, layer.targets))
    assert torch.equal(output(twin), output(layer))
    for kept in (layer, twin):
        with pytest.raises(ValueError, match="read-only"):
            kept.targets[0][0, 0] = 1.0
    twin.targets = None
    assert layer.targets is not None


def network_of(seed=3, **more):
    network = convert(made(nn.Linear, 9, 7), hardware(cells=VARIED, **more), bias="row").program(seed).eval()
    return network, network.layers["model"]


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
def test_files_keep_targets(tmp_path, scale):
    network, layer = network_of(scale=scale)
    layer.targets = random_targets(layer)
    with torch.no_grad():
        layer.weight.mul_(0.7)
    network.save_chips(tmp_path / "chips.npz")
    again, twin = network_of(seed=8, scale=scale)
    again.load_chips(tmp_path / "chips.npz")
    assert torch.equal(output(twin), output(layer))
    assert twin.writes == layer.writes
    assert all(map(np.array_equal, twin.targets, layer.targets))
    with np.load(tmp_path / "chips.npz") as file:
        assert json.loads(str(file["about"]))["version"] == 3
    network_of(scale=scale)[0].save_chips(tmp_path / "plain.npz")
    again.load_chips(tmp_path / "plain.npz")
    assert twin.targets is None


@pytest.mark.parametrize("change", [lambda a: a[:1], lambda a: a * np.nan, lambda a: 100.0 * a, lambda a: a.sum()])
def test_files_with_targets_that_cannot_be(tmp_path, change):
    network, layer = network_of()
    layer.targets = random_targets(layer)
    network.save_chips(tmp_path / "chips.npz")
    with np.load(tmp_path / "chips.npz") as file:
        arrays = {name: change(array) if name.endswith(":targets") else array for name, array in file.items()}
    np.savez(tmp_path / "chips.npz", **arrays)
    with pytest.raises(InputError, match=r"chips\.npz: the chips are damaged: targets"):
        network.load_chips(tmp_path / "chips.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda planes: planes[:1], r"targets have shapes \(10, 7\): layer 'model' takes 2 of shape \(10, 7\)"),
        (lambda planes: [planes[0], planes[1].T], r"have shapes \(10, 7\), \(7, 10\)"),
        (lambda planes: 3.0, "targets are no arrays: layer 'model' takes one of siemens"),
        (
            lambda planes: [planes[0], planes[1] * 0.0],
            r"targets of layer 'model', plane 1, cell\[0, 0\] is 0 S: .* 5e-05",
        ),
        (
            lambda planes: [np.where(np.arange(7) == 4, 2e-3, planes[0]), planes[1]],
            r"plane 0, cell\[0, 4\] is 0.002 S: it must be between 1/r_off = 5e-05 S and 1/r_on = 0.001 S",
        ),
        (lambda planes: [planes[0], np.where(np.arange(7) == 4, np.nan, planes[1])], r"plane 1, cell\[0, 4\] is nan"),
        (lambda planes: [planes[0], planes[1].astype(str)], "plane 1, cell must be real numbers"),
    ],
)
def test_targets_that_cannot_be(change, message):
    layer = network_of()[1]
    before = layer.targets = random_targets(layer)
    with pytest.raises(InputError, match=message):
        layer.targets = change(before)
    assert all(map(np.array_equal, layer.targets, before))


def test_hardware_with_other_conductances_is_refused():
    layer = network_of()[1]
    layer.targets = random_targets(layer)
    before = layer.targets
    other = replace(layer.hardware, cells=replace(VARIED, r_on=2e3))
    with pytest.raises(InputError, match=r"layer 'model' has targets that are of other cells: set targets = None"):
        layer.hardware = other
    layer.hardware = replace(layer.hardware, fidelity="ideal", tiles=replace(layer.hardware.tiles, rows=20))
    layer.program(1)
    assert all(map(np.array_equal, layer.targets, before))
    layer.targets = None
    layer.hardware = other
    assert layer.hardware is other
