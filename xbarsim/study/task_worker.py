"""A worker's own side: it reads tasks from its standard input, answers on its standard output, and ends with either."""

from __future__ import annotations

import faulthandler
import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

from xbarsim.study.task_messages import receive, send

READY = "ready"
"""What a worker says when it can begin."""

_NO_MEMORY = ("can't allocate memory", "failed to map segment", "unable to allocate", "bad_alloc")
"""What libraries' errors of no class of their own say."""


def serve(memory: float | None) -> None:
    """Do tasks until the process that gives them is gone, however it ended.

    Parameters
    ----------
    memory : float, optional
        Bytes of data that this process may have.
    """
    tasks, answers = _streams()
    faulthandler.enable()
    if memory is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_take, args=(tasks, waiting), daemon=True).start()
    import xbarsim.study.task_work  # noqa: F401  # no part of the first task's time

    send(answers, READY)
    while True:
        send(answers, _attempt(*waiting.get()))


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output for messages; whatever else prints goes where errors go."""
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing_to_read:
        os.dup2(nothing_to_read.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return tasks, answers


def _take(tasks: IO[bytes], waiting: queue.SimpleQueue[Any]) -> None:
    """Hand tasks on; end in the middle of one when nobody waits for it any more."""
    try:
        while True:
            waiting.put(receive(tasks))
    except BaseException:
        os._exit(1)


def _attempt(task: Any, folder: str) -> tuple[Any, float, str | None, bool]:
    """Do a task; what Python can catch comes back as text, so that the process serves on."""
    start = time.perf_counter()
    try:
        from xbarsim.study.artifact_files import read_artifact
        from xbarsim.study.task_work import perform

        artifacts = {key: read_artifact(Path(folder), key) for key in task.needs}
        return perform(task, artifacts), time.perf_counter() - start, None, False
    except Exception as error:
        return None, time.perf_counter() - start, traceback.format_exc(), _is_short_of_memory(error)


def _is_short_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ImportError) and any(words in str(error).lower() for words in _NO_MEMORY)
    )
