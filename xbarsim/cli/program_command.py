"""``xbarsim program``: parse, write, print."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli import announce
from xbarsim.cli.device_options import MovingDeviceCommand, built_device
from xbarsim.cli.option_types import Command, Count, Ohms, Quantity, in_order
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.cli.stop_signals import signals
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.crossbar import Crossbar
    from xbarsim.plot.figures import Figure
    from xbarsim.programming import PulseLadder, WrittenArray

_HELP = """Write an array of dynamic cells to target conductances by pulses through its own wires.

TARGET is a matrix of siemens, .npy or .csv. Numbers take scales: 1k, 1meg, 100n.

\b
xbarsim program target.npy --device vteam --word-wire 1 --bit-wire 1 \\
    --scheme V/2 --pulse 1,10n
xbarsim program target.csv --device vteam --pulse 0.9,10n,1n,1n \\
    --increment 50m --most-amplitude 1.4 --plot out.png
xbarsim program target.npy --device vteam --pulse 1,10n --store out.npz
xbarsim program target.npy --device vteam --pulse 1,10n --resume out.npz

Exit codes: 0 done, also where cells were not reached; 2 bad input; 3 not converged; 130 interrupted.
"""


def _ohms(name: str, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=Ohms(), default="0", show_default=True, help=text)


_pulse_options = in_order(
    click.option(
        "--pulse", metavar="VOLTS,WIDTH[,RISE[,FALL[,GAP]]]", required=True, help="The first pulse for a cell."
    ),
    click.option(
        "--opposite", type=Quantity(), help="Volts of the first pulse that lowers, instead of those of --pulse."
    ),
    click.option("--increment", type=Quantity(), default="0", show_default=True, help="Volts more with each pulse."),
    click.option("--most-amplitude", type=Quantity(), help="Volts at which --increment ends."),
    click.option(
        "--widening", type=Quantity(), default="1", show_default=True, help="Factor of width with each pulse."
    ),
    click.option("--most-width", type=Quantity(), help="Seconds at which --widening ends."),
    click.option(
        "--shrink", type=Quantity(), default="0.5", show_default=True, help="Factor of widths when the polarity turns."
    ),
)

_loop_options = in_order(
    click.option("--scheme", default="V/2", show_default=True, help="V/2, V/3, floating or grounded-line."),
    click.option("--open-loop", is_flag=True, help="No looks: the pulses that each cell would need if it were alone."),
    click.option("--tolerance", type=Quantity(), default="0.02", show_default=True, help="How far off a read may be."),
    click.option(
        "--of",
        type=click.Choice(["target", "range"]),
        default="target",
        show_default=True,
        help="What it is a share of.",
    ),
    click.option("--most-pulses", type=Count(least=1), default="100", show_default=True, help="For one cell."),
    click.option(
        "--read",
        type=click.Choice(["wires", "cell"]),
        default="wires",
        show_default=True,
        help="What a look shows: what the sense amplifier gets, or the cell's own conductance.",
    ),
    click.option("--read-voltage", type=Quantity(), default="0.1", show_default=True, help="Volts of reads."),
    click.option("--read-scheme", default="grounded", show_default=True, help="As --scheme, in reads."),
    click.option(
        "--order", type=click.Choice(["rows", "columns", "random"]), default="rows", show_default=True, help="Of cells."
    ),
    click.option("--rounds", type=Count(least=1), default="3", show_default=True, help="Turns, where others disturb."),
    click.option("--stuck", metavar="FILE", help="Cells that no pulse moves: a matrix of 0 and 1."),
    click.option("--stuck-after", type=Count(least=1), default="5", show_default=True, help="Pulses without effect."),
    click.option("--seed", type=Count(least=0), default="0", show_default=True, help="Of the random order."),
    click.option("--store", metavar="FILE", help="Keep all there is in an .npz file, now and then too."),
    click.option("--resume", metavar="FILE", help="Go on with what --store kept; it is kept there on."),
)


@click.command(cls=MovingDeviceCommand, help=_HELP)
@click.argument("target", metavar="TARGET")
@click.option("--conductance", metavar="FILE", help="Cells before, in siemens; else all are as resistive as can be.")
@_ohms("--word-wire", "Ohms of a word-line segment.")
@_ohms("--bit-wire", "Ohms of a bit-line segment.")
@_ohms("--driver", "Ohms from each row's source.")
@_ohms("--sense", "Ohms to each column's virtual ground.")
@_pulse_options
@_loop_options
@output_options(quiet="Print counts alone, no notes.", plot="Draw maps of the array", forms=("table", "json", "csv"))
def program(target: str, **options: Any) -> None:
    """Write, print and draw; ``_HELP`` says the rest."""
    output = Output.of(options)
    if options["store"] and options["resume"]:
        raise click.UsageError("--resume keeps on in its own file: leave out --store")
    store = options["store"] or options["resume"]
    with nullcontext() if output.quiet else announce.compilation():
        result, stopped = _write(target, options, store, output)
    from xbarsim.programming.written_report import WrittenReport

    if store:
        result.to_npz(store)
    if stopped:
        place = (
            f"{store} holds what was done: go on with --resume {store}" if store else "give --store FILE to go on later"
        )
        output.note(f"interrupted; {place}")
    output.deliver(WrittenReport(result), lambda: _drawn(result, target))
    if stopped:
        raise SystemExit(130)


def _drawn(result: WrittenArray, target: str) -> Figure:
    from xbarsim.programming.written_picture import draw

    return draw(result, Path(target).name)


def _write(target: str, options: dict[str, Any], store: str | None, output: Output) -> tuple[WrittenArray, bool]:
    from xbarsim.cli.matrix_files import load
    from xbarsim.files import checked_target
    from xbarsim.programming import VerifyRead, WrittenArray
    from xbarsim.programming import program as write

    if store:
        checked_target(store)
    goal = load(target, "target")
    stuck = None if options["stuck"] is None else load(options["stuck"], "stuck")
    if stuck is not None and not ((stuck == 0.0) | (stuck == 1.0)).all():
        raise InputError(f"{options['stuck']}: stuck must hold 0 and 1 alone")
    resume = WrittenArray.from_npz(options["resume"]) if options["resume"] else None
    with announce.stages(not output.quiet) as progress, signals() as caught, option_words():
        ladder = _ladder(options)
        result = write(
            _crossbar(goal.shape, options), goal, pulse=ladder, scheme=options["scheme"],
            verify=not options["open_loop"], tolerance=options["tolerance"], of=options["of"],
            most_pulses=options["most_pulses"],
            read=VerifyRead(options["read"], options["read_voltage"], options["read_scheme"]), order=options["order"],
            rounds=options["rounds"], stuck=None if stuck is None else stuck == 1.0, stuck_after=options["stuck_after"],
            seed=options["seed"], progress=progress, stop=lambda: bool(caught),
            keep=None if store is None else lambda so_far: so_far.to_npz(store), resume=resume,
        )  # fmt: skip
    return result, bool(caught) and not result.finished


def _ladder(options: dict[str, Any]) -> PulseLadder:
    from xbarsim.programming import PulseLadder

    words = options["pulse"].split(",")
    if not 2 <= len(words) <= 5:
        raise click.BadParameter(
            f"{options['pulse']!r} must be VOLTS,WIDTH and perhaps RISE, FALL and GAP", param_hint="--pulse"
        )
    try:
        numbers = [parse(word) for word in words]
    except InputError as error:
        raise click.BadParameter(str(error), param_hint="--pulse") from None
    names = ("opposite", "increment", "most_amplitude", "widening", "most_width", "shrink")
    return PulseLadder(*numbers, **{name: options[name] for name in names})


def _crossbar(shape: tuple[int, ...], options: dict[str, Any]) -> Crossbar:
    """Return the array as it is before."""
    import numpy as np

    from xbarsim.cli.matrix_files import load, load_line
    from xbarsim.crossbar import Crossbar
    from xbarsim.programming.pulsed_array import dynamic_device

    device = built_device(options, in_time=True)
    if len(shape) != 2:
        raise InputError(f"target has shape {shape}: it must be (rows, cols)")
    circuit = {}
    for name in ("word_wire", "bit_wire", "driver", "sense"):
        value = options[name]
        if isinstance(value, Path):
            value = load_line(value, name) if name in ("driver", "sense") else load(value, name)
        circuit[name] = value
    if options["conductance"] is not None:
        return Crossbar(load(options["conductance"], "conductance"), **circuit, device=device)
    model = dynamic_device(Crossbar(np.zeros(shape), device=device))
    least = np.minimum(*(model.conductance(bound) for bound in model.bounds))
    return Crossbar(np.array(np.broadcast_to(least, shape)), **circuit, device=device)
