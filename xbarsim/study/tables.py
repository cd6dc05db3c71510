"""Tables of a study file: known names, kinds of values, and messages that name the key."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xbarsim.errors import InputError
from xbarsim.quantities import parse


def unknown_name(name: str, names: Collection[str]) -> str:
    """Return what to say of a name that nothing has: the nearest, or all."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


_DEEPEST = 16
_LARGEST = (1 << 63) - 1
"""Of TOML's own whole numbers; Python reads larger ones."""


def _values(value: Any, depth: int) -> Iterator[Any]:
    """Give what arrays hold, arrays in arrays too."""
    if isinstance(value, list) and depth < _DEEPEST:
        for part in value:
            yield from _values(part, depth + 1)
    else:
        yield value


@dataclass(frozen=True)
class FileTable:
    """A table of TOML; what is wrong in it is said with the file and the key.

    Attributes
    ----------
    record : mapping
        Its keys and values.
    place : str
        The file, and the table's own key in it if it is not the top.
    """

    record: Mapping[str, Any]
    place: str

    def error(self, key: str, message: str) -> InputError:
        """Return the error of a key."""
        return InputError(f"{self.where(key)}: {message}")

    def whole_error(self, message: str) -> InputError:
        """Return the error of the table as a whole."""
        return InputError(f"{self.place}: {message}")

    def where(self, key: str) -> str:
        """Return the file and the whole key."""
        file, _, above = self.place.partition(": ")
        return f"{file}: {above}.{key}" if above else f"{file}: {key}"

    def check_values(self, depth: int = 0) -> None:
        """Raise InputError at what no key takes: a date, NaN, a number too large, a NUL, tables in tables."""
        if depth == _DEEPEST:
            raise self.whole_error("tables stand in one another too deeply")
        for key, value in self.record.items():
            for single in _values(value, depth):
                if isinstance(single, Mapping):
                    FileTable(single, self.where(key)).check_values(depth + 1)
                elif not isinstance(single, bool | int | float | str):
                    raise self.error(key, f"it is {single}, and must be a number, a text, true or false")
                elif isinstance(single, str) and "\0" in single:
                    raise self.error(key, "it has a NUL, which no name or path has")
                elif isinstance(single, float) and single != single:
                    raise self.error(key, "it is nan, and must be a number")
                elif isinstance(single, int) and abs(single) > _LARGEST:
                    raise self.error(key, f"a number of {len(str(single))} digits is too large")

    def check_names(self, names: Collection[str]) -> None:
        """Raise InputError if a key is none of the known ones."""
        for key in self.record:
            if key not in names:
                raise self.error(key, f"there is no such key: {unknown_name(key, names)}")

    def table(self, key: str) -> FileTable:
        """Return a table in this one, empty where it is missing."""
        value = self.record.get(key, {})
        if not isinstance(value, Mapping):
            raise self.error(key, f"it is {value!r}, and must be a table")
        return FileTable(value, self.where(key))

    def tables(self, key: str) -> Iterator[FileTable]:
        """Give the tables of an array of tables; one table is an array of one."""
        value = self.record.get(key, [])
        rows = [value] if isinstance(value, Mapping) else value
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise self.error(key, f"it must be a table, or several as [[{key}]]")
        for number, row in enumerate(rows, 1):
            yield FileTable(row, self.where(key if len(rows) == 1 else f"{key}[{number}]"))

    def word(self, key: str, default: str | None = None) -> str | None:
        """Return a text."""
        value = self.record.get(key, default)
        if value is not None and not isinstance(value, str):
            raise self.error(key, f"it is {value!r}, and must be a text")
        return value

    def count(self, key: str, default: int | None = None, *, least: int = 1) -> int | None:
        """Return a whole number."""
        value = self.record.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.error(key, f"it is {value!r}, and must be a whole number, at least {least}")
        return value

    def number(self, key: str, default: float | None = None, *, above: float | None = None) -> float | None:
        """Return a number."""
        value = self.record.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise self.error(key, f"it is {value!r}, and must be a number")
        if above is not None and value <= above:
            raise self.error(key, f"it is {value:g}, and must be above {above:g}")
        return float(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return numbers, one alone too."""
        value = self.record[key]
        parts = value if isinstance(value, list) else [value]
        if not parts or not all(isinstance(part, int | float) and not isinstance(part, bool) for part in parts):
            raise self.error(key, f"it is {value!r}, and must be a number, or an array of them")
        return tuple(map(float, parts))

    def scaled(self, key: str, value: Any) -> float:
        """Return a value of a key as a number; it may be a word with a scale, ``"10k"``."""
        try:
            number = parse(value) if isinstance(value, str) else value
        except InputError as error:
            raise self.error(key, str(error)) from None
        if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
            raise self.error(key, f"it is {value!r}, and must be a number")
        return float(number)

    def words(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return texts, none twice."""
        value = self.record.get(key, default)
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise self.error(key, f"it is {value!r}, and must be an array of texts")
        if not all(isinstance(word, str) for word in value):
            raise self.error(key, "it must be an array of texts")
        for word in value:
            if list(value).count(word) > 1:
                raise self.error(key, f"{word!r} is there twice: give each once")
        return tuple(value)
