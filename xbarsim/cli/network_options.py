"""What the commands on networks share: options of data and images, and torch's absence."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from xbarsim.cli.option_types import Command, in_order
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.nn.datasets import Dataset


def check_torch() -> None:
    """Check that torch is installed, and have its threads sleep where they wait.

    Threads that spin instead make small networks up to fifty times slower as soon as other work shares the cores.

    Raises
    ------
    InputError
        It is not.
    """
    if find_spec("torch") is None:
        raise InputError("networks need torch: pip install 'xbarsim[nn]'")
    # Read when torch is first imported; what the user says comes first.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def data_options(default: str | None) -> Callable[[Command], Command]:
    """Add the options that say which images are used, and how networks see them."""
    return in_order(
        click.option(
            "--data",
            default=default,
            show_default=default is not None,
            help="digits, mnist, fashion-mnist, cifar10, or a folder with a folder of images for each class.",
        ),
        click.option(
            "--data-folder",
            metavar="DIR",
            help="Where named data lie, as torchvision lays them out; without it, XBARSIM_DATA.",
        ),
        click.option(
            "--mean", metavar="NUMBERS", help="A network sees (pixel / 255 - mean) / std; one, or by channel."
        ),
        click.option("--std", metavar="NUMBERS", help="As --mean."),
    )


def dataset(data: str, folder: str | None, mean: str | None, std: str | None) -> Dataset:
    """Return the data, scaled as options say."""
    from dataclasses import replace

    from xbarsim.nn.datasets import load

    images = load(data, folder)
    if mean is not None:
        images = replace(images, mean=numbers(mean, "--mean"))
    return images if std is None else replace(images, std=numbers(std, "--std"))


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Return numbers with commas between."""
    try:
        return tuple(parse(word) for word in text.split(","))
    except InputError as error:
        if "ambiguous" in str(error):
            raise click.BadParameter(str(error), param_hint=[option]) from None
        raise click.BadParameter(f"{text!r} is not numbers with commas between", param_hint=[option]) from None
