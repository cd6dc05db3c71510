"""What a network keeps: maps while nothing changes, weights and ranges in its state, chips in files, copies."""

import copy
import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from cli_tools import ROOT, environment
from nn_tools import IDEAL, apart, hardware, made, numbers, small
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarLinear, Tiles, Wires, array_maps, convert
from xbarsim.nonideal import Chip, Faults, Nonidealities, ReadNoise, Variation

IMAGES = numbers(4, 3, 8, 8)
CELLS = Nonidealities(faults=Faults(0.05), variation=Variation(0.1))


@pytest.fixture
def reductions(monkeypatch):
    """How many arrays were reduced, of all that were asked for."""
    counted = []

    def counting(reduce):
        return lambda crossbars, **options: counted.extend(crossbars) or reduce(crossbars, **options)

    for name in ("effective_conductances", "effective_maps"):
        monkeypatch.setattr(array_maps, name, counting(getattr(array_maps, name)))
    return counted


def test_a_second_forward_reduces_nothing(reductions):
    network = convert(small(), hardware(cells=CELLS)).program(0)
    with torch.no_grad():
        first = network(IMAGES)
        count = len(reductions)
        assert count > 0
        assert torch.equal(network(IMAGES), first)
        assert torch.equal(network.eval()(IMAGES), first)
    assert torch.equal(network(IMAGES).detach(), first)  # eval() without no_grad takes known maps too
    assert len(reductions) == count


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.weight.data.mul_(0.5),
        lambda layer: layer.weight.detach().numpy().__imul__(0.5),
        lambda layer: setattr(layer, "weight", nn.Parameter(layer.weight.detach() * 0.5)),
        lambda layer: layer.scale.mul_(2.0),
        lambda layer: layer.program(9),
        lambda layer: setattr(layer, "chip", layer.chip.with_faults(np.ones(layer.chip.shapes[0]), 0)),
        lambda layer: setattr(layer, "hardware", replace(layer.hardware, wires=Wires(5.0, 5.0))),
    ],
    ids=["data", "numpy", "parameter", "scale", "chip", "faults", "hardware"],
)
def test_whatever_changes_is_seen(change):
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7, bias=False), hardware(cells=CELLS)).program(0)
    x = numbers(3, 9)
    with torch.no_grad():
        before = layer(x)
        change(layer)
        after = layer(x)
        fresh = copy.deepcopy(layer)
        fresh._stored = None
        assert apart(after, before) > 1e-3
        assert torch.equal(fresh(x), after)


def test_a_bias_row_that_changes_is_seen():
    layer = CrossbarLinear.of(made(nn.Linear, 9, 7), hardware(), bias_row=True).program(0)
    x = numbers(3, 9)
    with torch.no_grad():
        before = layer(x)
        layer.bias.data.mul_(0.5)
        assert apart(layer(x), before) > 1e-3


@pytest.mark.slow
def test_threads_change_nothing():
    found = []
    for threads in (1, 2, 2):
        network = convert(small(), hardware(cells=CELLS, adc=Converter(bits=8, range="batch"))).program(4).train()
        for layer in network.layers.values():
            layer.threads = threads
        network(IMAGES).square().sum().backward()
        found.append([one.grad for one in network.parameters()])
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))


def test_state_dict_round_trip():
    hw = replace(hardware(cells=CELLS), dac=Converter(bits=6), adc=Converter(bits=6, per="column"))
    network = convert(small(), hw).program(3).calibrate(IMAGES).eval()
    with torch.no_grad():
        network.layers["conv2"].weight.mul_(0.7)
        expected = network(IMAGES)
        other = convert(small(), hw).program(3).eval()
        assert other.load_state_dict(network.state_dict()).missing_keys == []
        assert torch.equal(other(IMAGES), expected)


def test_an_unprogrammed_network_takes_the_state_of_a_programmed_one():
    network = convert(small(), hardware()).program(3)
    convert(small(), hardware()).load_state_dict(network.state_dict())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_give_the_same_and_go_their_own_way(again):
    network = convert(small(), hardware(cells=CELLS)).program(3).eval()
    with torch.no_grad():
        expected = network(IMAGES)
        copied = again(network)
        assert torch.equal(copied(IMAGES), expected)
        copied.layers["conv1"].weight.mul_(0.5)
        copied.program(4)
        assert apart(copied(IMAGES), expected) > 1e-3
        assert torch.equal(network(IMAGES), expected)
        network.layers["conv1"].weight.mul_(0.5)
        assert apart(network(IMAGES), expected) > 1e-3


def test_inference_mode_leaves_maps_that_gradients_can_use():
    hw = replace(hardware(), dac=Converter(bits=30))
    network = convert(made(nn.Linear, 9, 7), hw, bias="row").requires_grad_(False)
    layer = network.layers["model"]
    x = numbers(3, 9).requires_grad_()
    with torch.inference_mode():
        expected = network.program(0).calibrate(x.detach() * 1.5)(x)
    found = layer(x)
    found.sum().backward()
    assert torch.equal(found.detach(), expected.clone())
    assert apart(x.grad[0], layer.effective_parameters()[0].sum(dim=0)) < 1e-12


def test_types():
    """The circuit is in doubles whatever the weights are; a float32 model differs by its own rounding."""
    network = convert(small(), hardware(cells=CELLS)).program(3).eval()
    with torch.no_grad():
        expected = network(IMAGES)
        single = network.to(torch.float32)(IMAGES.float())
        assert single.dtype == torch.float32
        assert apart(single, expected) < 1e-4
        assert network.double()(IMAGES).dtype == torch.float64


@pytest.mark.slow
def test_saved_chips_give_the_same_logits_in_a_new_process(tmp_path):
    cells, six = replace(CELLS, read_noise=ReadNoise(0.01)), Converter(bits=6)
    hw = hardware(rows=20, cols=9, cells=cells, dac=six, adc=six)
    network = convert(small(), hw, bias="row").program(3).calibrate(IMAGES).eval()
    # A measured fault map, and weights that moved since: neither follows from the seed.
    layer = network.layers["conv2"]
    faults = np.zeros(layer.chip.shapes[0], dtype=np.int8)
    faults[0, 0] = 1
    layer.chip = layer.chip.with_faults(faults, 0)
    with torch.no_grad():
        layer.weight.mul_(0.8)
        network(IMAGES)
        network.save_chips(tmp_path / "chips.npz")
        torch.save(network.to_torch(), tmp_path / "model.pt")
        expected = network(IMAGES)
    (tmp_path / "hardware.json").write_text(hw.to_json())
    program = """
import pathlib, sys, torch
import nn_tools
from xbarsim.nn import Hardware, convert
folder = pathlib.Path(sys.argv[1])
model = torch.load(folder / "model.pt", weights_only=False)
hardware = Hardware.from_json(folder / "hardware.json")
network = convert(model, hardware, bias="row").load_chips(folder / "chips.npz").eval()
with torch.no_grad():
    torch.save(network(nn_tools.numbers(4, 3, 8, 8)), folder / "logits.pt")
"""
    path = environment() | {"PYTHONPATH": str(ROOT / "tests")}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, env=path, timeout=300)
    assert torch.equal(torch.load(tmp_path / "logits.pt"), expected)


def test_chips_of_another_model_or_hardware(tmp_path):
    path = tmp_path / "chips.npz"
    convert(small(), hardware(cells=CELLS)).program(3).save_chips(path)
    other = nn.Sequential(nn.Linear(5, 4))
    with pytest.raises(InputError, match=r"of another model, with conv1 .*6x3x3x3.*; this one has 0 \(.*4x5\)"):
        convert(other, hardware()).load_chips(path)
    with pytest.raises(InputError, match=r"bias row"):
        convert(small(), hardware(cells=CELLS), bias="row").load_chips(path)
    for changed, message in (
        (replace(hardware(cells=CELLS), tiles=Tiles(8, 5)), r"'conv1'.*tiles.rows=7; this layer's has tiles.rows=8"),
        (hardware(), r"cells.faults.rate=0.05.*; this layer's has"),
        (replace(hardware(cells=CELLS), wires=Wires(9.0, 0.7, 2.0, 0.4)), r"wires.word=1.5; .*wires.word=9.0"),
    ):
        network = convert(small(), changed)
        with pytest.raises(InputError, match=message):
            network.load_chips(path)
        assert network.chips == {}
    with pytest.raises(InputError, match="of another kind"):
        convert(small(), hardware()).layers["conv1"].program(chip=Chip(Nonidealities(), 0, (3, 3)))


def test_files_that_are_no_chips(tmp_path):
    network = convert(small(), hardware()).program(0)
    path = tmp_path / "chips.npz"
    with pytest.raises(InputError, match="there is no such file"):
        network.load_chips(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="damaged"):
        network.load_chips(path)
    np.savez(path, about=np.array(json.dumps({"format": "xbarsim chip", "version": 1})))
    with pytest.raises(InputError, match="no chips that xbarsim saved"):
        network.load_chips(path)
    network.save_chips(path)
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    for broken, message in (
        ({**arrays, "0:scale": np.zeros(7)}, "scale of layer 'conv1'"),
        ({name: one for name, one in arrays.items() if name != "1:about"}, "no chip"),
        ({**arrays, "about": np.array(json.dumps({**about, "version": 99}))}, "version 99"),
    ):
        np.savez(path, **broken)
        with pytest.raises(InputError, match=message):
            network.load_chips(path)
    with pytest.raises(InputError, match=r"layer 'conv1' has no chip to save: call program\(seed\)"):
        convert(small(), hardware()).save_chips(path)


def renamed(path, old, new, what):
    """Write a file again with one array under another name, and its description with ``what`` left out."""
    with np.load(path) as file:
        arrays = dict(file)
    arrays[new] = arrays.pop(old)
    about = json.loads(str(arrays["about"]))
    arrays["about"] = np.array(json.dumps({key: one for key, one in about.items() if key != what}))
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("old", "new"), [("0:faults_0", "0:gaults_0"), ("1:factor_0", "1:factor_1"), ("0:about", "8:about")]
)
def test_an_array_under_another_name_is_not_left_out_in_silence(tmp_path, old, new):
    path = tmp_path / "chips.npz"
    network = convert(small(), hardware(cells=CELLS)).program(3)
    network.save_chips(path)
    renamed(path, old, new, None)
    with pytest.raises(InputError, match=r"chips.npz: the chips are damaged: .*is missing|no chip that xbarsim saved"):
        convert(small(), hardware(cells=CELLS)).load_chips(path)


@pytest.mark.parametrize("name", ["faults_1", "factor_0"])
def test_the_same_of_one_chip(tmp_path, name):
    path = tmp_path / "chip.npz"
    chip = Chip(CELLS, 5, [(9, 8), (9, 8)])
    chip.save(path)
    assert Chip.load(path) == chip
    renamed(path, name, name[1:], None)
    with pytest.raises(InputError, match=rf"chip.npz: the chip is damaged: {name} is missing, '{name[1:]}' is none"):
        Chip.load(path)


def test_files_of_before_do_not_say_what_they_hold(tmp_path):
    path = tmp_path / "chip.npz"
    chip = Chip(CELLS, 5, (9, 8))
    chip.save(path)
    renamed(path, "faults_0", "faults_0", "members")
    assert Chip.load(path) == chip


def test_seeds_that_are_none():
    with pytest.raises(InputError, match="seed is -1"):
        convert(small(), IDEAL).program(-1)
