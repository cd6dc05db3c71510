"""The store of a study: an SQLite file that any tool reads, one transaction a finished trial."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xbarsim.errors import InputError
from xbarsim.study.migrations import migrate
from xbarsim.study.store_connection import Stamp, reading, stamp_of, writing
from xbarsim.study.trial import Artifact, Trial, canonical


@dataclass(frozen=True)
class TrialAnswer:
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
    write : bool
        Whether answers are to be kept; without, the file must be there.

    Raises
    ------
    InputError
        It is no store, is damaged, of a newer version, cannot be written, or was written while it was read.
    """

    def __init__(self, path: Path, *, write: bool = True) -> None:
        self.path = path
        self._stamp: Stamp | None = None
        if not write and not path.exists():
            raise InputError(f"{path}: there is no such store: xbarsim study run makes it")
        with self._failures():
            self._base, self._stamp = (writing(path), None) if write else reading(path)
            try:
                migrate(self._base, path, write=write)  # before anything else is done to what may be another's file
            except BaseException:
                self._base.close()
                raise
            if write:
                self._base.execute("PRAGMA journal_mode=WAL")
                self._base.execute("PRAGMA synchronous=FULL")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()
        if kind is None and self._was_written():
            raise InputError(f"{self.path}: {_CHANGED_MEANWHILE}")

    def _was_written(self) -> bool:
        """Tell whether it was written while it was read without a lock: then what was read may be of no moment."""
        return self._stamp is not None and self._stamp != stamp_of(self.path)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{self.path}: {_CHANGED_MEANWHILE if self._was_written() else _explained(error)}"
            ) from None
        except json.JSONDecodeError:
            raise InputError(f"{self.path}: {_CHANGED_MEANWHILE if self._was_written() else _DAMAGED}") from None

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
        """Say which trials a study has now, in place of those that it had.

        Parameters
        ----------
        study : str
            Its name.
        trials : iterable of Trial
            All of them, in their order.
        facts : mapping
            What ``facts`` is to return.
        """
        with self._transaction():
            self._base.execute("DELETE FROM points WHERE study = ?", (study,))
            self._base.execute(
                "INSERT OR REPLACE INTO studies (name, facts) VALUES (?, ?)", (study, canonical(facts))
            )  # fmt: skip
            self._base.executemany(
                "INSERT INTO points (study, position, trial, point) VALUES (?, ?, ?, ?)",
                ((study, number, trial.key, json.dumps(dict(trial.point))) for number, trial in enumerate(trials)),
            )

    def record(self, trial: Trial, answer: TrialAnswer, versions: str) -> None:
        """Keep the answer of a trial: all of it or nothing.

        Parameters
        ----------
        trial : Trial
            What was asked.
        answer : TrialAnswer
            What came out, or why nothing did.
        versions : str
            Of the code that ran.
        """
        state = "failed" if answer.numbers is None else "done"
        numbers = None if answer.numbers is None else json.dumps(answer.numbers, allow_nan=False)
        with self._transaction():
            self._base.execute(
                "INSERT OR REPLACE INTO trials "
                "(key, kind, state, settings, numbers, seconds, attempts, trace, ended, versions) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    trial.key, trial.kind, state, canonical(trial.settings), numbers, answer.seconds, answer.attempts,
                    _writable(answer.trace), _now(), versions,
                ),
            )  # fmt: skip

    def record_artifact(self, artifact: Artifact, seconds: float) -> None:
        """Keep how long an artifact took, for plans.

        Parameters
        ----------
        artifact : Artifact
            What was made, as a trained network.
        seconds : float
            How long it took.
        """
        with self._transaction():
            self._base.execute(
                "INSERT OR REPLACE INTO artifacts (key, kind, label, seconds, ended) VALUES (?, ?, ?, ?, ?)",
                (artifact.key, artifact.kind, artifact.label, seconds, _now()),
            )

    def facts(self, study: str) -> dict[str, Any] | None:
        """Return what ``list_trials`` was told of a study; None of one that it has not.

        Parameters
        ----------
        study : str
            Its name.
        """
        rows = self.select("SELECT facts FROM studies WHERE name = ?", study)
        with self._failures():
            return json.loads(rows[0][0]) if rows else None

    def studies(self) -> list[str]:
        """Return the names of all studies, in the order of the alphabet."""
        return [name for (name,) in self.select("SELECT name FROM studies ORDER BY name")]

    def select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query that changes nothing; ``?`` in it are values.

        Parameters
        ----------
        query : str
            In SQL.
        *values
            What stands for each ``?``.
        """
        with self._failures():
            return self._base.execute(query, values).fetchall()

    def states(self) -> dict[str, str]:
        """Return ``done`` or ``failed`` of each trial that ended, by key."""
        with self._failures():
            return dict(self._base.execute("SELECT key, state FROM trials"))

    def trial_rows(self, study: str) -> list[TrialRow]:
        """Return a study's trials in its order.

        Parameters
        ----------
        study : str
            Its name.
        """
        answers = self.select(
            f"SELECT points.trial, points.point, {_ANSWER} FROM points LEFT JOIN trials ON trials.key = points.trial "
            "WHERE points.study = ? ORDER BY points.position",
            study,
        )
        with self._failures():
            return [_trial_row(key, _record(point), answer) for key, point, *answer in answers]

    def answers(self, places: Iterable[tuple[str, Mapping[str, Any]]]) -> list[TrialRow]:
        """Return trials by key and point, whatever study they were run for.

        Parameters
        ----------
        places : iterable of (str, mapping)
            A key and a point of each trial.
        """
        answers = {key: answer for key, *answer in self.select(f"SELECT trials.key, {_ANSWER} FROM trials")}
        with self._failures():
            return [_trial_row(key, point, answers.get(key, (None,) * 7)) for key, point in places]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial of a study with its answer.

    Attributes
    ----------
    key : str
        Of the trial.
    point : mapping of str to value
        Where it stands in its study.
    state : str, optional
        ``done`` or ``failed``; None: not run.
    numbers : mapping of str to number, optional
        Of one that is done.
    seconds : float, optional
        Of the attempt that ended it.
    attempts : int, optional
        How many there were.
    trace : str, optional
        Of one that failed.
    ended : str, optional
        When, as ISO 8601 has it.
    versions : str, optional
        Of what took part.
    """

    key: str
    point: Mapping[str, Any]
    state: str | None = None
    numbers: Mapping[str, Any] | None = None
    seconds: float | None = None
    attempts: int | None = None
    trace: str | None = None
    ended: str | None = None
    versions: str | None = None


_ANSWER = (
    "trials.state, trials.numbers, trials.seconds, trials.attempts, trials.trace, trials.ended, trials.versions"
)  # fmt: skip


def _trial_row(key: str, point: Mapping[str, Any], answer: Sequence[Any]) -> TrialRow:
    state, numbers, *facts = answer
    return TrialRow(key, point, state, _record(numbers) if numbers else None, *facts)


def _record(text: str) -> dict[str, Any]:
    """Return names and values; raises JSONDecodeError where a column has something else."""
    record = json.loads(text)
    if not isinstance(record, dict):
        raise json.JSONDecodeError("no record", text, 0)
    return record


def _writable(text: str | None) -> str | None:
    """Return a text with escapes for what UTF-8 has not: halves of letters, as names of files may have them."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


_CHANGED_MEANWHILE = "it was written while it was read, in a folder where no lock can be: read it again"

_DAMAGED = "it is no store, or a damaged one: give another --store; sqlite3 FILE .recover saves what can be read"


def _explained(error: sqlite3.DatabaseError) -> str:
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
