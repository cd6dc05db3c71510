"""Layers against their own circuits: every tile solved by itself, its currents put together."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import IDEAL, MAPPINGS, apart, flat, hardware, made, numbers, solved
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarConv1d, CrossbarConv2d, CrossbarLinear, Encoding, Law, Mapping, Tiles
from xbarsim.nonideal import Breaks, Fault, Faults, Levels, Nonidealities, ReadNoise, Shorts, Variation

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Relative to the largest output; sums of some tens of rounded products."""

ADC = Converter(bits=7, range="full")


def linear(hw, inputs=17, outputs=11, *, dtype=torch.float64, bias_row=False, bias=True):
    layer = made(nn.Linear, inputs, outputs, bias=bias, dtype=dtype)
    return CrossbarLinear.of(layer, hw, bias_row=bias_row).program(3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("encoding", ["amplitude", "bit-serial"])
@pytest.mark.parametrize(("slices", "per"), [(1, "layer"), (3, "column")])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_linear_is_its_tiles_solved(mapping, slices, per, encoding, dtype):
    layer = linear(hardware(mapping, slices=slices, per=per, encoding=encoding), dtype=dtype)
    x = numbers(4, 17, dtype=dtype)
    with torch.no_grad():
        assert apart(solved(layer, x), layer(x)) < TOLERANCE[dtype]


@pytest.mark.parametrize("adc", [ADC, Converter(bits=5, range="batch", per="column"), Converter(bits=9, range=2e-4)])
@pytest.mark.parametrize("encoding", ["amplitude", "bit-serial"])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_converters_see_the_tiles_currents(mapping, encoding, adc):
    layer = linear(hardware(mapping, encoding=encoding, adc=adc))
    x = numbers(4, 17)
    with torch.no_grad():
        # The same steps of the ADC: a current within 1e-13 of an edge would fall on the other side, and none does.
        assert apart(solved(layer, x), layer(x)) < 1e-12


@pytest.mark.parametrize("adc", [Converter(), ADC])
@pytest.mark.parametrize(
    "dac", [Converter(range="full"), Converter(bits=5, range="batch"), Converter(bits=6, range=1.5)]
)
@pytest.mark.parametrize("bias_row", [False, True])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_grouped_convolution_is_its_tiles_solved(mapping, bias_row, dac, adc):
    conv = made(nn.Conv2d, 4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    layer = CrossbarConv2d(conv, hardware(mapping, dac=dac, adc=adc), bias_row=bias_row).program(5)
    x = numbers(2, 4, 6, 5)
    with torch.no_grad():
        assert apart(solved(layer, x), flat(layer(x), 1)) < 1e-12


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular", "replicate"])
@pytest.mark.parametrize("padding", [0, "same", 2])
def test_conv1d_is_its_tiles_solved(mode, padding):
    conv = made(nn.Conv1d, 4, 6, 4, padding=padding, groups=2, dilation=1, padding_mode=mode)
    for adc in (Converter(), ADC):
        layer = CrossbarConv1d(conv, hardware(adc=adc)).program(5)
        for x in (numbers(2, 4, 9), numbers(4, 9)):
            with torch.no_grad():
                y = layer(x)
                assert y.shape == conv(x).shape
                assert apart(solved(layer, x), flat(y, y.dim() - 2)) < 1e-12


def test_convolution_is_unfold_and_linear():
    conv = made(nn.Conv2d, 3, 8, 3, padding=1, stride=2)
    hw = hardware(cells=Nonidealities(faults=Faults(0.05), variation=Variation(0.1)))
    layer = CrossbarConv2d(conv, hw).program(7)
    flattened = made(nn.Linear, 27, 8)
    flattened.weight.data, flattened.bias.data = conv.weight.data.reshape(8, 27), conv.bias.data
    same = CrossbarLinear.of(flattened, hw).program(7)
    x = numbers(2, 3, 7, 6)
    with torch.no_grad():
        patches = functional.unfold(x, 3, padding=1, stride=2).transpose(1, 2)
        assert apart(same(patches).transpose(1, 2).reshape(2, 8, 4, 3), layer(x)) < 1e-14


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("bias_row", [False, True])
def test_no_wires_and_no_faults_are_the_torch_layer(mapping, bias_row):
    one = replace(IDEAL, mapping=Mapping(mapping), tiles=Tiles(9, 4))
    for kind, args, shape in (
        (nn.Linear, (17, 11), (3, 2, 17)),
        (nn.Conv1d, (4, 6, 3), (2, 4, 9)),
        (nn.Conv2d, (4, 6, 3, 2, 1, 1, 2), (2, 4, 7, 6)),
    ):
        layer = made(kind, *args)
        crossed = {nn.Linear: CrossbarLinear.of, nn.Conv1d: CrossbarConv1d, nn.Conv2d: CrossbarConv2d}[kind]
        x = numbers(*shape)
        assert apart(crossed(layer, one, bias_row=bias_row).program(0)(x), layer(x)) < 1e-10


def test_zero_ohm_wires_are_the_torch_layer():
    hw = replace(hardware(), wires=type(hardware().wires)(0.0, 0.0, 0.0, 0.0))
    layer = made(nn.Linear, 17, 11)
    x = numbers(3, 17)
    assert apart(CrossbarLinear.of(layer, hw).program(0)(x), layer(x)) < 1e-10


def test_a_transposed_layer_fails():
    """Rows and columns are not alike: wires and faults of the transposed weights give something else."""
    layer = made(nn.Linear, 9, 9, bias=False)
    turned = made(nn.Linear, 9, 9, bias=False)
    turned.weight.data = layer.weight.data.T.contiguous()
    x = numbers(4, 9)
    hw = hardware(rows=9, cols=9)
    with torch.no_grad():
        a = CrossbarLinear.of(layer, hw).program(1).effective_matrices()[0]
        b = CrossbarLinear.of(turned, hw).program(1).effective_matrices()[0]
        assert apart(b.T, a) > 1e-3
        assert apart(CrossbarLinear.of(turned, IDEAL).program(1)(x), layer(x)) > 0.1


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_faults_land_on_the_cell_they_name(mapping):
    """One cell stuck at LRS in tile t at (i, j) changes one entry of the matrix, and one column's currents."""
    layer = linear(replace(hardware(mapping), fidelity="ideal"), bias=False)
    before = layer.effective_matrices()[0].detach().clone()
    hw, places = layer.hardware, layer.places
    tile = 4
    i, j = 2, 1
    faults = np.zeros(places[tile].shape, dtype=np.int8)
    faults[i, j] = Fault.STUCK_AT_LRS
    old = layer.tiles[tile]
    layer.program(chip=layer.chip.with_faults(faults, tile))
    new = layer.tiles[tile]
    volts = np.zeros((1, 17))
    volts[0, old.rows[i]] = 0.2
    drop = new.solve(volts) - old.solve(volts)
    g = np.array(old.crossbar.conductance)
    expected = np.zeros_like(drop)
    expected[0, j] = 0.2 * (hw.cells.g_on - g[i, j])
    np.testing.assert_allclose(drop, expected, rtol=1e-9, atol=1e-18)
    changed = np.argwhere((layer.effective_matrices()[0].detach() - before).abs().numpy() > 1e-12)
    assert changed.tolist() == [[places[tile].rows[i], places[tile].cols[j]]]


@pytest.mark.parametrize("fault", [Fault.STUCK_AT_LRS, Fault.STUCK_AT_HRS])
def test_a_stuck_cell_shows_in_the_currents_with_wires(fault):
    layer = linear(hardware(), bias=False)
    faults = np.zeros(layer.places[0].shape, dtype=np.int8)
    faults[3, 2] = fault
    layer.program(chip=layer.chip.with_faults(faults, 0))
    cells = layer.hardware.cells
    held = layer.tiles[0].crossbar.conductance[3, 2]
    assert held == (cells.g_on if fault is Fault.STUCK_AT_LRS else cells.g_off)
    x = numbers(4, 17)
    with torch.no_grad():
        assert apart(solved(layer, x), layer(x)) < 1e-12


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_broken_and_shorted_lines(mapping):
    cells = Nonidealities(shorts=Shorts(0.03, 0.03), breaks=Breaks(0.02, 0.02), faults=Faults(0.05))
    layer = linear(hardware(mapping, cells=cells))
    assert any(tile.bridged is not None for tile in layer.tiles)
    x = numbers(4, 17)
    with torch.no_grad():
        assert apart(solved(layer, x), layer(x)) < 1e-12
        volts = layer.encode(x)
        assert apart(layer.decode([tile.solve(volts) for tile in layer.tiles]), layer(x)) < 1e-12


def test_tiles_say_where_they_are():
    layer = CrossbarConv2d(made(nn.Conv2d, 4, 6, 3, groups=2), hardware(rows=8, cols=2), bias_row=True).program(0)
    lines, covered = 2 * (2 * 9 + 1), np.zeros((2 * 19, 6), dtype=int)
    for tile in layer.tiles:
        assert tile.crossbar.shape == (len(tile.rows), len(tile.cols))
        covered[tile.rows.start : tile.rows.stop, tile.cols.start : tile.cols.stop] += 1
    assert layer.encode(numbers(1, 4, 5, 5)).shape == (9, lines)
    # Two planes each; groups share neither inputs nor outputs; 19 rows in tiles of 8 end with 3, 3 columns with 1.
    expected = np.kron(np.eye(2, dtype=int), np.full((19, 3), 2))
    np.testing.assert_array_equal(covered, expected)
    assert {tile.crossbar.shape for tile in layer.tiles} == {(8, 2), (8, 1), (3, 2), (3, 1)}


@pytest.mark.parametrize("law", ["sinh", "selector"])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_nonlinear_cells(mapping, law):
    layer = linear(hardware(mapping, law=Law(law, 0.3, *([1e-6] if law == "selector" else []))), inputs=9, outputs=4)
    x = numbers(3, 9)
    for mode in (True, False):
        y = layer.train(mode)(x)
        assert y.requires_grad
        with torch.no_grad():
            assert apart(solved(layer, x), y) < 1e-12
            assert torch.equal(layer(x), y)


def test_levels_and_slices_hold_what_they_can():
    """Slices of 2 bits, three of them: weights are rounded to 63 steps, on cells of 4 levels exactly."""
    hw = replace(IDEAL, mapping=Mapping(slices=3, slice_bits=2), cells=Nonidealities(levels=Levels(4)))
    layer = linear(hw, bias=False)
    weight = layer.weight.detach()
    top = weight.abs().max()
    rounded = torch.round(weight / top * 63) / 63 * top
    assert apart(layer.effective_matrices()[0].T, rounded) < 1e-12


def test_one_bit_converters_keep_signs():
    for encoding in (Encoding("amplitude"), Encoding("bit-serial")):
        hw = replace(IDEAL, encoding=encoding, dac=Converter(bits=1, range=2.0))
        for adc in (Converter(), Converter(bits=20, range="batch")):
            layer = linear(replace(hw, adc=adc), bias=False)
            x = numbers(4, 17)
            signs = torch.where(x >= 0, 2.0, -2.0).double()
            assert apart(layer(x), signs @ layer.weight.T) < 1e-4


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=24, range="batch")])
def test_a_bias_rows_input_of_one_is_not_clipped_where_inputs_are_small(adc):
    hw = replace(IDEAL, dac=Converter(bits=16, range="batch"), adc=adc)
    layer = linear(hw, bias_row=True)
    x = 0.01 * numbers(4, 17)
    # 2^15 - 1 steps to 1, the bias's input; seventeen inputs are off by half of one, against biases of some 0.2.
    assert apart(layer(x), functional.linear(x, layer.weight, layer.bias)) < 17 * 2**-16 / 0.2


def test_read_noise_is_of_the_read():
    hw = hardware(cells=Nonidealities(read_noise=ReadNoise(0.05)), adc=Converter(bits=12, range="full"))
    for layer in (linear(hw), CrossbarConv2d(made(nn.Conv2d, 4, 6, 3, groups=2), hw).program(3)):
        x = numbers(4, 17) if isinstance(layer, CrossbarLinear) else numbers(2, 4, 5, 5)
        with torch.no_grad():
            by_hand = solved(layer, x)
            first, second = layer(x), layer(x)
            assert layer.reads == 2
            assert apart(by_hand, flat(first, 1)) < 1e-12
            assert apart(second, first) > 1e-4
            layer.reads = 0
            assert torch.equal(layer(x), first)


def test_decode_says_what_it_lacks():
    layer = linear(hardware())
    with pytest.raises(InputError, match="encode"):
        layer.decode([])
    layer.encode(numbers(2, 17))
    with pytest.raises(InputError, match="of 0 arrays"):
        layer.decode([])
