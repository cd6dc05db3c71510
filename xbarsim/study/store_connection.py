"""Connections to a store's file: of the one that writes, and of those that read it, wherever it lies.

A store is in SQLite's write-ahead mode: a writer's ``-wal`` and ``-shm`` beside it are a part of it, which even reading
makes where there are none. The last connection takes them away if it may write; so one that only reads may too, and is
told to change nothing. Where it may not, and there is no log, the file alone is the store: it is read without any lock,
and whether it was still meanwhile is asked at the end.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from xbarsim.errors import InputError

Stamp = tuple[int, int, int]
"""File, time and size: others after every write."""


def writing(path: Path) -> sqlite3.Connection:
    """Open a store to write it; it is made where there is none.

    Parameters
    ----------
    path : Path
        Of the file.
    """
    return _connected(path, "mode=rwc")


def reading(path: Path) -> tuple[sqlite3.Connection, Stamp | None]:
    """Open a store to read it.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    connection, stamp
        What ``stamp_of`` the file is to be at the end; None where locks keep writers off.

    Raises
    ------
    InputError
        A log beside it has a part of it, and cannot be read in this folder.
    sqlite3.DatabaseError
        It is no file of SQLite's, or cannot be read.
    """
    has_log = _has_log(path)
    if _may_write(path):
        base = _tried(path, "mode=rw")
        if base is not None:
            base.execute("PRAGMA query_only=ON")
            return base, None
    if has_log:
        base = _tried(path, "mode=ro")
        if base is None:
            raise InputError(
                f"{path}: what {path.name}-wal has of it cannot be read in a folder without permission to write: copy "
                "both to another"
            )
        return base, None
    stamp = stamp_of(path)
    return _connected(path, "mode=ro&immutable=1"), stamp


def stamp_of(path: Path) -> Stamp:
    """Return what tells whether a file was written; of one that is gone, zeros."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0, 0
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _connected(path: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, isolation_level=None, timeout=60.0)


def _tried(path: Path, options: str) -> sqlite3.Connection | None:
    """Open a store and look into it; None where that is not permitted."""
    base = _connected(path, options)
    try:
        base.execute("PRAGMA user_version")
    except sqlite3.OperationalError as error:
        base.close()
        if "locked" in str(error):
            raise
        return None
    return base


def _may_write(path: Path) -> bool:
    """Tell whether this process may write a file, and make others beside it."""
    effective = os.access in os.supports_effective_ids
    target = path.resolve()
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (target, target.parent))


def _has_log(path: Path) -> bool:
    log = path.resolve().with_name(f"{path.resolve().name}-wal")
    return log.exists() and log.stat().st_size > 0
