"""A process that does one task at a time, as who gives it tasks sees it.

Each has pipes of its own: one that is killed at any moment, with a lock in hand or in the middle of an answer, takes
along nothing but the task that it was at.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from xbarsim.study.task_messages import receive, send
from xbarsim.study.trial import Task

_ONE_THREAD = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_LAST_WORDS = 4000
"""Characters of what a process printed before it ended that a trial's record takes."""


@dataclass(frozen=True, eq=False)
class Word:
    """What a process said.

    Attributes
    ----------
    process : TaskProcess
        Which.
    message : object
        ``READY``, or the end of its task; None where the process ended.
    """

    process: TaskProcess
    message: Any


class TaskProcess:
    """A process that begins at once.

    Parameters
    ----------
    memory : float, optional
        Bytes that it may have.
    words : queue
        Where ``Word``s of it go.
    """

    def __init__(self, memory: float | None, words: queue.SimpleQueue[Word]) -> None:
        self.task: Task | None = None
        self.ready = False
        self.begun = time.perf_counter()
        self._printed: IO[bytes] = tempfile.TemporaryFile("ab+", buffering=0)  # noqa: SIM115
        # A new interpreter: one that torch and numba have threads in must not be forked. In a group of its own, so
        # that Ctrl-C on a terminal reaches the runner alone.
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from xbarsim.study.task_worker import serve; serve({memory!r})"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._printed, env=_environment(), process_group=0,
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(words,), daemon=True).start()

    @property
    def number(self) -> int:
        """Of the process, as the system has it."""
        return self._process.pid

    def give(self, task: Task, folder: str) -> None:
        """Have a task done, with artifacts from a folder; a process that is gone says so by its last word."""
        self.task, self.begun = task, time.perf_counter()
        self._printed.truncate(0)
        with contextlib.suppress(OSError):
            send(self._stdin, (task, folder))

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._ended()

    def dismiss(self) -> None:
        """Let a process end that has nothing to do."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._ended()

    def ending(self) -> str:
        """Return how a process ended that is gone, with what it printed last."""
        code = self._process.wait()
        self._printed.seek(max(0, self._printed.seek(0, os.SEEK_END) - _LAST_WORDS))
        printed = self._printed.read().decode(errors="replace").strip()
        self._ended()
        return _how(code) + (f":\n{printed}" if printed else "")

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _ended(self) -> None:
        self._process.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._printed.close()

    def _listen(self, words: queue.SimpleQueue[Word]) -> None:
        answers = self._process.stdout
        assert answers is not None
        with answers:
            try:
                while True:
                    words.put(Word(self, receive(answers)))
            except Exception:  # it ended, perhaps in the middle of an answer
                words.put(Word(self, None))


def _environment() -> dict[str, str]:
    """Return the environment of a process that finds what this one finds, and keeps to one thread."""
    paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": paths,
        **dict.fromkeys(_ONE_THREAD, "1"),
    }


def _how(code: int) -> str:
    if code >= 0:
        return f"its process ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"its process was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
