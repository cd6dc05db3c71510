"""A study's trials as a file of other programs: CSV, or Parquet (pyarrow, ``study`` extra)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.study.frames import trial_columns
from xbarsim.study.store import TrialRow

SUFFIXES = (".csv", ".parquet")


def checked_suffix(path: str | Path) -> str:
    """Return the ending of a file's name, one of ``SUFFIXES``.

    Raises
    ------
    InputError
        It is another one, or what it needs is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: the file's name must end in {' or '.join(SUFFIXES)}")
    if suffix == ".parquet":
        _parquet()
    return suffix


def export(rows: Sequence[TrialRow], path: str | Path) -> None:
    """Write trials to a file, one row each, whole or not at all; its ending says in which form.

    Raises
    ------
    InputError
        The ending is unknown, what it needs is not installed, or the file cannot be written.
    """
    suffix = checked_suffix(path)
    columns = trial_columns(rows)
    with written_whole(path) as file:
        if suffix == ".csv":
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            write_csv(columns, text)
            text.detach()
        else:
            arrow, parquet = _parquet()
            table = arrow.table({name: arrow.array(_of_a_kind(values)) for name, values in columns.items()})
            parquet.write_table(table, file)


def write_csv(columns: Mapping[str, Sequence[Any]], text: io.TextIOBase) -> None:
    """Write columns as comma-separated values; what is missing is empty."""
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    text.flush()


def _of_a_kind(values: Sequence[Any]) -> Sequence[Any]:
    """Return values of one type, as Parquet has them: words, if they are neither all numbers nor all flags."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow: pip install 'xbarsim[study]', or write .csv") from None
    return pyarrow, parquet
