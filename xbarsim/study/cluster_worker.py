"""A Dask worker's side: it has each task done by a process of one thread, as ``local_processes`` has.

So a time limit can end a task, a crash takes nothing else along, and an answer has the same bits as on one machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xbarsim.files import written_whole
from xbarsim.study.local_processes import LocalProcesses
from xbarsim.study.study_file import Limits
from xbarsim.study.trial import Task, content_key

OTHER_CODE = "other code"
"""In place of a task's end: what the worker would compute is not what was asked for."""

_idle: dict[Limits, list[LocalProcesses]] = {}


def perform_there(task: Task, keys: list[str], contents: list[bytes], limits: Limits) -> tuple[Any, ...]:
    """Do a task on the Dask worker that this is called on.

    Parameters
    ----------
    task : Task
        What to do.
    keys, contents : list
        Of the artifacts that it needs.
    limits : Limits
        Of an attempt.

    Returns
    -------
    tuple
        An ``Outcome``'s fields, or ``OTHER_CODE`` and the worker's address.
    """
    from distributed import get_worker

    worker = get_worker()
    if content_key(task.kind, task.settings) != task.key:
        return OTHER_CODE, worker.address
    folder = Path(worker.local_directory) / "xbarsim"
    folder.mkdir(exist_ok=True)
    for key, content in zip(keys, contents, strict=True):
        if not (folder / key).exists():
            with written_whole(folder / key) as file:
                file.write(content)
    processes = _idle.setdefault(limits, [])
    try:
        process = processes.pop()
    except IndexError:
        process = LocalProcesses(1, folder, limits)
    process.submit(task)
    while True:
        for _, outcome in process.outcomes():
            processes.append(process)
            return outcome.found, outcome.seconds, outcome.trace, outcome.from_outside


def keep(content: bytes) -> bytes:
    """Return an artifact: a task of its own, so that the scheduler has it made anew where its worker dies."""
    return content


def executing(dask_worker: Any) -> set[str]:
    """Return the names of what a worker is at."""
    return {state.key for state in dask_worker.state.executing}
