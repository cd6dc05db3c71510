"""Maps that were made elsewhere: the same bits, nothing reduced again, and only where they belong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from nn_tools import hardware, made, numbers
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Converter, convert
from xbarsim.nn import array_maps as reduction
from xbarsim.nn.map_archive import load_maps, map_bytes, map_forms, save_maps
from xbarsim.nonideal import Nonidealities, ReadNoise, Variation

ADC = Converter(bits=6, range="batch")
DAC = Converter(bits=5)
CASES = {
    "matrices": (hardware(), "weights"),
    "strips": (hardware(adc=ADC), "weights"),
    "both": (hardware("reference", dac=DAC), "float32"),
    "slices": (hardware("offset", adc=ADC, slices=2, slice_bits=2), "float64"),
    "dynamic": (hardware(scale="dynamic"), "weights"),
}
CELLS = Nonidealities(variation=Variation(0.2))


def network(one, storage="weights", *, seed=3, weights=0, dtype=torch.float32):
    model = nn.Sequential(
        made(nn.Conv2d, 2, 4, 3, groups=2, seed=weights, dtype=dtype), nn.Flatten(),
        made(nn.Linear, 36, 5, seed=weights + 1, dtype=dtype),
    )  # fmt: skip
    return convert(model, replace(one, cells=CELLS)).eval().keep_maps(storage).program(seed)


@pytest.fixture
def reductions(monkeypatch):
    """How many arrays have been reduced."""
    counts = []
    effective = reduction.effective_conductances

    def counted(crossbars, **more):
        counts.append(len(crossbars))
        return effective(crossbars, **more)

    monkeypatch.setattr(reduction, "effective_conductances", counted)
    return counts


@pytest.mark.parametrize("name", CASES)
def test_loaded_maps_give_the_same_bits_and_reduce_nothing(name, reductions):
    one, storage = CASES[name]
    first, second = network(one, storage), network(one, storage)
    forms = map_forms(one)
    content = save_maps(first.layers, forms)
    assert reductions
    reductions.clear()
    load_maps(second.layers, content)
    images = numbers(6, 2, 5, 5, dtype=torch.float32)
    for each in (first, second):
        if "strips" in forms and one.dac.bits:
            each.calibrate(images)
    with torch.no_grad():
        assert torch.equal(first(images), second(images))
    assert not reductions
    size = map_bytes(second.layers, forms)
    assert size < len(content) < size + 20_000


def test_forms_are_what_inference_multiplies_by():
    assert map_forms(hardware()) == ("matrices",)
    assert map_forms(hardware(adc=ADC)) == ("strips",)
    assert map_forms(hardware(dac=DAC)) == ("matrices", "strips")


def test_converters_do_not_matter(reductions):
    content = save_maps(network(hardware()).layers, ["strips"])
    reductions.clear()
    other = network(hardware(adc=ADC, encoding="bit-serial"))
    load_maps(other.layers, content)
    other(numbers(2, 2, 5, 5, dtype=torch.float32))
    assert not reductions


def test_gradients_are_those_of_maps_made_there():
    first, second = network(hardware(), dtype=torch.float64), network(hardware(), dtype=torch.float64)
    load_maps(second.layers, save_maps(first.layers, ["matrices"]))
    images = numbers(3, 2, 5, 5)
    for each in (first, second):
        each(images).square().sum().backward()
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_changed_weights_are_reduced_anew(reductions):
    first = network(hardware())
    load_maps(first.layers, save_maps(network(hardware()).layers, ["matrices"]))
    with torch.no_grad():
        first.model[2].weight *= 0.5
        reductions.clear()
        first(numbers(2, 2, 5, 5, dtype=torch.float32))
    assert reductions


STRANGERS = {
    "seed": lambda: network(hardware(), seed=4),
    "weights": lambda: network(hardware(), weights=7),
    "wires": lambda: network(replace(hardware(), wires=replace(hardware().wires, word=9.0))),
    "type": lambda: network(hardware(), "float64"),
    "written again": lambda: network(hardware()).program(3),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_maps_of_others_are_refused(name):
    content = save_maps(network(hardware()).layers, ["matrices"])
    with pytest.raises(InputError, match="of other weights, or of another chip or hardware"):
        load_maps(STRANGERS[name]().layers, content)


def test_damaged_maps_are_refused():
    layers = network(hardware()).layers
    content = save_maps(layers, ["matrices"])
    for bad in (b"", content[: len(content) // 2], b"x" * 100):
        with pytest.raises(InputError, match="the maps are damaged"):
            load_maps(layers, bad)
    other = convert(made(nn.Linear, 3, 2, dtype=torch.float32), hardware()).program(0)
    with pytest.raises(InputError, match="of another model"):
        load_maps(other.layers, content)


def test_maps_that_do_not_stay_are_refused():
    noisy = convert(made(nn.Linear, 3, 2), replace(hardware(), cells=Nonidealities(read_noise=ReadNoise(0.1))))
    for one in (noisy.program(0), network(hardware(), "recompute")):
        with pytest.raises(InputError, match="has no maps to keep"):
            save_maps(one.layers, ["matrices"])
    with pytest.raises(InputError, match="there are matrices, strips"):
        save_maps(network(hardware()).layers, ["tiles"])
