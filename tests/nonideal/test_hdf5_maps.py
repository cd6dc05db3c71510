"""Fault maps in HDF5: what holds none, and what is damaged, is refused by its name."""

from __future__ import annotations

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.nonideal import load_faults

h5py = pytest.importorskip("h5py")

MAP = np.array([[0, 1], [2, 0]])


def write(path, **contents):
    with h5py.File(path, "w") as file:
        for name, content in contents.items():
            file[name] = content


BAD = [
    ({"a": MAP, "b": MAP}, "it holds a, b: call the fault map faults"),
    ({"faults": MAP[:1]}, r"the fault map has shape \(1, 2\): it must be \(2, 2\)"),
    ({"faults": "hello"}, r"the fault map has shape \(\)"),
    ({"faults": MAP + 0.5}, "the fault map is 0.5 in row 0, column 0"),
    ({"group/faults": MAP}, "fault map has groups alone, group: put its arrays at the top"),
    ({}, "it holds nothing: call the fault map faults"),
]


@pytest.mark.parametrize(("contents", "message"), BAD)
def test_files_that_hold_no_map_are_refused(tmp_path, contents, message):
    write(tmp_path / "map.h5", **contents)
    with pytest.raises(InputError, match=rf"map\.h5: {message}"):
        load_faults(tmp_path / "map.h5", (2, 2))


def test_a_file_that_says_it_is_larger_than_memory_is_refused(tmp_path):
    with h5py.File(tmp_path / "map.h5", "w") as file:
        file.create_dataset("faults", (10**7, 10**7), "i8")
    with pytest.raises(InputError, match=r"map\.h5: fault map is larger than memory"):
        load_faults(tmp_path / "map.h5")


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_files_that_are_cut_short_are_refused(tmp_path, share):
    path = tmp_path / "map.h5"
    write(path, faults=MAP)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"map\.h5: fault map is damaged, or no HDF5 file"):
        load_faults(path)


def test_text_by_the_name_of_hdf5_is_refused(tmp_path):
    (tmp_path / "map.h5").write_text("0,1\n1,0\n")
    with pytest.raises(InputError, match=r"map\.h5: fault map is damaged, or no HDF5 file"):
        load_faults(tmp_path / "map.h5")
