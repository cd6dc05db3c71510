"""Accuracies on images, which a range taken elsewhere than it is used, or a zero that is none, would ruin."""

from dataclasses import replace

import pytest
from network_tools import trained

from xbarsim.nn import Converter, Hardware, preset
from xbarsim.nn.datasets import load
from xbarsim.nn.inference import infer
from xbarsim.nonideal import Levels, Nonidealities


@pytest.fixture(scope="module")
def digits():
    data = load("digits")
    return trained("mlp", data), data


def accuracy(digits, hardware):
    return infer(digits[0], digits[1], hardware, seeds=[0], batch=128).mean


@pytest.mark.slow
@pytest.mark.parametrize("bits", [5, 8])
@pytest.mark.parametrize("per", ["layer", "tile"])
def test_an_exact_dac_costs_nothing(digits, bits, per):
    """360 images: a share's standard error is 1.5 %, but both see the same images, and err on the same ones."""
    hardware = replace(preset("rram-64"), adc=Converter(bits=bits, per=per))
    exact, fine = (accuracy(digits, replace(hardware, dac=dac)) for dac in (Converter(), Converter(bits=16)))
    assert abs(exact - fine) < 0.01
    assert exact > 0.8


@pytest.mark.parametrize("kind", ["reference", "offset"])
def test_even_numbers_of_levels_cost_what_odd_ones_do(digits, kind):
    hardware = Hardware(fidelity="ideal", mapping=replace(Hardware().mapping, kind=kind))
    found = [accuracy(digits, replace(hardware, cells=Nonidealities(levels=Levels(count)))) for count in (15, 16, 17)]
    assert found[1] == found[0]  # of sixteen levels fifteen are used
    assert abs(found[1] - found[2]) < 0.02
    assert min(found) > 0.9
