"""``xbarsim validate``: parse, compare, print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xbarsim.spice import Engine
    from xbarsim.validate.bank import Scope

EXIT_BEYOND = 1

_ENGINES: dict[str, tuple[Engine, ...]] = {
    "process": ("process",),
    "pyspice": ("pyspice",),
    "both": ("process", "pyspice"),
}

_HELP = """Compare xbarsim with ngspice, badcrossbar and closed forms on a bank of circuits.

Linear cells and every device, every boundary and fault, from two netlists each: the one that export writes, and one by
hand. What is not installed is left out, and said to be.

\b
xbarsim validate --quick
xbarsim validate --engine both --output report
xbarsim validate --only 'sinh/*/8x8'

Exit codes: 0 all within tolerance; 1 some are not, or could not be compared; 2 bad input.
"""


@click.command(help=_HELP)
@click.option("--quick", "scope", flag_value="quick", help="Circuits up to 12 x 16; under a minute.")
@click.option("--full", "scope", flag_value="full", default=True, help="Up to 64 x 64; the default, some minutes.")
@click.option("--large", "scope", flag_value="large", help="128 and 256, by ngspice 45 with KLU under node.")
@click.option("--engine", type=click.Choice(list(_ENGINES)), default="process", show_default=True)
@click.option("--only", metavar="PATTERN", default="*", help="Circuits whose name has this in it (* and ? too).")
@click.option("--output", metavar="DIR", help="Write the report there: Markdown, HTML and a picture.")
@click.option("--json", "as_json", is_flag=True, help="Print every comparison as JSON.")
def validate(scope: Scope, engine: str, only: str, output: str | None, as_json: bool) -> None:
    """Compare xbarsim with other simulators, and print what came out."""
    from xbarsim.cli import announce
    from xbarsim.resources import thread_count

    thread_count()
    if output is not None:
        from xbarsim.validate.report_files import ready_folder

        ready_folder(output)
    with announce.stages(True) as progress:
        from xbarsim import validate as bank

        outcome = bank.run(scope, _ENGINES[engine], only, progress)
    if as_json:
        import json

        click.echo(json.dumps(outcome.as_dict(), indent=1))
    else:
        from xbarsim.validate.report import terminal

        click.echo(terminal(outcome))
    # After the table: minutes of work are not lost to a report that cannot be written.
    if output is not None:
        paths, note = bank.write_reports(outcome, output)
        for path in paths:
            click.echo(f"wrote {path}", err=True)
        if note:
            click.echo(f"note: no picture: {note}", err=True)
    if outcome.failed:
        raise SystemExit(EXIT_BEYOND)
