"""How far a study is: from the store's index alone where the file is as it was when it ran."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xbarsim.files import fcntl
from xbarsim.study.durations import Durations, lasting
from xbarsim.study.failure_reasons import reasons
from xbarsim.study.listing import last_run
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.runner import lock_file
from xbarsim.study.store import Store, TrialRow
from xbarsim.text_table import aligned

_REASONS = 10
"""Reasons of failure in the table."""


@dataclass(frozen=True)
class FailedTrial:
    """A trial that failed.

    Attributes
    ----------
    point : mapping of str to value
        Where it stands in its study.
    reason : str
        In a line.
    attempts : int
        How often it was tried.
    """

    point: Mapping[str, Any]
    reason: str
    attempts: int


@dataclass(frozen=True)
class StudyStatus:
    """How far a study is.

    Attributes
    ----------
    study, store : str
        Its name, and the file of its answers.
    total, answered, failed, missing : int
        Trials.
    seconds : float
        Of all that ended, all processes together.
    rate : float, optional
        Trials a minute of the run that goes on; None where there is none, or nothing of it has ended.
    seconds_left : float, optional
        Until all is done, by as many processes as the last run had; None where no finished trial tells.
    runner : str, optional
        Who runs it now.
    last_ended : str, optional
        When the last trial of it ended.
    is_code_changed : bool
        Whether the code has changed since: the next run does all again.
    failures : tuple of FailedTrial
        Those that failed, the most frequent reason first.
    """

    study: str
    store: str
    total: int
    answered: int
    failed: int
    missing: int
    seconds: float
    rate: float | None
    seconds_left: float | None
    runner: str | None
    last_ended: str | None
    is_code_changed: bool
    failures: tuple[FailedTrial, ...]

    def as_json(self) -> str:
        """Return all of it as JSON."""
        record = asdict(self)
        record["done"] = record.pop("answered")  # the store's word
        return json.dumps(record, indent=2)

    def as_table(self) -> str:
        """Return text for people."""
        share = f", {self.answered / self.total:.0%}" if self.total else ""
        rows = [
            ("study", self.study),
            ("store", self.store),
            ("trials", f"{self.answered} of {self.total} done{share}; {self.failed} failed, {self.missing} missing"),
            ("runner", self.runner or "none: nothing runs now"),
        ]
        if self.rate is not None:
            rows.append(("rate", f"{self.rate:.3g} trials a minute"))
        if self.missing:
            left = "not known: nothing like what is missing has ended"
            rows.append(("time left", left if self.seconds_left is None else f"about {lasting(self.seconds_left)}"))
        if self.last_ended is not None:
            rows.append(("last ended", f"{self.last_ended}; {lasting(self.seconds)} of work in all"))
        lines = aligned(rows, ("<", "<"))
        if self.is_code_changed:
            lines.append("note: the code has changed since the last run; the next one does all trials again")
        return "\n".join([*lines, *self._failed_lines()])

    def _failed_lines(self) -> list[str]:
        if not self.failures:
            return []
        groups: dict[str, list[FailedTrial]] = {}
        for trial in self.failures:
            groups.setdefault(trial.reason, []).append(trial)
        lines = ["", "failed"]
        for text, trials in list(groups.items())[:_REASONS]:
            where = ", ".join(f"{name} {value}" for name, value in trials[0].point.items())
            lines.append(f"  {len(trials)} x {text}; as at {where}")
        if len(groups) > _REASONS:
            lines.append(f"  {len(groups) - _REASONS} more reasons: --json has all")
        return [*lines, "xbarsim study run --retry-failed tries them again"]


def status(study: OpenStudy, *, jobs: int) -> StudyStatus:
    """Return how far a study is.

    Parameters
    ----------
    study : OpenStudy
        Its store need not be there.
    jobs : int
        Processes that are to do what is left, if no run says how many.

    Raises
    ------
    InputError
        The file or the store is no good.
    """
    if not study.store.exists():
        trials = len(study.trials)
        return StudyStatus(
            study.name, str(study.store), trials, 0, 0, trials, 0.0, None, None, None, None, False, ()
        )  # fmt: skip
    with Store(study.store, write=False) as store:
        facts = last_run(study, store)
        if facts is None:
            rows = store.answers((trial.key, trial.point) for trial in study.trials)
            groups = _groups_of(rows)
            facts = {"code": study.code}
        else:
            rows = None
            groups = _stored_groups(store, study.name)
        failed = _failed(store, study.name) if rows is None else [row for row in rows if row.state == "failed"]
        return _status(study, store, facts, groups, failed, jobs)


_Group = tuple[str, str | None, int, float, str | None]
"""A point without its chip, a state, how many trials, their seconds, the last end."""


def _stored_groups(store: Store, study: str) -> list[_Group]:
    return store.select(
        "SELECT json_remove(points.point, '$.chip') AS place, trials.state, count(*), "
        "coalesce(sum(trials.seconds), 0.0), max(trials.ended) "
        "FROM points LEFT JOIN trials INDEXED BY trial_states ON trials.key = points.trial "
        "WHERE points.study = ? GROUP BY place, trials.state",
        study,
    )


def _groups_of(rows: Iterable[TrialRow]) -> list[_Group]:
    return [(json.dumps(dict(row.point)), row.state, 1, row.seconds or 0.0, row.ended) for row in rows]


def _failed(store: Store, study: str) -> list[TrialRow]:
    rows = store.select(
        "SELECT points.trial, points.point, trials.trace, trials.attempts FROM points JOIN trials "
        "ON trials.key = points.trial WHERE points.study = ? AND points.trial IN "
        "(SELECT key FROM trials INDEXED BY trial_states WHERE state = 'failed') ORDER BY points.position",
        study,
    )
    return [
        TrialRow(key, json.loads(point), "failed", trace=trace, attempts=attempts)
        for key, point, trace, attempts in rows
    ]


def _status(
    study: OpenStudy, store: Store, facts: Mapping[str, Any], groups: list[_Group], failed: list[TrialRow], jobs: int
) -> StudyStatus:
    counts = {state: sum(group[2] for group in groups if group[1] == state) for state in ("done", "failed", None)}
    ended = [group[4] for group in groups if group[4] is not None]
    owner = runner(study.store)
    return StudyStatus(
        study.name, str(study.store), sum(counts.values()), counts["done"], counts["failed"], counts[None],
        sum(group[3] for group in groups), _rate(store, facts) if owner else None,
        _seconds_left(groups, int(facts.get("jobs") or jobs)), owner, max(ended, default=None),
        facts.get("code") != study.code,
        tuple(
            FailedTrial(row.point, text, row.attempts or 1) for text, rows in reasons(failed).items() for row in rows
        ),
    )  # fmt: skip


def _seconds_left(groups: list[_Group], jobs: int) -> float | None:
    """Return the seconds of what is missing; None if nothing tells of a part of it."""
    missing = [group for group in groups if group[1] is None]
    if not missing:
        return 0.0
    ended = ((json.loads(place), count, seconds) for place, state, count, seconds, _ in groups if state == "done")
    durations = Durations.of(ended)
    whole = 0.0
    for place, _, count, _, _ in missing:
        seconds = durations.at(json.loads(place))
        if seconds is None:
            return None
        whole += count * seconds
    return whole / jobs


def _rate(store: Store, facts: Mapping[str, Any]) -> float | None:
    """Return trials a minute since the run began."""
    started = facts.get("started")
    if started is None:
        return None
    ((count,),) = store.select("SELECT count(*) FROM trials INDEXED BY trial_states WHERE ended >= ?", started)
    seconds = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
    return 60.0 * count / seconds if count and seconds > 0.0 else None


def runner(path: Path) -> str | None:
    """Return who runs on a store now; None if nobody does."""
    lock = lock_file(path)
    if fcntl is None or not lock.exists():
        return None
    try:
        with lock.open() as file:
            # Shared, so that two who ask do not take each other for a runner.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return lock.read_text("utf-8", "replace").strip() or "another process"
    return None
