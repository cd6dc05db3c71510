"""The options of a training that goes through a chip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.hardware_options import built_hardware, hardware_options
from xbarsim.cli.option_types import Command, Count, in_order
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.nn.circuit_training import TrainingChip

OPTIONS = {
    "through": "through",
    "changes": "set",
    "fidelity": "fidelity",
    "chip_seed": "chip-seed",
    "digital": "digital",
}
"""What ``through_options`` adds, by parameter."""


def through_options() -> Callable[[Command], Command]:
    """Add the options that say which chip a network is trained through, which ``training_chip`` takes."""
    return in_order(
        hardware_options("--through", None, "Train through a chip of "),
        click.option("--chip-seed", type=Count(), default=None, help="Which such chip [0]."),
        click.option("--digital", metavar="LAYER", multiple=True, help="Leave a layer in torch; repeatable."),
    )


def training_chip(options: dict[str, Any]) -> TrainingChip | None:
    """Return the chip that is asked for, if any.

    Raises
    ------
    InputError
        There is no such chip, or a setting changes nothing in training.
    click.UsageError
        An option is of a chip, and there is none.
    """
    if options["through"] is None:
        for name, option in OPTIONS.items():
            if options[name] not in (None, ()):
                raise click.UsageError(f"--{option} is of a chip that is trained through: give --through HARDWARE too")
        return None
    from xbarsim.nn.circuit_training import TrainingChip

    for change in options["changes"]:
        if change.partition("=")[0].strip() == "mapping.scale":
            raise InputError(
                "--set: mapping.scale changes nothing in training, where the scale is that of the weights at each "
                "step: leave it out"
            )
    hardware = built_hardware(options["through"], options["changes"], options["fidelity"])
    return TrainingChip(hardware, options["chip_seed"] or 0, options["digital"], _words(options))


def _words(options: dict[str, Any]) -> tuple[str, ...]:
    """Return what asks ``xbarsim infer`` for the same chip."""
    words = ["--hardware", options["through"]]
    words += [word for change in options["changes"] for word in ("--set", change)]
    words += ["--fidelity", options["fidelity"]] if options["fidelity"] else []
    words += [word for layer in options["digital"] for word in ("--digital", layer)]
    return (*words, "--seeds", "1", "--first-seed", str(options["chip_seed"] or 0))
