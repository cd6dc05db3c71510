"""What parts of a loop are checked by: their names, their nodes, their numbers."""

from __future__ import annotations

import re
from typing import Any

from xbarsim.checks import Array
from xbarsim.errors import InputError

GROUND = "0"
_NAME = re.compile(r"(?!.*//)[^\s*;$=,(){}'\"]+")


def check_names(part: Any, *columns: str) -> None:
    """Check a part's name, and the nodes or names in some columns; raises InputError."""
    check_word(f"name of a {type(part).__name__}", part.name)
    for column in columns:
        check_word(f"{column} of {part.name}", getattr(part, column))


def check_word(where: str, word: object) -> None:
    """Check a name; raises InputError that says where it stands."""
    if not isinstance(word, str) or _NAME.fullmatch(word) is None:
        raise InputError(
            f"{where} is {word!r}: names have neither blanks nor any of * ; $ = , ( ) {{ }} and quotes, nor //"
        )


def set_number(part: Any, column: str, value: Array, most_axes: int = 1) -> None:
    """Set a column of a part to numbers that were checked; raises InputError where they have too many axes."""
    if value.ndim > most_axes:
        how = "one number" + (", or one for each point" if most_axes else "")
        raise InputError(f"{column} of {part.name} has shape {value.shape}: give {how}")
    value.setflags(write=False)
    object.__setattr__(part, column, value)
