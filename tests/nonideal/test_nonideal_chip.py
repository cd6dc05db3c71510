"""A chip is a seed: the same one everywhere; each effect its own stream; saved, loaded and drawn."""

import doctest
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from cli_tools import ROOT, environment

import xbarsim.nonideal
from xbarsim.errors import InputError
from xbarsim.nonideal import (
    Breaks,
    Chip,
    Drift,
    Faults,
    Levels,
    Maps,
    Nonidealities,
    ReadNoise,
    Shorts,
    Variation,
    WriteVerify,
    make_maps,
)  # fmt: skip

MODEL = Nonidealities(
    r_on=2e3,
    r_off=2e5,
    faults=Faults(0.1, 5.0, clustering=0.5, length=6),
    variation=Variation(0.2, "gaussian", "resistance"),
    levels=Levels(32, "log"),
    write_verify=WriteVerify(0.02, noise=0.3),
    drift=Drift(0.05, 0.01),
    read_noise=ReadNoise(0.02),
    breaks=Breaks(0.01, 0.02),
    shorts=Shorts(0.005, 0.01),
)
SHAPES = [(12, 9), (7, 16), (1, 5), (5, 1)]
NAMES = ("faults", "factor", "nu", "word_breaks", "bit_breaks", "word_shorts", "bit_shorts")


def digest(chip):
    """Everything that a chip is and does, as one word."""
    found = hashlib.sha256()
    for tile, (rows, cols) in enumerate(chip.shapes):
        maps = chip.maps(tile)
        done = chip.apply(np.linspace(5e-6, 5e-4, rows * cols).reshape(rows, cols), tile, write=3)
        for array in [*(getattr(maps, name) for name in NAMES), done.conductance, done.pulses, chip.read(done, read=2)]:
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def test_examples_in_the_docs():
    assert doctest.testmod(xbarsim.nonideal).failed == 0


def test_examples_in_the_guide():
    guide = ROOT / "docs" / "nonideal.md"
    if not guide.exists():
        pytest.skip("a checkout without docs")
    done = doctest.testfile(str(guide), module_relative=False)
    assert (done.failed, done.attempted > 10) == (0, True)


@pytest.mark.slow
def test_same_seed_same_chip_in_another_process():
    code = (
        "import sys; sys.path[:0] = ['tests', 'tests/nonideal']; from test_nonideal_chip import *;"
        "print(digest(Chip(Nonidealities.from_dict(json.loads(sys.argv[1])), 42, SHAPES)))"
    )
    run = [sys.executable, "-c", code, json.dumps(MODEL.to_dict())]
    env = environment(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    out = subprocess.run(run, capture_output=True, text=True, check=True, env=env, timeout=120).stdout
    assert out.strip() == digest(Chip(MODEL, 42, SHAPES))


def test_order_and_threads_do_not_matter():
    one, other = Chip(MODEL, 42, SHAPES), Chip(MODEL, 42, SHAPES)
    backwards = [one.maps(tile) for tile in reversed(range(4))][::-1]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(other.maps, [0, 1, 2, 3] * 8))
    for tile in range(4):
        assert make_maps(MODEL, SHAPES[tile], 42, tile) == backwards[tile] == together[tile] == together[tile + 28]
    assert one == other
    assert digest(one) == digest(other)


def test_other_seeds_and_tiles_differ():
    maps = [Chip(MODEL, seed, [(20, 20)] * 2).maps(tile) for seed in (0, 1) for tile in (0, 1)]
    for name in NAMES:
        assert len({getattr(one, name).tobytes() for one in maps}) == 4


@pytest.mark.parametrize("name", ["faults", "variation", "drift", "breaks", "shorts"])
def test_an_effect_leaves_the_others_as_they_are(name):
    """Switched off, or set otherwise, its own maps change and no other's."""
    whole = make_maps(MODEL, (30, 30), 9)
    without = make_maps(replace(MODEL, **{name: None}), (30, 30), 9)
    alone = make_maps(Nonidealities(**{name: getattr(MODEL, name)}), (30, 30), 9)
    own = {"faults": ["faults"], "variation": ["factor"], "drift": ["nu"]}.get(name, [f"word_{name}", f"bit_{name}"])
    for one in NAMES:
        assert np.array_equal(getattr(whole, one), getattr(without, one)) != (one in own)
        assert np.array_equal(getattr(whole, one), getattr(alone, one)) == (one in own)


def test_maps_are_independent_of_each_other():
    maps = make_maps(MODEL, (200, 200), 5)
    fields = [np.asarray(getattr(maps, name)[:199, :199], dtype=float).ravel() for name in NAMES]
    r = np.corrcoef(fields) - np.eye(len(fields))
    # Clusters of up to 6 cells leave at least a sixth of the cells as independent ones.
    assert np.abs(r).max() < 5.0 * np.sqrt(6.0) / 199.0


def test_maps_are_frozen():
    maps = Chip(MODEL, 1, (4, 4)).maps()
    for name in NAMES:
        with pytest.raises(ValueError, match="read-only"):
            getattr(maps, name)[0, 0] = 1


@pytest.mark.parametrize(
    "model", [MODEL, Nonidealities(), Nonidealities(r_off=np.inf, faults=Faults(0.1, np.inf))], ids=str
)
def test_settings_as_json(model):
    text = json.dumps(model.to_dict(), allow_nan=False)
    assert Nonidealities.from_dict(json.loads(text)) == model
    assert hash(Nonidealities.from_dict(json.loads(text))) == hash(model)


def test_settings_that_are_left_out_have_their_defaults():
    assert Nonidealities.from_dict({"faults": {"rate": 0.1}, "r_on": 500}) == Nonidealities(500.0, faults=Faults(0.1))
    assert Nonidealities.from_dict({}) == Nonidealities()
    assert Faults(np.float32(0.5), np.int64(2)) == Faults(0.5, 2.0)
    assert type(Faults(np.float32(0.5)).rate) is float


def test_round_trip(tmp_path):
    measured = np.zeros((7, 16), dtype=np.int8)
    measured[3, 4], measured[6, 15] = 1, 2
    chip = Chip(MODEL, 42, SHAPES).with_faults(measured, 1)
    chip.save(tmp_path / "chip.npz")
    loaded = Chip.load(tmp_path / "chip.npz", model=MODEL, shapes=SHAPES)
    assert loaded == chip
    assert loaded != Chip(MODEL, 42, SHAPES)
    assert np.array_equal(loaded.maps(1).faults, measured)
    assert digest(loaded) == digest(chip)
    assert (loaded.made_for, repr(loaded)) == (chip.made_for, repr(chip))
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "chip.npz").read_bytes()


def test_a_loaded_chip_keeps_its_maps_and_does_not_draw_them(tmp_path):
    """Maps that no seed would give, as of a chip that an earlier version drew or that was measured."""
    blank = make_maps(Nonidealities(), (3, 2), 0)
    maps = Maps(blank.faults, blank.factor * 1.5, blank.nu + 0.1, *(getattr(blank, name) for name in NAMES[3:]))
    Chip(Nonidealities(), 0, (3, 2), {0: maps}).save(tmp_path / "chip.npz")
    assert Chip.load(tmp_path / "chip.npz").maps() == maps


def test_maps_of_effects_that_are_off_take_no_room(tmp_path):
    Chip(Nonidealities(drift=Drift(0.1)), 0, SHAPES).save(tmp_path / "chip.npz")
    with np.load(tmp_path / "chip.npz") as file:
        assert file.files == ["about", "nu_0", "nu_1", "nu_2", "nu_3"]
    assert Chip.load(tmp_path / "chip.npz") == Chip(Nonidealities(drift=Drift(0.1)), 0, SHAPES)


def test_fingerprints_tell_kinds_apart_not_chips():
    chip = Chip(MODEL, 1, SHAPES)
    assert chip.made_for == Chip(MODEL, 2, SHAPES).made_for
    assert chip.made_for != Chip(MODEL, 1, SHAPES[:3]).made_for
    assert chip.made_for != Chip(replace(MODEL, r_on=1e3), 1, SHAPES).made_for


def repacked(path, **changes):
    """Rewrite a saved chip with other arrays, or another description."""
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"])) | changes.pop("about", {})
    np.savez(path, **(arrays | {"about": np.array(json.dumps(about))} | changes))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"about": {"version": 2}}, "it has version 2, and this xbarsim reads up to 1: update it"),
        ({"about": {"version": "x"}}, "it has no chip that xbarsim saved"),
        ({"about": {"format": "other"}}, "it has no chip that xbarsim saved"),
        ({"about": {"seed": 1.5}}, "the chip is damaged: seed is 1.5"),
        ({"about": {"shapes": [[3, 3]]}}, "the chip is damaged: faults_0 is int8 of shape"),
        ({"about": {"shapes": 3}}, "the chip is damaged"),
        ({"about": {"model": {"r_on": 5.0}}}, "the chip is damaged: its description is not what it was"),
        ({"about": {"model": {"spin": 5.0}}}, "the chip is damaged: Nonidealities has no setting 'spin'"),
        ({"faults_0": np.full((12, 9), 3, dtype=np.int8)}, "faults_0 is 3 in row 0, column 0"),
        ({"faults_0": np.zeros((12, 9))}, "faults_0 is float64 of shape"),
        ({"factor_1": np.full((7, 16), np.nan)}, "factor_1 holds a number that it cannot hold"),
        ({"factor_1": np.full((7, 16), -1.0)}, "factor_1 holds a number that it cannot hold"),
    ],
)
def test_files_that_are_not_taken(tmp_path, change, said):
    path = tmp_path / "chip.npz"
    Chip(MODEL, 42, SHAPES).save(path)
    repacked(path, **change)
    with pytest.raises(InputError, match=said) as caught:
        Chip.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_files(tmp_path):
    path = tmp_path / "chip.npz"
    Chip(MODEL, 42, SHAPES).save(path)
    whole = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        inside = archive.getinfo("factor_0.npy").header_offset + 120
    flipped = bytearray(whole)
    flipped[inside] ^= 255
    for data in (b"", b"PK", whole[:100], whole[: len(whole) // 2], bytes(flipped), b"not a zip file at all"):
        path.write_bytes(data)
        with pytest.raises(InputError, match="chip is damaged, or no NumPy file"):
            Chip.load(path)
    with pytest.raises(InputError, match="chip: there is no such file"):
        Chip.load(tmp_path / "none.npz")
    with pytest.raises(InputError, match="it is a folder"):
        Chip.load(tmp_path)
    np.savez(path, faults=np.zeros((2, 2)))
    with pytest.raises(InputError, match="it has no chip that xbarsim saved"):
        Chip.load(path)


def test_another_models_chip_is_named(tmp_path):
    path = tmp_path / "chip.npz"
    Chip(MODEL, 42, SHAPES).save(path)
    other = replace(MODEL, levels=None, r_on=1e3)
    with pytest.raises(
        InputError, match=r"made for a model with r_on=2000.0, levels=Levels\(.*\), not for r_on=1000.0, levels=None"
    ):
        Chip.load(path, model=other)
    with pytest.raises(InputError, match=r"has arrays of 12 x 9, 7 x 16, 1 x 5 and 1 more, not of 12 x 9"):
        Chip.load(path, shapes=(12, 9))


def test_saving_is_whole_or_not_at_all(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        Chip(MODEL, 42, SHAPES).save(tmp_path / "none" / "chip.npz")
    with pytest.raises(InputError, match="is a folder"):
        Chip(MODEL, 42, SHAPES).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("model", [MODEL, Nonidealities(), replace(MODEL, drift=None)], ids=["all", "none", "three"])
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_pictures(tmp_path, model, suffix):
    pytest.importorskip("matplotlib")
    chip, paths = Chip(model, 42, SHAPES), [tmp_path / f"{k}{suffix}" for k in range(4)]
    for tile, path in enumerate(paths):
        chip.draw(path, tile)
        assert path.stat().st_size > 5000
    if suffix == ".svg" and model is MODEL:
        text = paths[1].read_text()
        for words in ("chip 42, tile 1 of 4, 7 x 16 cells", "Stuck cells", "Drift exponent", "Damaged lines"):
            assert words in text
    with pytest.raises(InputError, match="must end in"):
        chip.draw(tmp_path / "chip.txt")


@pytest.mark.parametrize("time", [None, 1e3])
def test_the_slope_of_a_read_is_its_change_over_its_targets(time):
    """What gradients through cells rest on; blind writes alone are linear in their targets."""
    model = Nonidealities(
        r_on=1e3,
        r_off=1e5,
        faults=Faults(rate=0.2),
        variation=Variation(sigma=0.3),
        drift=Drift(nu=0.05, nu_sigma=0.02),
    )
    chip, step = Chip(model, 5, (7, 4)), 1e-6
    target = np.random.default_rng(0).uniform(1e-4, 8e-4, (7, 4))
    low, high = (chip.apply(target + shift) for shift in (0.0, step))
    change = (chip.read(high, time=time) - chip.read(low, time=time)) / step
    np.testing.assert_allclose(chip.slope(low, time=time), change, rtol=1e-9)
