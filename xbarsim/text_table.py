"""Tables as text: aligned columns for reading, and comma-separated values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
_COLUMN = re.compile(r"([<>])(\d*)")


WIDTH = 80
"""Columns of text that tables are folded to."""


def aligned(rows: Iterable[Sequence[str]], columns: Sequence[str], *, keys: int = 0) -> list[str]:
    """Return rows of cells as lines, two blanks between columns.

    The lines depend on the cells alone: they are the same on a narrow terminal, which wraps them, and in a pipe.

    Parameters
    ----------
    rows : iterable of sequence of str
        A heading is a row too. A row may end early, and an empty one is an empty line.
    columns : sequence of str
        How each column is aligned, ``<`` left or ``>`` right, and how wide it is at least: ``>15``. A row's last cell
        has the room to its right to itself, so a left-aligned one does not widen its column.
    keys : int
        First columns that say what a row is of. A table of more than ``WIDTH`` columns of text is folded: what does not
        fit follows below, beside the same keys. Without keys it is not.
    """
    rows = list(rows)
    lines = _lines(rows, columns)
    if not keys or max(map(len, lines), default=0) <= WIDTH:
        return lines
    end = keys + 1
    while end < len(columns) and max(map(len, _lines([row[: end + 1] for row in rows], columns[: end + 1]))) <= WIDTH:
        end += 1
    if end == len(columns):
        return lines
    below = [[*row[:keys], *row[end:]] if len(row) > end else [] for row in rows]
    return [
        *_lines([row[:end] for row in rows], columns[:end]), "",
        *aligned(below, [*columns[:keys], *columns[end:]], keys=keys),
    ]  # fmt: skip


def _lines(rows: list[Sequence[str]], columns: Sequence[str]) -> list[str]:
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


def wrapped(line: str, width: int) -> list[str]:
    """Return a line as lines of at most ``width`` characters where its last cell is a sentence: the others as it is.

    Parameters
    ----------
    line : str
        Of a table, cells apart by two blanks or more.
    width : int
        Characters.
    """
    start = max((match.end() for match in _GAP.finditer(line)), default=0)
    if len(line) <= width or start > width // 2:
        return [line]
    parts = wrap(line[start:], width - start, break_long_words=False, break_on_hyphens=False)
    return [line[:start] + parts[0], *(" " * (start or 2) + part for part in _later_lines(parts, start, width))]


def _later_lines(parts: list[str], start: int, width: int) -> list[str]:
    """Return what follows the first line; of a sentence alone it is two blanks in."""
    return parts[1:] if start else wrap(" ".join(parts[1:]), width - 2, break_long_words=False, break_on_hyphens=False)


def comma_separated(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as lines of CSV, without an end of the last line; an empty row is an empty line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(rows)
    return stream.getvalue().rstrip("\n")
