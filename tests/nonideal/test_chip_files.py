"""Chips and fault maps in files of every kind: what was written is read, and what is damaged is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.nonideal import (
    Breaks,
    Chip,
    Drift,
    Fault,
    Faults,
    Nonidealities,
    Shorts,
    Variation,
    load_faults,
    save_faults,
)

MODEL = Nonidealities(
    faults=Faults(rate=0.2), variation=Variation(sigma=0.3), drift=Drift(nu=0.1), breaks=Breaks(0.2, 0.3),
    shorts=Shorts(0.2, 0.1),
)  # fmt: skip
SHAPES = [(4, 3), (2, 5), (1, 1)]
CHIP = Chip(MODEL, 42, SHAPES)
LIBRARIES = {".npz": "numpy", ".csv": "numpy", ".h5": "h5py", ".hdf5": "h5py", ".safetensors": "safetensors"}
MAP = CHIP.maps(0).faults


@pytest.mark.parametrize("ending", LIBRARIES)
def test_a_chip_comes_back(tmp_path, ending):
    pytest.importorskip(LIBRARIES[ending])
    path = tmp_path / f"chip{ending}"
    CHIP.save(path)
    loaded = Chip.load(path, model=MODEL, shapes=SHAPES)
    assert loaded == CHIP
    assert loaded.maps(1).nu.tobytes() == CHIP.maps(1).nu.tobytes(), "to the last bit"
    with pytest.raises(InputError, match="was made for a model with"):
        Chip.load(path, model=Nonidealities())


@pytest.mark.parametrize("ending", LIBRARIES)
def test_a_chip_without_effects_comes_back(tmp_path, ending):
    pytest.importorskip(LIBRARIES[ending])
    chip = Chip(Nonidealities(), 1, (2, 2))
    chip.save(tmp_path / f"chip{ending}")
    assert Chip.load(tmp_path / f"chip{ending}") == chip


def test_csv_has_a_heading_and_a_row_for_each_cell(tmp_path):
    CHIP.save(tmp_path / "chip.csv")
    about, heading, *rows = (tmp_path / "chip.csv").read_text().splitlines()
    assert about.startswith('# about {"format": "xbarsim chip"')
    assert heading == "tile,word,bit,bit_breaks,factor,faults,nu,word_breaks,word_shorts", "those that hold anything"
    assert len(rows) == 12 + 10 + 1
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(tmp_path / "chip.csv", comment="#")
    # pandas 2 reads the last bit of some numbers wrong.
    assert np.allclose(frame[frame.tile == 1].factor, CHIP.maps(1).factor.ravel(), rtol=3e-16, atol=0)


@pytest.mark.parametrize(("ending", "kind"), [(".h5", "HDF5"), (".safetensors", "safetensors"), (".npz", "NumPy")])
def test_a_damaged_file_is_refused(tmp_path, ending, kind):
    pytest.importorskip(LIBRARIES[ending])
    path = tmp_path / f"chip{ending}"
    CHIP.save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=f"damaged, or no {kind} file"):
        Chip.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.split("\n", 1)[1], "does not begin with '# about'"),
        (lambda text: text.replace("tile,word,bit", "a,b,c"), "chip.csv:2: chip has the heading 'a,b,c"),
        (lambda text: text.replace("\n0,0,1,", "\n0,zero,1,"), "chip.csv:4: chip is damaged: '0,zero,1"),
        (lambda text: text.replace("\n0,0,1,", "\n0,0,0,"), "chip is damaged: bit_breaks_0 has"),
        (lambda text: text.rsplit("\n", 3)[0], "chip"),
    ],
)
def test_damaged_csv_is_refused(tmp_path, change, message):
    path = tmp_path / "chip.csv"
    CHIP.save(path)
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=message):
        Chip.load(path)


@pytest.mark.parametrize("ending", LIBRARIES)
def test_a_fault_map_comes_back(tmp_path, ending):
    pytest.importorskip(LIBRARIES[ending])
    path = tmp_path / f"faults{ending}"
    save_faults(path, MAP)
    assert np.array_equal(load_faults(path, (4, 3)), MAP)


@pytest.mark.parametrize(
    "text",
    [
        "bit 0,bit 1\n0,1\n2,0\n",
        "# measured\na;b\nhealthy;lrs\nstuck_at_hrs;0\n",
        "row,col,fault\n0,1,1\n1,0,hrs\n",
        "word;bit;state\n1;0;2\n0;1;stuck-at-lrs\n",
        "0 1\n2 0\n",
    ],
)
def test_headings_and_lists_of_cells(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    expected = [[Fault.HEALTHY, Fault.STUCK_AT_LRS], [Fault.STUCK_AT_HRS, Fault.HEALTHY]]
    assert load_faults(tmp_path / "a.csv", (2, 2)).tolist() == expected


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("row,col,fault\n0,1,1\n", None, r"it lists cells, row, col and fault: give shape"),
        ("row,col,fault\n0,2,1\n", (2, 2), r"a.csv:2: there is no cell in row 0, column 2: the array is \(2, 2\)"),
        ("row,col,fault\n0,-1,1\n", (2, 2), "a.csv:2: '0,-1,1' is no cell"),
        ("row,col,fault\n0,1,on\n", (2, 2), "a.csv:2: '0,1,on' is no cell"),
        ("a,b\n", None, "fault map file is empty"),
        ("0,x\n1,0\n", None, "a.csv:1: row 0, column 1 is 'x'"),
    ],
)
def test_bad_fault_maps_are_refused(tmp_path, text, shape, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        load_faults(tmp_path / "a.csv", shape)


def test_what_is_no_fault_map_is_not_written(tmp_path):
    with pytest.raises(InputError, match="faults is 3 in row 0, column 1"):
        save_faults(tmp_path / "a.csv", [[0, 3]])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "module"), [(".h5", "h5py"), (".safetensors", "safetensors.numpy")])
def test_what_is_missing_is_said_with_what_to_install(monkeypatch, tmp_path, ending, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"need {module.split('.')[0]}: pip install 'xbarsim\[files\]'"):
        CHIP.save(tmp_path / f"chip{ending}")
    assert list(tmp_path.iterdir()) == []
