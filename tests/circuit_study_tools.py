"""Studies for tests: files to trials, trials to numbers in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xbarsim.study.open_study import OpenStudy
from xbarsim.study.study_file import read
from xbarsim.study.task_work import perform
from xbarsim.study.trial import Trial


def trials_of(folder: Path, text: str, name: str = "study.toml") -> list[Trial]:
    """Write a study's file and return its trials."""
    path = folder / name
    path.write_text(text)
    return OpenStudy(read(path), folder / "study.sqlite").trials


def answers_of(folder: Path, text: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Write a study's file that needs no artifacts; return the point and the numbers of each trial."""
    return [(dict(trial.point), perform(trial.task, {})) for trial in trials_of(folder, text)]
