"""A study's file with its trials, its store and its cache: what every command on studies begins with."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xbarsim.study import margin_study, netlist_study, network_checks, network_study
from xbarsim.study.study_file import MOST_TRIALS, StudyFile
from xbarsim.study.trial import Trial, canonical

_TRIALS = {"network": network_study.trials, "margin": margin_study.trials, "netlist": netlist_study.trials}
_CHECKS = {"network": network_checks.check}


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
        """A digest of the file's tables: the same while they say the same."""
        return hashlib.sha256(canonical(self.file.table.record).encode()).hexdigest()

    @cached_property
    def trials(self) -> list[Trial]:
        """All trials, in the order of the file; raises InputError where it asks for what cannot be."""
        trials = list(itertools.islice(self._trials(), MOST_TRIALS + 1))
        if len(trials) > MOST_TRIALS:
            raise self.file.table.whole_error(
                f"it asks for more than {MOST_TRIALS:,} trials: sweep less, or make it several"
            )
        return trials

    def _trials(self) -> Iterator[Trial]:
        return _TRIALS[self.file.kind](self.file)

    def check(self, trials: Sequence[Trial], progress: Callable[[str], None] = lambda text: None) -> None:
        """Check what a file alone does not tell of trials; raises InputError where one cannot be done."""
        check = _CHECKS.get(self.file.kind)
        if check is not None:
            progress("checking")
            check(self.file, trials)
