"""``xbarsim validate``: parse, compare, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.output import Output, output_options

if TYPE_CHECKING:
    from xbarsim.plot.figures import Figure
    from xbarsim.spice import Engine
    from xbarsim.validate.bank import Scope
    from xbarsim.validate.outcome import Outcome
    from xbarsim.validate.session import Partner

EXIT_BEYOND = 1

_ENGINES: dict[str, tuple[Engine, ...]] = {
    "process": ("process",),
    "pyspice": ("pyspice",),
    "both": ("process", "pyspice"),
}

_PARTNERS = ("ngspice", "vacask", "badcrossbar", "closed")

_HELP = """Compare xbarsim with ngspice, VACASK, badcrossbar and closed forms on a bank of circuits.

Linear cells and every device, every boundary and fault, from two netlists each: the one that export writes, and one by
hand. What is not installed is left out, and said to be.

\b
xbarsim validate --quick
xbarsim validate --engine both --report report
xbarsim validate --only 'sinh/*/8x8'
xbarsim validate --large --against vacask
xbarsim validate --quick --time

Exit codes: 0 all within tolerance; 1 some are not, or could not be compared; 2 bad input.
"""


@click.command(help=_HELP)
@click.option("--quick", "scope", flag_value="quick", help="Circuits up to 12 x 16; under a minute.")
@click.option("--full", "scope", flag_value="full", default=True, help="Up to 64 x 64; the default, some minutes.")
@click.option(
    "--large", "scope", flag_value="large", help="128 and 256; by ngspice 45 with KLU under node, and VACASK."
)
@click.option("--time", "in_time", is_flag=True, help="The bank in time: charged crossbars, moving states, writes.")
@click.option(
    "--against",
    "partners",
    type=click.Choice(_PARTNERS),
    multiple=True,
    help="Compare with this one alone (may be repeated); otherwise with all that are installed.",
)
@click.option("--engine", type=click.Choice(list(_ENGINES)), default="process", show_default=True)
@click.option("--only", metavar="PATTERN", default="*", help="Circuits whose name has this in it (* and ? too).")
@click.option("--report", metavar="DIR", help="Write a report there too: Markdown, HTML and a picture.")
@output_options(quiet="Print what it amounts to, no progress.", plot="Draw differences and times by size")
def validate(
    scope: Scope, in_time: bool, partners: tuple[Partner, ...], engine: str, only: str, report: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """Compare xbarsim with other simulators, and print what came out."""
    if _names_a_folder(options["output"]):
        report, options["output"] = options["output"], None
    output = Output.of(options)
    from xbarsim.cli import announce
    from xbarsim.resources import thread_count

    thread_count()
    if report is not None:
        from xbarsim.validate.report_files import ready_folder

        ready_folder(report)
    with announce.stages(not output.quiet) as progress:
        from xbarsim import validate as bank

        outcome = bank.run(scope, _ENGINES[engine], only, progress, partners, in_time)
    from xbarsim.validate.report import ValidationReport

    output.deliver(ValidationReport(outcome), lambda: _drawn(outcome))
    # After the table: minutes of work are not lost to a report that cannot be written.
    if report is not None:
        paths, note = bank.write_reports(outcome, report)
        for path in paths:
            output.say(f"wrote {path}")
        if note:
            output.note(f"no picture: {note}")
    if outcome.failed:
        raise SystemExit(EXIT_BEYOND)


def _names_a_folder(path: str | None) -> bool:
    """Whether ``--output`` is meant as ``--report``: a folder, or a new name without an ending."""
    if path is None or Path(path).exists():
        return path is not None and Path(path).is_dir()
    return not Path(path).suffix


def _drawn(outcome: Outcome) -> Figure:
    from xbarsim.validate.difference_picture import draw

    return draw(outcome)
