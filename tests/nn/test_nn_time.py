"""Networks after some time: cells drift, one digital number a layer makes up for it, and no time is no run."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, apart, hardware, made, numbers, small, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarLinear, Hardware, Law, Mapping, NotProgrammedError, convert
from xbarsim.nonideal import Chip, Drift, Faults, Nonidealities, ReadNoise, Shorts

X = numbers(4, 9)
UNEVEN = Nonidealities(drift=Drift(0.1, 0.05, t0=2.0), faults=Faults(0.1))


def layer_of(cells=UNEVEN, mapping="differential", bias=True, **more):
    hw = hardware(mapping, cells=cells, **more)
    return CrossbarLinear.of(made(nn.Linear, 9, 7, bias=bias), hw).program(3)


def test_cells_are_the_programmed_ones_times_a_power_of_time():
    """By hand, cell by cell, from the chip's own maps; what is stuck stays."""
    layer = layer_of()
    before = [tile.crossbar.conductance for tile in layer.at(2.0).tiles]
    after = [tile.crossbar.conductance for tile in layer.at(200.0).tiles]
    for k, (then, now) in enumerate(zip(before, after, strict=True)):
        maps = layer.chip.maps(k)
        expected = np.where(maps.faults > 0, then, then * 100.0**-maps.nu)
        np.testing.assert_allclose(now, expected, rtol=1e-12)
    assert any((layer.chip.maps(k).faults > 0).any() for k in range(len(before)))


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=20, range="full")])
@pytest.mark.parametrize("compensate", [False, True])
def test_outputs_are_those_of_the_circuits_at_that_time(mapping, adc, compensate):
    layer = layer_of(mapping=mapping, adc=adc).at(500.0, compensate=compensate).eval()
    with torch.no_grad():
        assert apart(solved(layer, X), layer(X)) < (1e-12 if adc.bits is None else 1e-4)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("law", ["linear", "sinh"])
@pytest.mark.parametrize("bias", ["digital", "row"])
def test_an_even_drift_without_wires_is_made_up_for_to_the_last_digit(mapping, law, bias):
    hw = Hardware(cells=Nonidealities(drift=Drift(0.2)), fidelity="ideal", mapping=Mapping(mapping), law=Law(law))
    network = convert(nn.Sequential(made(nn.Linear, 9, 7), nn.ReLU(), made(nn.Linear, 7, 3)), hw, bias=bias)
    with torch.no_grad():
        fresh = network.program(0, time=1.0).calibrate(X).eval()(X)
        aged = network.at(1e4)(X)
        again = network.at(1e4, compensate=True)(X)
    assert apart(aged, fresh) > 0.1
    assert apart(again, fresh) < 1e-12
    assert [layer.compensation for layer in network.layers.values()] == pytest.approx([1e4**0.2] * 2)


def test_the_scale_is_a_ratio_of_currents_and_has_no_read_noise():
    noisy = replace(UNEVEN, read_noise=ReadNoise(0.2), shorts=Shorts(bit_rate=0.2))
    layer = layer_of(noisy).at(800.0, compensate=True)
    quiet = layer_of(replace(noisy, read_noise=None)).program(3)
    sums = []
    for time in (2.0, 800.0):
        tiles = quiet.at(time).tiles
        sums.append(sum(tile.solve(np.full((1, 9), 0.2)).sum() for tile in tiles))
    assert layer.compensation == pytest.approx(sums[0] / sums[1], rel=1e-9)
    assert layer.compensation > 1.2


def test_an_uneven_drift_is_made_up_for_in_part():
    layer = layer_of(Nonidealities(drift=Drift(0.1, 0.03)), bias=False)
    with torch.no_grad():
        fresh, aged, again = layer.at(1.0)(X), layer.at(1e5)(X), layer.at(1e5, compensate=True)(X)
    assert apart(again, fresh) < 0.5 * apart(aged, fresh)


@pytest.mark.parametrize("law", ["linear", "sinh"])
def test_cells_that_drift_do_not_run_before_a_time_is_said(law):
    network = convert(small(), hardware(cells=UNEVEN, law=Law(law))).program(0).eval()
    images = numbers(2, 3, 8, 8)
    with pytest.raises(NotProgrammedError, match=r"'conv1' has cells that drift and no time: call at\(seconds\).*2 s"):
        network(images)
    with pytest.raises(NotProgrammedError, match="no time"):
        _ = network.layers["conv1"].tiles
    with pytest.raises(NotProgrammedError, match=r"call program\(seed\)"):
        convert(small(), hardware(cells=UNEVEN)).at(5.0)


def test_times_that_cannot_be():
    network = convert(small(), hardware(cells=UNEVEN)).program(0)
    for seconds, message in ((1.0, "time is 1 s: the law holds from t0, 2 s"), (float("nan"), "time"), ("x", "time")):
        with pytest.raises(InputError, match=message):
            network.at(seconds)
        with pytest.raises(InputError, match=message):
            network.program(1, time=seconds)
    assert network.seed == 0
    still = convert(small(), hardware())
    for call in (lambda: still.program(0, time=3.0), lambda: still.program(0).at(3.0)):
        with pytest.raises(InputError, match=r"no layer has cells that drift, give Nonidealities\.drift"):
            call()
    with pytest.raises(InputError, match="the cells of layer 'conv1' do not drift"):
        still.layers["conv1"].at(3.0)


def test_time_is_of_those_layers_that_drift_and_a_program_forgets_it():
    model = nn.Sequential(made(nn.Linear, 9, 7), made(nn.Linear, 7, 3, seed=1))
    network = convert(model, hardware(), overrides={"1": hardware(cells=UNEVEN)}).program(0, time=50.0)
    assert [layer.time for layer in network.layers.values()] == [None, 50.0]
    network.at(60.0, compensate=True).program(1)
    assert [(layer.time, layer.compensation) for layer in network.layers.values()] == [(None, 1.0)] * 2


@pytest.mark.slow
@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_and_files_are_of_the_same_time(again, tmp_path):
    network = convert(small(), hardware(cells=UNEVEN)).program(0).at(70.0, compensate=True).eval()
    images = numbers(2, 3, 8, 8)
    network.save_chips(tmp_path / "chips.npz")
    loaded = convert(small(), hardware(cells=UNEVEN)).load_chips(tmp_path / "chips.npz").eval()
    with torch.no_grad():
        expected = network(images)
        assert torch.equal(again(network)(images), expected)
        assert torch.equal(loaded(images), expected)
        assert apart(loaded.at(7000.0)(images), expected) > 1e-3


def test_gradients_are_those_at_that_time():
    """Each cell's weight counts as much as what is left of it."""
    layer = layer_of(bias=False, cells=Nonidealities(drift=Drift(0.1, 0.05))).at(1e3)
    layer(X).square().sum().backward()
    step, direction = 1e-6, numbers(7, 9, seed=5)
    values = []
    with torch.no_grad():
        layer.scale.mul_(2.0)  # so that no weight is clipped
        layer.weight.grad = None
    layer(X).square().sum().backward()
    with torch.no_grad():
        for sign in (1.0, -1.0):
            layer.weight.add_(sign * step * direction)
            values.append(float(layer(X).square().sum()))
            layer.weight.sub_(sign * step * direction)
    slope = (values[0] - values[1]) / (2.0 * step)
    assert float((layer.weight.grad * direction).sum()) == pytest.approx(slope, rel=1e-6)


def test_a_chip_is_read_as_the_network_reads_it():
    """The same numbers as ``Chip.read``, which knows nothing of networks."""
    layer = layer_of(bias=False).at(900.0)
    shapes = layer.chip.shapes
    chip = Chip(UNEVEN, layer.chip.seed, shapes)
    span, g_off = UNEVEN.g_on - UNEVEN.g_off, UNEVEN.g_off
    weights = (layer.weight / layer.scale).detach().numpy().T
    target = g_off + span * np.maximum(weights[: shapes[0][0], : shapes[0][1]], 0.0)
    expected = chip.read(chip.apply(target, 0), time=900.0)
    np.testing.assert_allclose(layer.tiles[0].crossbar.conductance, expected, rtol=1e-12)
