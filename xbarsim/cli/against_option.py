"""``--against NAME=v1,v2,...``: hardware at each value of one of its settings."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.hardware_options import setting_value
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.nn.hardware import Hardware

_OPTION = "--against"


def single_setting(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> str | None:
    """Return the option's text, if there is one; a second would take the place of the first without a word."""
    if len(texts) > 1:
        raise click.UsageError(f"{_OPTION} is there {len(texts)} times: sweep one setting, all values in one option")
    return next(iter(texts), None)


def setting_name(hardware: Hardware, text: str) -> str:
    """Return the whole name of the setting that an option sweeps; ``faults.rate`` is ``cells.faults.rate``.

    Raises
    ------
    InputError
        There is no such setting, or the effect that it is of is off.
    """
    from xbarsim.study.study_hardware import hardware_names

    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise click.BadParameter(f"{text!r} is not NAME=VALUES, as faults.rate=0,0.1,0.2", param_hint=[_OPTION])
    name = name.strip()
    record, names = hardware.to_dict(), list(hardware_names())
    for whole in (name, f"cells.{name}"):
        *above, _ = whole.split(".")
        off = next((k for k in range(1, len(above) + 1) if _at(record, above[:k]) is None), None)
        if off is not None and whole in names:
            group = ".".join(above[:off])
            raise InputError(
                f"{_OPTION} {name}: {group} is off in this hardware: turn it on, --set {whole}={values.split(',')[-1]}"
            )
        if off is None and whole in names:
            return whole
    near = difflib.get_close_matches(name, [*names, *(n.removeprefix("cells.") for n in names)], n=1)
    hint = f"did you mean {near[0]}?" if near else "xbarsim infer --json prints all under hardware"
    raise InputError(f"{_OPTION} {name}: the hardware has no setting of this name: {hint}")


def swept_hardware(hardware: Hardware, text: str) -> list[tuple[Any, Hardware]]:
    """Return each value of a swept setting with the hardware that has it.

    Raises
    ------
    InputError
        As ``setting_name``; or a value is there twice, is out of its bounds, or changes nothing.
    """
    from xbarsim.nn.hardware import Hardware as Settings

    whole = setting_name(hardware, text)
    name, _, words = text.partition("=")
    points: list[tuple[Any, Hardware]] = []
    for word in words.split(","):
        if not word.strip():
            raise click.BadParameter(f"{text!r} has an empty value", param_hint=[_OPTION])
        value = setting_value(word, _OPTION)
        if any(value == before for before, _ in points):
            raise InputError(f"{_OPTION} {name}: {word.strip()} is there twice: give each value once")
        record = hardware.to_dict()
        *above, last = whole.split(".")
        _at(record, above)[last] = value
        try:
            points.append((value, Settings.from_dict(record)))
        except InputError as error:
            raise InputError(f"{_OPTION} {name}: {error}") from None
    for _, variant in points:
        if whole in variant.idle:
            why = variant.idle[whole]
            raise InputError(
                f"{_OPTION} {name}: it changes nothing while {why} is {_at(variant.to_dict(), why.split('.'))}: "
                f"--set {why}, or sweep another setting"
            )
    return points


def _at(record: Any, path: list[str]) -> Any:
    for part in path:
        record = record.get(part) if isinstance(record, Mapping) else None
    return record
