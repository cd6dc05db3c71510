"""Independent tasks in processes of their own, which end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from xbarsim.errors import InputError
from xbarsim.resources import thread_count

PATIENCE = 3.0
"""Seconds that tasks take in this process before others are worth their start."""

Task = TypeVar("Task")


def checked_jobs(jobs: int | None) -> int | None:
    """Return how many processes to use; None: as many as there are cores.

    Raises
    ------
    InputError
        The number is below 1, or there are no processes that share memory with this one.
    """
    if jobs is None:
        return None
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs is {jobs!r}: it must be a whole number, at least 1")
    if jobs > 1 and not _can_fork():
        raise InputError(f"jobs is {jobs}: several processes need Linux, here there is 1")
    return jobs


def outcomes(
    work: Callable[[Task], Any],
    tasks: Sequence[Task],
    jobs: int | None = 1,
    started: Callable[[Task], None] = lambda _: None,
) -> Iterator[tuple[Task, Any]]:
    """Do tasks, in any order, and give each with what came out as soon as it is ready.

    Parameters
    ----------
    work : callable
        Does a task; what it returns can be pickled.
    tasks : sequence
        What to do.
    jobs : int or None
        Processes; with 1 this one does all. None: as many as there are cores, once tasks have taken ``PATIENCE``.
    started : callable, optional
        Told of each task when it begins.

    Yields
    ------
    task, outcome
        An outcome is what ``work`` returned, or a ``ProcessEnd``.
    """
    limit = jobs if jobs is not None else thread_count() if _can_fork() else 1
    patience = PATIENCE if jobs is None else 0.0
    start = time.perf_counter()
    queue = list(tasks)
    while queue and (limit == 1 or len(queue) == 1 or time.perf_counter() - start < patience):
        task = queue.pop(0)
        started(task)
        yield task, work(task)
    if queue:
        yield from _Workers(work, min(limit, len(queue))).outcomes(queue, started)


def _can_fork() -> bool:
    return sys.platform == "linux"


@dataclass(frozen=True)
class ProcessEnd:
    """The end of a process in the middle of a task."""

    code: int | None

    def __str__(self) -> str:
        """Say how it ended."""
        if self.code is not None and self.code < 0:
            name = signal.Signals(-self.code).name
            return f"its process was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        return f"its process ended with code {self.code}"


class _Workers:
    """So many forks of this process, each with a pipe on which it gets tasks and gives outcomes."""

    def __init__(self, work: Callable[[Any], Any], count: int) -> None:
        self._work, self._count = work, count
        self._processes: dict[Connection, Any] = {}

    def outcomes(self, queue: list[Any], started: Callable[[Any], None]) -> Iterator[tuple[Any, Any]]:
        """As the function."""
        present: dict[Connection, Any] = {}
        lifeline = os.pipe()
        try:
            while queue or present:
                while queue and len(present) < self._count:
                    free = [pipe for pipe in self._processes if pipe not in present]
                    pipe = free[0] if free else self._start(lifeline)
                    present[pipe] = queue.pop(0)
                    started(present[pipe])
                    with suppress(OSError):  # a process that has ended is told of below
                        pipe.send(present[pipe])
                ready = wait(list(present))
                for pipe in [pipe for pipe in present if pipe in ready]:
                    task = present.pop(pipe)
                    yield task, self._received(pipe)
        finally:
            for process in self._processes.values():
                process.terminate()
            for pipe, process in self._processes.items():
                process.join()
                pipe.close()
            for end in lifeline:
                os.close(end)

    def _received(self, pipe: Connection) -> Any:
        try:
            return pipe.recv()
        except (EOFError, OSError):
            process = self._processes.pop(pipe)
            process.join()
            pipe.close()
            return ProcessEnd(process.exitcode)

    def _start(self, lifeline: tuple[int, int]) -> Connection:
        context = multiprocessing.get_context("fork")
        pipe, far_end = context.Pipe()
        threads = max(1, thread_count() // self._count)
        process = context.Process(target=_serve, args=(self._work, far_end, lifeline, threads), daemon=True)
        with warnings.catch_warnings():
            # Python warns of threads that hold locks; those of BLAS and of the watcher of Ctrl-C hold none.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        far_end.close()
        self._processes[pipe] = process
        return pipe


def _serve(work: Callable[[Any], Any], pipe: Connection, lifeline: tuple[int, int], threads: int) -> None:
    """Do tasks until there are no more."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.close(lifeline[1])
    threading.Thread(target=_end_with, args=(lifeline[0],), daemon=True).start()
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    # Threads that the first process had are not in this one; a pool of one needs none of them.
    torch.set_num_threads(1)
    with suppress(EOFError):
        while True:
            pipe.send(work(pipe.recv()))


def _end_with(lifeline: int) -> None:
    """Wait for the end of the process that holds the other end, and end too, whatever is being done."""
    os.read(lifeline, 1)
    os._exit(1)
