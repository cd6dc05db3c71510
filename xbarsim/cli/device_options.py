"""``--device`` and the options of all cell models, from the table of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.option_types import Quantity

if TYPE_CHECKING:
    from xbarsim.devices import Device, Option


class DeviceCommand(click.Command):
    """A command with ``--device`` and the models' options, which are looked up when it is run or asked for help."""

    in_time = False
    """Whether the options of how states move are among them."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters, and after the first two those of the devices."""
        parameters = super().get_params(ctx)
        return [*parameters[:2], *device_parameters(self.in_time), *parameters[2:]]


class MovingDeviceCommand(DeviceCommand):
    """The same of a command in which states move."""

    in_time = True


def device_parameters(in_time: bool = False) -> list[click.Parameter]:
    """Return ``--device`` and an option for each name that models' options have, its help model by model."""
    from xbarsim.devices import models

    table = models()
    laws = "; ".join(f"{name}: {model.summary}" for name, model in table.items())
    device = click.Option(
        ["--device"],
        type=click.Choice(list(table)),
        metavar="NAME",
        default="linear",
        show_default=True,
        help=f"The cells: {laws}.",
    )
    return [device, *(_parameter(name, owners) for name, owners in _owners(in_time).items())]


def built_device(values: dict[str, Any], in_time: bool = False) -> Device:
    """Build the device of a command's values; an option that it does not have is refused.

    ``in_time`` says that those of how states move are among them.
    """
    from xbarsim.devices import models

    kind = values["device"]
    passed = {}
    for name, owners in _owners(in_time).items():
        if values[name] is None:
            continue
        if kind not in owners:
            raise click.UsageError(f"--{_flag(name)} goes with --device {' or '.join(owners)}, not with {kind}")
        passed[name] = values[name]
    model = models()[kind]
    for option in model.options if in_time else model.read_options():
        if option.default is None and option.name not in passed:
            form = f" {option.metavar}" if option.metavar else ""
            raise click.UsageError(f"--device {kind} needs --{_flag(option.name)}{form}, {option.text}")
    return model.from_options(**passed)


def _owners(in_time: bool) -> dict[str, dict[str, Option]]:
    """Return each option that reads depend on, or how states move, by its name, with the models that have it."""
    from xbarsim.devices import models

    owners: dict[str, dict[str, Option]] = {}
    for kind, model in models().items():
        for option in model.options if in_time else model.read_options():
            owners.setdefault(option.name, {})[kind] = option
    return owners


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _parameter(name: str, owners: dict[str, Option]) -> click.Option:
    option = next(iter(owners.values()))
    form = Quantity(finite=False) if option.numeric else click.Choice(option.choices) if option.choices else str
    parts = []
    for kind, entry in owners.items():
        default = entry.default_text()
        parts.append(f"{kind}: {entry.text}" + (f" ({default})" if default else ""))
    return click.Option(
        [f"--{_flag(name)}", name], type=form, metavar=option.metavar or None, help=f"{'; '.join(parts)}."
    )
