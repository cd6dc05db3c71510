"""Tiles that are written and read together are, bit for bit, those that are written and read one by one."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.nonideal import Breaks, Chip, Drift, Faults, Levels, Nonidealities, ReadNoise, Variation
from xbarsim.nonideal import chip as chip_module

EFFECTS = {
    "faults": Faults(0.3),
    "variation": Variation(0.4, of="resistance"),
    "cycle_variation": Variation(0.2, kind="gaussian"),
    "levels": Levels(5),
    "drift": Drift(nu=0.1, nu_sigma=0.05),
    "read_noise": ReadNoise(0.1),
    "breaks": Breaks(0.2),
}
SHAPES = ((5, 3), (2, 4), (5, 3), (5, 3))
TILES = (3, 0, 2)


def targets(model, seed=0):
    shares = np.random.default_rng(seed).uniform(0.0, 1.0, (len(TILES), *SHAPES[TILES[0]]))
    shares[0, 0] = 0.0
    return model.g_off + (model.g_on - model.g_off) * shares


@pytest.mark.parametrize(
    "names", [(), *itertools.combinations(EFFECTS, 1), *itertools.combinations(EFFECTS, 2), (*EFFECTS,)]
)
@pytest.mark.parametrize("r_off", [1e6, np.inf])
def test_a_stack_is_its_tiles(names, r_off):
    model = Nonidealities(r_off=r_off, **{name: EFFECTS[name] for name in names})
    time = 50.0 if model.drift else None
    together, alone = Chip(model, 7, SHAPES), Chip(model, 7, SHAPES)
    asked = targets(model)
    stack = together.stack(TILES)
    goals = stack.goals(asked)
    written = stack.after_write(goals, 2)
    seen, slopes = stack.read(written, read=4, time=time), stack.slopes(goals, written, time=time)
    for k, tile in enumerate(TILES):
        array = alone.apply(asked[k], tile, write=2)
        np.testing.assert_array_equal(goals[k], array.target)
        np.testing.assert_array_equal(written[k], array.conductance)
        np.testing.assert_array_equal(seen[k], alone.read(array, read=4, time=time))
        np.testing.assert_array_equal(slopes[k], alone.slope(array, time=time))
    assert len({part.tobytes() for part in seen}) == len(TILES), "tiles differ, so that a wrong order is seen"


def test_maps_that_were_measured_count_whatever_the_model_says():
    """Faults, and one factor for all cells, which is stored as a single number."""
    model = Nonidealities()
    chip = Chip(model, 0, SHAPES).with_faults(np.eye(5, 3, dtype=np.int8), 2)
    halved = replace(chip.maps(0), factor=np.broadcast_to(0.5, (5, 3)))
    chip = Chip(model, 0, SHAPES, {0: halved, 2: chip.maps(2)})
    asked = targets(model)
    written = chip.stack(TILES).after_write(chip.stack(TILES).goals(asked), 0)
    for k, tile in enumerate(TILES):
        np.testing.assert_array_equal(written[k], chip.apply(asked[k], tile).conductance)
    np.testing.assert_array_equal(written[1], 0.5 * asked[1])
    np.testing.assert_array_equal(np.diag(written[2][:3]), model.stuck_lrs)


def test_a_target_out_of_range_is_named():
    model = Nonidealities()
    asked = targets(model)
    asked[1, 4, 2] = 2.0 * model.g_on
    with pytest.raises(InputError, match=r"target\[4, 2\] is 0.002 S"):
        Chip(model, 0, SHAPES).stack(TILES).goals(asked)


def test_arrays_of_a_shape_without_effects_share_their_maps():
    plain = Chip(Nonidealities(levels=Levels(3), read_noise=ReadNoise(0.1)), 0, SHAPES)
    assert plain.maps(0) is plain.maps(2) is Chip(Nonidealities(), 1, (5, 3)).maps(0)
    varied = Chip(Nonidealities(variation=Variation(0.1)), 0, SHAPES)
    assert varied.maps(0) is varied.maps(0)
    assert varied.maps(0) != varied.maps(2)


def test_a_large_chip_forgets_what_it_can_make_again(monkeypatch):
    """Measured maps stay; of the others the latest few do, and all are the same however often they are made."""
    model = Nonidealities(variation=Variation(0.3))
    shapes = [(5, 3)] * 4
    whole = Chip(model, 1, shapes)
    expected = [whole.maps(tile) for tile in range(4)]
    monkeypatch.setattr(chip_module, "MOST_DRAWN", 30)
    small = Chip(model, 1, shapes, {0: replace(expected[0], factor=np.full((5, 3), 2.0))})
    for _ in range(2):
        for tile in (1, 2, 3):
            assert small.maps(tile) == expected[tile]
        assert len(small._drawn) == 2
        assert (small.maps(0).factor == 2.0).all()
    assert small.maps(3) is small.maps(3)
    other = small.of_kind(replace(model, read_noise=ReadNoise(0.1)))
    assert (other.model.read_noise, other.maps(2)) == (ReadNoise(0.1), expected[2])
    assert (other.maps(0).factor == 2.0).all()
