"""Studies of read margins: technologies, sizes and schemes to trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.axes import Changes, points
from xbarsim.study.study_file import StudyFile
from xbarsim.study.tables import FileTable, unknown_name
from xbarsim.study.trial import Trial

_OHMS = {"r_on": 1e3, "r_off": 1e6, "word_wire": 1.0, "bit_wire": 1.0, "driver": 1.0, "sense": 1.0}
_KEYS = ("size", "scheme", "read_voltage", "cell", "patterns", "load", "wire", *_OHMS, "device")
_PATTERNS = ("worst", "same")


def trials(study: StudyFile) -> Iterator[Trial]:
    """Give the trials of a study of margins, in the order of the file.

    Raises
    ------
    InputError
        A key or a value is wrong; the message names it.
    """
    return _Margins(study).trials()


class _Margins:
    def __init__(self, study: StudyFile) -> None:
        from xbarsim.devices import models

        self._study, self._table = study, study.table.table("margin")
        options = dict.fromkeys(option.name for model in models().values() for option in model.options)
        self._options = tuple(name for name in options if name not in _KEYS)
        names = (*_KEYS, *self._options)
        self._table.check_names(names)
        sweep = study.table.table("sweep")
        for axis in study.axes:
            for name in axis.settings:
                if name not in names:
                    raise sweep.error(axis.name, f"there is no setting {name!r}: {unknown_name(name, names)}")

    def trials(self) -> Iterator[Trial]:
        for point, changes in points(self._study.axes):
            try:
                settings = self._settings(changes)
            except InputError as error:
                if not changes or str(error).startswith(self._study.table.place):
                    raise
                at = ", ".join(f"{name} = {value}" for name, value in point.items())
                raise InputError(f"{self._study.table.place}: sweep, at {at}: {error}") from None
            yield Trial("margin", settings, point, places=self._files(changes))

    def _files(self, changes: Changes) -> dict[str, str]:
        """Return the files that cells are read from."""
        record = dict(self._table.record) | changes
        paths = {name: self._study.folder / record[name] for name in self._options if isinstance(record.get(name), str)}
        return {name: str(path) for name, path in paths.items() if path.is_file()}

    def _settings(self, changes: Changes) -> Mapping[str, Any]:
        """Return all that decides a margin, defaults included; raises InputError where it cannot be."""
        from xbarsim.margin import Technology
        from xbarsim.schemes.scheme import checked_cell, checked_voltage, scheme_of

        record = FileTable(dict(self._table.record) | changes, self._table.place)
        for key, example in (("size", "size = 64"), ("scheme", 'scheme = "half"')):
            if key not in record.record:
                raise self._table.whole_error(f"it has no {key}: give {example}, or sweep it")
        device, options = self._device(record)
        ohms = self._ohms(record)
        Technology(**ohms, device=_built(device, options))
        size = _size(record)
        cell = record.record.get("cell", "far")
        if isinstance(cell, str) and cell not in ("far", "corners"):
            raise record.error("cell", f"it is {cell!r}, and must be far, corners or [row, column]")
        if not isinstance(cell, str):
            cell = list(checked_cell((size[0], size[1]), cell))
        patterns = record.word("patterns", "worst")
        if patterns not in _PATTERNS:
            raise record.error("patterns", f"it is {patterns!r}, and must be {' or '.join(_PATTERNS)}")
        volts = checked_voltage(record.scaled("read_voltage", record.record.get("read_voltage", 0.5)))
        settings = {
            "technology": ohms, "device": device, "options": options, "size": size,
            "scheme": scheme_of(record.word("scheme") or "").name, "read_voltage": volts, "cell": cell,
            "patterns": patterns,
        }  # fmt: skip
        if "load" in record.record:
            load = record.scaled("load", record.record["load"])
            if not 0.0 < load < float("inf"):
                raise record.error("load", f"it is {load:g}, and must be above 0 ohm and finite")
            settings["load"] = load
        return settings

    def _ohms(self, record: FileTable) -> dict[str, float]:
        lines = {"word_wire", "bit_wire"} <= set(record.record)
        if "wire" in record.record and lines:
            raise record.error("wire", "it changes nothing beside word_wire and bit_wire: leave it out")
        wire = record.record.get("wire", 1.0)
        values = _OHMS | {"word_wire": wire, "bit_wire": wire}
        return {
            name: record.scaled("wire" if value is wire and "wire" in record.record else name, value)
            for name, value in ((name, record.record.get(name, usual)) for name, usual in values.items())
        }

    def _device(self, record: FileTable) -> tuple[str, dict[str, Any]]:
        """Return a cell model's name and its options, with the content of what they name in files."""
        from xbarsim.devices import model, models

        kind = record.word("device", "linear") or "linear"
        try:
            law = model(kind)
        except InputError:
            raise record.error("device", f"there is no {kind!r}: {unknown_name(kind, list(models()))}") from None
        offered = {option.name: option for option in law.options}
        values: dict[str, Any] = {}
        for name in self._options:
            if name not in record.record:
                continue
            if name not in offered:
                owners = [name_of for name_of, other in models().items() if name in (o.name for o in other.options)]
                raise record.error(name, f"it goes with device = {' or '.join(map(repr, owners))}, not with {kind!r}")
            value = record.record[name]
            if offered[name].numeric:
                value = record.scaled(name, value)
            elif offered[name].metavar and isinstance(value, str):
                value = str(self._study.folder / value)
            values[name] = value
        try:
            return kind, law.portable(law.filled(values))
        except InputError as error:
            raise record.whole_error(str(error)) from None


def _built(device: str, options: Mapping[str, Any]) -> Any:
    from xbarsim.devices import model

    return model(device).from_options(**options)


def _size(record: FileTable) -> list[int]:
    """Return rows and columns of ``64``, ``[64, 128]`` or ``"64x128"``."""
    value = record.record["size"]
    parts: Sequence[Any] = value if isinstance(value, list) else [value]
    if isinstance(value, str):
        words = value.lower().split("x")
        parts = [int(word) if word.strip().isdecimal() else word for word in words]
    counts = [part for part in parts if isinstance(part, int) and not isinstance(part, bool) and part >= 1]
    if len(counts) != len(parts) or not 1 <= len(counts) <= 2:
        raise record.error("size", f'it is {value!r}, and must be 64 for 64 x 64, [64, 128] or "64x128"')
    return [counts[0], counts[-1]]
