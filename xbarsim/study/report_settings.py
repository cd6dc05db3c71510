"""How a study's file wants its results shown: ``[report]``, ``metrics`` and ``[[reference]]``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xbarsim.study.references import Reference, references, same_value
from xbarsim.study.study_file import StudyFile
from xbarsim.study.tables import FileTable, unknown_name

_OHMS = ("wire", "word_wire", "bit_wire", "driver", "sense", "load", "r_on", "r_off")
_STATES = {"current": "A", "cell_current": "A", "sneak_current": "A", "power": "W", "stress": "V"}
_CELLS = ("r_on", "r_off")
UNITS: Mapping[str, Mapping[str, str]] = {
    "network": dict.fromkeys(("wires.word", "wires.bit", "wires.driver", "wires.sense"), "ohm")
    | {f"{place}{name}": "ohm" for place in ("", "cells.") for name in _CELLS},
    "margin": dict.fromkeys(_OHMS, "ohm")
    | {"read_voltage": "V"}
    | {f"{state}{name}": unit for state in ("", "lrs.", "hrs.") for name, unit in _STATES.items()},
    "netlist": {"power": "W"},
}
"""By kind of study: units of axes and numbers whose names are the program's."""

_KEYS = ("x", "lines", "panels", "heat", "metrics", "percent", "log", "lowest", "labels")


@dataclass(frozen=True)
class ReportSettings:
    """What a report shows, as far as its file says so; the rest follows from the numbers.

    Attributes
    ----------
    x, lines : str, optional
        Axes: what is drawn to the right, and what has a line for each of its values.
    panels : tuple of str, optional
        Axes that have a picture for each of their values.
    heat : tuple of str, or bool, optional
        Two numeric axes of a heat map; False: none is drawn.
    metrics : tuple of str
        Names of numbers; the study's first ones where it is empty.
    percent : tuple of str, or bool, optional
        Which of them are shown in percent.
    log : bool, optional
        Whether x is logarithmic.
    lowest : mapping of str to float
        Where the axes of metrics begin, whatever lies below.
    labels : mapping of str to str
        What axes, metrics and words are called in the report.
    units : mapping of str to str
        Of axes and metrics.
    references : tuple of Reference
        Numbers of others.
    """

    x: str | None = None
    lines: str | None = None
    panels: tuple[str, ...] | None = None
    heat: tuple[str, ...] | bool | None = None
    metrics: tuple[str, ...] = ()
    percent: tuple[str, ...] | bool | None = None
    log: bool | None = None
    lowest: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()

    def label(self, name: Any) -> str:
        """Return what a name or a value is called."""
        if isinstance(name, float):
            return self.labels.get(str(name)) or f"{name:g}"
        return self.labels.get(str(name), str(name))


def report_settings(study: StudyFile) -> ReportSettings:
    """Return what a file says of its report, checked without a result.

    Raises
    ------
    InputError
        A key or a value is wrong; the message names it.
    """
    table = study.table.table("report")
    table.check_names(_KEYS)
    axes = _axes(study)
    x, lines = table.word("x"), table.word("lines")
    panels = table.words("panels") if "panels" in table.record else None
    _check_axes(table, {"x": x, "lines": lines}, panels or (), axes)
    if "metrics" in table.record and "metrics" in study.table.record:
        raise table.error("metrics", "metrics has them already, at the top of the file: give one of them")
    return ReportSettings(
        x, lines, panels, _heat(table, axes), table.words("metrics", study.table.words("metrics")), _percent(table),
        _flag(table, "log"), _lowest(table.table("lowest")), _labels(table.table("labels")),
        UNITS.get(study.kind, {}), tuple(_references(study, axes)),
    )  # fmt: skip


def _references(study: StudyFile, axes: Mapping[str, bool]) -> Iterator[Reference]:
    """Give the references of a file; of a study of one network, those of that one."""
    models = list(study.table.tables("model"))
    label = None
    if len(models) == 1:
        label = models[0].word("label") or Path(models[0].word("source") or "").stem
    for reference in references(study.table, axes, [name for name, is_wide in axes.items() if is_wide]):
        if label is None or same_value(reference.point.get("model", label), label):
            yield reference


def _axes(study: StudyFile) -> dict[str, bool]:
    """Return the names of the axes of a study, and whether each has several values."""
    models, methods = list(study.table.tables("model")), study.table.record.get("methods", [])
    # A quick version may have one model where the whole study has several.
    axes = {"model": len(models) > 1} if models else {}
    axes |= {axis.name: len(axis.values) > 1 for axis in study.axes}
    return axes | ({"method": len(methods) > 1} if methods else {})


def _check_axes(
    table: FileTable, single: Mapping[str, str | None], panels: tuple[str, ...], axes: Mapping[str, bool]
) -> None:  # fmt: skip
    uses: dict[str, str] = {}
    for key, name in [*single.items(), *(("panels", panel) for panel in panels)]:
        if name is None:
            continue
        _check_axis(table, key, name, axes)
        if name in uses:
            raise table.error(key, f"{name!r} is {uses[name]} already: an axis is shown in one way")
        uses[name] = key


def _check_axis(table: FileTable, key: str, name: str, axes: Mapping[str, bool]) -> None:
    if name not in axes:
        raise table.error(key, f"there is no axis {name!r}: {unknown_name(name, axes) if axes else 'nothing is swept'}")


def _heat(table: FileTable, axes: Mapping[str, bool]) -> tuple[str, ...] | bool | None:
    if "heat" not in table.record or isinstance(table.record["heat"], bool):
        return _flag(table, "heat")
    names = table.words("heat")
    if len(names) != 2:
        raise table.error("heat", "give two axes, [right, up], or false")
    for name in names:
        _check_axis(table, "heat", name, axes)
    return names


def _percent(table: FileTable) -> tuple[str, ...] | bool | None:
    if "percent" not in table.record or isinstance(table.record["percent"], bool):
        return _flag(table, "percent")
    return table.words("percent")


def _flag(table: FileTable, key: str) -> bool | None:
    value = table.record.get(key)
    if value is not None and not isinstance(value, bool):
        raise table.error(key, f"it is {value!r}, and must be true or false")
    return value


def _lowest(table: FileTable) -> dict[str, float]:
    numbers = {name: table.number(name) for name in table.record}
    for name, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise table.error(name, f"it is {number:g}, and must be finite")
    return {name: number for name, number in numbers.items() if number is not None}


def _labels(table: FileTable) -> dict[str, str]:
    return {name: table.word(name) or name for name in table.record}
