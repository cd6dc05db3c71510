"""Where tasks are done: processes of this machine, or whatever a Dask scheduler has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from xbarsim.study.trial import Task


@dataclass(frozen=True)
class Attempt:
    """The end of one attempt at a task.

    Attributes
    ----------
    value : object
        What ``task_work.perform`` returned; None where it did not.
    seconds : float
        Of the attempt.
    trace : str, optional
        The traceback, or how the process ended.
    from_outside : bool
        Whether memory, time or the process's death ended it: another attempt may succeed.
    """

    value: Any
    seconds: float
    trace: str | None = None
    from_outside: bool = False


class Executor(Protocol):
    """Does tasks, several at a time."""

    @property
    def width(self) -> int:
        """How many tasks it does at a time."""

    def submit(self, task: Task) -> None:
        """Begin a task as soon as there is room."""

    def outcomes(self) -> Iterator[tuple[Task, Attempt]]:
        """Give tasks that have ended; empty after a moment in which none did."""

    def withdraw(self) -> list[Task]:
        """Take back tasks that have not begun."""

    def close(self, *, drop: bool) -> None:
        """End all processes; ``drop``: whatever they are doing."""
