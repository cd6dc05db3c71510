"""The trials that a file asks for with the answers that its store has: what status, reports and exports begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xbarsim.study.open_study import OpenStudy, file_stamps
from xbarsim.study.store import Store, TrialRow


@dataclass(frozen=True, eq=False)
class Listing:
    """A study's trials as they are now.

    Attributes
    ----------
    rows : list of TrialRow
        In the order of the file.
    facts : mapping
        What the store has of the last run; empty where that asked for something else, or there was none.
    is_code_changed : bool
        Whether the code that answers has changed since that run.
    """

    rows: list[TrialRow]
    facts: Mapping[str, Any]
    is_code_changed: bool = False

    @property
    def code(self) -> Mapping[str, str]:
        """Fingerprints of the code of the last run."""
        return dict(self.facts.get("code", {}))


def last_run(study: OpenStudy, store: Store) -> dict[str, Any] | None:
    """Return the facts of the last run if it asked for what the file, and those that it names, ask for now.

    Then the store's own list of trials holds, and nothing of networks has to be loaded to make it anew.
    """
    facts = store.facts(study.name)
    if facts is None or facts.get("content") != study.content:
        return None
    # A netlist, a curve, a builder of then: what is gone cannot have been changed.
    before: dict[str, list[int]] = facts.get("files", {})
    return facts if all(before[path] == stamp for path, stamp in file_stamps(before).items()) else None


def listing(study: OpenStudy) -> Listing:
    """Return a study's trials: those of its last run if the file is as it was then, else those that it asks for now.

    Answers of older code are kept in a store, and shown as long as the file asks for the same.

    Raises
    ------
    InputError
        The file or the store is no good.
    """
    if not study.store.exists():
        return Listing([TrialRow(trial.key, trial.point) for trial in study.trials], {})
    with Store(study.store, write=False) as store:
        facts = last_run(study, store)
        if facts is not None:
            return Listing(store.trial_rows(study.name), facts, facts.get("code") != study.code)
        return Listing(store.answers((trial.key, trial.point) for trial in study.trials), {})
