"""Finished pairs on disk while others are at work: JSON lines, the first of which says what the command is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.mitigation.record import Record
from xbarsim.unread import unread

SCHEMA = 1

Key = tuple[str, str, int]
"""The swept value as JSON, a chain's label, a chip's seed."""


class PartialFile:
    """What was finished before, and where more of it goes.

    Parameters
    ----------
    path : Path or None
        Where finished pairs are written; None: they are only remembered.
    command : mapping
        What the numbers depend on, as JSON has it: a file of another command is refused.
    source : Path, optional
        A partial file to go on with, which may be ``path`` itself.

    Raises
    ------
    InputError
        ``source`` is not there, is no such file, or is of another command.
    """

    def __init__(self, path: Path | None, command: Mapping[str, Any], source: Path | None = None) -> None:
        self.path = path
        self._command: dict[str, Any] = json.loads(json.dumps({"schema": SCHEMA, **command}))
        self._records: dict[Key, Record] = {}
        self._pending = [_line(self._command)]
        self.complaint: str | None = None
        self._on_disk = False
        if source is None:
            return
        whole = self._read(source)
        if path is not None and source.resolve() == path.resolve():
            # What was being written when it stopped is cut off.
            os.truncate(path, whole)
            self._pending, self._on_disk = [], True
        else:
            self._pending += [_of_record(key, record) for key, record in self._records.items()]

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_safe(self) -> bool:
        """Whether finished pairs are on disk, all but one that is being written at this moment."""
        return self.path is not None and self._on_disk

    def finished(self, value: Any = None) -> dict[tuple[str, int], Record]:
        """Return the records of a swept value, by label and seed."""
        return {(label, seed): record for (at, label, seed), record in self._records.items() if at == _word(value)}

    def add(self, label: str, record: Record, value: Any = None) -> None:
        """Add a finished pair; what cannot be written now is tried again with the next one, see ``complaint``."""
        key = _word(value), label, record.seed
        self._records[key] = record
        if self.path is None:
            return
        self._pending.append(_of_record(key, record))
        try:
            _append(self.path, b"".join(self._pending))
        except OSError as error:
            self._on_disk = False
            self.complaint = f"{self.path} cannot be written ({error.strerror}): finished pairs are in memory alone"
        else:
            self._pending, self._on_disk = [], True

    def remove(self) -> None:
        """Remove the file, when all is elsewhere."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _read(self, source: Path) -> int:
        """Take the records of a file over; return how many of its bytes are whole lines."""
        try:
            content = source.read_bytes()
        except OSError as error:
            raise unread(source, error, give="the partial file of a command that was stopped") from None
        whole = content.rfind(b"\n") + 1
        try:
            command, *lines = [json.loads(line) for line in content[:whole].splitlines()]
            if not isinstance(command, dict) or "schema" not in command:
                raise ValueError
            difference = _difference(command, self._command)
            if difference is None:
                for line in lines:
                    record = Record.from_dict(line["record"])
                    self._records[_word(line["value"]), line["method"], record.seed] = record
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{source} is no partial file of xbarsim mitigate: give that of a command that was stopped, "
                "or begin anew without --resume"
            ) from None
        if difference is not None:
            name, before, now = difference
            raise InputError(
                f"{source} is of another command: its {name} is {before}, and this one's {now}: "
                "give what it was begun with, or begin anew without --resume"
            )
        return whole


def _append(path: Path, content: bytes) -> None:
    """Append in one piece, or not at all, and have it on the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(handle).st_size
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, allow_nan=False).encode() + b"\n"


def _of_record(key: Key, record: Record) -> bytes:
    value, label, _ = key
    return _line({"method": label, "value": json.loads(value), "record": record.to_dict()})


def _word(value: Any) -> str:
    return json.dumps(value)


def _difference(before: Any, now: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Return the first setting in which two commands differ, with both values."""
    if isinstance(before, dict) and isinstance(now, dict):
        for part in [*now, *(part for part in before if part not in now)]:
            inner = f"{name}.{part}" if name else part
            difference = _difference(before.get(part), now.get(part), inner)
            if difference is not None:
                return difference
        return None
    return None if before == now else (name, before, now)
