"""Networks on chips: ideal chips are torch image for image, and accuracy falls as wires resist."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from network_tools import made, real, trained
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Hardware, Mapping, Wires, model_sources, preset, zoo
from xbarsim.nn.datasets import load
from xbarsim.nn.inference import infer, layer_errors, on_hardware
from xbarsim.nn.training import inputs, predictions
from xbarsim.nonideal import Drift, Nonidealities, Variation

IDEAL = replace(preset("rram-64"), fidelity="ideal")


def wired(ohms):
    return Hardware(wires=Wires(ohms, ohms, ohms, ohms))


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def mlp(digits):
    return trained("mlp", digits)


@pytest.mark.parametrize("name", [name for name in zoo.MODELS if name != "resnet-18"])  # of resnet-8's blocks
def test_ideal_chips_are_torch_image_for_image(name, digits):
    data = digits.limited(train=400, test=120)
    model = trained(name, data, epochs=2)
    network = on_hardware(model, IDEAL).program(0)
    assert torch.equal(predictions(network, data, data.test), predictions(model, data, data.test))
    found = infer(model, data, IDEAL, seeds=[0])
    assert found.ideal == found.mean
    assert found.chips[0].agreement == 1.0
    assert max(one.total for one in found.layers) < 1e-5, "single precision"


@pytest.mark.slow
def test_accuracy_falls_as_wires_resist(digits, mlp):
    found = [infer(mlp, digits, wired(ohms), seeds=[0]) for ohms in (0.0, 1.0, 10.0, 100.0)]
    accuracies = [one.mean for one in found]
    assert found[0].ideal > 0.9
    assert accuracies[0] == found[0].ideal
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[-1] < 0.5
    for first, second in pairwise(found):
        assert all(a.total < b.total for a, b in zip(first.layers, second.layers, strict=True))


def test_mnist_end_to_end():
    """The whole test set through a trained network's circuits."""
    data = real("mnist").limited(train=12000)
    model = trained("mlp", data, epochs=3, batch=64)
    found = [infer(model, data, wired(ohms), seeds=[0]) for ohms in (0.0, 1.0, 4.0, 16.0)]
    accuracies = [one.mean for one in found]
    assert accuracies[0] == found[0].ideal > 0.93
    assert found[0].chips[0].agreement == 1.0
    assert all(a > b for a, b in pairwise(accuracies)), accuracies
    assert accuracies[1] > 0.9
    assert accuracies[3] < 0.8


@pytest.mark.slow
def test_errors_of_layers_are_of_outputs(digits, mlp):
    """By hand: the first layer's own error is its total, and the second's goes through what it really gets."""
    network = on_hardware(mlp, wired(2.0)).program(0)
    x = inputs(digits, digits.test, slice(0, 50))
    found = layer_errors(network, network.to_torch(), x)
    with torch.no_grad():
        flat = x.flatten(1)
        first, real_first = mlp.fc1(flat), network.layers["fc1"](flat)
        second, real_second = mlp.fc2(first.relu()), network.layers["fc2"](real_first.relu())
        given = mlp.fc2(real_first.relu())

    def apart(one, other):
        return float((one - other).norm() / other.norm())

    np.testing.assert_allclose(found["fc1"], [apart(real_first, first)] * 2, rtol=1e-5)
    np.testing.assert_allclose(found["fc2"], [apart(real_second, given), apart(real_second, second)], rtol=1e-5)
    assert not any(len(one._forward_hooks) for one in network.modules())


def test_chips_differ_where_cells_do(digits, mlp):
    data = digits.limited(test=60)
    found = infer(mlp, data, Hardware(cells=Nonidealities(variation=Variation(0.5))), seeds=range(4))
    assert not found.alike
    assert len({one.agreement for one in found.chips}) > 1
    assert found.deviation == pytest.approx(np.std(found.accuracies, ddof=1))
    again = infer(mlp, data, Hardware(cells=Nonidealities(variation=Variation(0.5))), seeds=[3])
    assert again.accuracies == found.accuracies[3:], "a chip is its seed"
    assert again.deviation == 0.0
    one = infer(mlp, data, preset("rram-64-8bit"), seeds=[0, 1])
    assert one.alike
    assert one.accuracies == infer(mlp, data, preset("rram-64-8bit"), seeds=[1]).accuracies * 2


def test_converters_are_calibrated_on_training_images(digits, mlp):
    data = digits.limited(test=100)
    exact = infer(mlp, data, preset("rram-64"), seeds=[0])
    said = []
    fine = infer(mlp, data, preset("rram-64-8bit"), seeds=[0], calibration=64, progress=said.append)
    assert "chip 1 of 1: calibrating" in said
    assert fine.mean > exact.mean - 0.1
    coarse = preset("rram-64-8bit")
    coarse = replace(coarse, adc=replace(coarse.adc, bits=2))
    assert infer(mlp, data, coarse, seeds=[0]).layers[0].own_arrays > 2 * fine.layers[0].own_arrays


def test_binary_weights_are_pairs_of_lrs_and_hrs(digits):
    data = digits.limited(train=200, test=20)
    model = trained("binary-mlp", data, epochs=1)
    signs = model.fc2.weight.detach().numpy().T
    for kind, planes in (("differential", 2), ("reference", 1)):
        network = on_hardware(model, replace(IDEAL, mapping=Mapping(kind=kind))).program(0)
        cells = [np.zeros(signs.shape) for _ in range(planes)]
        for tile in network.layers["fc2"].tiles:
            plane = cells[0 if tile.sign > 0 else 1]
            width = len(tile.cols)
            plane[tile.rows.start : tile.rows.stop, tile.cols.start : tile.cols.stop] = tile.crossbar.conductance[
                :, :width
            ]
        np.testing.assert_allclose(cells[0], np.where(signs > 0, 1e-3, 1e-6), rtol=1e-12)
        if planes == 2:
            np.testing.assert_allclose(cells[1], np.where(signs < 0, 1e-3, 1e-6), rtol=1e-12)
    # Batch normalisation is left as it is.
    assert sum(isinstance(one, nn.BatchNorm1d) for one in network.modules()) == 4


def test_layers_left_digital(digits, mlp):
    found = infer(mlp, digits.limited(test=20), wired(5.0), seeds=[0], digital=["fc1"])
    assert [one.row.name for one in found.layers] == ["fc2"]
    with pytest.raises(InputError, match="digital names 'fc7'"):
        infer(mlp, digits, wired(5.0), digital=["fc7"])


@pytest.mark.parametrize("bad", [{"seeds": []}, {"batch": 0}, {"calibration": 0}])
def test_counts_are_checked(digits, mlp, bad):
    with pytest.raises(InputError, match="each must be at least 1"):
        infer(mlp, digits, IDEAL, **bad)


BUILDER = """
import torch
def net():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
def wrong():
    return torch.nn.Linear(5, 3)
def none():
    return 3
def fails():
    raise KeyError("x")
class Five(torch.nn.Module):
    def forward(self, x):
        return torch.zeros(len(x), 5)
"""


def test_networks_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "mine_own.py").write_text(BUILDER)
    (tmp_path / "broken_own.py").write_text("import nothing_of_that_name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    data = made()
    built = model_sources.find("mine_own:net", data)
    assert built.trained
    weights = {name: torch.full_like(one, 0.5) for name, one in built.model.state_dict().items()}
    torch.save(weights, tmp_path / "w.pt")
    loaded = model_sources.find(f"{tmp_path}/mine_own.py:net", data, weights="w.pt")
    assert torch.equal(loaded.model[1].weight, torch.full((3, 64), 0.5))
    assert not loaded.model.training
    for spec, words in (
        ("mine_own:wrong", r"does not take made's images of 1 x 8 x 8: "),
        ("mine_own:none", r"returned int: it must return a torch.nn.Module"),
        ("mine_own:fails", r"mine_own:fails\(\) failed: KeyError"),
        ("mine_own:Five", "has 5 outputs and made 3 classes"),
        ("mine_own:absent", "has no function 'absent'"),
        ("broken_own:net", "broken_own cannot be imported: ModuleNotFoundError"),
        ("absent_own:net", "absent_own cannot be imported"),
        ("absent.py:net", "absent.py: there is no such file"),
        ("mpl", "model is 'mpl': give mlp, lenet"),
        ("absent.pt", "^absent.pt: there is no such file: check the path$"),
        ("w.pt", "w.pt holds weights alone: say of which network"),
    ):
        with pytest.raises(InputError, match=words):
            model_sources.find(spec, data)


def test_arrays_are_counted_while_chips_are_programmed_and_aged(digits, mlp):
    said = []
    aging = Hardware(cells=Nonidealities(drift=Drift(0.05)))
    infer(mlp, digits.limited(test=20), aging, seeds=[0], times=[1.0, 50.0], progress=said.append)
    counted = [re.fullmatch(r"(.*): (\d+) of (\d+) arrays, \d+ a second, \d+ s left", one) for one in said]
    found = [match.groups() for match in counted if match]
    assert ("chip 1 of 1, 1 s: reading", "8", "8") in found
    assert found[-1][0] == "chip 1 of 1, 50 s: reading"
    assert [one for one in said if one.startswith("chip 1 of 1, 50 s: 20 of")] == ["chip 1 of 1, 50 s: 20 of 20 images"]
    said.clear()
    infer(mlp, digits.limited(test=20), wired(1.0), seeds=[0], progress=said.append)
    assert any(re.fullmatch(r"chip 1 of 1: programming: 8 of 8 arrays, \d+ a second, 0 s left", one) for one in said)


def test_times_that_fit_no_cells(digits, mlp):
    aging = Hardware(cells=Nonidealities(drift=Drift(0.05, t0=10.0)))
    for hardware, more, message in (
        (aging, {}, r"no time is given: give times in seconds after programming \(t0, 10 s, or later\)"),
        (aging, {"times": [1.0]}, "time is 1 s: the law holds from t0, 10 s, on"),
        (IDEAL, {"times": [1.0]}, "the cells do not drift, so that time changes nothing"),
        (IDEAL, {"compensate": True}, "the cells do not drift"),
    ):
        with pytest.raises(InputError, match=message):
            infer(mlp, digits, hardware, **more)
