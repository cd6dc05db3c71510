"""Tables as text: aligned columns for reading, and comma-separated values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

_COLUMN = re.compile(r"([<>])(\d*)")


def aligned(rows: Iterable[Sequence[str]], columns: Sequence[str]) -> list[str]:
    """Return rows of cells as lines, two blanks between columns.

    The lines depend on the cells alone: they are the same on a narrow terminal, which wraps them, and in a pipe.

    Parameters
    ----------
    rows : iterable of sequence of str
        A heading is a row too. A row may end early, and an empty one is an empty line.
    columns : sequence of str
        How each column is aligned, ``<`` left or ``>`` right, and how wide it is at least: ``>15``. A row's last cell
        has the room to its right to itself, so a left-aligned one does not widen its column.
    """
    rows = list(rows)
    sides, widths = [], []
    for column in columns:
        match = _COLUMN.fullmatch(column)
        assert match is not None, column
        sides.append(match[1])
        widths.append(int(match[2] or 0))
    for row in rows:
        for k, cell in enumerate(row):
            if len(cell) > widths[k] and (sides[k] == ">" or k < len(row) - 1):
                widths[k] = len(cell)
    formats = [f"{{:{side}{width or ''}}}" for side, width in zip(sides, widths, strict=True)]
    lines = ["  ".join(formats[: k + 1]) for k in range(len(columns))]
    return [lines[len(row) - 1].format(*row).rstrip() if row else "" for row in rows]


def comma_separated(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as lines of CSV, without an end of the last line; an empty row is an empty line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(rows)
    return stream.getvalue().rstrip("\n")
