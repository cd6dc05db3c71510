"""The hardware of a study of networks: its settings by their whole names, swept or not, and those without effect."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from xbarsim.study.study_file import StudyFile
from xbarsim.study.tables import FileTable, unknown_name


def hardware_names(kind: type | None = None, above: str = "") -> Iterator[str]:
    """Give the whole names of all settings of hardware, ``cells.faults.rate``, those of effects that are off too."""
    from dataclasses import fields, is_dataclass
    from typing import get_args, get_type_hints

    from xbarsim.nn.hardware import Hardware

    kind = kind or Hardware
    hints = get_type_hints(kind)
    for setting in fields(kind):
        groups = [part for part in (hints[setting.name], *get_args(hints[setting.name])) if is_dataclass(part)]
        if groups:
            yield from hardware_names(groups[0], f"{above}{setting.name}.")  # type: ignore[arg-type]
        else:
            yield f"{above}{setting.name}"


def whole_name(name: str) -> str:
    """Return the whole name of a setting of which ``cells.`` may be left out."""
    return name if name in set(hardware_names()) else f"cells.{name}"


@cache
def hardware_record(study: StudyFile, changes: str) -> dict[str, Any]:
    """Return a study's hardware with changes, canonical JSON, as a record with all of its settings."""
    from xbarsim.nn.hardware import PRESETS, Hardware, preset

    table = study.table.table("hardware")
    base = table.word("base", "rram-64") or "rram-64"
    if base not in PRESETS and "." not in base and not (study.folder / base).exists():
        raise table.error("base", f"it is {base!r}: give {', '.join(PRESETS)}, or a JSON file of settings")
    hardware = preset(base) if base in PRESETS else Hardware.from_json(study.folder / base)
    record = hardware.to_dict()
    for name, value in [*file_settings(study), *json.loads(changes).items()]:
        _put(record, name, value)
    return Hardware.from_dict(record).to_dict()


def file_settings(study: StudyFile) -> list[tuple[str, Any]]:
    """Return the settings of a file's ``[hardware]``, by their whole names; raises InputError where one is unknown."""
    table = study.table.table("hardware")
    table.check_names(("base", *(name.partition(".")[0] for name in hardware_names())))
    return list(_settings_of(table, {key: value for key, value in table.record.items() if key != "base"}))


def _settings_of(table: FileTable, record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    names = list(hardware_names())
    for name, value in record.items():
        whole = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _settings_of(table, value, f"{whole}.")
        elif whole in names:
            yield whole, value
        else:
            raise table.error(whole, f"there is no such setting: {unknown_name(whole, names)}")


def _put(record: dict[str, Any], name: str, value: Any) -> None:
    """Put a setting into nested ones by its name; an effect that is off is turned on."""
    *above, last = whole_name(name).split(".")
    for part in above:
        if record.get(part) is None:
            record[part] = {}
        record = record[part]
    record[last] = value


@cache
def chips_differ(hardware: str) -> bool:
    """Tell whether chips of a hardware, canonical JSON, can differ."""
    from xbarsim.nn.chip_spread import varies
    from xbarsim.nn.hardware import Hardware

    return varies(Hardware.from_dict(json.loads(hardware)))


class EffectCheck:
    """Looks for what a file sets, and no hardware of the study is changed by.

    Parameters
    ----------
    study : StudyFile
        Whose settings they are. What stands beside the setting that takes its effect away is no slip: a sweep may
        reach 0. A quick version may leave out what the whole study has an effect by.
    """

    def __init__(self, study: StudyFile, leave_out: Collection[str] = ()) -> None:
        self._study = study
        self._keys = {name: (study.table.table("hardware"), name) for name, _ in file_settings(study)}
        sweep = study.table.table("sweep")
        for axis in study.axes:
            self._keys |= {whole_name(name): (sweep, axis.name) for name in axis.settings if name not in leave_out}
        self._idle: dict[str, str] | None = None
        self._wants_data = False
        self._variants: set[str] = set()

    def add(self, hardware: str) -> None:
        """Look at one hardware of the study, canonical JSON."""
        from xbarsim.nn.hardware import Hardware
        from xbarsim.nn.ranges import wants_data

        if hardware in self._variants:
            return
        self._variants.add(hardware)
        built = Hardware.from_dict(json.loads(hardware))
        self._wants_data = self._wants_data or wants_data(built) or built.energy is not None
        if self._idle != {}:
            idle = {name: why for name, why in built.idle.items() if name in self._keys and why not in self._keys}
            before = idle if self._idle is None else self._idle
            self._idle = {name: why for name, why in idle.items() if name in before}

    def check(self) -> None:
        """Raise InputError at a setting that changed none of the hardware."""
        if self._study.quick:
            return
        for name, why in (self._idle or {}).items():
            value: Any = json.loads(next(iter(self._variants)))
            for part in why.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            table, key = self._keys[name]
            raise table.error(key, f"it changes nothing while {why} is {value}: set that too, or leave it out")
        inference = self._study.table.table("inference")
        if "calibration" in inference.record and not self._wants_data:
            raise inference.error(
                "calibration",
                "it changes nothing: no converter has a range from data (adc.bits = 8 has)",
            )
