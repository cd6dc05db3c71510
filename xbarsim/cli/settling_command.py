"""``xbarsim settling``: parse, compute, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.circuit_options import (
    check_one_circuit,
    check_untyped,
    circuit_options,
    crossbar_of,
    note_sweeps,
    output_names,
)
from xbarsim.cli.option_types import Count, Farads, in_order
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from xbarsim.crossbar import Array, Crossbar
    from xbarsim.plot.figures import Figure
    from xbarsim.settling.speed_report import SpeedReport

_HELP = """Find how fast a crossbar of linear cells can be read: how long its outputs take to settle.

For inputs as they are, and for the slowest row of each output alone; and how many reads a second there is time for,
against the bits to which outputs settle. Numbers take scales: 1k, 1meg, 2f.

\b
xbarsim settling --netlist xbar.sp --bits 4,6,8
xbarsim settling --conductance g.npy --voltages v.npy --word-wire 1 \\
    --bit-wire 1 --driver 100 --word-capacitance 1f

Exit codes: 0 solved; 2 bad input; 3 not converged.
"""

_FARADS = ("word_capacitance", "bit_capacitance", "cell_capacitance")

_settling_options = in_order(
    click.option("--word-capacitance", type=Farads(), default="0", show_default=True, help="Farads of a word node."),
    click.option("--bit-capacitance", type=Farads(), default="0", show_default=True, help="Farads of a bit node."),
    click.option("--cell-capacitance", type=Farads(), default="0", show_default=True, help="Farads across a cell."),
    click.option("--bits", metavar="BITS,...", default="4,6,8", show_default=True, help="To half a step of which."),
    click.option(
        "--poles", type=Count(least=1), default=None, help="Of each response at most, up to 3 [six of the circuit]."
    ),
)


@click.command(help=_HELP)
@click.option("--netlist", metavar="FILE", help="A crossbar with its capacitors, and a .tran card, as a netlist.")
@circuit_options
@_settling_options
@output_options(quiet="Print bits and reads a second alone, no notes.", plot="Draw times and reads a second")
def settling(netlist: str | None, **options: Any) -> None:
    """Compute, print and draw; ``_HELP`` says the rest."""
    output = Output.of(options)
    check_one_circuit(netlist, options["conductance"])
    report = _report(netlist, options, output)
    output.deliver(report, lambda: _drawn(report, netlist or options["conductance"]))


def _drawn(report: SpeedReport, source: str) -> Figure:
    from xbarsim.settling.speed_picture import draw

    return draw(report, Path(source).name)


def _report(netlist: str | None, options: dict[str, Any], output: Output) -> SpeedReport:
    with output.working():
        from xbarsim.settling import read_speed
        from xbarsim.settling.decaying_poles import MOST_POLES
        from xbarsim.settling.speed_report import SpeedReport

        bits = _bits(options["bits"])
        crossbar, voltages, names, farads = _of_netlist(netlist, output) if netlist else _of_matrices(options)
        if not any(part.any() for part in farads.values()):
            raise InputError(
                f"{netlist} has no capacitance that counts: it needs capacitors at its lines, and a .tran card"
                if netlist
                else "nothing takes time to settle: give --word-capacitance, --bit-capacitance or --cell-capacitance"
            )
        if (options["poles"] or 1) > MOST_POLES:
            raise InputError(f"--poles is {options['poles']}: at most {MOST_POLES} have the moments")
        with option_words():
            word, bit, cell = (farads[name] for name in _FARADS)
            speed = read_speed(
                crossbar, voltages, word_capacitance=word, bit_capacitance=bit, cell_capacitance=cell
            )  # fmt: skip
        return SpeedReport(speed, crossbar.shape, names, bits, options["poles"])


def _of_matrices(options: dict[str, Any]) -> tuple[Crossbar, Array, tuple[str, ...], dict[str, Array]]:
    import numpy as np

    from xbarsim.cli.matrix_files import load

    matrices = ("conductance", "voltages", "word_wire", "bit_wire", "driver", "sense")
    crossbar, voltages = crossbar_of(**{name: options[name] for name in matrices})
    farads = {
        name: load(value, name) if isinstance(value, Path) else np.asarray(value)
        for name, value in ((name, options[name]) for name in _FARADS)
    }
    return crossbar, voltages, tuple(f"i[{j}]" for j in range(crossbar.shape[1])), farads


def _of_netlist(path: str, output: Output) -> tuple[Crossbar, Array, tuple[str, ...], dict[str, Array]]:
    from xbarsim import netlist

    check_untyped(*_FARADS)
    circuit = netlist.read(path)
    timed = circuit.recognise_in_time()
    recognition = timed.recognition
    if (
        recognition.crossbar is None
        or recognition.reason is not None
        or recognition.left_out is not None
        or timed.states is not None
    ):
        reason = recognition.reason or recognition.left_out or "its cells have states that move"
        raise InputError(f"{path} is no crossbar, whose read speed could be told: {reason}")
    note_sweeps(circuit, path, output.note)
    if not recognition.voltages.any():
        raise InputError(f"{path}: its sources are at 0 V: give what they step to, as dc values")
    farads = dict(zip(_FARADS, (timed.word_farads, timed.bit_farads, timed.cell_farads), strict=True))
    return recognition.crossbar, recognition.voltages, output_names(recognition), farads


def _bits(text: str) -> tuple[float, ...]:
    try:
        return tuple(parse(word) for word in text.split(","))
    except InputError as error:
        raise click.BadParameter(str(error), param_hint="--bits") from None
