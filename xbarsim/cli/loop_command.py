"""``xbarsim loop``: parse, compute, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.option_types import Count, Quantity, in_order, is_typed
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from xbarsim.loop.loop_report import LoopReport
    from xbarsim.plot.figures import Figure

_HELP = """Find whether a circuit of arrays and amplifiers holds its operating point, and how fast it gets there.

E sources are amplifiers, F, G and H sources and inductors parts; capacitors count wherever they are, those of an
array's lines and cells too. All sources step from 0 to their dc values. Numbers take scales: 1k, 1meg, 2f.

\b
xbarsim loop --netlist inverse.sp --bandwidth 10meg --bits 6,8
xbarsim loop --netlist macromodels.sp --bandwidth inf --format json

Exit codes: 0 solved, also where the loop runs away; 2 bad input; 3 not converged.
"""

_loop_options = in_order(
    click.option(
        "--bandwidth", type=Quantity(above=0.0, finite=False), default=None,
        help="Of all amplifiers, gain times bandwidth in hertz; inf: as SPICE has them, without a pole "
        "[amplifiers of equal speed].",
    ),
    click.option("--bits", metavar="BITS,...", default="4,6,8", show_default=True, help="To half a step of which."),
    click.option("--poles", type=Count(least=1), default="8", show_default=True, help="Poles in the table at most."),
)  # fmt: skip


@click.command(help=_HELP)
@click.option("--netlist", metavar="FILE", required=True, help="The circuit.")
@_loop_options
@output_options(quiet="Print bits and seconds alone, no notes.", plot="Draw poles and the way to the operating point")
def loop(netlist: str, **options: Any) -> None:
    """Compute, print and draw; ``_HELP`` says the rest."""
    output = Output.of(options)
    bits = _bits(options["bits"])
    report = _report(netlist, bits, options, output)
    output.deliver(report, lambda: _drawn(report, netlist))


def _drawn(report: LoopReport, source: str) -> Figure:
    from xbarsim.loop.loop_picture import draw

    return draw(report, Path(source).name)


def _report(netlist: str, bits: tuple[float, ...], options: dict[str, Any], output: Output) -> LoopReport:
    with output.working():
        from xbarsim.loop import close, read_loop
        from xbarsim.loop.loop_report import LoopReport

        circuit = read_loop(netlist, bandwidth=options["bandwidth"])
        if options["bandwidth"] is None and circuit.charged is not None and circuit.amplifiers:
            raise InputError(
                f"{netlist}: {circuit.charged}: give --bandwidth in hertz, or --bandwidth inf for "
                "amplifiers as SPICE has them, without a pole"
            )
        report = LoopReport(close(circuit, stable=False), bits, options["poles"])
        if is_typed("bits") and not report.stability.timed:
            raise InputError(f"{netlist}: --bits asks for times, and without --bandwidth there are none: give it")
        # What is wrong is said before anything is printed.
        report.settled()
        if output.plot is not None:
            report.check_drawable()
        return report


def _bits(text: str) -> tuple[float, ...]:
    try:
        return tuple(parse(word) for word in text.split(","))
    except InputError as error:
        raise click.BadParameter(str(error), param_hint=["--bits"]) from None
