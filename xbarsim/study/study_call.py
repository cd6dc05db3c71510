"""Studies from Python: one call that does what is missing."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xbarsim.errors import FailedTrialsWarning, InputError
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.runner import Tally
from xbarsim.study.study_file import StudyFile, read
from xbarsim.study.study_run import run_study


def run(
    study: str | Path | Mapping[str, Any] | StudyFile,
    store: str | Path | None = None,
    *,
    quick: bool = False,
    jobs: int | None = None,
    scheduler: str | None = None,
    retry_failed: bool = False,
) -> Tally:
    """Do what is missing of a study, as ``xbarsim study run`` does.

    Parameters
    ----------
    study : str, Path, mapping or StudyFile
        A file; its tables, as ``tomllib`` gives them; or what ``read`` made of either.
    store : str or Path, optional
        Where answers are; a file's own is beside it, with the ending ``.sqlite``, tables have none.
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

    Examples
    --------
    >>> from xbarsim import study
    >>> wires = {"margin": {"size": 8, "scheme": "half"}, "sweep": {"wire": [1.0, 2.0, 5.0]}}
    >>> study.run(wires, "wires.sqlite")  # doctest: +SKIP
    >>> study.frame("wires.sqlite")  # doctest: +SKIP
    """
    if quick and isinstance(study, StudyFile):
        raise InputError("quick is of a file that is read here: read(path, quick=True) gives its quick version")
    file = study if isinstance(study, StudyFile) else read(study, quick=quick)
    if store is None:
        if file.path is None:
            raise InputError("store is None: a study that is no file has none beside it: run(study, 'NAME.sqlite')")
        store = file.path.with_suffix(".sqlite")
    tally = run_study(OpenStudy(file, Path(store)), jobs=jobs, scheduler=scheduler, again=retry_failed)
    failed = tally.failed + tally.failed_before
    if failed:
        count = tally.before + tally.answered + tally.failed
        warnings.warn(
            f"{failed} of {count} trials failed: frame() has each one's reason, and retry_failed=True tries them again",
            FailedTrialsWarning,
            stacklevel=2,
        )
    return tally
