"""A study run from its file to its last answer: checked, alone on its store, by whatever executor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.resources import thread_count
from xbarsim.study.executors import Executor
from xbarsim.study.local_processes import LocalProcesses
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.runner import Report, Run, Tally, alone
from xbarsim.study.store import Store


def run_study(
    study: OpenStudy,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    again: bool = False,
    report: Report = lambda trial, answer, tally: None,
    progress: Callable[[str], None] = lambda text: None,
    stop: Callable[[], bool] = lambda: False,
) -> Tally:
    """Do what is missing of a study.

    Parameters
    ----------
    study : OpenStudy
        The study.
    jobs : int, optional
        Processes of this machine; as many as there are cores.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers do it instead.
    again, report, progress, stop
        As for ``Run``.

    Raises
    ------
    InputError
        The study asks for what cannot be, its store cannot be used, or what does the work is gone; what is done is
        kept.
    """
    if jobs is not None and scheduler is not None:
        raise InputError("jobs are processes of this machine, and scheduler is of others: give one of them")
    trials = study.trials
    with alone(study.store), Store(study.store) as store:
        store.check()
        store.list_trials(study.name, trials, study.facts(jobs or thread_count(), trials))
        job = Run(trials, store, study.artifacts, again=again, report=report, progress=progress, stop=stop)
        missing = job.missing()
        if not missing:
            return job.tally
        study.check(missing, progress)
        _make_folder(study.artifacts)
        executor = _executor(study, jobs, scheduler)
        try:
            job.run(missing, executor, study.file.limits)
        except BaseException:
            executor.close(drop=True)
            raise
        executor.close(drop=False)
        return job.tally


def _executor(study: OpenStudy, jobs: int | None, scheduler: str | None) -> Executor:
    if scheduler is None:
        return LocalProcesses(jobs or thread_count(), study.artifacts, study.file.limits)
    from xbarsim.study.dask_cluster import DaskCluster

    return DaskCluster(scheduler, study.artifacts, study.file.limits)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: it cannot be made ({error.strerror}): give another --store") from None
