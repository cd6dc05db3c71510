"""A study's file: TOML, checked whole before anything runs."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.axes import SweepAxis
from xbarsim.study.tables import FileTable
from xbarsim.unread import unread

MOST_TRIALS = 200_000
"""Of a study: more is a slip of the pen, and their list would not fit in memory."""

KINDS = ("network", "margin", "netlist")

_COMMON = ("name", "title", "text", "metrics", "sweep", "limits", "report", "reference", "quick")
_KEYS_OF = {
    "network": ("data", "model", "hardware", "methods", "method_seed", "seeds", "inference"),
    "margin": ("margin",),
    "netlist": ("netlist",),
}
_TELLING = {"network": ("model", "data", "hardware", "methods"), "margin": ("margin",), "netlist": ("netlist",)}
"""Keys of which one says what kind of study it is."""


@dataclass(frozen=True)
class Limits:
    """What a trial may take.

    Attributes
    ----------
    seconds, memory : float, optional
        Of one attempt; bytes of its process.
    retries : int
        Attempts after one that was ended from outside: a process that died, memory, time.
    """

    seconds: float | None = None
    memory: float | None = None
    retries: int = 1


@dataclass(frozen=True, eq=False)
class StudyFile:
    """A study as its file has it.

    Attributes
    ----------
    table : FileTable
        All of it, ``[quick]`` applied where that was asked for.
    folder : Path
        Where paths in it begin.
    kind : str
        One of ``KINDS``.
    axes : tuple of SweepAxis
        What is swept, besides models, methods and seeds.
    limits : Limits
        Of each trial.
    quick : bool
        Whether it is the quick version.
    path : Path, optional
        Of the file; None of a study that is none.
    """

    table: FileTable
    folder: Path
    kind: str
    axes: tuple[SweepAxis, ...]
    limits: Limits = field(default_factory=Limits)
    quick: bool = False
    path: Path | None = None

    @property
    def name(self) -> str:
        """What the study is called."""
        return self.table.word("name") or "study"

    @property
    def title(self) -> str:
        """The heading of its report."""
        return self.table.word("title") or self.name

    @property
    def text(self) -> str:
        """What its author says of it."""
        return self.table.word("text") or ""


def read(path: str | Path | Mapping[str, Any], *, quick: bool = False) -> StudyFile:
    """Read a study.

    Parameters
    ----------
    path : str, Path or mapping
        A TOML file; or its tables as ``tomllib`` gives them, whose paths begin in the working folder.
    quick : bool
        Put what its ``[quick]`` table has in place of the rest.

    Raises
    ------
    InputError
        It cannot be read, or a key or a value is wrong; the message names the file, or ``study``, and the key.
    """
    if isinstance(path, Mapping):
        try:
            record = _plain(path)
        except RecursionError:
            raise InputError(f"{_NO_FILE}: arrays or tables stand in one another too deeply") from None
        return study_of(record, _NO_FILE, Path.cwd(), quick=quick)
    if not isinstance(path, str | PathLike):
        raise InputError(f"study is {type(path).__name__}: it must be the path of a file, or its tables as a mapping")
    path = Path(path)
    try:
        record = tomllib.loads(_text(path))
    except (OSError, UnicodeDecodeError) as error:
        raise unread(path, error) from None
    except RecursionError:
        raise InputError(f"{path}: arrays or tables stand in one another too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise InputError(f"{path}: {str(error).partition(';')[0]}") from None
    study = study_of({"name": path.stem} | record, str(path), path.resolve().parent, quick=quick)
    return replace(study, path=path)


_NO_FILE = "study"
"""What messages begin with where there is no file."""


def _plain(value: Any) -> Any:
    """Return a value as TOML has it: tuples and numpy's arrays are arrays, its numbers numbers, paths texts."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InputError(f"{_NO_FILE}: {key!r} is no key: keys are texts")
        return {key: _plain(part) for key, part in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


_LARGEST = 16 << 20
"""Bytes of a study: a device or a data file given in its place is not read to its end."""


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: it is no file: give a study, a file of TOML")
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{path}: it is too large for a study: give a file of TOML")
    return path.read_text("utf-8-sig")  # some editors begin a file with a mark


def study_of(record: Mapping[str, Any], place: str, folder: Path, *, quick: bool = False) -> StudyFile:
    """Return the study that a record describes, as ``read`` does."""
    table = FileTable(record, place)
    table.check_values()
    changes = table.table("quick")
    if quick:
        if "quick" not in record:
            raise InputError(f"{place} has no [quick] table: leave --quick out, or say in one what is less")
        table = FileTable(_merged(record, changes.record), place)
    kind = _kind(table)
    table.check_names((*_COMMON, *_KEYS_OF[kind]))
    changes.check_names([key for key in (*_COMMON, *_KEYS_OF[kind]) if key != "quick"])
    sweep = table.table("sweep")
    if "sweep" in table.record and not sweep.record:
        raise sweep.whole_error("the sweep is empty: give a setting with its values, or leave it out")
    axes = tuple(SweepAxis.of(sweep, name) for name in sweep.record)
    _check_apart(sweep, axes)
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST_TRIALS:
        raise sweep.whole_error(f"{count:,} combinations are more than {MOST_TRIALS:,}: sweep less")
    for key in ("name", "title", "text"):
        table.word(key)
    return StudyFile(table, folder, kind, axes, _limits(table.table("limits")), quick)


def _kind(table: FileTable) -> str:
    kinds = [kind for kind in KINDS if any(key in table.record for key in _TELLING[kind])]
    if len(kinds) > 1:
        raise table.whole_error(f"it has keys of a {kinds[0]} and of a {kinds[1]} study: make it two files")
    if not kinds:
        table.check_names((*_COMMON, *(key for own in _KEYS_OF.values() for key in own)))
        raise table.whole_error("it says nothing to study: give [[model]] of networks, or [margin], or [netlist]")
    return kinds[0]


def _check_apart(table: FileTable, axes: tuple[SweepAxis, ...]) -> None:
    """Refuse a setting that two axes change: one would take the other's place without a word."""
    swept: dict[str, str] = {}
    for axis in axes:
        for name in axis.settings:
            if name in swept:
                raise table.error(axis.name, f"{name} is swept by {swept[name]!r} already: sweep it once")
            swept[name] = axis.name


_ALL_MEMORY = float(1 << 62)
"""Bytes; a limit beyond is none."""


def _limits(table: FileTable) -> Limits:
    table.check_names(("seconds", "memory", "retries"))
    memory = table.number("memory", above=0.0)
    if memory is not None and memory > _ALL_MEMORY:
        memory = None
    retries = table.count("retries", 1, least=0)
    return Limits(table.number("seconds", above=0.0), memory, 1 if retries is None else retries)


def _merged(record: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with others' values in place of its own, table by table; a sweep's axes are whole."""
    merged = dict(record)
    for name, value in changes.items():
        before = merged.get(name)
        if not isinstance(before, Mapping) or not isinstance(value, Mapping):
            merged[name] = value
        elif name == "sweep":
            merged[name] = {**before, **value}
        else:
            merged[name] = _merged(before, value)
    return merged
