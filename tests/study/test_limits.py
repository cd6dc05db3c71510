"""What ends a trial from outside is tried again, what it does itself is recorded; the study goes on either way."""

from __future__ import annotations

import pytest
from study_tools import artifact, opened, rows, trial

from xbarsim.errors import InputError
from xbarsim.study.study_run import run_study

pytestmark = pytest.mark.slow

LIMITS = "[limits]\nseconds = 2.0\nmemory = 1.5e9\n"


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """One study of trials with every fate, and what the store has of each."""
    folder = tmp_path_factory.mktemp("fates")

    def once(name):
        return str(folder / name)

    fates = {
        "plain": {},
        "raises": {"raise": "no such cell"},
        "raises once": {"raise": "no such cell", "once": once("raise")},
        "dies": {"signal": "SIGKILL", "print": "last words"},
        "dies once": {"signal": "SIGSEGV", "once": once("death")},
        "aborts": {"signal": "SIGABRT"},
        "late": {"sleep": 60.0},
        "late once": {"sleep": 60.0, "once": once("late")},
        "large": {"take": 8e9},
        "large once": {"take": 8e9, "once": once("large")},
        "last": {},
    }
    study = opened(folder, [trial(number, **fate) for number, fate in enumerate(fates.values())], LIMITS)
    tally = run_study(study, jobs=2)
    return dict(zip(fates, rows(study).values(), strict=True)) | {"tally": tally}


@pytest.mark.parametrize("fate", ["plain", "last"])
def test_what_nothing_ends_is_done_at_once(record, fate):
    assert (record[fate]["state"], record[fate]["attempts"]) == ("done", 1)


@pytest.mark.parametrize("fate", ["dies once", "late once", "large once"])
def test_what_something_ends_from_outside_is_tried_again(record, fate):
    assert (record[fate]["state"], record[fate]["attempts"]) == ("done", 2)
    assert record[fate]["trace"] is None


@pytest.mark.parametrize("fate", ["raises", "raises once"])
def test_what_a_trial_raises_is_recorded_at_once_with_its_traceback(record, fate):
    assert (record[fate]["state"], record[fate]["attempts"]) == ("failed", 1)
    assert record[fate]["trace"].startswith("Traceback")
    assert "ValueError: no such cell" in record[fate]["trace"]


@pytest.mark.parametrize(
    ("fate", "words"),
    [
        ("dies", "its process was ended by SIGKILL (out of memory?):\nlast words"),
        ("aborts", "its process was ended by SIGABRT:\nFatal Python error: Aborted"),
        ("late", "it was ended after 2 s, the limit of a trial"),
        ("large", "MemoryError"),
    ],
)
def test_what_never_ends_well_is_recorded_with_its_reason(record, fate, words):
    assert (record[fate]["state"], record[fate]["attempts"]) == ("failed", 2)
    assert words in record[fate]["trace"]


def test_the_tally_has_all(record):
    tally = record["tally"]
    assert (tally.before, tally.answered, tally.failed, tally.left) == (0, 5, 6, 0)


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (2, 3)])
def test_retries_say_how_often(tmp_path, retries, attempts):
    study = opened(tmp_path, [trial(0, signal="SIGKILL")], f"[limits]\nretries = {retries}\n")
    run_study(study, jobs=1)
    assert rows(study)[0]["attempts"] == attempts


def test_failed_trials_are_tried_again_when_asked(tmp_path):
    study = opened(tmp_path, [trial(0, **{"raise": "not yet"}), trial(1)])
    assert run_study(study, jobs=1).failed == 1
    tally = run_study(study, jobs=1)
    assert (tally.before, tally.failed_before, tally.answered, tally.failed) == (2, 1, 0, 0)
    tally = run_study(study, jobs=1, again=True)
    assert (tally.before, tally.failed_before, tally.answered, tally.failed) == (1, 0, 0, 1)


def test_what_cannot_be_made_fails_the_trials_that_need_it_alone(tmp_path):
    broken = artifact(1, **{"raise": "no convergence"})
    above, apart = artifact(2, needs=[broken]), artifact(3, 4)
    trials = [trial(0, artifacts=[broken, above]), trial(1, artifacts=[apart]), trial(2)]
    study = opened(tmp_path, trials)
    tally = run_study(study, jobs=2)
    assert (tally.answered, tally.failed) == (2, 1)
    found = rows(study)
    assert "no convergence" in found[0]["trace"]
    assert [found[value]["numbers"]["made"] for value in (1, 2)] == [7, 0]


def test_memory_in_which_no_process_begins_is_one_error(tmp_path):
    study = opened(tmp_path, [trial(0)], "[limits]\nmemory = 1e6\n")
    with pytest.raises(
        InputError, match=r"^no process of trials begins: .*; limits\.memory leaves it 0\.001 GB: give more$"
    ):
        run_study(study, jobs=1)
    assert rows(study)[0]["state"] is None


def test_each_process_keeps_to_one_thread_and_prints_nothing_here(tmp_path, capfd):
    study = opened(tmp_path, [trial(0, print="noise")])
    run_study(study, jobs=1)
    numbers = rows(study)[0]["numbers"]
    assert (numbers["OMP_NUM_THREADS"], numbers["NUMBA_NUM_THREADS"]) == (1, 1)
    assert capfd.readouterr() == ("", "")
