"""What the commands on chips share: options of hardware, seeds, and settings that would change nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.option_types import Command, Count, in_order
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xbarsim.nn.hardware import Hardware


def hardware_options(
    name: str = "--hardware", default: str | None = "rram-64", words: str = ""
) -> Callable[[Command], Command]:
    """Add the options that say what chips are made, which ``built_hardware`` takes.

    Parameters
    ----------
    name, default
        Of the option for the whole.
    words : str
        What its help says before it lists what there is.
    """
    return in_order(
        click.option(
            name,
            default=default,
            show_default=default is not None,
            help=f"{words}rram-64, rram-64-8bit, rram-128, or a JSON.",
        ),
        click.option(
            "--set",
            "changes",
            metavar="NAME=VALUE",
            multiple=True,
            help="Change the hardware: wires.word=2; repeatable.",
        ),
        click.option(
            "--fidelity",
            type=click.Choice(["accurate", "closed", "path", "first-order", "dividers", "ideal"]),
            default=None,
            help="The circuit, a form of it without a solve, or no wires.",
        ),
    )


def seed_options() -> Callable[[Command], Command]:
    """Add the options that say which chips, which ``chip_seeds`` takes."""
    return in_order(
        click.option("--seeds", type=Count(), default=5, show_default=True, help="How many chips."),
        click.option("--first-seed", type=Count(), default=0, show_default=True, help="The first chip."),
    )


def chip_seeds(first: int, count: int) -> range:
    """Return the chips' seeds."""
    if count < 1 or first < 0:
        raise click.UsageError(f"--seeds is {count} and --first-seed {first}: give at least one chip, from seed 0 on")
    return range(first, first + count)


def built_hardware(
    name: str, changes: tuple[str, ...], fidelity: str | None, *, energy: bool = False
) -> Hardware:  # fmt: skip
    """Return a preset or a file's hardware with changes; ``energy`` says whether the command tells that of reads.

    Raises
    ------
    InputError
        There is no such hardware or setting, a value is out of its bounds, or a change changes nothing.
    """
    from xbarsim.nn.hardware import PRESETS, Hardware, preset

    if name in PRESETS:
        hardware = preset(name)
    elif Path(name).is_file() or name.endswith(".json"):
        hardware = Hardware.from_json(Path(name))
    else:
        raise InputError(f"hardware is {name!r}: give {', '.join(PRESETS)}, or a JSON file of settings")
    names = [change.partition("=")[0].strip() for change in changes]
    for typed in names:
        if typed.partition(".")[0] == "energy" and not energy:
            raise InputError(f"--set: {typed} changes nothing here: xbarsim infer tells the energy of reads")
    record = hardware.to_dict()
    for change in changes:
        _change(record, change)
    if fidelity is not None:
        record["fidelity"] = fidelity
    try:
        hardware = Hardware.from_dict(record)
    except InputError as error:
        raise InputError(f"--set: {error}" if changes else str(error)) from None
    _check_effect(hardware, names, fidelity is not None)
    return hardware


def _check_effect(hardware: Hardware, names: Sequence[str], fidelity: bool) -> None:
    """Refuse what is set without effect, but beside the setting that takes its effect away: so sweeps reach 0."""
    for name in names:
        why = hardware.idle.get(name)
        if why is not None and why not in names and not (why == "fidelity" and fidelity):
            value: Any = hardware
            for part in why.split("."):
                value = getattr(value, part)
            raise InputError(f"--set: {name} changes nothing while {why} is {value}: set that too, or leave {name} out")


def _change(record: dict[str, Any], change: str) -> None:
    """Put ``wires.word=2`` into nested settings; an effect that is off is turned on."""
    name, equals, text = change.partition("=")
    *above, last = name.strip().split(".")
    if not equals or not last:
        raise click.BadParameter(f"{change!r} is not NAME=VALUE, as wires.word=2", param_hint=["--set"])
    for part in above:
        if record.get(part) is None:
            record[part] = {}
        record = record[part]
        if not isinstance(record, dict):
            raise click.BadParameter(f"{change!r}: {part} has no settings of its own", param_hint=["--set"])
    record[last] = setting_value(text, "--set")


def setting_value(text: str, option: str) -> Any:
    """Return JSON, a number with a scale, as ``1k``, or the word as it is."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        text = text.strip()
    if text[:1].isdigit() or text[:1] in ("+", "-", "."):
        try:
            return parse(text)
        except InputError as error:
            if "ambiguous" in str(error):
                raise click.BadParameter(str(error), param_hint=[option]) from None
    return text
