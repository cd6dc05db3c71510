"""Plans on chips: one that changes nothing is the network as it was, and lines in other places are no other network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, OFFSET, digits, network

from xbarsim.mitigation import Plan, realise
from xbarsim.nn import Arrangement, Tiles, Wires, convert
from xbarsim.nn.binary import plain
from xbarsim.nn.training import inputs
from xbarsim.nonideal import Nonidealities

KINDS = ("mlp", "single", "norm", "convolution", "binary")
WIRED = replace(HARDWARE, fidelity="accurate", wires=Wires(word=2.0, bit=1.0, driver=3.0, sense=0.5))
CLEAN = replace(HARDWARE, cells=Nonidealities(CELLS.r_on, CELLS.r_off))
REFERENCE = replace(CLEAN, mapping=replace(CLEAN.mapping, kind="reference"))


def images():
    return inputs(digits(), digits().test, slice(0, 9))


def outputs(module) -> torch.Tensor:
    with torch.no_grad():
        return module(images())


@pytest.mark.parametrize("hardware", [HARDWARE, WIRED, OFFSET], ids=["ideal", "wired", "offset"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_that_changes_nothing_is_the_network_on_its_chip(kind, hardware):
    model = network(kind)
    binary = kind == "binary"
    expected = convert(plain(model) if binary else model, hardware, fold_batchnorm=not binary).eval().program(7)
    real = outputs(realise(Plan.of(model), hardware, seed=7))
    torch.testing.assert_close(real, outputs(expected), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        outputs(realise(Plan.of(model), hardware, chips={k: v.chip for k, v in expected.layers.items()})),
        real, rtol=1e-6, atol=1e-6,
    )  # fmt: skip
    assert not torch.allclose(real, outputs(realise(Plan.of(model), hardware, seed=8)), rtol=1e-2)


def moved(layer, hardware, spare: int, by: str) -> Arrangement:
    """Return rows and outputs in a random order, some rows negated."""
    rng = np.random.default_rng(4)
    inputs_, outputs_ = layer.weight[0].numel(), layer.outputs // layer.groups
    if by == "layer":
        rows = [inputs_] * layer.groups
        cols = [outputs_] * layer.groups
    else:
        extra = hardware.mapping.kind == "reference"
        rows, cols = [], []
        for first in range(0, inputs_, hardware.tiles.rows - spare):
            for left in range(0, outputs_, hardware.tiles.cols - extra):
                rows.append(min(hardware.tiles.rows - spare, inputs_ - first))
                cols.append(min(hardware.tiles.cols - extra, outputs_ - left))
    orders = [rng.permutation(np.r_[np.arange(count), np.full(spare, -1)]) for count in rows]
    return Arrangement(
        rows=orders,
        cols=[rng.permutation(count) for count in cols],
        flips=[rng.random(len(order)) < 0.5 for order in orders],
        spare=spare,
        by=by,
    )


@pytest.mark.parametrize("hardware", [CLEAN, REFERENCE], ids=["differential", "reference"])
@pytest.mark.parametrize("by", ["layer", "tile"])
@pytest.mark.parametrize("spare", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_in_other_places_and_negated_are_torchs_network_on_a_clean_chip(kind, spare, by, hardware):
    model = network(kind)
    plan = Plan.of(model)
    for name, layer in convert(plain(model), hardware, fold_batchnorm=False).layers.items():
        plan = plan.with_layer(name, arrangement=moved(layer, hardware, spare, by))
    torch.testing.assert_close(outputs(realise(plan, hardware)), outputs(model), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "norm", "convolution"])
def test_digital_parts_are_what_they_say(kind):
    """Gain, shift and addends on a clean chip, against torch with the same done by hand; before BatchNorm, too."""
    model = network(kind)
    rng = torch.Generator().manual_seed(5)
    first, *_ = [
        name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)
    ]
    module = dict(model.named_modules())[first]
    gain, shift = (torch.rand(module.weight.shape[0], generator=rng) + 0.5 for _ in range(2))
    sram, correction = (torch.randn(module.weight.shape, generator=rng) * 0.1 for _ in range(2))
    for batchnorm in ("weights", "outputs"):
        plan = replace(
            Plan.of(model).with_layer(first, gain=gain, shift=shift, sram=sram, correction=correction),
            batchnorm=batchnorm,
        )
        if kind == "norm" and batchnorm == "weights":
            # The norm is in the weights: gain, shift and addend come behind it.
            continue
        changed = Plan.of(model).model
        target = getattr(changed, first)
        with torch.no_grad():
            target.weight.mul_(gain.reshape(-1, *[1] * (module.weight.dim() - 1))).add_(sram + correction)
            target.bias.add_(shift)
        torch.testing.assert_close(outputs(realise(plan, CLEAN)), outputs(changed), rtol=1e-4, atol=1e-4)


def test_tiles_of_one_row_are_arrays_too():
    narrow = replace(CLEAN, tiles=Tiles(1, 3))
    torch.testing.assert_close(outputs(realise(Plan.of(network()), narrow)), outputs(network()), rtol=1e-5, atol=1e-5)
