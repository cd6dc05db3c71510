"""Inputs and outputs on other lines, flipped, with spare ones: the circuit is another, the product the same."""

import itertools
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, apart, flat, hardware, made, numbers, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, Converter, CrossbarLinear, Law, NotProgrammedError, Tiles, convert
from xbarsim.nn.planes import planes_of, zeros
from xbarsim.nonideal import Faults, Nonidealities, Shorts, Variation

X = numbers(4, 9)
CELLS = Nonidealities(faults=Faults(0.1), variation=Variation(0.3))


def shuffled(size, seed, spare=0):
    rng = np.random.default_rng(seed)
    return rng.permutation(np.concatenate([np.arange(size), np.full(spare, -1)]))


def of_layer(inputs, outputs, spare=0, seed=0, groups=1):
    """Orders of all lines, with every third word line flipped."""
    return Arrangement(
        rows=[shuffled(inputs, seed + k, spare) for k in range(groups)],
        cols=[shuffled(outputs, seed + 10 + k) for k in range(groups)],
        flips=[np.arange(inputs + spare) % 3 == k for k in range(groups)],
        spare=spare,
    )


def of_tiles(layer, spare=0, seed=0):
    """Other orders in each array of a plane."""
    height, width = layer.hardware.tiles.rows - spare, layer.hardware.tiles.cols - layer.places[0].extra
    inputs, outputs = layer.weight[0].numel() + layer.bias_row, layer.weight.shape[0] // layer.groups
    sizes = [
        (min(height, inputs - row), min(width, outputs - col))
        for row, col in itertools.product(range(0, inputs, height), range(0, outputs, width))
    ] * layer.groups
    return Arrangement(
        rows=[shuffled(rows, seed + k, spare) for k, (rows, _) in enumerate(sizes)],
        cols=[shuffled(cols, seed + 50 + k) for k, (_, cols) in enumerate(sizes)],
        flips=[np.random.default_rng(seed + 90 + k).random(rows + spare) < 0.5 for k, (rows, _) in enumerate(sizes)],
        spare=spare,
        by="tile",
    )


def linear(hw, *, bias_row=False, inputs=9, outputs=7):
    return CrossbarLinear.of(made(nn.Linear, inputs, outputs), hw, bias_row=bias_row)


def arranged(layer, by, spare=0):
    inputs, outputs = layer.weight[0].numel() + layer.bias_row, layer.weight.shape[0] // layer.groups
    orders = of_layer(inputs, outputs, spare, groups=layer.groups) if by == "layer" else of_tiles(layer, spare)
    return layer.arrange(orders)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("by", ["layer", "tile"])
@pytest.mark.parametrize("spare", [0, 2])
@pytest.mark.parametrize("bias_row", [False, True])
@pytest.mark.parametrize("path", [{}, {"adc": Converter(bits=30, range="batch")}], ids=["matrix", "arrays"])
def test_without_wires_it_is_torchs_layer(mapping, by, spare, bias_row, path):
    layer = arranged(linear(replace(hardware(mapping, **path), fidelity="ideal"), bias_row=bias_row), by, spare)
    layer.program(0).eval()
    with torch.no_grad():
        assert apart(layer(X), nn.functional.linear(X, layer.weight, layer.bias)) < 1e-6
        assert apart(solved(layer, X), layer(X)) < 1e-6


@pytest.mark.parametrize("mapping", ["differential", "reference"])
@pytest.mark.parametrize("by", ["layer", "tile"])
@pytest.mark.parametrize("law", ["linear", "sinh"])
def test_with_wires_it_is_the_arranged_circuit(mapping, by, law):
    """Currents of the tiles, solved by themselves, decode to the layer's outputs; off lines are open."""
    more = {} if law == "linear" else {"law": Law("sinh", v0=0.3)}
    layer = arranged(linear(hardware(mapping, cells=CELLS, **more), bias_row=True), by, 2).program(3).eval()
    with torch.no_grad():
        assert apart(solved(layer, X), layer(X)) < 1e-9
    plain = linear(hardware(mapping, cells=CELLS, **more), bias_row=True).program(3).eval()
    with torch.no_grad():
        assert apart(plain(X), layer(X)) > 1e-3


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_tile_holds_the_permuted_conductances(mapping):
    hw = hardware(mapping, rows=9, cols=8)
    layer = linear(hw, inputs=7).arrange(of_layer(7, 7, spare=2)).program(0)
    orders = layer.arrangement
    order, cols, flips = orders.rows[0], orders.cols[0], orders.flips[0]
    matrix = layer.weight.detach().T.double().numpy()
    for k, tile in enumerate(layer.tiles):
        expected = np.full(tile.crossbar.shape, hw.cells.g_off)
        for q, p in enumerate(order):
            if p >= 0:
                row = torch.tensor((-matrix[p] if flips[q] else matrix[p])[cols][None])
                expected[q, :7] = planes_of(row, layer.scale.reshape(1, 1), hw)[k][0].numpy()
                expected[q, 7:] = zeros(hw)
        np.testing.assert_allclose(tile.crossbar.conductance, expected, rtol=1e-12)
        np.testing.assert_array_equal(np.isinf(tile.crossbar.driver), order < 0)


def test_the_same_chip_by_hand():
    """A layer-wide order is a torch layer with its inputs and outputs in that order, on the same chip."""
    hw, (rows, cols) = hardware(cells=CELLS), (shuffled(9, 1), shuffled(7, 2))
    layer = linear(hw).arrange(Arrangement(rows=[rows], cols=[cols])).program(5).eval()
    by_hand = made(nn.Linear, 9, 7)
    by_hand.weight.data = layer.weight.data[cols][:, rows]
    by_hand.bias.data = layer.bias.data[cols]
    plain = CrossbarLinear.of(by_hand, hw).program(5).eval()
    with torch.no_grad():
        assert apart(layer(X)[:, cols], plain(X[:, rows])) < 1e-12
    assert [np.array(tile.crossbar.conductance).tobytes() for tile in layer.tiles] == [
        np.array(tile.crossbar.conductance).tobytes() for tile in plain.tiles
    ]


@pytest.mark.parametrize("by", ["layer", "tile"])
@pytest.mark.parametrize("adc", [Converter(), Converter(bits=20, range="full")])
def test_gradients(by, adc):
    """Through the circuit; of the weights and of what drives them."""
    layer = arranged(linear(hardware(mapping="reference", adc=adc)), by, 1).program(0).train()
    layer.scale.mul_(2.0)  # so that no weight is clipped
    x, direction = X.clone().requires_grad_(), numbers(7, 9, seed=5)
    layer(x).square().sum().backward()
    step = 1e-5 if adc.bits is None else 1e-2
    values, moved = [], []
    with torch.no_grad():
        for sign in (1.0, -1.0):
            layer.weight.add_(sign * step * direction)
            values.append(float(layer(X).square().sum()))
            layer.weight.sub_(sign * step * direction)
            moved.append(float(layer(X + sign * step).square().sum()))
    slope, shift = (values[0] - values[1]) / (2.0 * step), (moved[0] - moved[1]) / (2.0 * step)
    bound = 1e-6 if adc.bits is None else 1e-2
    assert float((layer.weight.grad * direction).sum()) == pytest.approx(slope, rel=bound)
    assert float(x.grad.sum()) == pytest.approx(shift, rel=bound)


@pytest.mark.parametrize("by", ["layer", "tile"])
def test_convolutions_in_groups(by):
    model = made(nn.Conv2d, 4, 6, 3, padding=1, groups=2)
    hw = replace(hardware(), fidelity="ideal")
    layer = convert(model, hw, bias="row").layers["model"]
    arranged(layer, by, 1).program(0).eval()
    images = numbers(2, 4, 5, 5)
    with torch.no_grad():
        assert apart(layer(images), model(images)) < 1e-6
        assert apart(solved(layer, images), flat(layer(images), 1)) < 1e-9


def test_in_order_is_as_if_nothing_were_said():
    hw = hardware(cells=CELLS, adc=Converter(bits=12, range="full"))
    plain, ordered = linear(hw).program(2).eval(), linear(hw).arrange(Arrangement()).program(2).eval()
    with torch.no_grad():
        assert apart(ordered(X), plain(X)) < 1e-12
        assert torch.equal(linear(hw).arrange(Arrangement()).arrange(None).program(2).eval()(X), plain(X))


def test_spare_lines_that_are_off_take_no_part_but_for_their_cells():
    """Open lines of cells at HRS between others: currents are those of the circuit with these lines undriven."""
    hw = replace(hardware(rows=11, cols=7), cells=Nonidealities(r_off=1e12))
    layer = linear(hw).arrange(Arrangement(spare=2)).program(0).eval()
    plain = linear(replace(hw, tiles=Tiles(9, 7))).program(0).eval()
    x = numbers(4, 9)
    with torch.no_grad():
        wires = layer(x)
        assert layer.tiles[0].crossbar.shape == (11, 7)
        assert 0.0 < apart(wires, plain(x)) < 0.2


def test_a_chip_stays_where_lines_stay_and_is_another_with_other_spare_lines():
    layer = linear(hardware(cells=CELLS)).program(4).eval()
    chip = layer.chip
    with torch.no_grad():
        before = layer(X)
        layer.arrange(Arrangement(rows=[shuffled(9, 3)]))
        assert layer.chip is chip
        assert apart(layer(X), before) > 1e-3
        assert layer.writes == 1
        layer.arrange(Arrangement(spare=1))
        with pytest.raises(NotProgrammedError):
            layer(X)


def test_ranges_are_calibrated_again():
    hw = hardware(adc=Converter(bits=8, per="column"), dac=Converter(bits=8))
    network = convert(made(nn.Linear, 9, 7), hw).program(0).calibrate(X).eval()
    network.layers["model"].arrange(Arrangement(rows=[shuffled(9, 3)], cols=[shuffled(7, 4)]))
    with torch.no_grad():
        with pytest.raises(NotProgrammedError, match="calibrate"):
            network(X)
        expected = convert(made(nn.Linear, 9, 7), hardware()).program(0).eval()(X)
        assert apart(network.calibrate(X)(X), expected) < 0.2


@pytest.mark.parametrize("by", ["layer", "tile"])
def test_files_and_copies_keep_it(by, tmp_path):
    hw = hardware(cells=CELLS, adc=Converter(bits=8))
    network = convert(made(nn.Linear, 9, 7), hw)
    arranged(network.layers["model"], by, 1)
    network.program(3).calibrate(X).eval().save_chips(tmp_path / "chips.npz")
    again = convert(made(nn.Linear, 9, 7), hw).load_chips(tmp_path / "chips.npz").eval()
    with torch.no_grad():
        expected = network(X)
        assert torch.equal(again(X), expected)
        assert torch.equal(pickle.loads(pickle.dumps(network))(X), expected)
    convert(made(nn.Linear, 9, 7), hw).program(0).calibrate(X).save_chips(tmp_path / "plain.npz")
    assert again.load_chips(tmp_path / "plain.npz").layers["model"].arrangement is None


@pytest.mark.parametrize(
    "record", [{"rows": [[0, 0, 1, 2, 3, 4, 5, 6, 7]]}, {"rows": 1}, {"lines": []}, {"spare": -1}, [1], "tile"]
)
def test_a_file_with_lines_that_cannot_be_is_damaged(record, tmp_path):
    network = convert(made(nn.Linear, 9, 7), hardware())
    network.layers["model"].arrange(Arrangement(rows=[shuffled(9, 1)]))
    network.program(3).save_chips(tmp_path / "chips.npz")
    with np.load(tmp_path / "chips.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    about["layers"][0]["arrangement"] = record
    np.savez(tmp_path / "chips.npz", **{**arrays, "about": np.array(json.dumps(about))})
    before = network.layers["model"].arrangement
    with pytest.raises(InputError, match=r"chips\.npz: the chips are damaged: lines of layer 'model'"):
        network.load_chips(tmp_path / "chips.npz")
    assert network.layers["model"].arrangement is before


def test_spare_lines_are_a_whole_number_of_whatever_kind():
    assert Arrangement(spare=np.int64(2)).to_dict()["spare"] == 2
    for spare in (True, 1.0, "1"):
        with pytest.raises(InputError, match="whole number of lines"):
            Arrangement(spare=spare)


def test_shorts_and_breaks_are_of_the_lines_as_they_lie():
    hw = hardware(cells=Nonidealities(shorts=Shorts(word_rate=0.2, bit_rate=0.2)))
    layer = arranged(linear(hw), "layer", 1).program(3).eval()
    with torch.no_grad():
        assert apart(solved(layer, X), layer(X)) < 1e-9


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rows": [[0, 1, 2, 3, 4, 5, 6, 7, 7]]}, r"rows\[0\] is no order: each number from 0 to 8"),
        ({"rows": [list(range(8))]}, r"rows\[0\] has 8 lines: it must have 9"),
        ({"rows": [list(range(9))] * 2}, "has 2 arrays: give 1, one for each group"),
        ({"cols": [list(range(6))], "by": "tile"}, "has 1 arrays: give 4, one for each array of a plane"),
        ({"rows": [[0.5] * 9]}, "whole numbers"),
        ({"rows": [[np.nan] * 9]}, "whole numbers"),
        ({"rows": 5}, "whole numbers"),
        ({"rows": [[0, [1]]]}, "whole numbers"),
        ({"rows": [np.array([2**64 - 1, *range(9)], dtype=np.uint64)], "spare": 1}, "whole numbers"),
        ({"rows": [[-1, -1, *range(8)]], "spare": 1}, r"rows\[0\] is no order: each number from 0 to 8"),
        ({"flips": [[0, 1] * 4 + [1]]}, "True and False"),
        ({"spare": -1}, "spare is -1"),
        ({"spare": 7, "by": "tile"}, "no room for inputs"),
        ({"by": "row"}, "by is 'row'"),
    ],
)
def test_what_is_no_arrangement(fields, message):
    layer = linear(hardware()).program(0)
    with pytest.raises(InputError, match=message):
        layer.arrange(Arrangement(**fields))
    assert layer.arrangement is None
    assert len(layer.places) == 8
