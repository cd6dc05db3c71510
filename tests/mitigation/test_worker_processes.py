"""Tasks in processes of their own: what comes out is what one process gives, whatever happens to one of them."""

import os
import signal
import subprocess
import sys
import time

import pytest
from cli_tools import environment

from xbarsim.errors import InputError
from xbarsim.mitigation import worker_processes
from xbarsim.mitigation.worker_processes import ProcessEnd, checked_jobs, outcomes

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs forks")


def squared(task):
    return task * task, os.getpid()


@LINUX
@pytest.mark.parametrize("jobs", [2, 3])
def test_several_processes_do_all_tasks_once(jobs):
    started, results = [], {}
    for task, (square, process) in outcomes(squared, range(7), jobs, started.append):
        assert task not in results
        results[task] = square, process
    assert {task: square for task, (square, _) in results.items()} == {task: task * task for task in range(7)}
    assert sorted(started) == list(range(7))
    processes = {process for _, process in results.values()}
    assert os.getpid() not in processes
    assert len(processes) <= jobs


def test_one_process_is_this_one():
    assert list(outcomes(squared, range(3))) == [(task, (task * task, os.getpid())) for task in range(3)]
    assert list(outcomes(squared, [])) == []


@LINUX
def test_short_tasks_stay_in_this_process_and_long_ones_leave_it(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    assert {process for _, (_, process) in outcomes(squared, range(5), None)} == {os.getpid()}
    monkeypatch.setattr(worker_processes, "PATIENCE", 0.0)
    assert os.getpid() not in {process for _, (_, process) in outcomes(squared, range(5), None)}


@LINUX
def test_a_process_that_ends_takes_its_task_alone_with_it():
    def work(task):
        if task == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if task == 4:
            os._exit(7)
        return task

    results = dict(outcomes(work, range(8), 2))
    assert {task: value for task, value in results.items() if task not in (2, 4)} == {n: n for n in (0, 1, 3, 5, 6, 7)}
    assert results[2] == ProcessEnd(-signal.SIGKILL)
    assert str(results[2]) == "its process was ended by SIGKILL (out of memory?)"
    assert str(results[4]) == "its process ended with code 7"


@LINUX
def test_nothing_is_left_where_results_are_not_wanted_any_more():
    def work(task):
        if task:
            time.sleep(60)
        return os.getpid()

    tasks = outcomes(work, range(3), 2)
    _, process = next(tasks)
    start = time.perf_counter()
    tasks.close()
    assert time.perf_counter() - start < 5.0
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


ABANDONED = """
import os, sys, time
from xbarsim.mitigation.worker_processes import outcomes
def work(task):
    print(os.getpid(), flush=True)
    time.sleep(60)
for _ in outcomes(work, range(2), 2):
    pass
"""


@LINUX
@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them():
    parent = subprocess.Popen([sys.executable, "-c", ABANDONED], stdout=subprocess.PIPE, env=environment(), text=True)
    children = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.perf_counter() + 10.0
    while any(os.path.exists(f"/proc/{child}") and not ended(child) for child in children):  # noqa: PTH110
        assert time.perf_counter() < deadline
        time.sleep(0.02)


def ended(process):
    try:
        with open(f"/proc/{process}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, "2"])
def test_numbers_of_processes_that_are_refused(jobs):
    with pytest.raises(InputError, match="jobs is"):
        checked_jobs(jobs)


def test_elsewhere_there_is_one_process(monkeypatch):
    monkeypatch.setattr(worker_processes.sys, "platform", "win32")
    assert checked_jobs(None) is None
    with pytest.raises(InputError, match="several processes need Linux"):
        checked_jobs(2)
    monkeypatch.setattr(worker_processes, "PATIENCE", 0.0)
    assert {process for _, (_, process) in outcomes(squared, range(3), None)} == {os.getpid()}
