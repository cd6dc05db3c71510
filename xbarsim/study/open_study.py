"""A study's file with its trials, its store and its cache: what every command on studies begins with."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from xbarsim.study import margin_study, netlist_study, network_checks, network_study
from xbarsim.study.code_version import code_version, packaged_versions
from xbarsim.study.report_settings import report_settings
from xbarsim.study.shared_chips import with_shared_chips
from xbarsim.study.study_file import MOST_TRIALS, StudyFile
from xbarsim.study.trial import Trial, canonical

_TRIALS = {"network": network_study.trials, "margin": margin_study.trials, "netlist": netlist_study.trials}
_CHECKS = {"network": network_checks.check}

_TALK = ("title", "text", "metrics", "report", "reference", "limits", "quick")
"""Keys of a file that say how it is shown and run, and nothing of what is asked."""


@dataclass(frozen=True, eq=False)
class OpenStudy:
    """A study and where its answers are.

    Attributes
    ----------
    file : StudyFile
        As it is now.
    store : Path
        The SQLite file.
    """

    file: StudyFile
    store: Path

    @property
    def name(self) -> str:
        """Under which the store has its trials; the quick version is another study."""
        return f"{self.file.name}, quick" if self.file.quick else self.file.name

    @property
    def artifacts(self) -> Path:
        """The folder of trained networks and the like."""
        return self.store.with_name(f"{self.store.stem}.cache")

    @property
    def content(self) -> str:
        """A digest of what the file asks for: the same while its trials are, whatever it says of their report."""
        asks = {key: value for key, value in self.file.table.record.items() if key not in _TALK}
        return hashlib.sha256(canonical(asks).encode()).hexdigest()

    @property
    def code(self) -> dict[str, str]:
        """Fingerprints of the code that answers now, by kind of trial and artifact, and by name of a user's own."""
        kinds = [self.file.kind]
        if self.file.kind == "network":
            has_methods = bool(self.file.table.record.get("methods"))
            kinds = ["training", "blind", "mitigation"] if has_methods else ["training", "inference"]
        return {kind: code_version(kind) for kind in kinds} | packaged_versions(self.file.table.record)

    def facts(self, jobs: int, trials: Sequence[Trial] = ()) -> dict[str, Any]:
        """Return what the store keeps of a run of some trials that begins now."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        stamps = file_stamps(place for trial in trials for place in trial.places.values())
        return {"content": self.content, "code": self.code, "started": started, "jobs": jobs, "files": stamps}

    @cached_property
    def trials(self) -> list[Trial]:
        """All trials, in the order of the file; raises InputError where it asks for what cannot be."""
        report_settings(self.file)
        trials = list(itertools.islice(self._trials(), MOST_TRIALS + 1))
        if len(trials) > MOST_TRIALS:
            raise self.file.table.whole_error(
                f"it asks for more than {MOST_TRIALS:,} trials: sweep less, or make it several"
            )
        return with_shared_chips(trials)

    def _trials(self) -> Iterator[Trial]:
        return _TRIALS[self.file.kind](self.file)

    def check(self, trials: Sequence[Trial], progress: Callable[[str], None] = lambda text: None) -> None:
        """Check what a file alone does not tell of trials; raises InputError where one cannot be done."""
        check = _CHECKS.get(self.file.kind)
        if check is not None:
            progress("checking")
            check(self.file, trials)


def file_stamps(places: Iterable[str]) -> dict[str, list[int]]:
    """Return size and time of files that a study names, by path; ``file.py:function`` is of its file."""
    stamps: dict[str, list[int]] = {}
    for place in dict.fromkeys(places):
        path = Path(place)
        if not path.exists():
            path = Path(place.rpartition(":")[0])
        if path.is_file():
            facts = path.stat()
            stamps[str(path)] = [facts.st_size, facts.st_mtime_ns]
    return stamps
