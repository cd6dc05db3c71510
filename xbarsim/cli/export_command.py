"""``xbarsim export``: a crossbar's matrices as a netlist."""

from __future__ import annotations

from typing import Any

import click

from xbarsim.cli.circuit_options import circuit_options, crossbar_of
from xbarsim.cli.output import Output, output_options


@click.command()
@circuit_options
@click.option("-o", "--output", required=True, metavar="FILE", help="The netlist to write; replaced as a whole.")
@output_options(quiet="Say nothing of what was written.", forms=(), file=False)
def export(**options: Any) -> None:
    """Write a crossbar, given by its matrices, as a SPICE netlist."""
    if options["conductance"] is None:
        raise click.UsageError("give --conductance FILE and --voltages FILE")
    path = options["output"]
    output = Output.of(options)
    from xbarsim import netlist
    from xbarsim.errors import InputError

    crossbar, voltages = crossbar_of(**options)
    if voltages.ndim != 1:
        raise InputError(f"voltages has shape {voltages.shape}: a netlist holds one vector, {crossbar.shape[0]} volts")
    netlist.write(crossbar, voltages, path)
    rows, cols = crossbar.shape
    output.say(f"wrote {path}: {rows} x {cols} crossbar")
