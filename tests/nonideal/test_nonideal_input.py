"""Every bad setting, argument and file is an InputError of one line that names it."""

import numpy as np
import pytest

from xbarsim import Crossbar
from xbarsim.errors import InputError
from xbarsim.nonideal import (
    Breaks,
    Chip,
    Drift,
    Faults,
    Levels,
    Nonidealities,
    ReadNoise,
    Shorts,
    Variation,
    WriteVerify,
    load_faults,
)  # fmt: skip

NAN, INF = float("nan"), float("inf")

SETTINGS = [
    (Faults, {"rate": 1.5}, "Faults.rate is 1.5: it must be at least 0 and at most 1"),
    (Faults, {"rate": -0.1}, "Faults.rate is -0.1"),
    (Faults, {"rate": NAN}, "Faults.rate is nan"),
    (Faults, {"rate": "10%"}, "Faults.rate is '10%': it must be a number"),
    (Faults, {"rate": True}, "Faults.rate is True: it must be a number"),
    (Faults, {"rate": None}, "Faults.rate is None"),
    (Faults, {"ocr": -1}, r"Faults.ocr is -1: it must be at least 0$"),
    (Faults, {"ocr": NAN}, "Faults.ocr is nan"),
    (Faults, {"clustering": 2}, "Faults.clustering is 2: it must be at least 0 and at most 1"),
    (Faults, {"along": "diagonals"}, "Faults.along is 'diagonals': it must be one of both, rows, columns, by_kind"),
    (Faults, {"length": 0}, "Faults.length is 0: it must be a whole number, at least 1"),
    (Faults, {"length": 2.5}, "Faults.length is 2.5"),
    (Faults, {"exact": 1}, "Faults.exact is 1: it must be True or False"),
    (Faults, {"exact": True, "clustering": 0.5}, "Faults.exact with clustering 0.5: only scattered cells"),
    (Faults, {"lrs_ohms": 0}, "Faults.lrs_ohms is 0: it must be above 0 and finite"),
    (Faults, {"lrs_ohms": INF}, "Faults.lrs_ohms is inf: it must be above 0 and finite"),
    (Faults, {"hrs_ohms": -5}, r"Faults.hrs_ohms is -5: it must be above 0$"),
    (Variation, {"sigma": -1}, "Variation.sigma is -1: it must be at least 0 and at most 10"),
    (Variation, {"sigma": 1.1, "kind": "gaussian"}, "Variation.sigma is 1.1: it must be at least 0 and at most 1"),
    (Variation, {"kind": "cauchy"}, "Variation.kind is 'cauchy': it must be one of lognormal, gaussian"),
    (Variation, {"of": "current"}, "Variation.of is 'current'"),
    (Variation, {"floor": 0}, "Variation.floor is 0: it must be above 0 and at most 0.99"),
    (Levels, {"count": 1}, "Levels.count is 1: it must be a whole number, at least 2"),
    (Levels, {"count": 4.0}, "Levels.count is 4.0"),
    (Levels, {"spacing": "linear"}, "Levels.spacing is 'linear': it must be one of conductance, resistance, log"),
    (WriteVerify, {"tolerance": 0}, "WriteVerify.tolerance is 0: it must be above 0 and at most 1"),
    (WriteVerify, {"max_pulses": 0}, "WriteVerify.max_pulses is 0"),
    (WriteVerify, {"step": 1.5}, "WriteVerify.step is 1.5"),
    (WriteVerify, {"shrink": 0}, "WriteVerify.shrink is 0"),
    (WriteVerify, {"noise": -1}, "WriteVerify.noise is -1"),
    (WriteVerify, {"of": "rows"}, "WriteVerify.of is 'rows'"),
    (Drift, {"nu": 2}, "Drift.nu is 2: it must be at least -1 and at most 1"),
    (Drift, {"nu_sigma": -0.1}, "Drift.nu_sigma is -0.1"),
    (Drift, {"t0": 0}, "Drift.t0 is 0: it must be above 0 and finite"),
    (ReadNoise, {"sigma": NAN}, "ReadNoise.sigma is nan"),
    (ReadNoise, {"kind": "pink"}, "ReadNoise.kind is 'pink'"),
    (Breaks, {"word_rate": 1.01}, "Breaks.word_rate is 1.01"),
    (Breaks, {"bit_rate": "a"}, "Breaks.bit_rate is 'a'"),
    (Shorts, {"word_rate": -1}, "Shorts.word_rate is -1"),
    (Shorts, {"bit_rate": 7}, "Shorts.bit_rate is 7"),
    (Shorts, {"ohms": 0}, "Shorts.ohms is 0: it must be above 0 and finite"),
    (Nonidealities, {"r_on": 0}, "Nonidealities.r_on is 0: it must be above 0 and finite"),
    (Nonidealities, {"r_on": 2e6}, r"Nonidealities.r_off is 1e\+06: it must be above 2e\+06$"),
    (Nonidealities, {"r_off": NAN}, "Nonidealities.r_off is nan"),
    (Nonidealities, {"faults": 0.1}, r"Nonidealities.faults is 0.1: it must be Faults\(...\) or None"),
    (Nonidealities, {"drift": Breaks()}, r"Nonidealities.drift is Breaks\(.*\): it must be Drift"),
    (Nonidealities, {"r_off": INF, "levels": Levels(4, "log")}, "Levels.spacing is 'log': it needs a finite r_off"),
    (Nonidealities, {"write_verify": WriteVerify(), "cycle_variation": Variation()}, "cycle_variation is of blind"),
    (Nonidealities, {"faults": Faults(hrs_ohms=10.0)}, "Faults.hrs_ohms is 10: it must be at least .* 1000 ohm"),
]  # fmt: skip


def refused(said):
    return pytest.raises(InputError, match=rf"^[^\n]*{said}[^\n]*\Z")


@pytest.mark.parametrize(("kind", "settings", "said"), SETTINGS, ids=lambda one: str(one)[:40])
def test_settings(kind, settings, said):
    with refused(said.removesuffix("$")):
        kind(**settings)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"fault": {}}, "Nonidealities has no setting 'fault': it has r_on, r_off, faults"),
        ({"faults": {"rates": 0.1}}, "Faults has no setting 'rates': it has rate, ocr"),
        ({"faults": {"rate": 2}}, "Faults.rate is 2"),
        ({"faults": 0.1}, "Faults is made from 0.1: give its settings by name"),
        ([], r"Nonidealities is made from \[\]"),
        ({"r_on": "inf"}, "Nonidealities.r_on is inf"),
        ({"r_on": "1k"}, "Nonidealities.r_on is '1k': it must be a number"),
    ],
)
def test_dictionaries(record, said):
    with refused(said):
        Nonidealities.from_dict(record)


def test_rates_that_are_no_rates():
    for rates in ((0.6, 0.6), (-0.1, 0.0), (0.0, NAN), ("a", 0.0)):
        with pytest.raises(InputError, match="rate"):
            Faults.of_rates(*rates)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (1, 2, 3), 5, "ab", (2.5, 3), None, []])
def test_shapes(shape):
    with refused("shape"):
        Faults(0.1).map(shape, 0)
    with refused("shape"):
        Chip(Nonidealities(), 0, shape)


CHIP = Chip(Nonidealities(1e3, 1e6, drift=Drift(0.1, t0=20.0), read_noise=ReadNoise(0.1)), 0, [(2, 3), (3, 2)])
TARGET = np.full((2, 3), 5e-4)
DONE = CHIP.apply(TARGET)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Chip(Faults(), 0, (2, 3)), r"model is Faults\(.*\): it must be Nonidealities"),
        (lambda: Chip(Nonidealities(), -1, (2, 3)), "seed is -1"),
        (lambda: Chip(Nonidealities(), 0, (2, 3), {0: CHIP.maps(1)}), r"maps of tile 0 have shape \(3, 2\): the tile"),
        (lambda: Chip(Nonidealities(), 0, (2, 3), {1: CHIP.maps(1)}), "tile is 1: the chip has 1, numbered from 0"),
        (lambda: CHIP.maps(2), "tile is 2: the chip has 2, numbered from 0"),
        (lambda: CHIP.maps(True), "tile is True"),
        (lambda: CHIP.maps(-1), "tile is -1"),
        (lambda: CHIP.with_faults(np.zeros((3, 2))), r"faults has shape \(3, 2\): it must be \(2, 3\)"),
        (lambda: CHIP.with_faults([[0, 1, 2], [0, 0, 3]]), "faults is 3 in row 1, column 2: it must be 0 healthy"),
        (lambda: CHIP.with_faults([[0, 1, 2], [0, 0.5, 1]]), "faults is 0.5 in row 1, column 1"),
        (lambda: CHIP.with_faults([["a", "b", "c"]] * 2), "faults holds <U1"),
        (lambda: CHIP.apply(np.full((3, 2), 5e-4)), r"target has shape \(3, 2\): the tile is 2 x 3"),
        (lambda: CHIP.apply([[5e-4, 5e-4, 2e-3]] * 2), r"target\[0, 2\] is 0.002 S: .* = 1e-06 S and 1/r_on = 0.001 S"),
        (lambda: CHIP.apply([[5e-4] * 3, [5e-4, 0.0, 5e-4]]), r"target\[1, 1\] is 0 S"),
        (lambda: CHIP.apply([[5e-4] * 3, [5e-4, NAN, 5e-4]]), r"target\[1, 1\] is nan"),
        (lambda: CHIP.apply([[5e-4] * 3, [5e-4, -1e-4, 5e-4]]), r"target\[1, 1\] is -0.0001"),
        (lambda: CHIP.apply(TARGET, cells=TARGET > 0), "cells without start"),
        (lambda: CHIP.apply(TARGET, start=DONE, cells=[[1, 0, 1]] * 2), r"cells is int64 of shape \(2, 3\): it must"),
        (lambda: CHIP.apply(TARGET, start=DONE, cells=TARGET.T > 0), r"cells is bool of shape \(3, 2\)"),
        (lambda: CHIP.apply(TARGET.T, 1, start=DONE), r"start is of tile 0, \(2, 3\): this is tile 1, \(3, 2\)"),
        (lambda: CHIP.read(DONE, time=1.0), "time is 1 s: the law holds from t0, 20 s, on"),
        (lambda: CHIP.read(DONE, time=NAN), "time is nan"),
        (lambda: CHIP.read(DONE, time=[30.0, 40.0]), r"time has shape \(2,\)"),
        (lambda: CHIP.read(DONE, read=-1), "count is -1"),
        (lambda: CHIP.read(DONE, read=0.5), "count is 0.5: it must be a whole number"),
        (lambda: CHIP.crossbar(Crossbar(TARGET.T)), r"crossbar is \(3, 2\): tile 0 is \(2, 3\)"),
    ],
)  # fmt: skip
def test_arguments(call, said):
    with refused(said):
        call()


def test_targets_may_miss_the_range_by_rounding():
    done = CHIP.apply([[1.0 / 1e3 * (1.0 + 1e-12), 1e-6 * (1.0 - 1e-12), 5e-4]] * 2)
    assert done.conductance[0].tolist() == [1e-3, 1e-6, 5e-4]


MEASURED = np.array([[0, 1, 2], [2, 0, 0]])


@pytest.mark.parametrize(
    "text",
    [
        "0,1,2\n2,0,0\n",
        "\ufeff0;1;2\r\n2;0;0",
        "# measured\n\nhealthy lrs HRS\nstuck-at-HRS 0 Healthy  # second row\n",
        "0\tStuck_at_LRS\t2\n2\t0\t0\n",
    ],
)
def test_fault_maps_as_text(tmp_path, text):
    path = tmp_path / "faults.csv"
    path.write_text(text, "utf-8")
    found = load_faults(path, (2, 3))
    assert found.dtype == np.int8
    assert np.array_equal(found, MEASURED)


def test_fault_maps_as_arrays(tmp_path):
    np.save(tmp_path / "a.npy", MEASURED)
    np.savez(tmp_path / "b.npz", MEASURED.astype(float))
    np.savez(tmp_path / "c.npz", other=np.zeros(3), faults=MEASURED.astype(np.uint8))
    for name in ("a.npy", "b.npz", "c.npz"):
        assert np.array_equal(load_faults(tmp_path / name), MEASURED)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,1\n2,3\n", "faults.csv:2: row 1, column 1 is '3': it must be 0 or healthy, 1 or lrs, 2 or hrs"),
        ("# c\n0,1\n\n2,SA0\n", "faults.csv:4: row 1, column 1 is 'SA0'"),
        ("0,,1\n", "faults.csv:1: row 0, column 1 is ''"),
        ("0,1\n2\n", "faults.csv:2: row 1 has 1 cells and row 0 has 2"),
        ("# nothing\n", "fault map file is empty"),
        ("0 1\n1 1\n", r"the fault map has shape \(2, 2\): it must be \(2, 3\)"),
    ],
)
def test_bad_fault_text(tmp_path, text, said):
    path = tmp_path / "faults.csv"
    path.write_text(text)
    with refused(said):
        load_faults(path, (2, 3))


def test_bad_fault_files(tmp_path):
    def saved(name, **arrays):
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    Chip(Nonidealities(), 0, (2, 2)).save(tmp_path / "chip.npz")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bytes.npy").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "both_ways.csv").write_text("SA0,SA1\n0,0\n")
    for path, said in (
        (tmp_path / "none.csv", "none.csv: fault map: there is no such file"),
        (tmp_path / "none.npy", "none.npy: fault map: there is no such file"),
        (tmp_path, "fault map: it is a folder"),
        (tmp_path / "bytes.csv", "fault map is neither text nor .npy nor .npz"),
        (tmp_path / "bytes.npy", "fault map is damaged, or no NumPy file"),
        (tmp_path / "both_ways.csv", "both_ways.csv:1: SA0 and SA1 are used both ways, at LRS and at HRS: write lrs"),
        (tmp_path / "chip.npz", "this is a saved chip, not a fault map: read it by Chip.load"),
        (saved("two.npz", a=MEASURED, b=MEASURED), "it holds a, b: call the fault map faults"),
        (saved("wrong.npz", faults=MEASURED + 1), "is 3 in row 0, column 2: it must be 0 healthy"),
        (saved("line.npz", faults=np.zeros(3)), r"has shape \(3,\): it must be \(rows, cols\)"),
        (saved("words.npz", faults=np.array([["a"]])), "holds <U1: it must be numbers"),
        (saved("objects.npz", faults=np.array([[None]])), "fault map is damaged, or no NumPy file"),
    ):
        with refused(said):
            load_faults(path)
