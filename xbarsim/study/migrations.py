"""The schema of the store, and the steps from older ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from xbarsim.errors import InputError

_STEPS = (
    """
    CREATE TABLE trials (
        key TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('done', 'failed')),
        settings TEXT NOT NULL, numbers TEXT, seconds REAL NOT NULL, attempts INTEGER NOT NULL, trace TEXT,
        ended TEXT NOT NULL, versions TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE studies (name TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE points (
        study TEXT NOT NULL, position INTEGER NOT NULL, trial TEXT NOT NULL, point TEXT NOT NULL,
        PRIMARY KEY (study, position)
    ) WITHOUT ROWID;
    CREATE VIEW results AS
        SELECT points.study, points.position, points.point, trials.state, trials.numbers, trials.seconds,
            trials.attempts, trials.trace, trials.ended, trials.versions, points.trial AS key
        FROM points LEFT JOIN trials ON trials.key = points.trial;
    """,
    """
    CREATE TABLE artifacts (
        key TEXT PRIMARY KEY, kind TEXT NOT NULL, label TEXT NOT NULL, seconds REAL NOT NULL, ended TEXT NOT NULL
    ) WITHOUT ROWID;
    DROP VIEW results;
    CREATE TABLE trials_in_order (
        key TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('done', 'failed')),
        settings TEXT NOT NULL, numbers TEXT, seconds REAL NOT NULL, attempts INTEGER NOT NULL, trace TEXT,
        ended TEXT NOT NULL, versions TEXT NOT NULL
    );
    INSERT INTO trials_in_order SELECT * FROM trials;
    DROP TABLE trials;
    ALTER TABLE trials_in_order RENAME TO trials;
    CREATE INDEX trial_states ON trials (key, state, seconds, ended);
    CREATE VIEW results AS
        SELECT points.study, points.position, points.point, trials.state, trials.numbers, trials.seconds,
            trials.attempts, trials.trace, trials.ended, trials.versions, points.trial AS key
        FROM points LEFT JOIN trials ON trials.key = points.trial;
    """,
)
"""Of the file's ``user_version``: step k makes version k + 1 of version k.

Since the second, trials lie in the order in which they ended, not in that of their keys: a study is then read from one
end to the other, where it would be a page of the disk for each trial. An index has what status asks for.
"""

VERSION = len(_STEPS)

_NAME = 0x78626172
"""``application_id``: what makes an SQLite file a store of this package."""


def migrate(base: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Bring a store to the present version, in one transaction.

    Raises
    ------
    InputError
        It is another program's file, of a newer version, or an older one that may only be read.
    """
    (version,) = base.execute("PRAGMA user_version").fetchone()
    (name,) = base.execute("PRAGMA application_id").fetchone()
    (tables,) = base.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if name != _NAME and (tables or name):
        raise InputError(f"{path}: it is an SQLite file, and no store of xbarsim: give another --store")
    if version > VERSION:
        raise InputError(
            f"{path}: it is of version {version}, and this xbarsim knows up to {VERSION}: take a newer xbarsim, or "
            "another --store"
        )
    if version == VERSION:
        return
    if not write:
        raise InputError(f"{path}: it is of version {version} of {VERSION}: xbarsim study run brings it up to date")
    steps = "".join(_STEPS[version:])
    base.executescript(
        f"BEGIN IMMEDIATE; {steps} PRAGMA application_id = {_NAME}; PRAGMA user_version = {VERSION}; COMMIT;"
    )
