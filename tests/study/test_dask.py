"""Studies on a Dask cluster: two workers on loopback, what they find, and what becomes of a study as they die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from cli_tools import ROOT, environment
from study_tools import artifact, opened, rows, trial

from xbarsim.errors import InputError
from xbarsim.study import dask_cluster
from xbarsim.study.study_file import Limits
from xbarsim.study.study_run import run_study

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

DASK = [sys.executable, "-m", "dask"]
LOOPBACK = "tcp://127.0.0.1:{}"


class Cluster:
    """A scheduler and workers of one thread, as processes of their own."""

    def __init__(self, folder, workers, *options):
        self._file, self._folder = folder / "scheduler.json", folder
        paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
        # Dask warns of whatever it would rather have installed, and would look at the network for its own address.
        self._environment = environment(PYTHONPATH=paths, PYTHONWARNINGS=None)
        self.scheduler = self._begin("scheduler", "--host", "127.0.0.1", "--port", "0")
        self._workers = [
            self._begin("worker", "--nthreads", "1", "--local-directory", folder, *options) for _ in range(workers)
        ]
        self._wait()
        self.address = json.loads(self._file.read_text())["address"]

    def _begin(self, what, *arguments):
        with (self._folder / f"{what}.log").open("a") as log:
            return subprocess.Popen(
                [*DASK, what, "--no-dashboard", "--scheduler-file", str(self._file), *map(str, arguments)],
                stdout=log, stderr=log, env=self._environment,
            )  # fmt: skip

    def _wait(self):
        log = self._folder / "worker.log"
        while not self._file.exists() or log.read_text().count("Registered to") < len(self._workers):
            for process in (self.scheduler, *self._workers):
                assert process.poll() is None, log.read_text() + (self._folder / "scheduler.log").read_text()
            time.sleep(0.05)

    def close(self):
        self.scheduler.kill()
        for process in self._workers:
            process.terminate()
        for process in (*self._workers, self.scheduler):
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"), 2)
    yield made
    made.close()


def numbers(study):
    """All that trials found but in which process."""
    return {value: row["numbers"] | {"process": None} for value, row in rows(study).items()}


def both(folder, trials):
    """The same study for here and for a cluster."""
    for name in ("here", "there"):
        (folder / name).mkdir()
    return opened(folder / "here", trials), opened(folder / "there", trials)


def test_two_workers_find_what_this_machine_finds_to_the_bit(cluster, tmp_path):
    first = artifact(5, 6)
    needs = [first, artifact(7, needs=[first])]
    here, there = both(tmp_path, [trial(value, solve=value, artifacts=needs) for value in range(12)])
    run_study(here, jobs=2)
    tally = run_study(there, scheduler=cluster.address)
    assert (tally.answered, tally.failed) == (12, 0)
    assert numbers(there) == numbers(here)
    assert len({row["numbers"]["process"] for row in rows(there).values()}) == 2
    assert {path.name: path.read_bytes() for path in there.artifacts.iterdir()} == {
        path.name: path.read_bytes() for path in here.artifacts.iterdir()
    }


def test_artifacts_are_sent_once_to_each_worker(cluster, tmp_path, monkeypatch):
    asked = []
    run = dask_cluster.DaskCluster._answered

    def counted(self, question):
        asked.append(question.__qualname__)
        return run(self, question)

    monkeypatch.setattr(dask_cluster.DaskCluster, "_answered", counted)
    study = opened(tmp_path, [trial(value, artifacts=[artifact(9, 9)]) for value in range(10)])
    assert run_study(study, scheduler=cluster.address).answered == 10
    assert 1 <= sum("_bring" in name for name in asked) <= 2


def test_what_ends_a_trial_there_is_what_ends_it_here(cluster, tmp_path):
    fates = [
        {},
        {"raise": "no such cell"},
        {"signal": "SIGKILL"},
        {"signal": "SIGKILL", "once": "mark"},
        {"sleep": 60.0},
    ]
    fates[3]["once"] = str(tmp_path / "mark")
    study = opened(tmp_path, [trial(value, **fate) for value, fate in enumerate(fates)], "[limits]\nseconds = 2.0\n")
    run_study(study, scheduler=cluster.address)
    assert [row["state"] for row in rows(study).values()] == ["done", "failed", "failed", "done", "failed"]
    assert [row["attempts"] for row in rows(study).values()] == [1, 1, 2, 2, 2]
    traces = [row["trace"] for row in rows(study).values()]
    assert "ValueError: no such cell" in traces[1]
    assert "SIGKILL" in traces[2]
    assert "it was ended after 2 s" in traces[4]


def test_a_worker_that_dies_loses_no_trial(cluster, tmp_path):
    deadly = trial(100, kill_parent=True, once=str(tmp_path / "mark"))
    study = opened(tmp_path, [*(trial(value) for value in range(6)), deadly, *(trial(value) for value in range(6, 12))])
    tally = run_study(study, scheduler=cluster.address)
    assert (tally.answered, tally.failed, tally.left) == (13, 0, 0)


def test_what_has_not_begun_is_taken_back(cluster, tmp_path):
    marks = {"started": str(tmp_path / "started"), "wait_for": str(tmp_path / "go")}
    executor = dask_cluster.DaskCluster(cluster.address, tmp_path, Limits())
    trials = [trial(value, **marks) for value in range(5)]
    for each in trials:
        executor.submit(each.task)
    while not (tmp_path / "started").exists() or len((tmp_path / "started").read_text().split()) < executor.width:
        time.sleep(0.02)
    width = executor.width
    assert len(executor.withdraw()) == 5 - width
    (tmp_path / "go").touch()
    ended = []
    while len(ended) < width:
        ended += executor.outcomes()
    executor.close(drop=False)
    assert all(outcome.trace is None for _, outcome in ended)


def test_workers_of_another_xbarsim_end_the_study_and_fail_no_trial(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("xbarsim.study.trial.code_version", lambda kind: "newer")
    study = opened(tmp_path, [trial(0)])
    with pytest.raises(InputError, match=r"--scheduler tcp://.*: the worker tcp://.* has another xbarsim"):
        run_study(study, scheduler=cluster.address)
    assert rows(study)[0]["state"] is None


@pytest.mark.parametrize("address", [LOOPBACK.format(1), "nonsense", "http://127.0.0.1:1", ""])
def test_a_scheduler_that_does_not_answer_is_one_line(tmp_path, monkeypatch, address):
    monkeypatch.setattr(dask_cluster, "_SECONDS", 0.5)
    study = opened(tmp_path, [trial(0)])
    with pytest.raises(
        InputError, match=r"^--scheduler .*: no Dask scheduler answers there \(.*\): start one"
    ) as caught:
        run_study(study, scheduler=address)
    assert "\n" not in str(caught.value)
    assert rows(study)[0]["state"] is None


def test_a_scheduler_that_is_lost_is_one_error_and_what_is_done_is_kept(tmp_path):
    lost = Cluster(tmp_path, 1, "--no-nanny")
    try:
        study = opened(tmp_path, [trial(0), trial(1), trial(2, wait_for=str(tmp_path / "never"))])
        done = []

        def kill(which, answer, tally):
            done.append(which)
            if len(done) == 2:
                lost.scheduler.kill()

        with pytest.raises(InputError, match="the scheduler does not answer any more; what is done is kept"):
            run_study(study, scheduler=lost.address, report=kill)
        assert [row["state"] for row in rows(study).values()] == ["done", "done", None]
    finally:
        lost.close()
