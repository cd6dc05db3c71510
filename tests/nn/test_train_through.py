"""``xbarsim train`` of the user's code and through a chip: what it learns, what it leaves, and how it goes on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from cli_tools import assert_refused, call
from torch import nn

from xbarsim.errors import InputError, TooLargeError
from xbarsim.nn import Hardware, Law, Wires, checkpoint, preset, zoo
from xbarsim.nn.circuit_training import CircuitTraining, TrainingChip
from xbarsim.nn.datasets import load
from xbarsim.nn.inference import infer
from xbarsim.nn.training import Training, TrainSettings, accuracy
from xbarsim.nonideal import Drift, Faults, Nonidealities, ReadNoise, Variation

DIGITS = load("digits").limited(train=200, test=100)
SETTINGS = TrainSettings(epochs=2, batch=32, rate=5e-3)
WIRED = Hardware(wires=Wires(10.0, 10.0))
TINY = ("train", "--model", "mlp", "--data", "digits", "--width", "0.1", "--limit", "128", "--epochs", "1")
THROUGH = (*TINY, "--through", "rram-64")
CODE = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 10))

def lazy():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(10))

def wide():
    return nn.Sequential(nn.Flatten(), nn.Linear(65, 10))

def tied():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10))
    model[2].weight = model[1].weight
    return model
"""


def tiny(seed=0):
    return zoo.build("mlp", DIGITS.shape, 10, width=0.1, seed=seed)


def trained(hardware, **more):
    training = CircuitTraining(tiny(), DIGITS, SETTINGS, TrainingChip(hardware, 2), **more)
    assert training.run()
    return training


def weights(path):
    return torch.cat([tensor.flatten() for tensor in checkpoint.load(path).state["weights"].values()])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that is worked in, with networks of the user's code."""
    (tmp_path / "own_nets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Networks of the user's code.


@pytest.mark.slow
@pytest.mark.parametrize("network", ["own_nets.py:net", "own_nets.py:lazy"])
def test_a_network_of_the_users_code_is_trained_and_its_checkpoint_finds_it(capsys, folder, monkeypatch, network):
    begun = ("train", "--model", network, "--data", "digits", "--limit", 128)
    answer = call(capsys, *begun, "--epochs", 2, "-o", "own.pt", "--json")
    assert (answer.code, answer.err) == (0, "")
    record = json.loads(answer.out)
    assert record["model"] == f"{folder}/{network}"
    assert record["through"] is None
    call(capsys, *begun, "--epochs", 2, "--seed", 1, "-o", "seed.pt")
    assert not torch.equal(weights("seed.pt"), weights("own.pt"))
    call(capsys, *begun, "--epochs", 1, "-o", "short.pt")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert json.loads(call(capsys, "train", "--resume", "../short.pt", "--epochs", 2, "--json").out)["accuracy"] > 0.0
    inferred = call(capsys, "infer", "--model", "../own.pt", "--data", "digits", "--seeds", 1, "--json")
    assert json.loads(inferred.out)["accuracy_ideal"] == record["accuracy"]


@pytest.mark.slow
def test_code_that_is_gone_is_said_with_a_way_out(capsys, folder):
    call(capsys, "train", "--model", "own_nets.py:net", "--data", "digits", "--limit", 64, "--epochs", 1, "-o", "a.pt")
    (folder / "own_nets.py").rename(folder / "other_place.py")
    words = (
        "a.pt holds weights of",
        "own_nets.py:net, which must be there to import",
        "there is no such file",
        "--weights a.pt",
    )
    assert_refused(call(capsys, "infer", "--model", "a.pt", "--data", "digits"), 2, *words)
    assert_refused(call(capsys, "train", "--resume", "a.pt", "--epochs", 2), 2, *words)
    way_out = ("infer", "--model", "other_place.py:net", "--weights", "a.pt", "--data", "digits", "--seeds", 1)
    assert call(capsys, *way_out, "--limit", 20).code == 0
    (folder / "other_place.py").write_text(CODE.replace("12", "14"))
    (folder / "other_place.py").rename(folder / "own_nets.py")
    assert_refused(call(capsys, "train", "--resume", "a.pt", "--epochs", 2), 2, "a.pt does not fit the network")


def test_first_weights_of_the_users_code_are_the_seeds_and_the_generator_is_left(folder):
    recipe = checkpoint.Recipe.of(f"{folder}/own_nets.py:net", DIGITS)
    before = torch.get_rng_state()
    first, again, second = recipe.build(3), recipe.build(3), recipe.build(4)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[1].weight, again[1].weight)
    assert not torch.equal(first[1].weight, second[1].weight)


# Through a chip.


@pytest.mark.slow
def test_through_wires_a_network_learns_what_they_do():
    """On its chip it is better than one that torch trained as long, and infer finds what the last epoch found."""
    data, settings = load("digits").limited(train=400), TrainSettings(epochs=8, batch=32, rate=5e-3)
    plain, tuned = (zoo.build("mlp", data.shape, 10, width=0.5) for _ in range(2))
    Training(plain, data, settings).run()
    training = CircuitTraining(plain, data, settings, TrainingChip(WIRED))
    training.run()
    Training(plain, data, settings).run()
    tuned.load_state_dict(training.state()["weights"])
    results = [infer(model, data, WIRED, seeds=[0]).mean for model in (plain, tuned)]
    # 0.62 and 0.75 of 360 images: twice the sum of both numbers' standard errors is 0.1.
    assert results[1] > results[0] + 0.1
    assert results[1] == training.history[-1].accuracy


def test_without_wires_it_is_torchs_training():
    """Cells of a differential pair are exact: the limit in which circuit and torch are the same product."""
    plain = Training(tiny(), DIGITS, SETTINGS)
    plain.run()
    ideal = trained(Hardware(fidelity="ideal"))
    np.testing.assert_allclose([one.loss for one in ideal.history], [one.loss for one in plain.history], rtol=1e-4)


@pytest.mark.slow
def test_a_step_goes_down_the_circuits_own_slope():
    """The gradient of a step against differences of the loss through the chip, whose scale moves with its weights."""
    chip = TrainingChip(replace(WIRED, cells=Nonidealities(variation=Variation(0.2))), 4)
    network = chip.network(tiny().double())
    images = torch.from_numpy(DIGITS.train.images[:16] / 255.0)
    labels = torch.from_numpy(DIGITS.train.labels[:16])
    loss = lambda: nn.functional.cross_entropy(network(images), labels)  # noqa: E731
    loss().backward()
    weight = network.layers["fc2"].weight
    largest = np.unravel_index(int(weight.detach().abs().argmax()), weight.shape)
    for place in [(0, 0), (3, 5), (9, 2), tuple(map(int, largest))]:
        values = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                weight[place] += sign * 1e-5
                values.append(float(loss()))
                weight[place] -= sign * 1e-5
        expected = (values[0] - values[1]) / 2e-5
        assert float(weight.grad[place]) == pytest.approx(expected, rel=1e-5, abs=1e-9)


NOISY = {
    "reads": {"cells": Nonidealities(read_noise=ReadNoise(0.05), variation=Variation(0.1))},
    "currents": {"cells": Nonidealities(read_noise=ReadNoise(kind="circuit", bandwidth=1e12))},
    "writes": {"cells": Nonidealities(cycle_variation=Variation(0.05), faults=Faults(0.05))},
    "bent": {"law": Law("sinh", v0=0.2)},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NOISY, "converters"])
def test_a_stop_changes_nothing(tmp_path, name):
    """Draws of reads and writes and ranges of converters too; calibration is after each second step."""
    converters = replace(preset("rram-64-8bit"), cells=Nonidealities(read_noise=ReadNoise(0.05)))
    hardware = converters if name == "converters" else replace(WIRED, **NOISY[name])
    data = DIGITS.limited(train=16, test=8)
    settings = replace(SETTINGS, batch=8)
    recipe = checkpoint.Recipe.of("mlp", data, width=0.1)

    def begun(seed):
        return CircuitTraining(tiny(seed), data, settings, TrainingChip(hardware, 2))

    whole = begun(0)
    whole.run()
    for stop_at in (1,) if name == "bent" else (0, 1, 2, 3):
        half, steps = begun(0), iter(range(100))
        half.run(stop=lambda steps=steps, stop_at=stop_at: next(steps) == stop_at)
        checkpoint.save(tmp_path / "a.pt", recipe, half)
        saved = checkpoint.load(tmp_path / "a.pt")
        resumed = begun(7)
        resumed.load_state(saved.state)
        resumed.run()
        ends = [training.state()["weights"] for training in (whole, resumed)]
        assert all(torch.equal(first, second) for first, second in zip(*(end.values() for end in ends), strict=True))
        paths = [[(one.loss, one.accuracy) for one in training.history] for training in (whole, resumed)]
        assert paths[0] == paths[1]


@pytest.mark.slow
def test_a_command_that_is_resumed_ends_where_one_without_a_stop_does(capsys, tmp_path):
    chip = ("--set", "cells.read_noise.sigma=0.05", "--set", "cells.cycle_variation.sigma=0.05", "--chip-seed", 3)
    whole, half = tmp_path / "whole.pt", tmp_path / "half.pt"
    answer = call(capsys, *THROUGH, "--epochs", 2, *chip, "-o", whole)
    assert answer.out.splitlines()[1] == "through the circuits of chip 3, accuracies too"
    options = "--hardware rram-64 --set cells.read_noise.sigma=0.05 --set cells.cycle_variation.sigma=0.05"
    assert answer.out.endswith(f"--data digits {options} --seeds 1 --first-seed 3\n")
    # The rate falls by the number of epochs, so that the stop is one of two epochs.
    saved = checkpoint.load(whole)
    training = CircuitTraining(
        saved.recipe.build(), load("digits").limited(train=128), saved.settings,
        TrainingChip.from_dict(saved.state["circuit"]["chip"]),
    )  # fmt: skip
    steps = iter(range(100))
    training.run(stop=lambda: next(steps) == 5)
    checkpoint.save(half, saved.recipe, training)
    assert call(capsys, "train", "--resume", half).code == 0
    assert torch.equal(weights(half), weights(whole))


@pytest.mark.slow
def test_the_checkpoint_holds_torchs_weights_and_infer_takes_them(capsys, tmp_path):
    path = tmp_path / "a.pt"
    chip = ("--set", "cells.variation.sigma=0.5", "--set", "adc.bits=6")
    # infer calibrates on images that are spread over all there are, so that all are to be trained on for the same.
    begun = ("train", "--model", "mlp", "--data", "digits", "--width", 0.1, "--epochs", 1, "--through", "rram-64")
    record = json.loads(call(capsys, *begun, *chip, "--chip-seed", 5, "-o", path, "--json").out)
    assert (record["through"]["seed"], record["through"]["hardware"]["adc"]["bits"]) == (5, 6)
    assert list(checkpoint.load(path).state["weights"]) == list(tiny().state_dict())
    same = ("--hardware", "rram-64", *chip, "--first-seed", 5, "--seeds", 1)
    inferred = json.loads(call(capsys, "infer", "--model", path, "--data", "digits", *same, "--json").out)
    assert inferred["mean"] == record["accuracy"]
    assert call(capsys, *TINY, "--weights", path, "-o", tmp_path / "b.pt").code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "option",
    [("--set", "wires.word=20"), ("--fidelity", "first-order"), ("--chip-seed", 1), ("--digital", "fc1")],
    ids=["set", "fidelity", "chip seed", "digital"],
)
def test_each_option_acts(capsys, tmp_path, option):
    chip = (*THROUGH, "--set", "cells.variation.sigma=0.3", "--set", "wires.bit=5")
    for name, options in (("a.pt", ()), ("b.pt", option)):
        assert call(capsys, *chip, *options, "-o", tmp_path / name).code == 0
    assert not torch.equal(weights(tmp_path / "a.pt"), weights(tmp_path / "b.pt"))


@pytest.mark.slow
def test_norms_are_digital_and_their_statistics_are_the_chips(folder):
    recipe = checkpoint.Recipe.of("own_nets.py:net", DIGITS)
    model = recipe.build()
    training = CircuitTraining(model, DIGITS, SETTINGS, TrainingChip(WIRED))
    training.run()
    after = recipe.build()
    after.load_state_dict(training.state()["weights"])
    assert not torch.equal(after[2].running_mean, model[2].running_mean)
    assert infer(after, DIGITS, WIRED, seeds=[0], digital=["2"]).mean == training.history[-1].accuracy
    assert accuracy(training.network, DIGITS, DIGITS.test) == training.history[-1].accuracy


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*TINY, "--set", "wires.word=2"), ["--set is of a chip that is trained through: give --through HARDWARE too"]),
        ((*TINY, "--fidelity", "ideal"), ["--fidelity is of a chip"]),
        ((*TINY, "--chip-seed", 1), ["--chip-seed is of a chip"]),
        ((*TINY, "--digital", "fc1"), ["--digital is of a chip"]),
        ((*TINY, "--through", "rram"), ["hardware is 'rram': give rram-64"]),
        ((*TINY, "--through", "no.json"), ["no.json: there is no such file"]),
        ((*THROUGH, "--set", "wires.word=-1"), ["wires.word is -1"]),
        ((*THROUGH, "--set", "mapping.scale=dynamic"), ["mapping.scale changes nothing in training"]),
        ((*THROUGH, "--set", "adc.per=tile"), ["adc.per changes nothing while adc.bits"]),
        ((*THROUGH, "--set", "cells.drift.nu=0.1"), ["cells.drift is set", "train with cells.drift=null"]),
        ((*THROUGH, "--chip-seed", -1), ["chip seed is -1: it must be at least 0"]),
        ((*THROUGH, "--digital", "fc9"), ["--digital names 'fc9'"]),
        ((*THROUGH, "--digital", "fc1", "--digital", "fc2"), ["no layer to put on crossbars"]),
        (("train", "--model", "binary-mlp", *THROUGH[3:]), ["weights of this network are signs"]),
        (("train", "--model", "own_nets.py:tied", *THROUGH[3:5], *THROUGH[-2:]), ["1.weight and 2.weight are one"]),
        (("train", "--model", "own_nets.py:wide", "--data", "digits"), ["does not take digits's images of 1 x 8 x 8"]),
        (("train", "--model", "own_nets.py:none", "--data", "digits"), ["own_nets.py has no function 'none'"]),
        (("train", "--model", "own_nets.py:net", *TINY[3:]), ["--width changes nothing"]),
    ],
)
def test_what_is_refused(capsys, folder, arguments, words):
    assert_refused(call(capsys, *arguments, "-o", "x.pt"), 2, *words)
    assert not (folder / "x.pt").exists()


def test_a_resumed_training_keeps_its_chip(capsys, tmp_path):
    path = tmp_path / "a.pt"
    assert call(capsys, *TINY[:-3], 32, *TINY[-2:], "--through", "rram-64", "-o", path).code == 0
    for option in (("--through", "rram-64"), ("--set", "adc.bits=4"), ("--chip-seed", 0), ("--digital", "fc1")):
        assert_refused(call(capsys, "train", "--resume", path, *option), 2, f"{option[0]} is the checkpoint's own")
    state = checkpoint.load(path).state
    data = load("digits").limited(train=32)
    settings = TrainSettings.from_dict(state["settings"])
    chip = TrainingChip.from_dict(state["circuit"]["chip"])
    with pytest.raises(InputError, match="trained through another chip, or through none"):
        CircuitTraining(tiny(), data, settings, replace(chip, seed=1)).load_state(state)
    plain = Training(tiny(), data, settings).state()
    with pytest.raises(InputError, match="trained through another chip, or through none"):
        CircuitTraining(tiny(), data, settings, chip).load_state(plain)
    record = torch.load(path, weights_only=True)
    record["state"]["circuit"]["chip"]["hardware"]["wires"]["word"] = -1.0
    torch.save(record, path)
    assert_refused(call(capsys, "train", "--resume", path), 2, "a.pt is a damaged checkpoint", "Wires.word is -1")


def test_a_chip_is_checked():
    with pytest.raises(InputError, match=r"cells\.drift is set"):
        TrainingChip(Hardware(cells=Nonidealities(drift=Drift(0.05))))
    with pytest.raises(InputError, match="chip seed is -1"):
        TrainingChip(WIRED, -1)


def test_a_network_for_which_there_is_no_room_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr("xbarsim.resources.available_memory", lambda: 1e6)
    monkeypatch.setattr("xbarsim.resources._SMALL", 0.0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 6000), nn.Linear(6000, 10))
    with pytest.raises(TooLargeError, match=r"training through the chip needs about .*: take a smaller network"):
        CircuitTraining(model, DIGITS, SETTINGS, TrainingChip(WIRED))


def test_progress_says_how_long_it_goes_on():
    said = []
    trained_data = DIGITS.limited(train=64, test=20)
    Training(tiny(), trained_data, SETTINGS).run(progress=said.append)
    assert said[0].startswith("epoch 1 of 2, step 1 of 2, ")
    assert said[-1] == "epoch 2 of 2, step 2 of 2, 0 s left"
