"""Trials over chips, and the same as data frames."""

from __future__ import annotations

import math
import statistics

import pytest
import report_tools
from report_tools import FAILURE, accuracy

from xbarsim.errors import InputError
from xbarsim.study import Store, StudyTable, frame
from xbarsim.study.listing import listing
from xbarsim.study.store import TrialRow

VALUES = {0: (0.91, 0.95, 0.96), 0.1: (0.5, 0.7, 0.81)}


def answer(point):
    """Chips that differ; of fpt at 0.1 one fails, one is not run."""
    rate, chip = point["cells.faults.rate"], point["chip"]
    if point["method"] == "fpt" and rate:
        return (accuracy(0.8), FAILURE, None)[chip]
    return accuracy(VALUES[rate][chip], labels=10 * chip, note="a word")


@pytest.fixture
def opened(tmp_path):
    return report_tools.study(tmp_path, answer=answer)


def test_mean_sample_deviation_and_count_at_each_point(opened):
    table = StudyTable.of(listing(opened).rows)
    assert [tuple(row.point.values()) for row in table.rows] == [(0, "none"), (0, "fpt"), (0.1, "none"), (0.1, "fpt")]
    for row in table.rows[:3]:
        values = VALUES[row.point["cells.faults.rate"]]
        spread = row.spreads["accuracy"]
        assert spread.mean == pytest.approx(statistics.mean(values), rel=1e-15)
        assert spread.deviation == pytest.approx(statistics.stdev(values), rel=1e-12)
        assert (spread.count, row.answered, row.failed, row.missing) == (3, 3, 0, 0)
    assert table.axes == {"cells.faults.rate": [0, 0.1], "method": ["none", "fpt"]}
    assert table.names == ["accuracy", "ideal", "labels"]
    assert table.chips == 3


def test_failed_and_missing_chips_are_counted_and_in_no_mean(opened):
    row = StudyTable.of(listing(opened).rows).rows[3]
    assert (row.answered, row.failed, row.missing) == (1, 1, 1)
    assert row.spreads["accuracy"].mean == 0.8
    assert row.spreads["accuracy"].deviation is None


def test_equal_numbers_deviate_by_nothing_whatever_their_mean_rounds_to():
    rows = [TrialRow(str(chip), {"chip": chip}, "done", {"accuracy": 0.1}) for chip in range(3)]
    assert StudyTable.of(rows).rows[0].spreads["accuracy"].deviation == 0.0


def test_the_table_as_a_data_frame(opened):
    pytest.importorskip("pandas")
    table = StudyTable.of(listing(opened).rows).frame()
    assert list(table.columns) == [
        "cells.faults.rate", "method", "accuracy.mean", "accuracy.deviation", "accuracy.count", "ideal.mean",
        "ideal.deviation", "ideal.count", "labels.mean", "labels.deviation", "labels.count", "done", "failed",
        "missing",
    ]  # fmt: skip
    assert table["accuracy.count"].tolist() == [3, 3, 3, 1]
    assert math.isnan(table["accuracy.deviation"][3])
    assert table["failed"].tolist() == [0, 0, 0, 1]


def test_a_frame_has_a_row_for_each_trial_whatever_came_of_it(opened):
    pytest.importorskip("pandas")
    trials = frame(opened.file.table.place)
    assert len(trials) == 12
    assert trials.state.value_counts().to_dict() == {"done": 10, "failed": 1}
    assert trials.state.isna().sum() == 1
    mean = trials.groupby(["cells.faults.rate", "method"]).accuracy.mean()
    assert mean[0.1, "none"] == pytest.approx(statistics.mean(VALUES[0.1]))
    assert trials.reason.dropna().tolist() == ["xbarsim.errors.InputError: no row <3>"]
    assert trials.seconds.sum() == 22.0


def test_a_frame_of_a_store(opened, tmp_path):
    pytest.importorskip("pandas")
    whole = frame(opened.file.table.place)
    assert frame(opened.store).equals(whole)
    with Store(opened.store) as store:
        assert frame(store).equals(whole)
        store.list_trials("another", [], {})
    with pytest.raises(InputError, match="it has another, faults: give study"):
        frame(opened.store)
    assert frame(opened.store, study="faults").equals(whole)
    with pytest.raises(InputError, match="no study 'fault': did you mean faults"):
        frame(opened.store, study="fault")


def test_a_number_that_is_called_as_an_axis_is_keeps_both(tmp_path):
    pytest.importorskip("pandas")
    opened = report_tools.study(tmp_path, answer=lambda point: accuracy(0.9, method=3, seconds=4.0))
    trials = frame(opened.store)
    assert set(trials.method) == {"none", "fpt"}
    assert set(trials["method.result"]) == {3}
    assert (set(trials.seconds), set(trials["seconds.result"])) == ({2.0}, {4.0})


def test_a_store_of_the_first_version_keeps_its_answers(opened, monkeypatch):
    """As it lay by key, without an index; a reader is told, a run brings it up to date."""
    from xbarsim.study import migrations

    path = opened.store.with_name("old.sqlite")
    steps = migrations._STEPS
    monkeypatch.setattr(migrations, "_STEPS", steps[:1])
    monkeypatch.setattr(migrations, "VERSION", 1)
    with Store(path) as store:
        store.list_trials(opened.name, opened.trials, opened.facts(1))
        for trial in opened.trials:
            if (reply := answer(trial.point)) is not None:
                store.record(trial, reply, report_tools.VERSIONS)
    monkeypatch.undo()
    with pytest.raises(InputError, match="of version 1 of 2: xbarsim study run brings it up to date"):
        Store(path, write=False)
    with Store(path) as store, Store(opened.store) as whole:
        old, new = ([(row.key, row.numbers, row.trace) for row in base.trial_rows("faults")] for base in (store, whole))
        assert old == new
        assert len(store.select("SELECT * FROM results")) == 12
        store.check()
