"""What the settings of all effects share: checks that name the setting, and plain dictionaries for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np

from xbarsim.errors import InputError

LATER = {"later": True}
"""Metadata of settings that are younger than files and fingerprints: at its default such a setting is in neither."""


class Settings:
    """Base of frozen dataclasses of numbers, words and ``None``."""

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes; it is JSON, with infinity as the word ``"inf"``."""
        record: dict[str, Any] = {}
        for setting in fields(self):  # type: ignore[arg-type]
            value = getattr(self, setting.name)
            if setting.metadata.get("later") and value == setting.default:
                continue
            record[setting.name] = "inf" if isinstance(value, float) and math.isinf(value) else value
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the settings that a dictionary names; what it leaves out has its default.

        Parameters
        ----------
        record : mapping
            Values by the settings' names, as ``to_dict`` gives them.

        Raises
        ------
        InputError
            A name is unknown, or a value is out of its bounds.
        """
        values = checked_record(cls, record)
        return cls(**{name: math.inf if value == "inf" else value for name, value in values.items()})

    def _number(self, name: str, low: float, high: float, *, above: bool = False, inf_ok: bool = False) -> None:
        """See that a setting is a number from ``low`` (or ``above`` it) to ``high``, and keep it as a float."""
        value = getattr(self, name)
        label = f"{type(self).__name__}.{name}"
        if isinstance(value, bool | np.bool_) or not isinstance(value, float | int | np.floating | np.integer):
            raise InputError(f"{label} is {value!r}: it must be a number")
        number = float(value)
        inside = low < number <= high if above else low <= number <= high
        if not inside or (math.isinf(number) and not inf_ok):
            bounds = f"above {low:g}" if above else f"at least {low:g}"
            bounds += f" and at most {high:g}" if math.isfinite(high) else "" if inf_ok else " and finite"
            raise InputError(f"{label} is {number:g}: it must be {bounds}")
        object.__setattr__(self, name, number)

    def _count(self, name: str, low: int, most: int | None = None) -> None:
        """See that a setting is a whole number, at least ``low`` and at most ``most``."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
            raise InputError(f"{type(self).__name__}.{name} is {value!r}: it must be a whole number, at least {low}")
        if most is not None and value > most:
            raise InputError(f"{type(self).__name__}.{name} is {value!r}: it must be at most {most}")
        object.__setattr__(self, name, int(value))

    def _word(self, name: str, words: tuple[str, ...]) -> None:
        """See that a setting is one of ``words``."""
        value = getattr(self, name)
        if value not in words:
            raise InputError(f"{type(self).__name__}.{name} is {value!r}: it must be one of {', '.join(words)}")


def checked_record(cls: type, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``record`` as a dictionary, all of whose names are fields of ``cls``.

    Raises
    ------
    InputError
        It is no mapping, or has another name.
    """
    if not isinstance(record, Mapping):
        raise InputError(f"{cls.__name__} is made from {record!r}: give its settings by name")
    names = [setting.name for setting in fields(cls)]
    for name in record:
        if name not in names:
            raise InputError(f"{cls.__name__} has no setting {name!r}: it has {', '.join(names)}")
    return dict(record)


def checked_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return ``shape`` as two ints.

    Raises
    ------
    InputError
        It is not (rows, cols), at least 1 x 1.
    """
    try:
        rows, cols = (int(side) for side in shape if not isinstance(side, float | bool))
    except (TypeError, ValueError):
        raise InputError(f"shape is {shape!r}: it must be (rows, cols)") from None
    if rows < 1 or cols < 1:
        raise InputError(f"shape is {shape!r}: an array has at least 1 x 1 cells")
    return rows, cols


def checked_shapes(shapes: tuple[int, int] | Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the shapes of a chip's arrays; one (rows, cols) is that of a chip with one.

    Raises
    ------
    InputError
        One is not (rows, cols), at least 1 x 1, or there is none.
    """
    if not isinstance(shapes, Sequence) or isinstance(shapes, str) or not shapes:
        raise InputError(f"shapes is {shapes!r}: it must be (rows, cols), or a list of them")
    listed = shapes if isinstance(shapes[0], Sequence) else [shapes]
    return tuple(checked_shape(shape) for shape in listed)  # type: ignore[arg-type]
