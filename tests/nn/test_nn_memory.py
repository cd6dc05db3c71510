"""What a network keeps, counted by what it allocates, and the count of arrays while they are made."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from cli_tools import environment
from nn_tools import hardware, made, numbers, small
from torch import nn

from xbarsim.nn import Converter, Hardware, Law, Wires, cells, convert
from xbarsim.nonideal import Drift, Nonidealities, ReadNoise, Variation
from xbarsim.nonideal.maps import make_maps

PEAK = """
import resource, sys, torch
from torch import nn
from xbarsim.nn import Hardware, convert
torch.set_num_threads(1)
def run(size, fidelity):
    network = convert(nn.Sequential(nn.Linear(size, size, bias=False)), Hardware(fidelity=fidelity)).program(0).eval()
    with torch.no_grad():
        network(torch.zeros(1, size))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(128, sys.argv[2])
before = run(128, sys.argv[2])
print(1024 * (run(int(sys.argv[1]), sys.argv[2]) - before))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes there")
def test_the_peak_is_a_few_bytes_a_cell():
    """Weights, the copy that tells of changes, and the effective matrix: 4 bytes a weight each, twice while it is made.

    Targets and cells of all arrays at once would take 60 bytes a cell.
    """
    size = 2048
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(size), "ideal"], env=environment(), capture_output=True, text=True, check=True
    )
    assert int(done.stdout) / (2 * size * size) < 25.0


@pytest.mark.slow
def test_a_layer_keeps_no_map_of_its_own():
    network = convert(made(nn.Linear, 40, 30), Hardware(wires=Wires(2.0, 2.0))).program(0).eval()
    layer = network.layers["model"]
    with torch.no_grad():
        network(numbers(2, 40))
    groups = [layer._stored.sources, *layer._stored.values.values()]
    kept = [one for group in groups for one in group if isinstance(one, torch.Tensor)]
    assert len(kept) >= 4
    places = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in kept}
    assert sum(places.values()) <= 2 * layer.weight.nbytes + layer.scale.nbytes, "the weights, and what they become"


def test_maps_of_effects_that_are_off_take_nothing():
    def bytes_of(model):
        maps = make_maps(model, (64, 64), 3)
        return sum(one.nbytes for one in vars(maps).values() if any(one.strides))

    cells = 64 * 64
    assert bytes_of(Nonidealities()) == 0
    assert bytes_of(Nonidealities(variation=Variation(0.1))) == 8 * cells
    assert bytes_of(Nonidealities(variation=Variation(0.1), drift=Drift(0.1))) == 16 * cells
    plain = make_maps(Nonidealities(), (3, 4), 3)
    np.testing.assert_array_equal(plain.factor, np.ones((3, 4)))
    assert not plain.factor.flags.writeable
    assert not plain.faults.any()


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=8, range="batch")])
def test_arrays_are_counted_while_they_are_made(adc):
    network = convert(small(), hardware(adc=adc)).program(0).eval()
    said, whole = [], sum(len(layer.places) for layer in network.layers.values())
    network.prepare(lambda done, of: said.append((done, of)))
    assert [done for done, _ in said] == sorted({done for done, _ in said})
    assert said[-1] == (whole, whole)
    assert len(said) >= len(network.layers)
    said.clear()
    expected = convert(small(), hardware(adc=adc)).program(0).eval()
    images = numbers(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(network(images), expected(images))
    network.prepare(lambda done, of: said.append((done, of)))
    assert said == [], "nothing is left to do"
    assert all(layer.progress is None for layer in network.layers.values())


def test_what_cannot_be_made_beforehand_is_left_to_the_forward_pass():
    for hw in (hardware(law=Law("sinh")), hardware(cells=Nonidealities(read_noise=ReadNoise(0.1)))):
        network = convert(made(nn.Linear, 9, 7), hw).program(0)
        said = []
        network.prepare(lambda done, of, said=said: said.append(done))
        assert said == []
        assert network.layers["model"].reads == 0


def test_parts_of_large_layers_are_those_of_whole_ones(monkeypatch):
    """Some arrays at a time, or all of them, are the same numbers."""
    varied = Nonidealities(variation=Variation(0.2))
    found = []
    for together in (1, 150, 1 << 19):  # an array, or some, of one strip; or all of a layer
        monkeypatch.setattr(cells, "TOGETHER", together)
        network = convert(small(), replace(hardware("reference", cells=varied), dac=Converter())).program(5).eval()
        with torch.no_grad():
            found.append(network(numbers(2, 3, 8, 8)))
    assert torch.equal(found[0], found[1])
