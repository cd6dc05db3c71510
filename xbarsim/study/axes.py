"""What a study sweeps: settings, one or several together, and the values that they take."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xbarsim.study.tables import FileTable

Point = dict[str, Any]
"""The value on each axis."""

_COLUMNS = ("chip", "method", "model")
"""Columns of every table of networks."""

Changes = dict[str, Any]
"""The value of each setting that differs from the study's own."""


@dataclass(frozen=True)
class SweepAxis:
    """One swept quantity.

    Attributes
    ----------
    name : str
        As the file has it.
    values : tuple
        Numbers or words, as tables show them.
    changes : tuple of mapping
        To each value the settings that it stands for.
    """

    name: str
    values: tuple[Any, ...]
    changes: tuple[Mapping[str, Any], ...]

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of all settings that it changes."""
        return tuple(dict.fromkeys(name for change in self.changes for name in change))

    @classmethod
    def of(cls, table: FileTable, name: str) -> SweepAxis:
        """Return the axis of a key of ``[sweep]``.

        ``"wires.word+wires.bit" = [0, 1, 2]`` gives both settings each value; a table has a word for each of its
        values, and the settings that each stands for: ``tile = { wide = { "tiles.rows" = 8, "tiles.cols" = 128 } }``.

        Raises
        ------
        InputError
            It is neither, has no values, or has one twice.
        """
        if name in _COLUMNS:
            raise table.error(name, f"tables have a column {name} already: give the axis another name")
        value = table.record[name]
        if isinstance(value, Mapping):
            return cls._of_words(table.table(name), name)
        values = value if isinstance(value, list) else [value]
        if not values:
            raise table.error(name, "the sweep is empty: give at least one value, or leave it out")
        settings = [word.strip() for word in name.split("+")]
        if "" in settings or len(set(settings)) < len(settings):
            raise table.error(name, "give names of settings with + between, each once")
        for number, single in enumerate(values):
            if not isinstance(single, bool | int | float | str | list):
                raise table.error(name, f"{single!r} is no number, word or list")
            if single in values[:number]:
                raise table.error(name, f"{single!r} is there twice: give each value once")
        labels = tuple("x".join(map(str, value)) if isinstance(value, list) else value for value in values)
        for number, label in enumerate(labels):
            if label in labels[:number]:
                raise table.error(name, f"{label!r} is there twice, in two forms: give each value once")
        return cls(name, labels, tuple(dict.fromkeys(settings, value) for value in values))

    @classmethod
    def _of_words(cls, table: FileTable, name: str) -> SweepAxis:
        if not table.record:
            raise table.whole_error("the sweep is empty: give at least one value, or leave it out")
        changes = []
        for word in table.record:
            change = dict(_flat(table.table(word).record))
            if not change:
                raise table.error(word, "it changes nothing: give settings, or leave it out")
            changes.append(change)
        return cls(name, tuple(table.record), tuple(changes))


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Give nested settings by their whole names."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def points(axes: Sequence[SweepAxis]) -> Iterator[tuple[Point, Changes]]:
    """Give all combinations of the axes' values, the last axis fastest."""
    for places in itertools.product(*(range(len(axis.values)) for axis in axes)):
        point: Point = {}
        changes: Changes = {}
        for axis, place in zip(axes, places, strict=True):
            point[axis.name] = axis.values[place]
            changes |= axis.changes[place]
        yield point, changes
