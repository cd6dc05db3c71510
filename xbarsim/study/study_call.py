"""Studies from Python: one call that does what is missing."""

from __future__ import annotations

import warnings
from pathlib import Path

from xbarsim.errors import FailedTrialsWarning, InputError
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.runner import Tally
from xbarsim.study.study_file import StudyFile, read
from xbarsim.study.study_run import run_study


def run(
    study: str | Path | StudyFile, store: str | Path | None = None, *, quick: bool = False, jobs: int | None = None,
    scheduler: str | None = None, retry_failed: bool = False,
) -> Tally:  # fmt: skip
    """Do what is missing of a study, as ``xbarsim study run`` does.

    Parameters
    ----------
    study : str, Path or StudyFile
        A file, or what ``read`` made of one.
    store : str or Path, optional
        Where answers are; a file's own is beside it, with the ending ``.sqlite``.
    quick : bool
        The quick version of a file.
    jobs : int, optional
        Processes of this machine; as many as there are cores.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers do it instead.
    retry_failed : bool
        Try trials again that failed before.

    Returns
    -------
    Tally
        How many trials were there before, are done and failed.

    Warns
    -----
    FailedTrialsWarning
        Trials failed, now or before.

    Raises
    ------
    InputError
        The file asks for what cannot be, or the store is no good or in use.
    """
    if quick and isinstance(study, StudyFile):
        raise InputError("quick is of a file that is read here: read(path, quick=True) gives its quick version")
    file = study if isinstance(study, StudyFile) else read(study, quick=quick)
    path = Path(file.table.place).with_suffix(".sqlite") if store is None else Path(store)
    tally = run_study(OpenStudy(file, path), jobs=jobs, scheduler=scheduler, again=retry_failed)
    failed = tally.failed + tally.failed_before
    if failed:
        count = tally.before + tally.answered + tally.failed
        warnings.warn(
            f"{failed} of {count} trials failed: frame() has each one's reason, and retry_failed=True tries them again",
            FailedTrialsWarning,
            stacklevel=2,
        )
    return tally
