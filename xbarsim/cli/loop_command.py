"""``xbarsim loop``: parse, compute, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.circuit_options import note_sweeps
from xbarsim.cli.option_types import Count, Quantity, in_order, is_typed
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError, SolveError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from xbarsim.loop import ClosedLoop
    from xbarsim.loop.loop_report import LoopReport
    from xbarsim.loop.loop_split import LoopSplit
    from xbarsim.netlist import Circuit
    from xbarsim.plot.figures import Figure

_HELP = """Find whether a circuit of arrays and amplifiers holds its operating point, and how fast it gets there.

E sources are amplifiers, F, G and H sources and inductors parts; capacitors count wherever they are, those of an
array's lines and cells too. All sources step from 0 to their dc values. Numbers take scales: 1k, 1meg, 2f.
Of an inverse, a pseudo-inverse, an eigenvector circuit or a read by transimpedance it tells what wires and amplifiers
do to the answer, and with --target what cells do.

\b
xbarsim loop --netlist inverse.sp --bandwidth 10meg --bits 6,8
xbarsim loop --netlist macromodels.sp --bandwidth inf --format json
xbarsim loop --netlist programmed.sp --target meant.sp

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
@click.option("--target", metavar="FILE", help="The circuit with cells as they were meant to be; splits their errors.")
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
        from xbarsim.loop import close
        from xbarsim.loop.loop_of_netlist import moving_loop_of
        from xbarsim.loop.loop_report import LoopReport
        from xbarsim.netlist import read

        flat = read(netlist, charges=True)
        _check_worth(flat, netlist)
        note_sweeps(flat, netlist, output.note)
        circuit = moving_loop_of(flat, bandwidth=options["bandwidth"])
        if options["bandwidth"] is None and circuit.charged is not None and circuit.amplifiers:
            raise InputError(
                f"{netlist}: {circuit.charged}: give --bandwidth in hertz, or --bandwidth inf for "
                "amplifiers as SPICE has them, without a pole"
            )
        closed = close(circuit, stable=False)
        report = LoopReport(closed, bits, options["poles"], _split(closed, options["target"], netlist))
        if is_typed("bits") and not report.stability.timed:
            raise InputError(f"{netlist}: --bits asks for times, and without --bandwidth there are none: give it")
        # What is wrong is said before anything is printed.
        report.settled()
        if output.plot is not None:
            report.check_drawable()
        return report


def _split(closed: ClosedLoop, target: str | None, path: str) -> LoopSplit | str:
    """Return where errors come from, or why that is not told."""
    from xbarsim.loop import read_loop
    from xbarsim.loop.loop_split import split_loop

    try:
        return split_loop(closed, read_loop(target, bandwidth=_speed(closed)) if target else None)
    except (InputError, SolveError) as error:
        if target:
            raise InputError(f"{path}: errors are not told from --target {target}: {error}") from None
        return str(error)


def _speed(closed: ClosedLoop) -> float | None:
    return next((amp.amplifier.bandwidth for amp in closed.loop.amplifiers), None)


def _check_worth(circuit: Circuit, path: str) -> None:
    """Check that a circuit has an amplifier, or else poles that no command is better for; raises InputError."""
    from xbarsim.loop.slow_modes import MOST_DENSE
    from xbarsim.netlist.analyses import Transient
    from xbarsim.netlist.element_kinds import RESISTOR
    from xbarsim.netlist.graph.arrays_inside import FEWEST_CELLS

    negative = (circuit.kinds == RESISTOR) & (circuit.values < 0.0)
    if any(source.gain for source in circuit.controlled) or circuit.nonlinear or negative.any():
        return
    storage = circuit.storage
    lead = f"{path}: nothing in it amplifies, so that it has no loop"
    if storage is None or not (storage.capacitors.farads.any() or storage.inductors.elements.size):
        raise InputError(f"{lead} and no poles: 'xbarsim solve --netlist {path}' gives its voltages and currents")
    crossbar = circuit.recognise_in_time().recognition.crossbar
    if crossbar is not None and crossbar.conductance.size >= FEWEST_CELLS:
        card = "" if any(isinstance(analysis, Transient) for analysis in circuit.analyses) else ", with a .tran card,"
        raise InputError(
            f"{lead}, it is a crossbar: 'xbarsim settling --netlist {path}'{card} tells how fast it can be read"
        )
    if len(circuit.nodes) > MOST_DENSE:
        raise InputError(f"{lead}: 'xbarsim solve --netlist {path}' with a .tran card gives its way in time")


def _bits(text: str) -> tuple[float, ...]:
    try:
        return tuple(parse(word) for word in text.split(","))
    except InputError as error:
        raise click.BadParameter(str(error), param_hint=["--bits"]) from None
