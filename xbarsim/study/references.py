"""Numbers of others, a paper's, that stand in a study's file as data, and beside what is measured in its report."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xbarsim.study.tables import FileTable, unknown_name

_KEYS = ("source", "where", "along", "values", "across")
_NO_NUMBER = "-"
"""What stands in an array of numbers where the source has none."""


@dataclass(frozen=True)
class Reference:
    """Numbers of one source at one point of a study.

    Attributes
    ----------
    source : str
        Whose they are, ``paper``.
    point : mapping of str to value
        The value on each axis.
    numbers : mapping of str to float
        By name, as the study's own.
    """

    source: str
    point: Mapping[str, Any]
    numbers: Mapping[str, float]


def references(table: FileTable, axes: Collection[str], wide: Collection[str]) -> Iterator[Reference]:
    """Give the references of a file, each point of a compact table for itself.

    Parameters
    ----------
    table : FileTable
        The whole file.
    axes : collection of str
        What a point may name.
    wide : collection of str
        Those of more than one value: what it must name.

    Raises
    ------
    InputError
        A key or a value is wrong, or it is not clear at which point a number is.
    """
    for single in table.tables("reference"):
        yield from _Compact(single, axes, wide).points()


class _Compact:
    """A table of references: one point, a column along an axis, or columns across another one."""

    def __init__(self, table: FileTable, axes: Collection[str], wide: Collection[str]) -> None:
        self._table = table
        self._source = table.word("source") or "reference"
        self._where = dict(table.table("where").record)
        self._along, self._across = table.word("along"), table.word("across")
        self._check_places(axes, wide)
        self._values = self._along_values()
        self._metrics = [key for key in table.record if key not in _KEYS]
        if not self._metrics:
            raise table.whole_error("it has no numbers: give accuracy = 0.97, or another metric's")

    def points(self) -> Iterator[Reference]:
        for metric in self._metrics:
            value = self._table.record[metric]
            if self._across is None:
                yield from self._column(metric, self._where, value)
                continue
            if not isinstance(value, Mapping):
                raise self._table.error(metric, f"across = {self._across!r}: give a table with numbers for its values")
            for word, column in value.items():
                yield from self._column(metric, self._where | {self._across: _number(word)}, column)

    def _column(self, metric: str, point: Mapping[str, Any], column: Any) -> Iterator[Reference]:
        if self._along is None:
            places: list[Mapping[str, Any]] = [point]
            column = [column]
        else:
            places = [{**point, self._along: value} for value in self._values]
            if not isinstance(column, list) or len(column) != len(places):
                raise self._table.error(metric, f"it must be an array of {len(places)} numbers, one for each of values")
        for place, number in zip(places, column, strict=True):
            if number == _NO_NUMBER:
                continue
            if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
                raise self._table.error(metric, f"it is {number!r}, and must be a number, or {_NO_NUMBER!r} for none")
            yield Reference(self._source, place, {metric: float(number)})

    def _along_values(self) -> list[Any]:
        values = self._table.record.get("values")
        if self._along is None:
            if values is not None:
                raise self._table.error("values", "they are along no axis: give along, the name of one")
            return []
        if not isinstance(values, list) or not values:
            raise self._table.error("values", f"along = {self._along!r}: give an array of the values of that axis")
        return values

    def _check_places(self, axes: Collection[str], wide: Collection[str]) -> None:
        places = [("where", name) for name in self._where]
        places += [(key, name) for key, name in (("along", self._along), ("across", self._across)) if name is not None]
        names: list[str] = []
        for key, name in places:
            if name not in axes:
                text = unknown_name(name, axes) if axes else "nothing is swept"
                raise self._table.error(key, f"there is no axis {name!r}: {text}")
            if name in names:
                raise self._table.error(key, f"{name!r} has a value already: name each axis once")
            names.append(name)
        lacking = [name for name in wide if name not in names]
        if lacking:
            raise self._table.whole_error(
                f"it is not clear at which {' and '.join(lacking)} the numbers are: name a value in where, along or "
                "across"
            )


def _number(word: str) -> Any:
    """Return what a key of TOML, which is always a word, stands for."""
    try:
        number = float(word)
    except ValueError:
        return word
    return int(number) if number.is_integer() and "." not in word and "e" not in word.lower() else number


def same_value(first: Any, second: Any) -> bool:
    """Whether two values of an axis are the same: 1 and 1.0 are, and so are 8x8 and "8x8"."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second or str(first) == str(second)
    return bool(first == second) or str(first) == str(second)
