"""A study's tables in place of its file: the same trials and the same messages."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from xbarsim import study
from xbarsim.errors import InputError
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.study_file import read

TEXT = """
[margin]
size = 3
scheme = "half"
device = "sinh"
v0 = 0.1
cell = [2, 0]
[sweep]
wire = [1.0, 9.0]
read_voltage = [0.25, 0.5]
[quick.sweep]
wire = [1.0]
"""


def tables():
    return tomllib.loads(TEXT)


def keys(source, **options):
    return [trial.key for trial in OpenStudy(read(source, **options), Path("unused.sqlite")).trials]


@pytest.mark.parametrize("quick", [False, True])
def test_tables_are_the_study_that_their_file_is(tmp_path, quick):
    path = tmp_path / "study.toml"
    path.write_text(TEXT)
    assert keys(tables(), quick=quick) == keys(path, quick=quick)
    assert len(keys(tables(), quick=quick)) == (2 if quick else 4)


def test_values_may_be_as_python_has_them():
    """Tuples and arrays are arrays, numpy's numbers are numbers: trials are known by what they say."""
    record = tables()
    record["margin"] |= {"size": np.int64(3), "v0": np.float64(0.1), "cell": (np.int8(2), 0)}
    record["sweep"] = {"wire": np.array([1.0, 9.0]), "read_voltage": (0.25, np.float32(0.5))}
    assert keys(record) == keys(tables())
    assert record["margin"]["cell"] == (2, 0), "what is handed over stays as it is"


def test_paths_begin_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("curve.csv").write_text("-1 -1e-6\n0 0\n1 3e-6\n")
    record = {"margin": {"size": 2, "scheme": "half", "device": "table", "curve": Path("curve.csv")}}
    (trial,) = OpenStudy(read(record), Path("unused.sqlite")).trials
    assert list(trial.places.values()) == [str(tmp_path / "curve.csv")]


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        ("margin", {"shceme": "half"}, r"^study: margin\.shceme: there is no such key: did you mean scheme\?$"),
        ("margin", {"v0": None}, r"^study: margin\.v0: it is None, and must be a number, a text, true or false$"),
        ("margin", {"v0": {1.0}}, r"^study: margin\.v0: it is \{1\.0\}, and must be a number, a text"),
        ("margin", {3: 1.0}, r"^study: 3 is no key: keys are texts$"),
        ("sweep", {"wire": []}, r"^study: sweep\.wire: "),
    ],
)
def test_what_is_wrong_in_tables_is_one_line_with_its_key(table, changes, words):
    record = tables()
    record[table] |= changes
    with pytest.raises(InputError, match=words):
        keys(record)


def test_tables_in_themselves_are_refused():
    record = tables()
    record["margin"]["v0"] = record
    with pytest.raises(InputError, match=r"^study: arrays or tables stand in one another too deeply$"):
        read(record)


def test_tables_without_a_store_are_refused():
    with pytest.raises(InputError, match=r"^store is None: a study that is no file has none beside it: run\(study, "):
        study.run(tables())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are not started there")
def test_tables_run_and_are_there_before_for_their_file(tmp_path):
    store = tmp_path / "study.sqlite"
    tally = study.run(tables(), store, quick=True, jobs=1)
    assert (tally.answered, tally.failed) == (2, 0)
    (tmp_path / "study.toml").write_text(TEXT)
    tally = study.run(tmp_path / "study.toml", jobs=1)
    assert (tally.before, tally.answered) == (2, 2)


@pytest.mark.parametrize("call", [study.read, study.run])
def test_what_is_no_study_at_all_is_said(call):
    with pytest.raises(InputError, match=r"^study is int: it must be the path of a file, or its tables as a mapping$"):
        call(5)
