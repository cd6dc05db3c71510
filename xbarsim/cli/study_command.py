"""``xbarsim study``: run what is missing of a study, say how far it is, draw and export what came out."""

from __future__ import annotations

from typing import Any

import click

from xbarsim.cli.option_types import Count
from xbarsim.cli.output import Output
from xbarsim.cli.stop_signals import signals
from xbarsim.cli.study_options import opened_study, study_options
from xbarsim.cli.study_progress import Tracker
from xbarsim.cli.study_views_command import COMMANDS

_HELP = """Sweeps that survive: every combination of networks, hardware, methods and chips that a file asks for.

\b
xbarsim study plan wires.toml
xbarsim study run wires.toml
xbarsim study status wires.toml
xbarsim study report wires.toml -o wires.html
xbarsim study export wires.toml -o wires.csv

Answers go to wires.sqlite, one transaction each, and trained networks to wires.cache beside it: run again, after
Ctrl-C, a crash or a change of the file, and only what is missing is done.
"""


@click.group(help=_HELP, invoke_without_command=True)
@click.pass_context
def study(context: click.Context) -> None:
    """Studies; ``_HELP`` says the rest."""
    if context.invoked_subcommand is None:
        raise click.UsageError(f"give a command, {', '.join(sorted(study.commands))}; xbarsim study --help says more")


for _view in COMMANDS:
    study.add_command(_view)


@study.command()
@study_options()
@click.option("--jobs", type=Count(least=1), default=None, help="Processes [as many as there are cores].")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler's, tcp://host:port, in place of processes here.")
@click.option("--retry-failed", is_flag=True, help="Try trials again that failed before.")
@click.option("--quiet", "-q", is_flag=True, help="No progress, no notes.")
def run(jobs: int | None, scheduler: str | None, retry_failed: bool, quiet: bool, **options: Any) -> None:
    """Do what is missing; Ctrl-C ends after what is in hand, a second one at once."""
    from xbarsim.study.study_run import run_study

    if jobs is not None and scheduler is not None:
        raise click.UsageError("--jobs are processes of this machine, and --scheduler has others: give one of them")
    output = Output(quiet=quiet)
    with signals() as caught:
        opened = opened_study(options)
        tracker = Tracker(output)
        tally = run_study(
            opened, jobs=jobs, scheduler=scheduler, again=retry_failed, report=tracker.ended, progress=tracker.doing,
            stop=lambda: bool(caught),
        )  # fmt: skip
    before = f"{tally.before} there before" + (f" ({tally.failed_before} failed)" if tally.failed_before else "")
    output.say(f"{tally.answered} trials done, {tally.failed} failed, {before}, {tally.left} left")
    if tally.failed_before:
        output.note("--retry-failed tries trials again that failed before")
    if caught and tally.left:
        raise click.exceptions.Exit(128 + caught[0])
    if tally.failed:
        raise click.exceptions.Exit(3)
