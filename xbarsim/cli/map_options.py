"""What the commands on networks share about their maps: how they are kept, and how much memory there is for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xbarsim.cli.option_types import Bytes, Command, in_order

if TYPE_CHECKING:
    from collections.abc import Callable


def map_options() -> Callable[[Command], Command]:
    """Add ``--maps`` and ``--memory``."""
    return in_order(
        click.option(
            "--maps",
            "map_storage",
            type=click.Choice(["float32", "float64", "recompute"]),
            default="float32",
            show_default=True,
            help="How arrays' maps are kept; recompute: not at all, each batch reduces all arrays again.",
        ),
        click.option(
            "--memory",
            type=Bytes(),
            default=None,
            metavar="BYTES",
            help="What may be taken in all, as 4G [what is free].",
        ),
    )


SETTING, LIMIT = "--maps {}", "--memory"
"""How a footprint's verdict says what would fit here."""
