"""What rows of weights would become on other word lines, and what it costs: against the layer really arranged so."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, hardware, ideal, made
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, CrossbarConv2d, CrossbarLinear, NotProgrammedError, line_distances
from xbarsim.nn.physical_lines import LineBlock
from xbarsim.nonideal import Chip, Drift, Fault, Faults, Levels, Nonidealities, ReadNoise, Variation, WriteVerify

FAULTS = Faults(0.3, lrs_ohms=700.0, hrs_ohms=3e6)
LOGNORMAL = Nonidealities(variation=Variation(0.5), faults=FAULTS)
GAUSSIAN = Nonidealities(variation=Variation(0.3, kind="gaussian", of="resistance"), faults=FAULTS, levels=Levels(9))
BINARY = Nonidealities(variation=Variation(0.2), faults=FAULTS, levels=Levels(2))
MODELS = pytest.mark.parametrize("model", [LOGNORMAL, GAUSSIAN, BINARY], ids=["lognormal", "gaussian", "binary"])
MAPPED = pytest.mark.parametrize("mapping", MAPPINGS)
SPARE = 2


def linear(mapping="differential", model=LOGNORMAL, *, bias_row=True, **more):
    layer = made(nn.Linear, 9, 8)
    return CrossbarLinear.of(layer, ideal(hardware(mapping, cells=model, **more)), bias_row=bias_row).eval()


def arrangement_of(layer, by, seed):
    """A random one, with flips and spare lines."""
    rng = np.random.default_rng(seed)
    layer.arrange(Arrangement(spare=SPARE, by=by))
    parts = [place for place in layer.places if place.plane == 0] if by == "tile" else [None] * layer.groups
    outputs = layer.outputs // layer.groups
    lines = [len(place.rows) if place else layer.weight[0].numel() + layer.bias_row + SPARE for place in parts]
    orders = [rng.permutation(np.concatenate([np.arange(n - SPARE), [-1] * SPARE])) for n in lines]
    cols = [rng.permutation(len(place.cols) if place else outputs) for place in parts]
    return Arrangement(rows=orders, cols=cols, flips=[rng.random(n) < 0.4 for n in lines], spare=SPARE, by=by)


def check_lines(layer, tolerance=1e-12):
    """Each array's part of what the layer multiplies by is that of the rows that its word lines have."""
    for group, (real, weights) in enumerate(zip(layer.effective_matrices(), layer.matrices(), strict=True)):
        real, weights = real.detach().numpy(), weights.detach().numpy()
        for place in layer.places:
            if place.group != group:
                continue
            for row, line in enumerate(place.rows):
                at, sign = place.inputs[row], 1 if place.signs is None else place.signs[row]
                if at >= 0:
                    (cells,) = layer.realised(sign * weights[at : at + 1], [line], group=group)[:, 0]
                    expected = real[at, place.outputs]
                    np.testing.assert_allclose(sign * cells[place.outputs], expected, rtol=0, atol=tolerance)


@MODELS
@MAPPED
@pytest.mark.parametrize(("by", "seed"), [(None, 0), ("layer", 1), ("layer", 2), ("tile", 3)])
def test_realised_rows_are_those_of_a_layer_that_is_arranged_so(mapping, model, by, seed):
    layer = linear(mapping, model)
    if by is not None:
        layer.arrange(arrangement_of(layer, by, seed))
    check_lines(layer.program(seed))


@MAPPED
@pytest.mark.parametrize("more", [{"slices": 2, "slice_bits": 3}, {"per": "column"}, {"scale": "dynamic"}])
def test_slices_and_scales(mapping, more):
    layer = linear(mapping, **more)
    check_lines(layer.arrange(arrangement_of(layer, "layer", 4)).program(4))
    layer.clipping_warned = True
    with torch.no_grad():
        layer.weight.mul_(1.7)
    check_lines(layer)


@MAPPED
def test_groups_of_convolutions(mapping):
    layer = CrossbarConv2d(made(nn.Conv2d, 4, 6, 3, groups=2), ideal(hardware(mapping, cells=LOGNORMAL))).eval()
    layer.arrange(arrangement_of(layer, "layer", 5))
    check_lines(layer.program(5))
    costs = [layer.row_costs(group=group) for group in range(2)]
    assert costs[0].shape == costs[1].shape == (18, 18 + SPARE)
    assert not np.allclose(*costs)


@MAPPED
def test_a_chip_of_maps_that_are_known(mapping):
    """Maps without a seed behind them; and all rows on all lines at once are those by themselves."""
    layer = linear(mapping)
    layer.program(3)
    maps = {tile: layer.chip.maps(tile) for tile in range(len(layer.places))}
    before = layer.realised(layer.matrices()[0].detach(), range(10))
    layer.program(chip=Chip(LOGNORMAL, 0, layer.chip.shapes, maps))
    check_lines(layer)
    assert before.shape == (10, 10, 8)
    assert np.array_equal(before, layer.realised(layer.matrices()[0].detach(), range(10)))
    lines = [7, 2, 7]
    chunk = layer.realised(layer.matrices()[0].detach()[3:5], lines)
    np.testing.assert_array_equal(chunk, before[3:5, lines])


@MAPPED
def test_verified_cells_end_on_their_targets_or_at_their_bounds(mapping):
    law = WriteVerify(tolerance=1e-6, max_pulses=2000)
    layer = linear(mapping, Nonidealities(variation=Variation(0.5), faults=FAULTS, write_verify=law))
    layer.arrange(arrangement_of(layer, "layer", 6)).program(6)
    # A cell that can get no further than its bound comes near it by a share of the way a pulse.
    assert sum(plane.max() for plane in layer.pulses_per_cell) > 100
    check_lines(layer, 5e-6 * float(layer.scale) * 4)


@MAPPED
def test_neither_noise_nor_drift_nor_wires_count(mapping):
    noisy = replace(LOGNORMAL, cycle_variation=Variation(0.3), drift=Drift(0.1, 0.05), read_noise=ReadNoise(0.05))
    layer, quiet = linear(mapping, noisy), linear(mapping).program(3)
    layer.hardware = replace(layer.hardware, fidelity="accurate")
    layer.program(3, time=1e5)
    rows = quiet.matrices()[0].detach()
    np.testing.assert_array_equal(layer.realised(rows, range(10)), quiet.realised(rows, range(10)))


def by_hand(layer, weights):
    """Differential: the cost of each row on each line, cell by cell."""
    cells = layer.hardware.cells
    span, scale = cells.g_on - cells.g_off, float(layer.scale)
    (faults, factors), (more_faults, more_factors) = layer.known(physical=True)
    ohms = {Fault.STUCK_AT_LRS: 700.0, Fault.STUCK_AT_HRS: 3e6}

    def siemens(w, fault, factor):
        return 1.0 / ohms[fault] if fault else (cells.g_off + span * min(max(w / scale, 0.0), 1.0)) * factor

    costs = np.zeros((len(weights), len(faults)))
    for p, q in np.ndindex(costs.shape):
        for j, w in enumerate(weights[p]):
            pair = siemens(w, faults[q, j], factors[q, j]) - siemens(-w, more_faults[q, j], more_factors[q, j])
            costs[p, q] += abs(w - pair * scale / span)
    return costs


@pytest.mark.parametrize("kind", ["real", "signs"])
@pytest.mark.parametrize("negated", [False, True])
def test_costs_by_hand(kind, negated):
    layer = linear()
    with torch.no_grad():
        layer.weight.copy_(layer.weight.sign() if kind == "signs" else layer.weight)
        layer.bias.copy_(layer.bias.sign() if kind == "signs" else layer.bias)
    layer.arrange(Arrangement(spare=SPARE)).program(7)
    weights = layer.matrices()[0].detach().numpy()
    # A row that is stored negated and driven negated: |w + t(-w)| is |(-w) - t(-w)|.
    expected = by_hand(layer, -weights if negated else weights)
    np.testing.assert_allclose(layer.row_costs(negated=negated), expected, rtol=1e-12)
    weighting = np.arange(10.0)
    weighted = layer.row_costs(weights, weighting=weighting, negated=negated)
    np.testing.assert_allclose(weighted, weighting[:, None] * expected, rtol=1e-12)


@MODELS
@MAPPED
@pytest.mark.parametrize("values", [None, [-1.0, 1.0], [-0.5, 0.0, 0.3, 2.0]])
def test_all_ways_to_costs_agree(mapping, model, values, monkeypatch):
    """Products over indicators, cell by cell, in chunks of any size, and from rows that are looked at singly."""
    layer = linear(mapping, model).arrange(Arrangement(spare=SPARE)).program(8)
    weights = layer.matrices()[0].detach().numpy()
    weights = weights if values is None else np.random.default_rng(0).choice(values, weights.shape)
    expected = np.abs(weights[:, None] - layer.realised(weights, range(12))).sum(axis=2)
    for few in (0, 64, 1000):
        monkeypatch.setattr(line_distances, "_FEW", few)
        np.testing.assert_allclose(layer.row_costs(weights), expected, rtol=1e-12)
    monkeypatch.setattr(line_distances, "_FEW", 0)
    monkeypatch.setattr(LineBlock, "straight", lambda self: None)
    for chunk in (1, 300, 1 << 16):
        monkeypatch.setattr(line_distances, "_CHUNK", chunk)
        np.testing.assert_allclose(layer.row_costs(weights), expected, rtol=1e-12)
    negated = np.abs(weights[:, None] + layer.realised(-weights, range(12))).sum(axis=2)
    np.testing.assert_allclose(layer.row_costs(weights, negated=True), negated, rtol=1e-12)


@MAPPED
@pytest.mark.parametrize("by_value", [False, True])
@pytest.mark.parametrize("verified", [False, True])
def test_squares(mapping, by_value, verified, monkeypatch):
    """Of the straight way, cell by cell, and by distinct values."""
    monkeypatch.setattr(line_distances, "_FEW", 1000 if by_value else 0)
    model = replace(LOGNORMAL, write_verify=WriteVerify() if verified else None)
    layer = linear(mapping, model).arrange(Arrangement(spare=SPARE)).program(8)
    weights, u = layer.matrices()[0].detach().numpy(), np.arange(10.0)
    expected = ((weights[:, None] - layer.realised(weights, range(12))) ** 2).sum(axis=2)
    np.testing.assert_allclose(layer.row_costs(power=2), expected, rtol=1e-11)
    np.testing.assert_allclose(layer.row_costs(power=2, weighting=u), u[:, None] ** 2 * expected, rtol=1e-11)
    layer.arrange(arrangement_of(layer, "tile", 9)).program(9)
    for place, costs in zip(
        (place for place in layer.places if place.plane == 0), layer.array_row_costs(power=2, negated=True), strict=True
    ):
        inputs = np.sort(place.inputs[place.driven])
        part = layer.row_costs(rows=inputs, lines=place.rows, cols=place.outputs, power=2, negated=True)
        np.testing.assert_allclose(costs, part, rtol=1e-11)


@MAPPED
def test_cells_that_are_verified_end_at_bounds(mapping):
    """What they hold is not straight in what is written: the way is cell by cell."""
    layer = linear(mapping, replace(LOGNORMAL, write_verify=WriteVerify()), slices=2, slice_bits=2).program(8)
    weights = layer.matrices()[0].detach().numpy()
    expected = np.abs(weights[:, None] - layer.realised(weights, range(10))).sum(axis=2)
    np.testing.assert_allclose(layer.row_costs(), expected, rtol=1e-12)


@MAPPED
@pytest.mark.parametrize("by", ["layer", "tile"])
@pytest.mark.parametrize("more", [{}, {"slices": 2, "slice_bits": 3}])
@pytest.mark.parametrize("negated", [False, True])
def test_costs_of_all_arrays(mapping, by, more, negated):
    model = replace(LOGNORMAL, levels=None)
    layer = CrossbarConv2d(made(nn.Conv2d, 4, 6, 3, groups=2), ideal(hardware(mapping, cells=model, **more))).eval()
    layer.arrange(arrangement_of(layer, by, 9)).program(9)
    places = [place for place in layer.places if place.plane == 0]
    costs = layer.array_row_costs(negated=negated)
    for place, array in zip(places, costs, strict=True):
        expected = layer.row_costs(
            rows=np.sort(place.inputs[place.driven]),
            lines=place.rows,
            cols=place.outputs,
            group=place.group,
            negated=negated,
        )
        np.testing.assert_allclose(array, expected, rtol=1e-12)


@MAPPED
def test_costs_of_one_array(mapping):
    layer = linear(mapping)
    layer.arrange(arrangement_of(layer, "tile", 9)).program(9)
    whole = layer.matrices()[0].detach().numpy()
    first = [place for place in layer.places if place.plane == 0]
    assert len(first) > 3
    for place in first:
        inputs = np.sort(place.inputs[place.driven])
        costs = layer.row_costs(rows=inputs, lines=place.rows, cols=place.outputs)
        real = layer.realised(whole[inputs], place.rows)
        expected = np.abs(whole[inputs][:, None, place.outputs] - real[:, :, place.outputs]).sum(axis=2)
        np.testing.assert_allclose(costs, expected, rtol=1e-12)
    slices = layer.row_costs(rows=slice(2, 5), lines=slice(1, 9), cols=slice(0, 4))
    assert np.array_equal(slices, layer.row_costs(rows=[2, 3, 4], lines=range(1, 9), cols=range(4)))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda layer: layer.realised(np.ones((2, 7)), [0]),
            r"weights have shape \(2, 7\): the layer takes \(rows, 8\)",
        ),
        (lambda layer: layer.realised(np.ones(8), [0]), r"weights have shape \(8,\)"),
        (lambda layer: layer.realised(np.full((1, 8), np.nan), [0]), r"weights\[0, 0\] is nan"),
        (lambda layer: layer.realised(np.ones((1, 8)), [10]), "physical_rows must be .* from 0 to 9"),
        (lambda layer: layer.realised(np.ones((1, 8)), [-1]), "physical_rows must be"),
        (lambda layer: layer.realised(np.ones((1, 8)), [0.5]), "physical_rows must be"),
        (lambda layer: layer.realised(np.ones((1, 8)), [0], group=1), "group is 1: the layer has 1"),
        (lambda layer: layer.row_costs(np.ones((9, 8))), r"weights have shape \(9, 8\): the layer takes \(10, 8\)"),
        (lambda layer: layer.row_costs(weighting=np.ones(3)), r"weighting has shape \(3,\): it must be \(10,\)"),
        (lambda layer: layer.row_costs(power=3), "power is 3: it must be 1 or 2"),
        (lambda layer: layer.array_row_costs(power=True), "power is True: it must be 1 or 2"),
        (lambda layer: layer.row_costs(cols=[8]), "cols must be .* from 0 to 7"),
    ],
)
def test_what_cannot_be_looked_at(ask, message):
    with pytest.raises(InputError, match=message):
        ask(linear().program(0))


def test_without_a_chip():
    for ask in (lambda: linear().row_costs(), lambda: linear().realised(np.ones((1, 8)), [0])):
        with pytest.raises(NotProgrammedError, match=r"no chip: call program\(seed\)"):
            ask()


@pytest.mark.slow
def test_many_binary_rows_take_seconds():
    """1024 rows on 1024 lines of 1024 outputs: 8 GB if all that each would hold were kept."""
    cells = Nonidealities(variation=Variation(0.2), faults=Faults(0.1))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = CrossbarLinear(torch.randn(1024, 1024).sign(), None, ideal(hardware(rows=64, cols=64, cells=cells)))
    costs = layer.program(0).row_costs()
    weights = layer.matrices()[0].detach().double().numpy()
    some = layer.realised(weights[5:8], [3, 900])
    np.testing.assert_allclose(costs[5:8, [3, 900]], np.abs(weights[5:8, None] - some).sum(axis=2), rtol=1e-12)
