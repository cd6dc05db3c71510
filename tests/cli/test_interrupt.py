"""Ctrl-C and failures in Python, whatever the threads: what nobody waits for any more is left."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from cli_tools import environment

from xbarsim import Crossbar, Law, solve
from xbarsim.errors import LawError
from xbarsim.resources import check_running, run_tasks


def slow(finished, first=None):
    """A task of up to ten seconds in small steps; ``first`` is what the first task does instead."""

    def work(task):
        if first is not None and task == 0:
            first()
        for _ in range(1000):
            check_running()
            time.sleep(0.01)
        finished.append(task)

    return work


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="POSIX signals")
def test_ctrl_c_leaves_all_threads_tasks():
    finished, start = [], time.perf_counter()
    timer = threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(slow(finished), range(5), threads=2)
    assert time.perf_counter() - start < 3.0
    assert finished == []


def test_a_failure_leaves_the_other_tasks():
    def fail():
        raise LawError("as it happens")

    finished, start = [], time.perf_counter()
    with pytest.raises(LawError, match="as it happens"):
        run_tasks(slow(finished, fail), range(4), threads=2)
    assert time.perf_counter() - start < 3.0
    assert finished == []


def test_what_ran_before_does_not_stop_what_comes_after():
    for count in (3, 5):
        tasks = []
        run_tasks(lambda task, tasks=tasks: (check_running(), tasks.append(task)), range(count), threads=2)
        assert sorted(tasks) == list(range(count))


def bad_above(v, g):
    return (g * v, g) if v < 0.5 else (-g * v, g)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_error_is_the_first_vectors_whatever_the_threads(threads):
    volts = np.full((30, 2), 0.1)
    volts[[7, 22]] = 0.9
    crossbar = Crossbar(np.full((2, 2), 1e-3), driver=1.0, device=Law(bad_above))
    with pytest.raises(LawError, match="vector 7"):
        solve(crossbar, volts, threads=threads)


LONG = """
import sys, threading, numpy as np, xbarsim
c = xbarsim.Crossbar(np.full((96, 96), 1e-4), word_wire=1.0, bit_wire=1.0, device={device})
v = np.random.default_rng(0).uniform(0, 0.5, (20000, 96))
xbarsim.solve(c, v[:2], method={method!r}, threads=2)
print("on", flush=True)
xbarsim.solve(c, v, method={method!r}, threads=2)
print("over")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize(("method", "device"), [("schur", "None"), ("newton", "xbarsim.Sinh(0.2)")])
def test_ctrl_c_in_a_long_batch(method, device):
    """Some 20 s of two threads' work, left within moments."""
    program = [sys.executable, "-c", LONG.format(method=method, device=device)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True)
    try:
        assert process.stdout.readline() == "on\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        start = time.perf_counter()
        out, err = process.communicate(timeout=60)
        assert time.perf_counter() - start < 5.0
    finally:
        process.kill()
    assert out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")
