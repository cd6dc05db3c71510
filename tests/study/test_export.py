"""Trials as CSV and Parquet."""

from __future__ import annotations

import csv
import io
import sys

import pytest
import report_tools
from cli_tools import assert_refused, call
from report_tools import FAILURE, accuracy

CHAINS = {"method": ["none", "gain:per=output,count=2"]}


def answer(point):
    if point["chip"] == 2:
        return None
    return FAILURE if (point["method"], point["chip"]) == ("none", 1) else accuracy(0.5 + 0.1 * point["chip"], labels=7)


@pytest.fixture
def opened(tmp_path):
    return report_tools.study(tmp_path, axes=CHAINS, answer=answer)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_each_trial(opened, capsys, tmp_path):
    path = tmp_path / "out.csv"
    assert call(capsys, "study", "export", opened.file.table.place, "-o", path).code == 0
    rows = read(path.read_text("utf-8"))
    assert [row["state"] for row in rows] == ["done", "failed", "", "done", "done", ""]
    assert [row["accuracy"] for row in rows] == ["0.5", "", "", "0.5", "0.6", ""]
    assert rows[4]["method"] == "gain:per=output,count=2"
    assert rows[1]["reason"] == "xbarsim.errors.InputError: no row <3>"
    assert (rows[1]["attempts"], rows[1]["seconds"]) == ("2", "2.0")
    shown = call(capsys, "study", "export", opened.file.table.place)
    assert shown.out == path.read_text("utf-8")


def test_csv_needs_neither_pandas_nor_torch(opened, capsys, monkeypatch):
    for name in ("pandas", "pyarrow", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    answer = call(capsys, "study", "export", opened.file.table.place)
    assert (answer.code, len(read(answer.out))) == (0, 6)


def test_parquet_has_the_same_table(opened, capsys, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    from xbarsim.study import frame

    path = tmp_path / "out.parquet"
    assert call(capsys, "study", "export", opened.file.table.place, "-o", path).code == 0
    table = pandas.read_parquet(path)
    whole = frame(opened.store)
    assert list(table.columns) == list(whole.columns)
    assert table.accuracy.tolist()[3:5] == [0.5, 0.6]
    assert table.labels.dropna().tolist() == [7, 7, 7]


def test_values_of_several_kinds_are_words_in_parquet(tmp_path, capsys):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    opened = report_tools.study(tmp_path, axes={"adc.bits": [4, "inf", 0.5]}, chips=1)
    path = tmp_path / "out.parquet"
    assert call(capsys, "study", "export", opened.file.table.place, "-o", path).code == 0
    assert pandas.read_parquet(path)["adc.bits"].tolist() == ["4", "inf", "0.5"]


@pytest.mark.parametrize(
    ("name", "words"), [("out.xls", ("must end in .csv or .parquet",)), ("no/out.csv", ("no such folder",))]
)
def test_files_that_cannot_be_written_are_refused(opened, capsys, tmp_path, name, words):
    assert_refused(call(capsys, "study", "export", opened.file.table.place, "-o", tmp_path / name), 2, *words)


def test_parquet_without_pyarrow_is_refused_with_the_way_out(opened, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused = call(capsys, "study", "export", opened.file.table.place, "-o", tmp_path / "out.parquet")
    assert_refused(refused, 2, "pip install 'xbarsim[study]'", "write .csv")


def test_a_change_of_the_report_keeps_the_trials_and_one_of_the_sweep_does_not(opened, capsys):
    from xbarsim.study.listing import listing
    from xbarsim.study.open_study import OpenStudy
    from xbarsim.study.study_file import read as read_study

    place = opened.store.with_suffix(".toml")
    place.write_text(place.read_text("utf-8") + '[report]\nx = "method"\n', "utf-8")
    assert len(listing(OpenStudy(read_study(place), opened.store)).rows) == 6
    place.write_text(place.read_text("utf-8").replace("[0, 0.1]", "[0, 0.2]"), "utf-8")
    changed = OpenStudy(read_study(place), opened.store)
    changed.__dict__["trials"] = opened.trials[:2]
    assert [row.state for row in listing(changed).rows] == ["done", "failed"]
    assert listing(changed).facts == {}
