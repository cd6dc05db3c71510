"""A weight of 0 is 0: levels, slices and references around the middle."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import IDEAL, MAPPINGS, apart, made, numbers, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarConv2d, CrossbarLinear, Hardware, Mapping, Tiles
from xbarsim.nonideal import Levels, Nonidealities, Variation

SHIFTED = ("reference", "offset")


def on(mapping, levels=None, *, fidelity="ideal", **more):
    cells = Nonidealities(r_on=2e3, r_off=3e5, levels=levels)
    return replace(IDEAL, mapping=Mapping(mapping, **more), cells=cells, tiles=Tiles(9, 5), fidelity=fidelity)


def linear(weight, hw):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=torch.float64)
    layer.weight.data = weight.double()
    return CrossbarLinear.of(layer, hw).program(2).eval()


def weights():
    """Some of them 0, and one output of zeros alone; the largest is both 1 and -1."""
    found = numbers(6, 20, seed=3).clamp(-1.0, 1.0)
    found[:, ::3] = 0.0
    found[4] = 0.0
    found[0, 1], found[1, 2] = 1.0, -1.0
    return found


def matrix(layer):
    return layer.effective_matrices()[0].detach().T


STATES = [
    {"levels": Levels(3)},
    {"levels": Levels(4)},
    {"levels": Levels(16)},
    {"levels": Levels(17)},
    {"levels": Levels(1000)},
    {"levels": Levels(16, "log")},
    {"levels": Levels(9, "log")},
    {"slices": 2, "slice_bits": 1},
    {"slices": 3, "slice_bits": 2},
    {"slices": 4, "slice_bits": 2, "levels": Levels(4)},
    {"slices": 2, "slice_bits": 2, "levels": Levels(6)},
    {"slices": 2, "slice_bits": 4, "levels": Levels(8, "log")},
    {},
]


@pytest.mark.parametrize("states", STATES, ids=str)
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_zero_is_zero(mapping, states):
    """Rounding of sums is left: 1e-12 of the largest weight, where half a level of 1000 is 5e-4."""
    layer = linear(weights(), on(mapping, **states))
    found = matrix(layer)
    assert (found[weights() == 0.0].abs() < 1e-12).all()
    y = layer(numbers(3, 20).abs())
    assert y[:, 4].abs().max() < 1e-11 * y.abs().max()


@pytest.mark.parametrize("count", [2, 3, 4, 5, 16, 17])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_weights_of_plus_and_minus_one_are_that(mapping, count):
    signs = torch.where(numbers(6, 20) >= 0.0, 1.0, -1.0)
    assert apart(matrix(linear(signs, on(mapping, Levels(count)))), signs) < 1e-12


@pytest.mark.parametrize(
    "states", [one for one in STATES if "log" not in str(one) and "count=6" not in str(one)], ids=str
)
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_weights_turned_round_are_outputs_turned_round(mapping, states):
    """As many states above zero as below, at the same distances; levels hold the digits of slices."""
    hw = on(mapping, **states)
    assert apart(matrix(linear(-weights(), hw)), -matrix(linear(weights(), hw))) < 1e-12


@pytest.mark.parametrize("count", [4, 7, 16, 31])
@pytest.mark.parametrize("mapping", SHIFTED)
def test_even_and_odd_numbers_of_levels(mapping, count):
    """Weights are rounded to the levels on either side of zero: (count - 1) // 2 of them."""
    steps = (count - 1) // 2
    found = matrix(linear(weights(), on(mapping, Levels(count))))
    assert apart(found, torch.round(weights() * steps) / steps) < 1e-12


@pytest.mark.parametrize(("slices", "bits"), [(2, 1), (3, 2), (2, 4)])
@pytest.mark.parametrize("mapping", SHIFTED)
def test_slices_leave_one_number_out(mapping, slices, bits):
    half = 2 ** (slices * bits - 1) - 1
    found = matrix(linear(weights(), on(mapping, slices=slices, slice_bits=bits)))
    assert apart(found, torch.round(weights() * half) / half) < 1e-12


def test_the_reference_is_a_column_of_zeros():
    """Its cells are what a weight of 0 has, and vary as other cells do."""
    for states in STATES:
        layer = linear(torch.zeros(3, 4), on("reference", **states))
        for tile in layer.tiles:
            g = np.array(tile.crossbar.conductance)
            assert (g == g[:, -1:]).all()
    varied = replace(on("reference", Levels(2)), cells=Nonidealities(levels=Levels(2), variation=Variation(0.2)))
    layer = linear(torch.where(numbers(3, 4) > 0.0, 1.0, -1.0), varied)
    g, factor = np.array(layer.tiles[0].crossbar.conductance), layer.chip.maps(0).factor
    middle = 0.5 * (varied.cells.g_on + varied.cells.g_off)
    np.testing.assert_allclose(g[:, -1], middle * factor[:, -1], rtol=1e-12)
    assert len(set(g[:, -1])) == 4


@pytest.mark.parametrize("levels", [2, 16])
@pytest.mark.parametrize("mapping", SHIFTED)
def test_layers_with_wires_and_converters_are_their_circuits(mapping, levels):
    hw = replace(
        on(mapping, Levels(levels), fidelity="accurate"),
        dac=Converter(bits=6, range="batch"), adc=Converter(bits=9, range="batch"),
    )  # fmt: skip
    layer = linear(weights(), hw)
    x = numbers(4, 20)
    with torch.no_grad():
        assert apart(solved(layer, x), layer(x)) < 1e-12


@pytest.mark.parametrize("mapping", SHIFTED)
def test_gradients_pass_levels_and_slices_straight(mapping):
    for states in ({}, {"levels": Levels(16)}, {"slices": 3, "slice_bits": 2}):
        layer = linear(weights(), on(mapping, **states)).train()
        x = numbers(3, 20)
        layer(x).sum().backward()
        expected = x.sum(dim=0).expand(6, 20)
        inside = weights().abs() < 1.0
        assert apart(layer.weight.grad[inside], expected[inside]) < 1e-12


@pytest.mark.parametrize("mapping", SHIFTED)
def test_levels_without_a_neighbour_of_zero_are_refused(mapping):
    cells = Nonidealities(levels=Levels(16, "resistance"))
    with pytest.raises(InputError, match=rf"Levels.spacing is 'resistance': with mapping '{mapping}'.*'differential'"):
        Hardware(cells=cells, mapping=Mapping(mapping))
    Hardware(cells=cells)
    Hardware(cells=cells, mapping=Mapping(mapping, slices=2))


@pytest.mark.parametrize("spacing", ["conductance", "log", "resistance"])
@pytest.mark.parametrize("count", [2, 6, 16, 100])
def test_half_way_goes_down_however_it_was_computed(count, spacing):
    levels, (off, on_) = Levels(count, spacing), (1.0 / 3e5, 1.0 / 7e3)
    values = levels.values(off, on_)
    low, high = values[:-1], values[1:]
    for middle in (0.5 * (low + high), low + 0.5 * (high - low), high - 0.5 * (high - low), 0.5 * low + 0.5 * high):
        for factor in (1.0 - 1e-15, 1.0, 1.0 + 1e-15):
            np.testing.assert_array_equal(levels.quantise(middle * factor, off, on_), low)
    np.testing.assert_array_equal(levels.quantise(0.5 * (low + high) + 1e-6 * (high - low), off, on_), high)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_halves_of_the_largest_weight_go_one_way(mapping):
    """Weights of a network that was quantised are on edges of levels; all of one value have one conductance."""
    weight = torch.tensor([[1.0, 0.5, -0.5], [0.7, 0.35, -0.35]], dtype=torch.float64)
    found = matrix(linear(weight, on(mapping, Levels(8), per="column")))
    assert apart(found[1] / 0.7, found[0]) < 1e-12


# One scale a layer, or one an output.


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_one_scale_for_all_groups(mapping, scale):
    """The largest weight of all groups has the outermost conductance, and no other group's largest has."""
    conv = made(nn.Conv2d, 4, 6, 3, groups=2, bias=False)
    conv.weight.data[:3] *= 10.0
    sizes = conv.weight.detach().abs().amax(dim=(1, 2, 3))
    for per, count in (("layer", 1), ("column", 6)):
        layer = CrossbarConv2d(conv, on(mapping, per=per, scale=scale)).program(0)
        assert layer.scale.shape == (count,)
        largest = [0.0, 0.0]
        for place, tile in zip(layer.places, layer.tiles, strict=True):
            off = abs(np.array(tile.crossbar.conductance)[:, : len(place.cols)] - layer_zero(layer)).max()
            largest[place.group] = max(largest[place.group], off)
        ratio = sizes[:3].max() / sizes[3:].max() if per == "layer" else 1.0
        assert largest[0] / largest[1] == pytest.approx(float(ratio), rel=1e-9)
        x = numbers(2, 4, 5, 5)
        assert apart(layer(x), conv(x)) < 1e-12


def layer_zero(layer):
    cells = layer.hardware.cells
    return cells.g_off if layer.hardware.mapping.kind == "differential" else 0.5 * (cells.g_on + cells.g_off)


def test_a_scale_of_a_bias_row_counts_it():
    conv = made(nn.Conv2d, 4, 6, 3, groups=2)
    conv.bias.data[5] = 7.0
    layer = CrossbarConv2d(conv, on("differential"), bias_row=True).program(0)
    assert float(layer.scale) == 7.0
    x = numbers(2, 4, 5, 5)
    assert apart(layer(x), conv(x)) < 1e-12
