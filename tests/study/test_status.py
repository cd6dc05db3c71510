"""How far a study is, and what a run of it would do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import report_tools
from cli_tools import call
from report_tools import FAILURE, accuracy

from xbarsim.study.artifact_files import write_artifact
from xbarsim.study.durations import Durations, lasting
from xbarsim.study.failure_reasons import reason
from xbarsim.study.runner import alone
from xbarsim.study.store import Store, TrialAnswer
from xbarsim.study.study_plan import plan
from xbarsim.study.study_status import status
from xbarsim.study.trial import Artifact

SECONDS = {"none": 1.0, "fpt": 10.0}


def answer(point):
    """Of 12 trials 2 fail and 3 are not run, all of them of the last rate."""
    if point["cells.faults.rate"]:
        if point["chip"] == 0:
            return FAILURE
        if point["chip"] == 1 or point["method"] == "fpt":
            return None
    return TrialAnswer({"accuracy": 0.9}, SECONDS[point["method"]])


@pytest.fixture
def opened(tmp_path):
    return report_tools.study(tmp_path, answer=answer)


def test_status_counts_and_reckons_from_the_finished_trials(opened):
    found = status(opened, jobs=7)
    assert (found.total, found.answered, found.failed, found.missing) == (12, 7, 2, 3)
    # None at 0.1 has a chip that took 1 s, fpt at 0.1 only fpt at 0; two processes, as the last run had.
    assert found.seconds_left == (1.0 + 2 * 10.0) / 2
    assert found.seconds == 4 * 1.0 + 3 * 10.0 + 2 * 2.0
    assert (found.runner, found.rate) == (None, None)
    assert [trial.reason for trial in found.failures] == ["xbarsim.errors.InputError: no row <3>"] * 2


def test_time_left_is_not_known_where_nothing_like_it_has_ended(tmp_path):
    opened = report_tools.study(tmp_path, answer=lambda point: accuracy(1.0) if point["method"] == "none" else None)
    assert status(opened, jobs=1).seconds_left is None
    assert "not known" in status(opened, jobs=1).as_table()


def test_status_knows_the_runner_and_its_rate(opened):
    with alone(opened.store):
        found = status(opened, jobs=1)
        assert found.runner is not None
        assert found.runner.startswith("process ")
        assert status(opened, jobs=1).runner == found.runner, "who asks holds nothing"
        with Store(opened.store) as store:
            facts = opened.facts(2) | {"started": (datetime.now(UTC) - timedelta(minutes=2)).isoformat()}
            store.list_trials(opened.name, opened.trials, facts)
        assert status(opened, jobs=1).rate == pytest.approx(9 / 2, rel=0.05)
    assert status(opened, jobs=1).runner is None


def test_status_says_that_the_code_has_changed(opened):
    assert not status(opened, jobs=1).is_code_changed
    with Store(opened.store) as store:
        store.list_trials(opened.name, opened.trials, opened.facts(2) | {"code": {"mitigation": "old"}})
    found = status(opened, jobs=1)
    assert found.is_code_changed
    assert found.answered == 7, "answers of older code are shown"
    assert "the code has changed" in found.as_table()


def test_status_of_a_study_that_was_never_run(opened):
    opened.store.unlink()
    found = status(opened, jobs=1)
    assert (found.total, found.missing, found.answered, found.seconds_left) == (12, 12, 0, None)
    assert not opened.store.exists()


def test_status_on_the_command_line(opened, capsys):
    shown = call(capsys, "study", "status", opened.file.table.place)
    assert shown.code == 0
    for words in ("7 of 12 done, 58%; 2 failed, 3 missing", "nothing runs now", "2 x xbarsim.errors", "--retry-failed"):
        assert words in shown.out
    record = json.loads(call(capsys, "study", "status", opened.file.table.place, "--json").out)
    assert (record["done"], record["failed"], record["missing"]) == (7, 2, 3)
    assert record["failures"][0]["point"] == {"cells.faults.rate": 0.1, "method": "none", "chip": 0}


def test_plan_groups_by_method_and_reckons(opened):
    found = plan(opened, jobs=3)
    assert [(group.name["method"], group.total, group.failed, group.missing) for group in found.trials] == [
        ("none", 6, 1, 1),
        ("fpt", 6, 1, 2),
    ]
    assert found.seconds == (1.0 + 2 * 10.0) / 3
    assert plan(opened, jobs=1, again=True).seconds == 2 * 1.0 + 3 * 10.0
    assert "about 7 s in 3 processes" in found.as_table()
    assert json.loads(found.as_json())["missing"] == {"trials": 3, "artifacts": 0}
    assert found.axes == {"cells.faults.rate": 2, "method": 2, "chips": 3}


def test_plan_counts_artifacts_once_and_reckons_from_those_made_before(tmp_path):
    opened = report_tools.study(tmp_path, answer=lambda point: None)
    base = Artifact("training", {"seed": 0}, "training mlp")
    blind = Artifact("blind", {"steps": 1}, "noise", (base,))
    opened.__dict__["trials"] = report_tools.trials(report_tools.RATES, 2, (base, blind))
    found = plan(opened, jobs=1)
    assert [(group.name["label"], group.total, group.missing) for group in found.artifacts] == [
        ("training mlp", 1, 1),
        ("noise", 1, 1),
    ]
    assert found.seconds is None
    assert "how long is not known" in found.as_table()
    with Store(opened.store) as store:
        store.record_artifact(Artifact("training", {"seed": 1}, "training mlp"), 50.0)
    training, noise = plan(opened, jobs=1).artifacts
    assert (training.seconds, training.unknown, noise.unknown) == (50.0, 0, 1)
    opened.artifacts.mkdir()
    write_artifact(opened.artifacts, base.key, b"")
    assert [group.missing for group in plan(opened, jobs=1).artifacts] == [0, 1]


def test_plan_of_a_study_that_is_done(tmp_path):
    assert "nothing is to be done" in plan(report_tools.study(tmp_path), jobs=1).as_table()


def test_durations_prefer_the_same_point():
    durations = Durations.of([({"rate": 1, "method": "a", "chip": 0}, 2, 8.0), ({"rate": 2, "method": "a"}, 1, 1.0)])
    assert durations.at({"rate": 1, "method": "a", "chip": 9}) == 4.0
    assert durations.at({"rate": 3, "method": "a"}) == 3.0
    assert durations.at({"rate": 1, "method": "b"}) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "0.25 s"), (99, "99 s"), (100, "2 min"), (7199, "2 h 0 min"), (190_000, "2 d 4 h")],
)
def test_times_for_people(seconds, text):
    assert lasting(seconds) == text


@pytest.mark.parametrize(
    ("trace", "line"),
    [
        (report_tools.TRACE, "xbarsim.errors.InputError: no row <3>"),
        ("training mlp:\n" + report_tools.TRACE, "training mlp: xbarsim.errors.InputError: no row <3>"),
        ("Traceback (most recent call last):\n  File\nKeyError", "KeyError"),
        ("its process was ended by SIGKILL (out of memory?)", "its process was ended by SIGKILL (out of memory?)"),
        (None, "no reason was recorded"),
    ],
)
def test_the_reason_of_a_traceback_in_a_line(trace, line):
    assert reason(trace) == line
