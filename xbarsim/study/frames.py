"""Trials as columns, and as a pandas DataFrame (``tables`` extra)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError
from xbarsim.study.failure_reasons import reason
from xbarsim.study.listing import listing
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.store import Store, TrialRow
from xbarsim.study.study_file import read
from xbarsim.study.tables import unknown_name
from xbarsim.views.labelled import data_frame

if TYPE_CHECKING:
    from pandas import DataFrame

_FACTS = ("state", "seconds", "attempts", "ended", "reason", "versions", "key")


def frame(source: str | Path | Store, *, study: str | None = None, quick: bool = False) -> DataFrame:
    """Return a study as a pandas DataFrame, one row a trial.

    Parameters
    ----------
    source : str, Path or Store
        A study's file, ``wires.toml``, whose store is ``wires.sqlite`` beside it; or a store.
    study : str, optional
        Of a store, the study's name; not needed where it has one alone.
    quick : bool
        Of a file, its quick version.

    Returns
    -------
    DataFrame
        Columns: the point's axes, the numbers by name, ``state`` (None: not run), ``seconds``, ``attempts``, ``ended``,
        ``reason`` of failure, ``versions``, ``key``. A number that is called as an axis is, ``NAME.result``.

    Raises
    ------
    InputError
        The file or the store is no good, has no or several studies, or pandas is not installed.
    """
    is_file = not isinstance(source, Store) and Path(source).suffix == ".toml"
    if quick and not is_file:
        raise InputError("quick is of a study's file: of a store give study, the name of its quick version")
    if study is not None and is_file:
        raise InputError("study is of a store, which may have several: a file is one study")
    if isinstance(source, Store):
        return data_frame(trial_columns(source.trial_rows(_study_name(source, study))))
    path = Path(source)
    if is_file:
        opened = OpenStudy(read(path, quick=quick), path.with_suffix(".sqlite"))
        return data_frame(trial_columns(listing(opened).rows))
    with Store(path, write=False) as store:
        return data_frame(trial_columns(store.trial_rows(_study_name(store, study))))


def _study_name(store: Store, name: str | None) -> str:
    names = store.studies()
    if name is None and len(names) == 1:
        return names[0]
    if name is None:
        raise InputError(f"{store.path}: it has {', '.join(names) or 'no study'}: give study, the name of one")
    if name not in names:
        raise InputError(f"{store.path}: there is no study {name!r}: {unknown_name(name, names or ['none'])}")
    return name


def trial_columns(rows: Sequence[TrialRow]) -> dict[str, list[Any]]:
    """Return trials as columns, in the order of axes, numbers and facts."""
    axes = _names(row.point for row in rows)
    numbers = _names(row.numbers or {} for row in rows)
    columns: dict[str, list[Any]] = {name: [row.point.get(name) for row in rows] for name in axes}
    for name in numbers:
        column = f"{name}.result" if name in axes or name in _FACTS else name
        columns[column] = [None if row.numbers is None else row.numbers.get(name) for row in rows]
    for name in _FACTS:
        if name == "reason":
            columns[name] = [reason(row.trace) if row.state == "failed" else None for row in rows]
        else:
            columns[name] = [getattr(row, name) for row in rows]
    return columns


def _names(records: Iterable[Mapping[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for record in records:
        # Most trials have the same names: to ask is faster than to add.
        if not names.keys() >= record.keys():
            names |= dict.fromkeys(record)
    return list(names)
