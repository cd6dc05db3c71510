"""``xbarsim info``: what an installation consists of."""

from __future__ import annotations

from typing import Any

import click

from xbarsim.cli.output import Output, output_options


@click.command()
@click.option("--clear-cache", is_flag=True, help="Delete the compiled kernels, as before the package is uninstalled.")
@output_options(quiet="Print names and values without columns.")
def info(clear_cache: bool, **options: Any) -> None:
    """Print versions, threads, the kernels' cache folder, and whether ngspice is there."""
    output = Output.of(options)
    from xbarsim.cli.about import installation

    output.deliver(installation(clear_cache=clear_cache))
