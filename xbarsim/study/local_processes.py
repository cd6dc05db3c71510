"""Tasks in processes of this machine, one thread each; a process that dies takes its own task along alone."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.study.executors import Attempt
from xbarsim.study.study_file import Limits
from xbarsim.study.task_process import TaskProcess, Word
from xbarsim.study.task_worker import READY
from xbarsim.study.trial import Task

_MOMENT = 0.2
_STILLBORN = 5
"""Processes in a row that end before they can begin: more will not."""


class LocalProcesses:
    """Processes of this machine, begun when there is work for them.

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
        self.width = jobs
        self._artifacts, self._limits = str(artifacts), limits
        self._waiting: deque[Task] = deque()
        self._processes: list[TaskProcess] = []
        self._words: queue.SimpleQueue[Word] = queue.SimpleQueue()
        self._stillborn = 0

    def submit(self, task: Task) -> None:
        """As the protocol."""
        self._waiting.append(task)
        self._hand_out()

    def outcomes(self) -> Iterator[tuple[Task, Attempt]]:
        """As the protocol.

        Raises
        ------
        InputError
            Processes end before they can begin.
        """
        ended: list[tuple[Task, Attempt]] = []
        try:
            ended += self._heard(self._words.get(timeout=self._patience()))
            while True:
                ended += self._heard(self._words.get_nowait())
        except queue.Empty:
            pass
        ended += self._late()
        self._hand_out()  # before answers are recorded: no process waits for that
        yield from ended

    def withdraw(self) -> list[Task]:
        """As the protocol."""
        tasks = list(self._waiting)
        self._waiting.clear()
        return tasks

    def close(self, *, drop: bool) -> None:
        """As the protocol; what has not ended by now is dropped either way."""
        for process in self._processes:
            if drop or process.task is not None or not process.ready:
                process.kill()
            else:
                process.dismiss()
        self._processes.clear()

    def _hand_out(self) -> None:
        """Give waiting tasks to processes that have none; begin new ones while there are fewer than there may be."""
        for process in self._processes:
            if self._waiting and process.task is None:
                self._give(process)
        while self._waiting and len(self._processes) < self.width:
            process = TaskProcess(self._limits.memory, self._words)
            self._processes.append(process)
            self._give(process)

    def _give(self, process: TaskProcess) -> None:
        process.give(self._waiting.popleft(), self._artifacts)

    def _heard(self, word: Word) -> Iterator[tuple[Task, Attempt]]:
        """Give what a process's word is the end of."""
        process = word.process
        if process not in self._processes:
            return
        task = process.task
        if word.message == READY:
            process.ready, process.begun = True, time.perf_counter()
            self._stillborn = 0
        elif word.message is not None:
            process.task = None
            if task is not None:
                yield task, Attempt(*word.message)
        else:
            self._processes.remove(process)
            ending = process.ending()
            if not process.ready:
                self._count_stillborn(ending)
                if task is not None:
                    self._waiting.appendleft(task)
            elif task is not None:
                yield task, Attempt(None, time.perf_counter() - process.begun, ending, from_outside=True)

    def _count_stillborn(self, ending: str) -> None:
        self._stillborn += 1
        if self._stillborn < _STILLBORN:
            return
        last = ending.splitlines()[-1]
        memory = self._limits.memory
        advice = "" if memory is None else f"; limits.memory leaves it {memory / 1e9:.3g} GB: give more"
        raise InputError(f"no process of trials begins: {last}{advice}")

    def _late(self) -> Iterator[tuple[Task, Attempt]]:
        """End processes whose time is over."""
        seconds = self._limits.seconds
        if seconds is None:
            return
        for process in list(self._processes):
            spent = time.perf_counter() - process.begun
            if process.ready and process.task is not None and spent > seconds:
                self._processes.remove(process)
                process.kill()
                reason = f"it was ended after {seconds:g} s, the limit of a trial"
                yield process.task, Attempt(None, spent, reason, from_outside=True)

    def _patience(self) -> float:
        """Return how long to wait for a word: no longer than the first process has left."""
        if self._limits.seconds is None:
            return _MOMENT
        begun = [process.begun for process in self._processes if process.ready and process.task is not None]
        left = min(begun, default=float("inf")) + self._limits.seconds - time.perf_counter()
        return min(_MOMENT, max(0.0, left) + 1e-3)
