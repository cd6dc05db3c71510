"""The store of a study: an SQLite file that any tool reads, one transaction a finished trial."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xbarsim.errors import InputError
from xbarsim.study.migrations import migrate
from xbarsim.study.trial import Trial, canonical


@dataclass(frozen=True)
class Answer:
    """What a trial came to.

    Attributes
    ----------
    numbers : mapping of str to number, optional
        By name; None where it failed.
    seconds : float
        Of the attempt that ended it.
    attempts : int
        How many there were.
    trace : str, optional
        The traceback, or how the process ended, of one that failed.
    """

    numbers: Mapping[str, Any] | None
    seconds: float
    attempts: int = 1
    trace: str | None = None


class Store:
    """An open store.

    Parameters
    ----------
    path : Path
        Of the file, made where there is none.

    Raises
    ------
    InputError
        It is no store, is damaged, of a newer version, or cannot be written.
    """

    def __init__(self, path: Path, *, write: bool = True) -> None:
        self.path = path
        if not write and not path.exists():
            raise InputError(f"{path}: there is no such store: xbarsim study run makes it")
        with self._failures():
            mode = "rwc" if write else "ro"
            self._base = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=60.0
            )
            migrate(self._base, path, write=write)  # before anything else is done to what may be another's file
            if write:
                self._base.execute("PRAGMA journal_mode=WAL")
                self._base.execute("PRAGMA synchronous=FULL")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self.path}: {_said(error)}") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._failures():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:  # SQLite itself may have taken it back
                    self._base.execute("ROLLBACK")
                raise

    def check(self) -> None:
        """Read all of it; raises InputError where it is damaged."""
        with self._failures():
            (verdict,) = self._base.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise InputError(f"{self.path}: {_DAMAGED}")

    def list_trials(self, study: str, trials: Iterable[Trial], facts: Mapping[str, Any]) -> None:
        """Say which trials a study has now, in place of those that it had."""
        with self._transaction():
            self._base.execute("DELETE FROM points WHERE study = ?", (study,))
            self._base.execute(
                "INSERT OR REPLACE INTO studies (name, facts) VALUES (?, ?)", (study, canonical(facts))
            )  # fmt: skip
            self._base.executemany(
                "INSERT INTO points (study, position, trial, point) VALUES (?, ?, ?, ?)",
                ((study, number, trial.key, json.dumps(dict(trial.point))) for number, trial in enumerate(trials)),
            )

    def record(self, trial: Trial, answer: Answer, versions: str) -> None:
        """Keep the answer of a trial: all of it or nothing."""
        state = "failed" if answer.numbers is None else "done"
        numbers = None if answer.numbers is None else json.dumps(answer.numbers, allow_nan=False)
        with self._transaction():
            self._base.execute(
                "INSERT OR REPLACE INTO trials "
                "(key, kind, state, settings, numbers, seconds, attempts, trace, ended, versions) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    trial.key, trial.kind, state, canonical(trial.settings), numbers, answer.seconds, answer.attempts,
                    answer.trace, datetime.now(UTC).isoformat(timespec="seconds"), versions,
                ),
            )  # fmt: skip

    def states(self) -> dict[str, str]:
        """Return ``done`` or ``failed`` of each trial that ended, by key."""
        with self._failures():
            return dict(self._base.execute("SELECT key, state FROM trials"))

    def rows(self, study: str) -> list[dict[str, Any]]:
        """Return a study's trials in its order: point, state (None: not run), numbers, seconds, attempts, trace."""
        with self._failures():
            found = self._base.execute(
                "SELECT points.trial, points.point, trials.state, trials.numbers, trials.seconds, trials.attempts, "
                "trials.trace, trials.versions FROM points LEFT JOIN trials ON trials.key = points.trial "
                "WHERE points.study = ? ORDER BY points.position",
                (study,),
            ).fetchall()
        names = ("key", "point", "state", "numbers", "seconds", "attempts", "trace", "versions")
        rows = [dict(zip(names, row, strict=True)) for row in found]
        try:
            for row in rows:
                row["point"] = json.loads(row["point"])
                row["numbers"] = json.loads(row["numbers"]) if row["numbers"] else None
        except (TypeError, ValueError):
            raise InputError(f"{self.path}: {_DAMAGED}") from None
        return rows


_DAMAGED = "it is no store, or a damaged one: give another --store; sqlite3 FILE .recover saves what can be read"


def _said(error: sqlite3.DatabaseError) -> str:
    """Return what a user can do about a failure of SQLite."""
    text = str(error)
    if any(words in text for words in ("not a database", "malformed", "no such table", "no such column")):
        return _DAMAGED
    if "disk is full" in text or "disk I/O error" in text:
        return "the disk is full, or fails: what is recorded is whole; make room and run again"
    if "readonly" in text or "unable to open" in text:
        return "it cannot be written: give another --store, or permission to write there"
    if "locked" in text:
        return "another program holds it locked: close that, and run again"
    return text
