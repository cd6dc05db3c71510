"""What a network takes of its hardware, and what its wires do."""

import math
from dataclasses import replace

import pytest
import torch
from nn_tools import apart, hardware, ideal, made, numbers, small
from torch import nn

from xbarsim.nn import Converter, CrossbarLinear, Hardware, Law, Mapping, NotProgrammedError, Tiles, convert
from xbarsim.nonideal import Nonidealities, ReadNoise

IMAGES = numbers(4, 3, 8, 8)


def test_tiles_cells_and_utilisation_by_hand():
    """100 x 70 weights, differential, on 64 x 64: two planes of (64 + 36) x (64 + 6)."""
    network = convert(nn.Sequential(nn.Linear(100, 70)), Hardware()).program(0)
    (row,) = network.summary().rows
    assert (row.name, row.kind, row.shape) == ("0", "CrossbarLinear", (70, 100))
    assert (row.tiles, row.cells) == (8, 2 * 100 * 70)
    assert row.utilisation == 2 * 100 * 70 / (8 * 64 * 64)
    sliced = Hardware(tiles=Tiles(64, 11), mapping=Mapping("reference", slices=3))
    (row,) = convert(nn.Sequential(nn.Linear(100, 70)), sliced, bias="row").program(0).summary().rows
    assert (row.tiles, row.cells) == (3 * 2 * 7, 3 * 101 * (70 + 7))


def test_errors_of_matrices_and_of_outputs_by_hand():
    model = made(nn.Linear, 12, 9)
    network = convert(nn.Sequential(model), hardware(rows=12, cols=9)).program(0).eval()
    x = numbers(5, 12)
    with torch.no_grad():
        layer, exact = network.layers["0"], model.weight.T
        real = layer.effective_matrices()[0]
        by_matrix = float((real - exact).norm() / exact.norm())
        by_output = float((x @ (real - exact)).norm() / (x @ exact).norm())
    assert network.summary().rows[0].ir_drop_error == pytest.approx(by_matrix, rel=1e-9)
    assert network.summary(x).rows[0].ir_drop_error == pytest.approx(by_output, rel=1e-9)
    assert by_matrix > 1e-3


@pytest.mark.parametrize("dac", [Converter(), Converter(bits=8)])
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=8)])
def test_ideal_hardware_has_no_error_and_a_summary_changes_nothing(dac, adc):
    hw = replace(hardware(rows=20, cols=9, cells=Nonidealities(read_noise=ReadNoise(0.01))), dac=dac, adc=adc)
    network = convert(small(), hw).program(0).calibrate(IMAGES).eval()
    reads = [layer.reads for layer in network.layers.values()]
    rows = network.summary(IMAGES).rows
    assert all(1e-4 < row.ir_drop_error < 1.0 for row in rows)
    assert reads == [layer.reads for layer in network.layers.values()]
    assert all(layer.hardware is hw for layer in network.layers.values())
    exact = convert(small(), ideal(hw)).program(0).calibrate(IMAGES).eval()
    assert all(row.ir_drop_error == 0.0 for row in (*exact.summary(IMAGES).rows, *exact.summary().rows))


def test_a_summary_before_program_and_of_nonlinear_cells():
    network = convert(made(nn.Linear, 6, 4), hardware(law=Law("sinh")))
    assert math.isnan(network.summary().rows[0].ir_drop_error)
    with pytest.raises(NotProgrammedError, match="program"):
        network.summary(numbers(2, 6))
    network.program(0)
    assert math.isnan(network.summary().rows[0].ir_drop_error)
    assert network.summary(numbers(2, 6)).rows[0].ir_drop_error > 1e-4


def test_recurrent_and_attention_layers_have_rows():
    lstm = convert(made(nn.LSTM, 5, 4), hardware()).program(0)
    assert all(row.ir_drop_error > 1e-4 for row in (*lstm.summary(numbers(3, 2, 5)).rows, *lstm.summary().rows))
    encoder = convert(made(nn.TransformerEncoderLayer, 8, 2, 12, batch_first=True), hardware()).program(0).eval()
    found = encoder.summary(numbers(2, 3, 8))
    assert len(found.rows) == 6
    assert all(row.ir_drop_error > 1e-4 for row in found.rows)


def test_the_table():
    network = convert(small(), hardware()).program(0)
    found = network.summary(IMAGES)
    lines = str(found).splitlines()
    assert lines[0].split() == ["layer", "kind", "weights", "tiles", "cells", "utilisation", "IR-drop", "error"]
    assert [line.split()[0] for line in lines[1:]] == ["conv1", "conv2", "head.0", "head.3", "all"]
    assert lines[-1].split()[1:3] == [str(found.tiles), str(found.cells)]
    assert len({len(line) for line in lines[:-1]}) == 1


def test_effective_matrices_are_the_tiles():
    layer = CrossbarLinear.of(made(nn.Linear, 12, 9, bias=False), hardware("reference", rows=5, cols=4)).program(0)
    with torch.no_grad():
        matrix = layer.effective_matrices()[0]
        volts = layer.encode(torch.eye(12, dtype=torch.float64))
        assert apart(layer.decode([tile.solve(volts) for tile in layer.tiles]), matrix) < 1e-12
