"""What weights are on their own cells: against the matrices of a layer that has them."""

import numpy as np
import pytest
import torch
from nn_tools import MAPPINGS, hardware, ideal, made
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, CrossbarConv2d, CrossbarLinear, NotProgrammedError
from xbarsim.nonideal import Faults, Levels, Nonidealities, Variation

CELLS = Nonidealities(variation=Variation(0.5), faults=Faults(0.3, lrs_ohms=700.0, hrs_ohms=3e6), levels=Levels(9))


def arranged(layer, by, seed):
    rng = np.random.default_rng(seed)
    layer.arrange(Arrangement(spare=2, by=by))
    parts = [place for place in layer.places if place.plane == 0] if by == "tile" else [None] * layer.groups
    lines = [len(place.rows) if place else layer.weight[0].numel() + layer.bias_row + 2 for place in parts]
    orders = [rng.permutation(np.concatenate([np.arange(count - 2), [-1] * 2])) for count in lines]
    return layer.arrange(Arrangement(rows=orders, flips=[rng.random(n) < 0.4 for n in lines], spare=2, by=by))


def check(layer, seed):
    """Weights that the layer does not have yet are on their cells what it then multiplies by."""
    cells = [layer.weight_cells(group) for group in range(layer.groups)]
    generator = torch.Generator().manual_seed(seed)
    layer.clipping_warned = True
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            parameter.mul_(1.5 * torch.rand(parameter.shape, generator=generator) - 0.5)
    pairs = zip(cells, layer.matrices(), layer.effective_matrices(), strict=True)
    for group, weights, effective in pairs:
        represented = group.represented(weights.detach().double().numpy())
        np.testing.assert_allclose(represented, effective.detach().numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("by", [None, "layer", "tile"])
def test_weights_on_their_cells(mapping, by):
    layer = CrossbarLinear.of(made(nn.Linear, 9, 8), ideal(hardware(mapping, cells=CELLS)), bias_row=True).eval()
    check((layer if by is None else arranged(layer, by, 1)).program(2), 3)


def test_slices_scales_of_columns_and_groups():
    sliced = ideal(hardware("reference", cells=CELLS, slices=2, slice_bits=3, per="column"))
    check(CrossbarLinear.of(made(nn.Linear, 9, 8), sliced).program(4), 5)
    grouped = CrossbarConv2d(made(nn.Conv2d, 4, 6, 3, groups=2), ideal(hardware(cells=CELLS)))
    check(arranged(grouped, "layer", 6).program(7), 8)


def test_what_is_refused():
    layer = CrossbarLinear.of(made(nn.Linear, 9, 8), ideal(hardware(cells=CELLS)))
    with pytest.raises(NotProgrammedError):
        layer.weight_cells()
    with pytest.raises(InputError, match=r"weights have shape \(8, 9\): they must be \(9, 8\)"):
        layer.program(1).weight_cells().represented(np.zeros((8, 9)))
