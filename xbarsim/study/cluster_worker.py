"""A Dask worker's side: it has each task done by a process of one thread, as ``local_processes`` has.

So a time limit can end a task, a crash takes nothing else along, and an answer has the same bits as on one machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xbarsim.study.artifact_files import write_artifact
from xbarsim.study.local_processes import LocalProcesses
from xbarsim.study.study_file import Limits
from xbarsim.study.trial import Task, content_key

OTHER_CODE, MISSING = "other code", "missing"
"""In place of a task's end: it would compute something else than what was asked for, or has not all that it needs."""

_idle: dict[Limits, list[LocalProcesses]] = {}


def perform_there(task: Task, limits: Limits) -> tuple[Any, ...]:
    """Do a task on the Dask worker that this is called on.

    Parameters
    ----------
    task : Task
        What to do.
    limits : Limits
        Of an attempt.

    Returns
    -------
    tuple
        An ``Outcome``'s fields; or ``OTHER_CODE`` and the worker's address; or ``MISSING``, the worker's address and
        the keys of artifacts that ``keep_there`` must bring first.
    """
    from distributed import get_worker

    worker = get_worker()
    if content_key(task.kind, task.settings) != task.key:
        return OTHER_CODE, worker.address
    folder = _folder(worker)
    missing = [key for key in task.needs if not (folder / key).exists()]
    if missing:
        return MISSING, worker.address, missing
    processes = _idle.setdefault(limits, [])
    try:
        process = processes.pop()
    except IndexError:
        process = LocalProcesses(1, folder, limits)
    process.submit(task)
    while True:
        for _, outcome in process.outcomes():
            processes.append(process)
            return outcome.value, outcome.seconds, outcome.trace, outcome.from_outside


def keep_there(key: str, content: bytes, dask_worker: Any) -> None:
    """Keep an artifact on a worker, for all tasks that need it.

    No value of Dask's own: its scheduler would give tasks to the worker that has it alone, and others would stand idle.
    """
    write_artifact(_folder(dask_worker), key, content)


def _folder(worker: Any) -> Path:
    folder = Path(worker.local_directory) / "xbarsim"
    folder.mkdir(exist_ok=True)
    return folder


def executing(dask_worker: Any) -> set[str]:
    """Return the names of what a worker is at."""
    return {state.key for state in dask_worker.state.executing}
