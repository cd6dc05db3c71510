"""Which cells a change of weights writes, against what programming the whole layer anew would have them hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, network

from xbarsim.mitigation import Plan, realise
from xbarsim.mitigation.written_cells import WrittenCells
from xbarsim.nn import Arrangement, Mapping
from xbarsim.nn.tiling import by_weight
from xbarsim.nonideal import Levels

STEADY = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))
KINDS = {
    "differential": STEADY,
    "offset": replace(STEADY, mapping=Mapping("offset")),
    "reference": replace(STEADY, mapping=Mapping("reference")),
    "slices": replace(STEADY, mapping=Mapping(slices=3, slice_bits=2)),
    "levels": replace(STEADY, cells=replace(STEADY.cells, levels=Levels(8))),
}
PLACES = {
    "in order": None,
    "flipped": Arrangement(rows=[np.arange(64)[::-1]], flips=[np.arange(64) % 3 == 0]),
}


def asked_for(plan, hardware):
    """Return the layer of a plan on a chip, and the siemens that programming all of it asks cells for, by plane."""
    layer = realise(plan, hardware, seed=1).layers["fc1"]
    parts = [np.array(array.target) for array in layer.present_cells().cells]
    return layer, by_weight(parts, layer.places)


def plan_with(weight, scale, arrangement):
    """Return a plan of a weight whose scale is what it is to be, whatever the largest weight."""
    plan = Plan.of(network()).with_weights({"fc1.weight": weight})
    return plan.with_layer("fc1", headroom=scale / float(weight.abs().max()), arrangement=arrangement)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_cells_whose_targets_change_are_written_and_no_others(kind, place):
    hardware, arrangement = KINDS[kind], PLACES[place]
    weight = network().fc1.weight.detach().clone()
    limit = float(weight.abs().max())
    layer, targets = asked_for(plan_with(weight, limit, arrangement), hardware)
    healthy = [faults == 0 for faults, _ in layer.known()]
    cells = WrittenCells(layer, 0.03)
    generator = torch.Generator().manual_seed(4)
    counts = [np.zeros(plane.shape, dtype=int) for plane in targets]
    programmed = weight.clone()
    for _ in range(6):
        weight = (weight + 0.03 * limit * torch.randn(weight.shape, generator=generator)).clamp(-limit, limit)
        masks = cells.follow(weight)
        programmed = torch.where((weight - programmed).abs() > 0.03 * cells.scale, weight, programmed)
        assert torch.equal(cells.weight, programmed)
        _, after = asked_for(plan_with(programmed, limit, arrangement), hardware)
        # A target is the same to the last bits of the scale.
        expected = [
            good & (np.abs(new - old) > 1e-9 * CELLS.g_on)
            for good, new, old in zip(healthy, after, targets, strict=True)
        ]
        for mask, wanted_cells, count in zip(masks, expected, counts, strict=True):
            np.testing.assert_array_equal(mask, wanted_cells)
            count += mask
        targets = after
    for count, writes in zip(counts, cells.writes, strict=True):
        np.testing.assert_array_equal(count, writes)
        assert 0 < count.max() <= 6
    np.testing.assert_allclose(cells.headroom * float(cells.weight.abs().max()), cells.scale, rtol=1e-12)


def test_weights_that_turn_their_sign_move_both_cells():
    """The cell that held a weight goes to HRS with the write of the other, however small both moves are."""
    weight = torch.full((11, 64), 0.015)
    weight[0, 0] = 1.0
    layer, _ = asked_for(plan_with(weight, 1.0, None), replace(STEADY, cells=replace(STEADY.cells, faults=None)))
    cells = WrittenCells(layer, 0.02)
    turned = weight.clone()
    turned[3, 5] = -0.015
    turned[4, 6] = 0.03
    masks = cells.follow(turned)
    assert [np.argwhere(mask).tolist() for mask in masks] == [[[5, 3]], [[5, 3]]]
