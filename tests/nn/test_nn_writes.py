"""Cells hold what was written into them: all or some of them, counted, kept; and what a chip has frozen in each."""

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, apart, hardware, made, numbers, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, Converter, CrossbarLinear, NotProgrammedError, convert
from xbarsim.nonideal import Drift, Fault, Faults, Levels, Nonidealities, ReadNoise, Variation, WriteVerify

X = numbers(4, 9)
BLIND = Nonidealities(variation=Variation(0.1), cycle_variation=Variation(0.2), faults=Faults(0.1))
VERIFIED = Nonidealities(
    write_verify=WriteVerify(tolerance=0.02, noise=0.3), levels=Levels(8), faults=Faults(0.05), variation=Variation(0.1)
)
MODELS = pytest.mark.parametrize("model", [BLIND, VERIFIED], ids=["blind", "verified"])


def linear(hw, seed=3, bias_row=False):
    return CrossbarLinear.of(made(nn.Linear, 9, 7), hw, bias_row=bias_row).program(seed).eval()


def moved(layer, factor=0.5):
    with torch.no_grad():
        layer.weight.mul_(factor)


def output(layer):
    with torch.no_grad():
        return layer(X)


def masks_of(layer, seed=0, share=0.3):
    rng = np.random.default_rng(seed)
    return [rng.random(plane.shape) < share for plane in layer.programmed]


@MODELS
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_cells_that_do_not_follow_hold_what_they_held(model, mapping):
    layer = linear(hardware(mapping, cells=model))
    before, conductances = output(layer), layer.programmed
    layer.follows_weights = False
    assert torch.equal(output(layer), before)
    moved(layer)
    assert torch.equal(output(layer), before)
    assert all(map(np.array_equal, layer.programmed, conductances))
    assert layer.writes == 0
    assert apart(solved(layer, X), output(layer)) < 1e-12


@MODELS
@pytest.mark.parametrize("bias_row", [False, True])
def test_a_write_of_all_is_the_next_programming(model, bias_row):
    """The same noise as of a layer that follows: ``Chip.apply`` says what a write of the same number gives."""
    layer = linear(hardware("reference", cells=model), bias_row=bias_row)
    layer.follows_weights = False
    moved(layer)
    pulses = layer.write()
    assert layer.writes == 1
    if model is BLIND:
        follower = linear(hardware("reference", cells=model), bias_row=bias_row)
        output(follower)
        moved(follower)
        assert torch.equal(output(layer), output(follower))
        assert all((plane == 1).all() for plane in pulses)
    else:
        assert pulses[0].max() > 1
        assert not torch.equal(output(layer), output(linear(hardware("reference", cells=model), bias_row=bias_row)))
    assert all((plane == 2).all() for plane in layer.writes_per_cell)
    assert all((plane >= new).all() for plane, new in zip(layer.pulses_per_cell, pulses, strict=True))


@MODELS
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_mask_writes_those_cells_and_no_others(model, mapping):
    layer = linear(hardware(mapping, cells=model))
    layer.follows_weights = False
    before, faults = layer.programmed, [plane for plane, _ in layer.known()]
    first = layer.pulses_per_cell
    moved(layer, -0.8)
    masks = masks_of(layer)
    pulses = layer.write(masks)
    for plane, mask in enumerate(masks):
        assert np.array_equal(layer.programmed[plane][~mask], before[plane][~mask])
        assert not pulses[plane][~mask].any()
        healthy = mask & (faults[plane] == Fault.HEALTHY)
        assert (layer.programmed[plane][healthy] != before[plane][healthy]).mean() > 0.6
        assert np.array_equal(layer.programmed[plane][faults[plane] > 0], before[plane][faults[plane] > 0])
        assert np.array_equal(layer.writes_per_cell[plane], 1 + mask)
        assert np.array_equal(layer.pulses_per_cell[plane], first[plane] + pulses[plane])
    assert apart(solved(layer, X), output(layer)) < 1e-12


def test_blind_writes_by_hand():
    """Differential, without noise of writing: a plane's target times the cell's factor, and what is stuck stays."""
    hw = hardware(cells=Nonidealities(variation=Variation(0.2), faults=Faults(0.1)))
    layer = linear(hw)
    span, g_off = hw.cells.g_on - hw.cells.g_off, hw.cells.g_off
    weights = (layer.weight / layer.scale).detach().numpy().T
    for sign, cells, (faults, factors) in zip((1.0, -1.0), layer.programmed, layer.known(), strict=True):
        healthy = faults == Fault.HEALTHY
        expected = (g_off + span * np.maximum(sign * weights, 0.0)) * factors
        np.testing.assert_allclose(cells[healthy], expected[healthy], rtol=1e-12)
        np.testing.assert_allclose(cells[faults == Fault.STUCK_AT_LRS], hw.cells.g_on)


def test_write_is_the_end_of_following_and_following_that_of_what_was_written():
    layer = linear(hardware(cells=BLIND))
    layer.write()
    assert not layer.follows_weights
    stuck = output(layer)
    moved(layer)
    assert torch.equal(output(layer), stuck)
    layer.follows_weights = True
    assert layer.cell_state is None
    assert apart(output(layer), stuck) > 1e-2
    assert layer.writes == 2


def test_weights_that_moved_unseen_are_in_the_cells_of_a_layer_that_follows():
    layer = linear(hardware(cells=BLIND))
    output(layer)
    moved(layer)
    layer.write(masks_of(layer, share=0.0))
    follower = linear(hardware(cells=BLIND))
    output(follower)
    moved(follower)
    assert torch.equal(output(layer), output(follower))


def test_programming_again_writes_what_the_weights_are():
    layer = linear(hardware(cells=BLIND))
    layer.write()
    moved(layer)
    layer.program(5)
    assert not layer.follows_weights
    fresh = linear(hardware(cells=BLIND))
    moved(fresh)
    assert torch.equal(output(layer), output(fresh.program(5)))
    assert all((plane == 1).all() for plane in layer.writes_per_cell)


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=20, range="full")])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_those_of_cells_that_move_with_their_weights(adc, training):
    """Where weights are as they were written these are the gradients of a layer that follows."""
    hw = hardware(cells=Nonidealities(variation=Variation(0.2), faults=Faults(0.1)), adc=adc)
    follower, layer = linear(hw).train(training), linear(hw).train(training)
    layer.follows_weights = False
    for linear_layer in (follower, layer):
        linear_layer(X).square().sum().backward()
    assert torch.equal(layer.weight.grad, follower.weight.grad)
    moved(layer)
    before = layer.programmed
    layer(X).square().sum().backward()
    assert all(map(np.array_equal, layer.programmed, before))


@MODELS
@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module)), lambda module: module.double()]
)
def test_copies_and_other_types_have_the_same_cells(model, again):
    layer = linear(hardware("reference", cells=model))
    layer.write(masks_of(layer))
    moved(layer)
    expected = output(layer)
    twin = again(layer)
    assert torch.equal(output(twin), expected)
    twin.write()
    assert apart(output(twin), expected) > 1e-3


def test_a_shorter_type_writes_nothing():
    layer = linear(hardware(cells=BLIND))
    layer.write()
    before = layer.programmed
    with torch.no_grad():
        layer.float()(X.float())
    assert all(map(np.array_equal, layer.programmed, before))


@MODELS
def test_files_keep_what_was_written(model, tmp_path):
    hw = hardware("reference", cells=model)
    network = convert(made(nn.Linear, 9, 7), hw).program(3).eval()
    layer = network.layers["model"]
    layer.write(masks_of(layer))
    moved(layer)
    network.save_chips(tmp_path / "chips.npz")
    again = convert(made(nn.Linear, 9, 7), hw).load_chips(tmp_path / "chips.npz").eval()
    twin = again.layers["model"]
    assert torch.equal(output(twin), output(layer))
    assert not twin.follows_weights
    for name in ("programmed", "writes_per_cell", "pulses_per_cell"):
        assert all(map(np.array_equal, getattr(twin, name), getattr(layer, name)))
    layer.write()
    moved(twin)
    twin.write()
    assert torch.equal(output(twin), output(layer)), "the next write has the same noise"


def test_a_file_whose_cells_are_gone_is_damaged(tmp_path):
    network = convert(made(nn.Linear, 9, 7), hardware(cells=BLIND)).program(3)
    network.layers["model"].write()
    network.save_chips(tmp_path / "chips.npz")
    with np.load(tmp_path / "chips.npz") as file:
        arrays = {name: array for name, array in file.items() if "cell_target_1" not in name}
    about = json.loads(str(arrays["about"]))
    assert about["version"] == 2
    arrays["about"] = np.array(json.dumps({**about, "members": sorted(set(arrays) - {"about"})}))
    np.savez(tmp_path / "chips.npz", **arrays)
    with pytest.raises(InputError, match="damaged: cells of layer 'model' are missing"):
        convert(made(nn.Linear, 9, 7), hardware(cells=BLIND)).load_chips(tmp_path / "chips.npz")


@pytest.mark.parametrize("change", [lambda a: a * np.nan, lambda a: a.astype(np.float32), lambda a: a[:-1]])
def test_a_file_whose_cells_cannot_be_is_damaged(change, tmp_path):
    network = convert(made(nn.Linear, 9, 7), hardware(cells=BLIND)).program(3)
    network.layers["model"].write()
    network.save_chips(tmp_path / "chips.npz")
    with np.load(tmp_path / "chips.npz") as file:
        arrays = {name: change(array) if "cell_conductance_1" in name else array for name, array in file.items()}
    np.savez(tmp_path / "chips.npz", **arrays)
    with pytest.raises(InputError, match="damaged: cells of layer 'model' are missing, or do not fit"):
        convert(made(nn.Linear, 9, 7), hardware(cells=BLIND)).load_chips(tmp_path / "chips.npz")


def test_files_without_anything_new_are_of_the_version_before(tmp_path):
    convert(made(nn.Linear, 9, 7), hardware(cells=BLIND)).program(3).save_chips(tmp_path / "chips.npz")
    with np.load(tmp_path / "chips.npz") as file:
        assert json.loads(str(file["about"]))["version"] == 1


def test_reads_and_time_are_of_what_was_written():
    cells = Nonidealities(drift=Drift(0.1, 0.05), read_noise=ReadNoise(0.02))
    layer = linear(hardware(cells=cells)).program(3, time=1.0)
    layer.write()
    before = layer.programmed
    first, second = output(layer), output(layer)
    assert apart(second, first) > 1e-4
    assert apart(output(layer.at(1e4)), first) > 0.1
    assert all(map(np.array_equal, layer.programmed, before))


def test_layers_that_never_write_keep_nothing():
    layer = linear(hardware(cells=BLIND))
    output(layer)
    assert len(layer.programmed) == 2
    assert layer.cell_state is None


def test_before_a_chip_there_is_nothing_to_write():
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware())
    layer.follows_weights = False
    for ask in (layer.write, layer.known, lambda: layer.programmed):
        with pytest.raises(NotProgrammedError, match=r"no chip: call program\(seed\)"):
            ask()
    layer.program(0)
    assert layer.cell_state is not None


@pytest.mark.parametrize("cells", [[np.ones((9, 7), bool)], [np.ones((7, 9), bool)] * 2, [np.ones((9, 7))] * 2])
def test_masks_that_do_not_fit(cells):
    with pytest.raises(InputError, match=r"takes 2 arrays of bool of shape \(9, 7\), one a plane"):
        linear(hardware()).write(cells)


# What is frozen.


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("by", [None, "layer", "tile"])
@pytest.mark.parametrize("slices", [1, 2])
def test_maps_are_those_of_the_cells_of_each_weight(mapping, by, slices):
    """A cell that is made stuck in one tile shows at its weight, in its plane, and there only."""
    cells = Nonidealities(variation=Variation(0.2))
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(mapping, cells=cells, slices=slices), bias_row=True)
    if by == "layer":
        layer.arrange(Arrangement(rows=[[3, -1, 9, 0, 1, 7, 2, 8, 4, 5, 6]], cols=[[6, 2, 0, 1, 5, 3, 4]], spare=1))
    elif by == "tile":
        count = len(layer.places) // (1 + max(place.plane for place in layer.places))
        orders = [np.arange(len(layer.places[k].cols))[::-1] for k in range(count)]
        layer.arrange(Arrangement(cols=orders, by="tile"))
    layer.program(3)
    faults, _ = zip(*layer.known(), strict=True)
    assert {plane.shape for plane in faults} == {(10, 7)}
    assert not any(plane.any() for plane in faults)
    matrix = layer.effective_matrices()[0].detach().clone()
    for tile in (0, len(layer.places) - 1):
        place = layer.places[tile]
        stuck = np.zeros(place.shape, dtype=np.int8)
        stuck[0, 0] = Fault.STUCK_AT_LRS
        chip = layer.chip
        layer.chip = chip.with_faults(stuck, tile)
        faults, factors = zip(*layer.known(), strict=True)
        assert [int(plane.sum()) for plane in faults] == [int(k == place.plane) for k in range(len(faults))]
        (i,), (j,) = np.nonzero(faults[place.plane])
        assert factors[place.plane][i, j] == chip.maps(tile).factor[0, 0]
        assert factors[place.plane].dtype == np.float64
        assert faults[place.plane].dtype == np.int8
        ideal = replace(layer.hardware, fidelity="ideal")
        layer.hardware = ideal
        changed = layer.effective_matrices()[0].detach()
        layer.chip = chip
        apart_at = (changed - layer.effective_matrices()[0].detach()).abs() > 1e-12
        assert apart_at.nonzero().tolist() == [[i, j]]
        assert matrix.shape == changed.shape


def test_physical_maps_have_spare_lines_and_no_order():
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(cells=BLIND))
    plain = layer.arrange(Arrangement(spare=2)).program(3).known(physical=True)
    order = np.array([3, -1, 0, 1, 7, 2, 8, 4, 5, -1, 6])
    layer.arrange(Arrangement(rows=[order], spare=2))
    for lines, again, weights in zip(plain, layer.known(physical=True), layer.known(), strict=True):
        for line, same_line, weight in zip(lines, again, weights, strict=True):
            assert line.shape == (11, 7)
            assert np.array_equal(line, same_line)
            assert np.array_equal(weight[order[order >= 0]], line[order >= 0])


@pytest.mark.parametrize("arranged", [False, True])
def test_cells_of_convolutions_in_groups_are_by_weight(arranged):
    """A plane is (inputs of a group, outputs of all groups), whatever lines they lie on."""
    hw = hardware(rows=20, cols=9)
    layer = convert(made(nn.Conv2d, 4, 6, 3, groups=2, bias=False), hw).layers["model"]
    if arranged:
        rng = np.random.default_rng(0)
        layer.arrange(
            Arrangement(rows=[rng.permutation(18) for _ in range(2)], cols=[rng.permutation(3) for _ in range(2)])
        )
    layer.program(0)
    weights = layer.weight.detach().reshape(6, -1).T.double().numpy()
    positive, negative = layer.programmed
    unit = (hw.cells.g_on - hw.cells.g_off) / float(layer.scale)
    np.testing.assert_allclose(positive - negative, weights * unit, atol=1e-15)
    mask = np.zeros((18, 6), dtype=bool)
    mask[5, 4] = True
    layer.follows_weights = False
    moved(layer, -1.0)
    layer.write([mask, mask])
    changed = np.argwhere(layer.programmed[0] - layer.programmed[1] != positive - negative)
    assert changed.tolist() == [[5, 4]]


def test_a_network_without_wires_forgets_no_cells():
    """Other wires read the same cells."""
    layer = linear(hardware(cells=BLIND))
    layer.write()
    before = layer.programmed
    moved(layer)
    layer.hardware = replace(layer.hardware, fidelity="ideal")
    assert all(map(np.array_equal, layer.programmed, before))
    cells = layer.hardware.cells
    matrix = (before[0] - before[1]) * float(layer.scale) / (cells.g_on - cells.g_off)
    with torch.no_grad():
        assert apart(layer.effective_matrices()[0], torch.from_numpy(matrix)) < 1e-12
