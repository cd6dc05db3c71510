"""What every command on studies is given: a file, its quick version, a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.option_types import Command, in_order
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.study.open_study import OpenStudy


def study_options() -> Callable[[Command], Command]:
    """Add the file, ``--quick`` and ``--store`` to a command."""
    return in_order(
        click.argument("file", type=click.Path(dir_okay=False)),
        click.option("--quick", is_flag=True, help="The quick version that the file has under [quick]."),
        click.option("--store", metavar="FILE", help="Where answers are [the file's name with .sqlite]."),
    )


def opened_study(options: dict[str, Any]) -> OpenStudy:
    """Return the study that options name."""
    from xbarsim.study.open_study import OpenStudy
    from xbarsim.study.study_file import read

    path = Path(options["file"])
    store = Path(options["store"]) if options["store"] else path.with_suffix(".sqlite")
    return OpenStudy(read(path, quick=options["quick"]), store)


def has_run(options: dict[str, Any], opened: OpenStudy) -> bool:
    """Return whether a study's store is there, without which there is nothing to show.

    Raises
    ------
    InputError
        It is not, and ``--store`` named it: what was asked for is elsewhere.
    """
    if opened.store.exists():
        return True
    if options["store"]:
        raise InputError(f"{opened.store}: there is no such store: check --store, or make it with xbarsim study run")
    return False
