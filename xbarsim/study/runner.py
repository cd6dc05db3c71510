"""Runs what is missing of a study, and keeps each answer the moment it is there."""

from __future__ import annotations

import contextlib
import os
import platform
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.resources import processor
from xbarsim.study.artifact_files import is_whole, write_artifact
from xbarsim.study.executors import Attempt, Executor
from xbarsim.study.store import Store, TrialAnswer
from xbarsim.study.study_file import Limits
from xbarsim.study.trial import Artifact, Task, Trial

Report = Callable[[Trial, TrialAnswer, "Tally"], None]
_AHEAD = 2
"""Tasks given to each process before it has ended the one in hand: none waits for this process to record an answer."""


@dataclass
class Tally:
    """How a run went.

    Attributes
    ----------
    before, failed_before : int
        Trials that ended before, and those of them that failed.
    answered, failed : int
        Trials that ended in this run, with an answer and without.
    left : int
        Trials that have not ended.
    seconds : float
        Of the trials of this run, all processes together.
    """

    before: int = 0
    failed_before: int = 0
    answered: int = 0
    failed: int = 0
    left: int = 0
    seconds: float = 0.0


@dataclass
class Run:
    """One run of some trials.

    Parameters
    ----------
    trials : sequence of Trial
        All of the study.
    store : Store
        Where answers are and go.
    artifacts : Path
        The folder of trained networks and the like, by key.
    again : bool
        Whether trials that failed before are tried again.
    report : callable
        Told of each trial that ends.
    progress : callable
        Told what is being done.
    stop : callable
        Says whether nothing new is to be begun.
    """

    trials: Sequence[Trial]
    store: Store
    artifacts: Path
    again: bool = False
    report: Report = lambda trial, answer, tally: None
    progress: Callable[[str], None] = lambda text: None
    stop: Callable[[], bool] = lambda: False
    tally: Tally = field(default_factory=Tally)
    _stopping: bool = field(default=False, init=False)

    def missing(self) -> list[Trial]:
        """Return what has no answer, each trial once."""
        states = self.store.states()
        candidates = {trial.key: trial for trial in self.trials}
        missing = [
            trial for key, trial in candidates.items() if key not in states or (self.again and states[key] == "failed")
        ]
        failed = sum(states.get(key) == "failed" for key in candidates)
        self.tally.before, self.tally.left = len(candidates) - len(missing), len(missing)
        self.tally.failed_before = 0 if self.again else failed
        return missing

    def run(self, missing: Sequence[Trial], executor: Executor, limits: Limits) -> None:
        """Do what is missing, artifacts first.

        Parameters
        ----------
        missing : sequence of Trial
            As ``missing`` gives them.
        executor : Executor
            Who does the work.
        limits : Limits
            Of a trial: how often it is tried.
        """
        broken: dict[str, str] = {}
        for stage in _stages(missing):
            self._make(stage, broken, executor, limits)
            if self.stop():
                return
        ready = []
        for trial in missing:
            reason = next((broken[artifact.key] for artifact in trial.artifacts if artifact.key in broken), None)
            if reason is None:
                ready.append(trial)
            else:
                self._record(trial, TrialAnswer(None, 0.0, 1, reason))
        by_key = {trial.key: trial for trial in ready}
        for task, outcome, attempts in self._ended([trial.task for trial in ready], executor, limits):
            self._record(by_key[task.key], TrialAnswer(outcome.value, outcome.seconds, attempts, outcome.trace))

    def _make(self, stage: Sequence[Artifact], broken: dict[str, str], executor: Executor, limits: Limits) -> None:
        """Make artifacts that are not there, or damaged; ``broken`` takes the reasons of those that cannot be made."""
        candidates = [artifact for artifact in stage if not is_whole(self.artifacts, artifact.key)]
        for artifact in candidates:
            reason = next((broken[need.key] for need in artifact.needs if need.key in broken), None)
            if reason is not None:
                broken[artifact.key] = reason
        tasks = {artifact.key: artifact for artifact in candidates if artifact.key not in broken}
        if tasks:
            self.progress(", ".join(dict.fromkeys(artifact.label for artifact in tasks.values())))
        for task, outcome, _ in self._ended([artifact.task for artifact in tasks.values()], executor, limits):
            if outcome.trace is None:
                write_artifact(self.artifacts, task.key, outcome.value)
                self.store.record_artifact(tasks[task.key], outcome.seconds)
            else:
                broken[task.key] = f"{tasks[task.key].label}:\n{outcome.trace}"

    def _record(self, trial: Trial, answer: TrialAnswer) -> None:
        self.store.record(trial, answer, versions())
        if answer.numbers is None:
            self.tally.failed += 1
        else:
            self.tally.answered += 1
        self.tally.left -= 1
        self.tally.seconds += answer.seconds
        self.report(trial, answer, self.tally)

    def _ended(self, tasks: Iterable[Task], executor: Executor, limits: Limits) -> Iterator[tuple[Task, Attempt, int]]:
        """Give each task with its last outcome, and how often it was tried; what is stopped before gives none."""
        queue = deque(tasks)
        attempts = dict.fromkeys((task.key for task in queue), 0)
        under_way = 0
        while queue or under_way:
            if self.stop():
                queue.clear()
                under_way -= self._withdrawn(executor, under_way)
            while queue and under_way < _AHEAD * executor.width:
                executor.submit(queue.popleft())
                under_way += 1
            for task, outcome in executor.outcomes() if under_way else ():
                under_way -= 1
                attempts[task.key] += 1
                if outcome.from_outside and attempts[task.key] <= limits.retries:
                    queue.append(task)
                else:
                    yield task, outcome, attempts[task.key]

    def _withdrawn(self, executor: Executor, under_way: int) -> int:
        """Leave what has not begun, and say once what is waited for; return how much was left."""
        count = len(executor.withdraw())
        if under_way > count and not self._stopping:
            self.progress(f"stopping: {under_way - count} under way are finished; Ctrl-C again drops them")
        self._stopping = True
        return count


def _stages(trials: Sequence[Trial]) -> Iterator[list[Artifact]]:
    """Give the artifacts that trials need, each once, in stages of which each needs those before it alone."""
    depths: dict[str, tuple[int, Artifact]] = {}

    def visit(artifact: Artifact) -> int:
        if artifact.key not in depths:
            depth = 1 + max((visit(need) for need in artifact.needs), default=-1)
            depths[artifact.key] = depth, artifact
        return depths[artifact.key][0]

    for trial in trials:
        for artifact in trial.artifacts:
            visit(artifact)
    for depth in range(1 + max((depth for depth, _ in depths.values()), default=-1)):
        yield [artifact for at, artifact in depths.values() if at == depth]


@cache
def versions() -> str:
    """Return what takes part, with versions, in a line; the processor too, for trainings round as it does."""
    packages = ("xbarsim", "numpy", "numba", "scipy", "torch")
    parts = [f"Python {platform.python_version()}"]
    for package in packages:
        with contextlib.suppress(Exception):
            parts.append(f"{package} {version(package)}")
    return ", ".join([*parts, processor()])


def lock_file(path: Path) -> Path:
    """Return the file that a store's runner holds; one, by whatever name the store is called."""
    path = path.resolve()
    return path.with_name(f"{path.name}.lock")


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a store while this is entered, so that two runners do not share it.

    Raises
    ------
    InputError
        Another process runs on it.
    """
    from xbarsim.files import fcntl

    if path.exists() and not path.is_file():
        raise InputError(f"{path}: it is no file: give another --store")
    lock = lock_file(path)
    try:
        file: Any = lock.open("a+")
    except OSError as error:
        raise InputError(f"{path}: no store can be there ({error.strerror}): give another --store") from None
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip() or "another process"
                raise InputError(
                    f"{path}: {owner} runs on it already: wait for it, or give another --store (xbarsim study status "
                    "says how far it is)"
                ) from None
            except OSError as error:
                raise InputError(
                    f"{path}: it cannot be locked there ({error.strerror}): give another --store"
                ) from None
        with contextlib.suppress(OSError):  # a full disk: who it is stays unsaid
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()}")
            file.flush()
        yield
