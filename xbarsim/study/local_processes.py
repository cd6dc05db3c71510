"""Tasks in processes of this machine, one thread each; a process that dies takes its own task along alone."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.executors import Outcome
from xbarsim.study.study_file import Limits
from xbarsim.study.trial import Task

_THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LocalProcesses:
    """Processes of this machine.

    Parameters
    ----------
    jobs : int
        How many.
    artifacts : Path
        The folder of what tasks need, by key.
    limits : Limits
        Of a task.
    """

    def __init__(self, jobs: int, artifacts: Path, limits: Limits) -> None:
        try:
            from pebble import ProcessPool
        except ImportError:
            raise InputError("studies in processes need pebble: pip install 'xbarsim[study]'") from None
        self.width = jobs
        self._artifacts, self._limits = artifacts, limits
        self._ended: queue.SimpleQueue[tuple[Task, Outcome]] = queue.SimpleQueue()
        with _one_thread_each():
            # A new interpreter each: one that torch and numba have threads in must not be forked.
            self._pool = ProcessPool(
                max_workers=jobs,
                initializer=_begin,
                initargs=(limits.memory, os.getpid()),
                context=multiprocessing.get_context("spawn"),
            )

    def submit(self, task: Task) -> None:
        """As the protocol."""
        with _one_thread_each():
            future = self._pool.schedule(
                _perform, args=(task, str(self._artifacts)), timeout=self._limits.seconds
            )  # fmt: skip
        start = time.perf_counter()
        future.add_done_callback(lambda ended: self._ended.put((task, _outcome(ended, start, self._limits))))

    def outcomes(self) -> Iterator[tuple[Task, Outcome]]:
        """As the protocol."""
        try:
            yield self._ended.get(timeout=0.2)
            while True:
                yield self._ended.get_nowait()
        except queue.Empty:
            return

    def close(self, *, drop: bool) -> None:
        """As the protocol."""
        if drop:
            self._pool.stop()  # type: ignore[no-untyped-call]
        else:
            self._pool.close()  # type: ignore[no-untyped-call]
        self._pool.join()


class _one_thread_each:  # noqa: N801
    """The environment of processes that are started while this is entered: libraries read it when they load."""

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, "1"))

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin(memory: float | None, parent: int) -> None:
    """Make a process ready: no signals of the terminal, no more memory than it may have, no life after its parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if memory is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))


def _end_with(parent: int) -> None:
    """End when the process that gives tasks is no more, however it ended."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _perform(task: Task, folder: str) -> tuple[Any, float, str | None, bool]:
    """Do a task; what Python can catch comes back as text, so that the process serves on."""
    start = time.perf_counter()
    try:
        from xbarsim.study.work import perform

        needed = {key: (Path(folder) / key).read_bytes() for key in task.needs}
        return perform(task, needed), time.perf_counter() - start, None, False
    except MemoryError:
        return None, time.perf_counter() - start, traceback.format_exc(), True
    except Exception:
        return None, time.perf_counter() - start, traceback.format_exc(), False


def _outcome(ended: Future[Any], start: float, limits: Limits) -> Outcome:
    error = ended.exception()
    if error is None:
        return Outcome(*ended.result())
    seconds = time.perf_counter() - start
    if isinstance(error, TimeoutError):
        return Outcome(None, seconds, f"it was ended after {limits.seconds:g} s, the limit of a trial", True)
    code = getattr(error, "exitcode", None)
    return Outcome(None, seconds, _end_of(code) if code is not None else f"{type(error).__name__}: {error}", True)


def _end_of(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"its process ended with code {code}"
