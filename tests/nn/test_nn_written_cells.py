"""Written cells in another type, at a dynamic scale, on other hardware; bad arguments; what inference mode leaves."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, apart, hardware, made, numbers, solved
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, Converter, CrossbarLinear, Mapping, Tiles, convert
from xbarsim.nonideal import Faults, Nonidealities, Variation

X = numbers(4, 9)
CELLS = Nonidealities(variation=Variation(0.1), cycle_variation=Variation(0.05))
ADCS = pytest.mark.parametrize("adc", [Converter(), Converter(bits=26, range="full")], ids=["matrix", "arrays"])


def linear(hw, bias_row=False):
    return CrossbarLinear.of(made(nn.Linear, 9, 7), hw, bias_row=bias_row).program(3).eval()


def output(layer, x=X):
    with torch.no_grad():
        return layer(x)


def moved(layer, factor):
    with torch.no_grad():
        layer.weight.mul_(factor)
    return layer


def order(seed, size=9):
    return np.random.default_rng(seed).permutation(size)


@pytest.mark.filterwarnings("ignore:.*beyond the scale")
@ADCS
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_written_cells_are_read_in_another_type_after_a_pass_in_the_first(adc, kind):
    layer = linear(hardware("reference", cells=CELLS, adc=adc), bias_row=True)
    layer.write()
    before, cells = output(layer), layer.programmed
    after = output(layer.to(kind), X.to(kind))
    assert after.dtype == kind
    assert apart(after, before) < 0.05
    assert apart(output(layer.double()), before) < 0.05
    assert all(map(np.array_equal, layer.programmed, cells))


@ADCS
@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("per", ["layer", "column"])
def test_a_dynamic_scale_stays_with_the_cells_that_were_written_at_it(adc, mapping, per):
    hw = hardware(mapping, cells=CELLS, adc=adc, scale="dynamic", per=per)
    layer = moved(linear(hw), 1.7)
    before = output(layer)
    layer.follows_weights = False
    assert torch.equal(output(layer), before)
    assert torch.equal(output(moved(layer, 0.3)), before)
    assert apart(solved(layer, X), before) < 1e-9
    layer.write([np.zeros((9, 7), dtype=bool) for _ in layer.programmed])
    assert torch.equal(output(layer), before), "a write of no cell"
    mask = np.zeros((9, 7), dtype=bool)
    weights = layer.weight.detach().T
    at = np.unravel_index(int(weights.abs().argmax()), weights.shape)
    mask[at] = True
    layer.write([mask for _ in layer.programmed])
    assert float(layer.effective_matrices()[0].detach()[at] / weights[at]) == pytest.approx(1.0, abs=0.6)
    assert apart(output(layer), before) > 1e-2
    layer.write()
    follower = moved(moved(linear(hw), 1.7), 0.3)
    follower.writes = layer.writes
    assert torch.equal(output(layer), output(follower)), "a write of all is at the scale of the weights as they are"


def test_a_dynamic_scale_of_written_cells_is_in_files(tmp_path):
    hw = hardware(cells=CELLS, scale="dynamic")
    network = convert(made(nn.Linear, 9, 7), hw).program(3).eval()
    layer = moved(network.layers["model"], 1.7)
    layer.write()
    before = output(layer)
    network.save_chips(tmp_path / "chips.npz")
    twin = convert(made(nn.Linear, 9, 7), hw).load_chips(tmp_path / "chips.npz").eval()
    assert not torch.equal(twin.layers["model"].weight, layer.weight)
    assert torch.equal(output(twin), before)


@pytest.mark.parametrize(
    ("name", "part"),
    [("tiles", Tiles(5, 4)), ("mapping", Mapping("offset")), ("cells", Nonidealities(r_on=500.0))],
)
def test_written_cells_are_of_their_hardware(name, part):
    layer = linear(hardware(cells=CELLS))
    layer.write()
    before, present = output(layer), layer.hardware
    with pytest.raises(InputError, match=f"written with other {name}: set follows_weights = True"):
        layer.hardware = replace(present, **{name: part})
    assert layer.hardware is present
    assert torch.equal(output(layer), before)
    layer.follows_weights = True
    layer.hardware = replace(present, **{name: part})


def test_hardware_that_an_arrangement_does_not_fit_changes_nothing():
    layer = linear(hardware())
    layer.arrange(Arrangement(cols=[[4, 2, 3, 1, 0], [1, 0]] * 2, by="tile"))
    before, present = output(layer), layer.hardware
    with pytest.raises(InputError, match=r"cols\[0\] has 5 lines: it must have 4"):
        layer.hardware = replace(present, tiles=Tiles(7, 4))
    assert layer.hardware is present
    assert torch.equal(output(layer), before)


@pytest.mark.parametrize("written", [False, True])
def test_weights_that_are_not_finite_are_not_arranged(written):
    layer = linear(hardware(cells=CELLS))
    if written:
        layer.write()
    weight = layer.weight.detach().clone()
    moved(layer, float("nan"))
    with pytest.raises(InputError, match="not finite"):
        layer.arrange(Arrangement(rows=[order(1)]))
    assert layer.arrangement is None
    assert layer.line_order is None
    with torch.no_grad():
        layer.weight.copy_(weight)
    assert apart(solved(layer, X), output(layer)) < 1e-12


@pytest.mark.parametrize("arrangement", ["rows", 3, {"rows": None}])
def test_only_an_arrangement_arranges(arrangement):
    with pytest.raises(InputError, match="give Arrangement"):
        linear(hardware()).arrange(arrangement)


@pytest.mark.parametrize("cells", [True, [[[True], [True, False]]] * 2])
def test_masks_that_are_no_arrays(cells):
    layer = linear(hardware())
    with pytest.raises(InputError, match="cells are no arrays"):
        layer.write(cells)
    assert layer.follows_weights


def test_what_is_done_in_inference_mode_serves_gradients():
    hw = hardware(dac=Converter(bits=8), adc=Converter(bits=8))
    network = convert(made(nn.Linear, 9, 7), hw).program(0)
    layer = network.layers["model"]
    with torch.inference_mode():
        layer.arrange(Arrangement(rows=[order(2)]))
        layer.write()
        for converter in layer.converters:
            converter.rounding = False
            converter.observer.enable()
        layer.input_converter(X)
        layer.output_converter(numbers(3, layer.output_range.numel()).abs())
        for converter in layer.converters:
            converter.take_range()
            converter.rounding = True
    assert not any(converter.range.is_inference() for converter in layer.converters)
    network.train()(X.clone().requires_grad_()).square().sum().backward()
    assert layer.weight.grad.abs().sum() > 0.0
    with torch.inference_mode():
        layer.arrange(Arrangement(rows=[np.append(order(3), -1)], spare=1))
    assert not layer.output_range.is_inference()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_done_in_turn_a_layer_is_its_circuit(seed):
    """Weights move, cells are written, lines arranged, chips made, copies taken; maps of other cells are never left."""
    rng = np.random.default_rng(seed)
    model = Nonidealities(variation=Variation(0.1), faults=Faults(0.05), cycle_variation=Variation(0.05))
    sizes, more = (
        rng.integers(3, 9, 2),
        {"scale": ("frozen", "dynamic")[seed % 2], "per": ("layer", "column")[seed // 2 % 2]},
    )
    hw = hardware(MAPPINGS[seed % 3], *map(int, sizes), cells=model, **more)
    layer = linear(hw, bias_row=seed % 4 == 0)
    inputs = 9 + layer.bias_row
    for _ in range(8):
        match rng.integers(6):
            case 0:
                moved(layer, float(rng.uniform(0.3, 1.0)))
            case 1:
                layer.write()
            case 2:
                layer.write([rng.random((inputs, 7)) < 0.4 for _ in layer.programmed])
            case 3:
                layer.follows_weights = not layer.follows_weights
            case 4:
                spare = int(rng.integers(3))
                lines = rng.permutation(np.append(np.arange(inputs), np.full(spare, -1)))
                flips, cols = rng.random(lines.size) < 0.5, rng.permutation(7)
                layer.arrange(Arrangement(rows=[lines], cols=[cols], flips=[flips], spare=spare))
                layer = layer if layer.chip else layer.program(seed)
            case 5:
                layer = copy.deepcopy(layer.program(seed))
        before = output(layer)
        assert apart(solved(layer, X), before) < 1e-9
        if not layer.follows_weights:
            weight = layer.weight.detach().clone()
            assert torch.equal(output(moved(layer, 0.7)), before)
            with torch.no_grad():
                layer.weight.copy_(weight)
