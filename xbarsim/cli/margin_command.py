"""``xbarsim margin``: parse, sweep, print."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.device_options import DeviceCommand, built_device
from xbarsim.cli.option_types import Command, Quantity
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.margin.margin_report import Report
    from xbarsim.plot.figures import Figure

_MOST_DIGITS = 9

_HELP = """Find how well LRS and HRS are told apart among worst-case patterns, against array size.

Numbers take scales: 1k, 1meg, 30m, 1n. M alone is refused, it is mega to SI and milli to SPICE.

\b
xbarsim margin --schemes floating,half --plot margin.png
xbarsim margin --device selector --i0 1n --v0 30m --r-on 10k \\
    --read-voltage 0.6

Exit codes: 0 solved; 2 bad input; 3 not converged.
"""


def _quantity(name: str, default: str | None, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=Quantity(finite=False), default=default, show_default=default is not None, help=text)


@click.command(cls=DeviceCommand, help=_HELP)
@_quantity("--r-on", "1k", "Ohms of a cell in LRS.")
@_quantity("--r-off", "1meg", "Ohms of a cell in HRS.")
@_quantity("--wire", "1", "Ohms of a segment of either line.")
@_quantity("--word-wire", None, "Ohms of a word-line segment, instead of --wire.")
@_quantity("--bit-wire", None, "Ohms of a bit-line segment, instead of --wire.")
@_quantity("--driver", "1", "Ohms from each row's source.")
@_quantity("--sense", "1", "Ohms to each column's virtual ground.")
@_quantity(
    "--load", None, "Ohms of the selected column's sense resistor, instead of --sense; gives the voltage margin."
)
@_quantity("--read-voltage", "0.5", "Volts of the selected row.")
@click.option(
    "--sizes",
    default="8,16,32,64,128",
    show_default=True,
    help="Arrays: N for N x N, or ROWSxCOLS, with commas between.",
)
@click.option(
    "--schemes",
    default="floating,grounded,half,third",
    show_default=True,
    help="What unselected lines are tied to; mvm drives all rows. +words, +bits or +both ties lines at both ends.",
)
@click.option(
    "--cell",
    default="far",
    show_default=True,
    help="The selected cell: far, corners (the worst of four), or ROW,COLUMN.",
)
@click.option(
    "--patterns",
    type=click.Choice(["worst", "same"]),
    default="worst",
    show_default=True,
    help="Other cells: each state's own worst pattern, or the same for both states.",
)
@output_options(quiet="Print each array's margin alone, no notes.", plot="Draw margins against array size")
def margin(sizes: str, schemes: str, cell: str, patterns: str, **options: Any) -> None:
    """Sweep, print and draw; ``_HELP`` says the rest."""
    output = Output.of(options)
    report = _report(_sizes(sizes), _words(schemes), _cell(cell), patterns, options, output)
    output.deliver(report, lambda: _drawn(report))


def _drawn(report: Report) -> Figure:
    from xbarsim.margin.margins_picture import draw

    return draw(report.points, "\n".join(report.heading))


def _report(
    sizes: list[Any], schemes: list[str], cell: Any, patterns: Any, options: dict[str, Any], output: Output
) -> Report:
    from dataclasses import replace

    with output.working() as progress:
        from xbarsim.margin import Technology, sweep
        from xbarsim.margin.margin_report import Report
        from xbarsim.schemes.scheme import checked_voltage, scheme_of
        from xbarsim.solvers import extrapolation

        volts = checked_voltage(options["read_voltage"])
        loaded = [replace(scheme_of(name), load=options["load"]) for name in schemes]
        technology = Technology(
            options["r_on"],
            options["r_off"],
            built_device(options),
            word_wire=options["wire"] if options["word_wire"] is None else options["word_wire"],
            bit_wire=options["wire"] if options["bit_wire"] is None else options["bit_wire"],
            driver=options["driver"],
            sense=options["sense"],
        )
        start = time.perf_counter()
        with extrapolation.collected() as cases, option_words():
            points = sweep(
                technology, sizes, loaded, read_voltage=volts, cell=cell, patterns=patterns, progress=progress
            )
        seconds = {"total": time.perf_counter() - start}
        place = cell if isinstance(cell, str) else "{}, {}".format(*cell)
        report = Report(technology, volts, place, patterns, points, seconds)
    if cases:
        worst = max(cases, key=lambda case: case.excess)
        output.note(f"{worst}: beyond it is a straight line; --extend error refuses it")
    return report


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if "" in words:
        raise click.BadParameter(f"{text!r} has an empty entry", param_hint="--schemes")
    return words


def _sizes(text: str) -> list[int | tuple[int, int]]:
    sizes: list[int | tuple[int, int]] = []
    for word in text.split(","):
        counts = [part.strip() for part in re.split("[xX]", word)]
        try:
            numbers = [parse(part) for part in counts]
        except InputError as error:
            if "ambiguous" in str(error):
                raise click.BadParameter(str(error), param_hint="--sizes") from None
            numbers = [math.inf] if "too large" in str(error) else []
        if not 0 < len(numbers) <= 2 or any(
            number < math.inf and (number != math.floor(number) or number < 0) for number in numbers
        ):
            raise click.BadParameter(
                f"{word.strip()!r} is no size: give 64 for 64 x 64, or 64x128", param_hint="--sizes"
            )
        if max(numbers) >= 10**_MOST_DIGITS:
            raise click.BadParameter(f"{word.strip()[:20]}... is no size that fits in memory", param_hint="--sizes")
        lines = [int(number) for number in numbers]
        sizes.append(lines[0] if len(lines) == 1 else (lines[0], lines[1]))
    return sizes


def _cell(text: str) -> Any:
    """Return a word as it is, or a row and a column."""
    if text in ("far", "corners"):
        return text
    parts = text.split(",")
    try:
        row, column = (int(part) for part in parts)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither far, corners nor ROW,COLUMN", param_hint="--cell") from None
    return row, column
