"""What is shown of a study whose store is not there."""

from __future__ import annotations

import json

import pytest
import report_tools
from cli_tools import assert_refused, call

pytest.importorskip("torch")


@pytest.fixture
def place(tmp_path):
    """The file of a study that was never run, alone in its folder."""
    opened = report_tools.study(tmp_path)
    for path in tmp_path.glob(f"{opened.store.name}*"):
        path.unlink()
    return opened.file.table.place


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("view", ["status", "report", "export"])
def test_a_store_that_is_named_and_not_there_is_refused(view, place, tmp_path, capsys):
    before = files(tmp_path)
    answer = call(capsys, "study", view, place, "--store", tmp_path / "mistyped.sqlite")
    assert_refused(answer, 2, "mistyped.sqlite: there is no such store", "--store", "xbarsim study run")
    assert files(tmp_path) == before


@pytest.mark.parametrize("view", ["report", "export"])
@pytest.mark.parametrize("named", [False, True])
def test_a_study_that_has_not_run_writes_no_page_and_says_so(view, named, place, tmp_path, capsys):
    before = files(tmp_path)
    answer = call(capsys, "study", view, place, *(("-o", tmp_path / "out.csv") if named else ()))
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("xbarsim: nothing has run yet: xbarsim study run makes ")
    assert answer.err.endswith(".sqlite: nothing is written\n")
    assert files(tmp_path) == before


def test_a_report_that_could_not_be_written_is_refused_before_anything_has_run(place, tmp_path, capsys):
    assert_refused(call(capsys, "study", "report", place, "-o", tmp_path / "no" / "a.html"), 2, "no such folder")


def test_status_says_that_nothing_has_run_and_still_counts(place, capsys):
    answer = call(capsys, "study", "status", place, "--json")
    assert (answer.code, json.loads(answer.out)["done"]) == (0, 0)
    assert answer.err.startswith("note: nothing has run yet")


def test_a_plan_is_asked_for_before_its_store_is_there(place, tmp_path, capsys):
    answer = call(capsys, "study", "plan", place, "--store", tmp_path / "new.sqlite")
    assert (answer.code, answer.err) == (0, "")
    assert "answers: " in answer.out
    assert not (tmp_path / "new.sqlite").exists()
