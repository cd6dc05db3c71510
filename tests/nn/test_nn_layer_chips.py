"""What cells share because of the weights that they hold: factors of pairs, and references without stuck cells."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import IDEAL, apart, hardware, made, numbers, small
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, CrossbarLinear, Hardware, Mapping, convert
from xbarsim.nn.feedforward import CrossbarConv2d
from xbarsim.nonideal import Chip, Drift, Fault, Faults, Nonidealities, ReadNoise, Variation

SPREAD = Nonidealities(r_off=2e4, variation=Variation(0.4))
PAIRS = replace(SPREAD, variation=Variation(0.4, shared="pair"))
STUCK = Nonidealities(faults=Faults(0.3), variation=Variation(0.2))
X = numbers(4, 9)


def linear(mapping, cells, *, bias_row=False, fidelity="ideal", **more):
    """Nine inputs and seven outputs on arrays of 4 x 3."""
    hw = hardware(mapping, 4, 3, cells=cells, fidelity=fidelity, **more)
    return CrossbarLinear.of(made(nn.Linear, 9, 7), hw, bias_row=bias_row)


def conv(mapping, cells, **more):
    hw = hardware(mapping, 4, 3, cells=cells, fidelity="ideal", **more)
    return CrossbarConv2d(made(nn.Conv2d, 4, 6, 2, groups=2), hw)


@pytest.mark.parametrize("make", [linear, conv])
@pytest.mark.parametrize(
    ("mapping", "slices"), [("differential", 1), ("differential", 3), ("reference", 2), ("offset", 2)]
)
def test_cells_of_one_weight_have_one_factor(make, mapping, slices):
    pairs = make(mapping, PAIRS, slices=slices).program(3)
    cells = make(mapping, SPREAD, slices=slices).program(3)
    factors = [factor for _, factor in pairs.known()]
    alone = [factor for _, factor in cells.known()]
    assert len(factors) == slices * (2 if mapping == "differential" else 1)
    for plane, own in zip(factors, alone, strict=True):
        assert np.array_equal(plane, alone[0]), "the first plane's draw, which is that of cells alone"
        assert np.array_equal(plane, own) is (own is alone[0])
    assert len(np.unique(alone[0])) == alone[0].size


@pytest.mark.parametrize("make", [linear, conv])
@pytest.mark.parametrize("slices", [1, 2])
def test_a_weight_is_multiplied_by_exp_of_its_theta(make, slices):
    """Eq. 5 of the paper, where HRS conducts too: t = w exp(theta)."""
    layer = make("differential", PAIRS, slices=slices).program(3)
    clean = make("differential", replace(SPREAD, variation=None), slices=slices).program(3)
    theta = np.log(layer.known()[0][1])
    assert 0.3 < theta.std() < 0.5
    expected = torch.cat(clean.effective_matrices(), dim=1) * torch.from_numpy(np.exp(theta))
    assert apart(torch.cat(layer.effective_matrices(), dim=1), expected) < 1e-12


@pytest.mark.parametrize("by", ["layer", "tile"])
def test_pairs_are_at_the_same_place_however_lines_are_arranged(by):
    rng = np.random.default_rng(1)
    layer = linear("differential", PAIRS, bias_row=True)
    if by == "layer":
        arrangement = Arrangement(rows=[rng.permutation(np.append(np.arange(10), [-1, -1]))], spare=2)
    else:
        sizes = [place.shape[0] for place in layer.places if place.plane == 0]
        arrangement = Arrangement(rows=[rng.permutation(size) for size in sizes], by="tile")
    layer.arrange(arrangement).program(3)
    for physical in (False, True):
        positive, negative = layer.known(physical=physical)
        assert np.array_equal(positive[1], negative[1])
    theta = np.log(layer.known()[0][1])
    clean = torch.cat([layer.weight.T, layer.bias[None]])
    assert apart(layer.effective_matrices()[0], clean * torch.from_numpy(np.exp(theta))) < 1e-12


@pytest.mark.parametrize("clustering", [0.0, 1.0])
def test_reference_columns_are_healthy_and_all_else_is_as_it_was(clustering):
    faults = Faults(0.4, clustering=clustering, along="columns")
    cells = replace(STUCK, faults=faults)
    stuck = linear("reference", cells).program(3)
    healthy = linear("reference", cells, reference_faults=False).program(3)
    references = []
    for tile in range(len(healthy.places)):
        before, after = stuck.chip.maps(tile), healthy.chip.maps(tile)
        assert np.array_equal(after.faults[:, :-1], before.faults[:, :-1])
        assert not after.faults[:, -1].any()
        assert np.array_equal(after.factor, before.factor), "references vary"
        references.append(before.faults[:, -1])
    assert np.concatenate(references).any()


def test_a_healthy_reference_leaves_the_weights_that_are_healthy_alone():
    cells = replace(STUCK, variation=None)
    layer = linear("reference", cells, reference_faults=False).program(3)
    faults = layer.known()[0][0]
    sound = torch.from_numpy(faults == Fault.HEALTHY)
    assert 0.5 < sound.double().mean() < 0.9
    assert apart(layer.effective_matrices()[0][sound], layer.weight.T[sound]) < 1e-12
    other = linear("reference", cells).program(3)
    assert apart(other.effective_matrices()[0][sound], layer.weight.T[sound]) > 0.1


def test_settings_together_and_with_other_effects():
    """Drift, noise and written cells go by the same maps."""
    cells = replace(PAIRS, faults=Faults(0.3), drift=Drift(0.05, 0.01), read_noise=ReadNoise(0.01))
    layer = linear("reference", cells, slices=2, reference_faults=False).program(3, time=5.0)
    first, second = layer.known()
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], second[0]), "faults are each cell's own"
    assert not any(layer.chip.maps(tile).faults[:, -1].any() for tile in range(len(layer.places)))
    layer.write()
    assert torch.isfinite(layer.at(50.0, compensate=True)(X)).all()


def test_references_of_several_planes_keep_factors_of_their_own():
    layer = linear("reference", PAIRS, slices=2).program(3)
    references = [layer.chip.maps(tile).factor[:, -1] for tile in range(len(layer.places))]
    whole = np.concatenate(references)
    assert len(np.unique(whole)) == whole.size


@pytest.mark.parametrize(("mapping", "more"), [("differential", {}), ("reference", {"reference_faults": False})])
def test_a_chip_that_is_handed_over_is_taken_as_it_is(mapping, more):
    cells = replace(STUCK, variation=PAIRS.variation)
    shapes = [place.shape for place in linear(mapping, cells, **more).places]
    drawn = Chip(STUCK, 9, shapes)
    measured = Chip(cells, 9, shapes, {tile: drawn.maps(tile) for tile in range(len(shapes))})
    layer = linear(mapping, cells, **more).program(chip=measured)
    assert layer.chip is measured
    assert any(drawn.maps(tile).faults[:, -1].any() for tile in range(len(shapes)))


def test_a_chip_alone_knows_no_pairs():
    with pytest.raises(InputError, match="a chip does not know which cells are one weight: program a layer"):
        Chip(PAIRS, 1, (4, 4)).maps()


def test_bad_words_are_refused():
    with pytest.raises(InputError, match=r"Variation.shared is 'weight': it must be one of cell, pair"):
        Variation(0.1, shared="weight")
    with pytest.raises(InputError, match=r"Mapping.reference_faults is 0: it must be True or False"):
        Mapping("reference", reference_faults=0)


def test_models_without_the_settings_are_called_what_they_were():
    """Chips in files are known by these letters, which were made before the settings were there."""
    spread = Variation(0.2, "gaussian")
    model = Nonidealities(r_on=2e3, faults=Faults(0.1), variation=spread, cycle_variation=Variation(0.1))
    assert Chip(model, 3, [(7, 5), (4, 5)]).made_for == "4f2692e495dc5f8f"
    text = Hardware(cells=model, mapping=Mapping("reference")).to_json()
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "8259915ca3bd96be"
    pair = replace(model, variation=replace(spread, shared="pair"))
    assert Chip(pair, 3, [(7, 5), (4, 5)]).made_for != "4f2692e495dc5f8f"
    whole = Hardware(cells=pair, mapping=Mapping("reference", reference_faults=False))
    assert Hardware.from_json(whole.to_json()) == whole


@pytest.mark.parametrize(
    "more",
    [
        {"cells": replace(STUCK, variation=Variation(0.2, shared="pair"))},
        {"mapping": Mapping("reference", reference_faults=False)},
    ],
)
def test_files_keep_them(tmp_path, more):
    plain = replace(IDEAL, cells=STUCK, mapping=Mapping("reference"))
    images = numbers(2, 3, 8, 8)
    new = replace(plain, mapping=Mapping("differential") if "cells" in more else plain.mapping)
    old = convert(small(), new).program(1)
    network = convert(small(), replace(new, **more)).program(1)
    network.save_chips(tmp_path / "chips.npz")
    twin = convert(small(), replace(new, **more)).load_chips(tmp_path / "chips.npz")
    assert torch.equal(twin(images), network(images))
    assert not torch.equal(old(images), network(images))
    with pytest.raises(
        InputError, match=r"hardware with (mapping|cells)\S+=(False|'pair'); this layer's has \S+=\(def"
    ):
        old.load_chips(tmp_path / "chips.npz")
    old.save_chips(tmp_path / "old.npz")
    with np.load(tmp_path / "old.npz") as file:
        about = json.loads(str(file["about"]))
        assert not {"shared", "reference_faults"} & set(str(about).replace("'", " ").split())
    with pytest.raises(InputError, match=r"hardware with \S+=\(default\); this layer's has \S+=(False|'pair')$"):
        twin.load_chips(tmp_path / "old.npz")
