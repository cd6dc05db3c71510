"""``xbarsim info``: what an installation consists of."""

from __future__ import annotations

from typing import Any

import click

from xbarsim.cli.output import Output, output_options


@click.command()
@output_options(quiet="Print names and values without columns.")
def info(**options: Any) -> None:
    """Print versions, threads, the kernels' cache folder, and whether ngspice is there."""
    output = Output.of(options)
    from xbarsim.cli.about import installation

    output.deliver(installation())
