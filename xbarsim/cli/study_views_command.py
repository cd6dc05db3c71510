"""``xbarsim study status``, ``plan``, ``report`` and ``export``: what is read of a study, and changes nothing of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli import announce
from xbarsim.cli.option_types import Count
from xbarsim.cli.output import Output
from xbarsim.cli.study_options import has_run, opened_study, study_options

if TYPE_CHECKING:
    from xbarsim.study.open_study import OpenStudy

_JOBS = click.option("--jobs", type=Count(least=1), default=None, help="Processes to reckon with [as run has them].")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, with all that failed.")


@click.command()
@study_options()
@_JSON
@_JOBS
def status(as_json: bool, jobs: int | None, **options: Any) -> None:
    """Say how far a study is: trials done, failed and missing, rate and time left, why trials failed."""
    from xbarsim.resources import thread_count
    from xbarsim.study.study_status import status as status_of

    opened = opened_study(options)
    before = has_run(options, opened)
    progress = status_of(opened, jobs=jobs or thread_count())
    if not before:
        announce.say(f"note: {_not_run(opened)}")
    click.echo(progress.as_json() if as_json else progress.as_table())


@click.command()
@study_options()
@_JSON
@_JOBS
@click.option("--retry-failed", is_flag=True, help="As run has it.")
def plan(as_json: bool, jobs: int | None, retry_failed: bool, **options: Any) -> None:
    """Say what run would do: trials and what they need, and how long, from those that have ended."""
    from xbarsim.resources import thread_count
    from xbarsim.study.study_plan import plan as plan_of

    planned = plan_of(opened_study(options), jobs=jobs or thread_count(), again=retry_failed)
    click.echo(planned.as_json() if as_json else planned.as_table())


@click.command()
@study_options()
@click.option("--output", "-o", metavar="FILE", help="A file .csv or .parquet [CSV on standard output].")
def export(output: str | None, **options: Any) -> None:
    """Write a row for each trial: its point, its numbers, state, seconds, reason of failure."""
    from xbarsim.files import checked_target
    from xbarsim.study.frames import trial_columns
    from xbarsim.study.listing import listing
    from xbarsim.study.trial_export import checked_suffix, write_csv
    from xbarsim.study.trial_export import export as write

    if output is not None:
        checked_suffix(checked_target(output))
    opened = opened_study(options)
    before = has_run(options, opened)
    rows = listing(opened).rows
    if not before:
        announce.say(f"xbarsim: {_not_run(opened)}: nothing is written")
        return
    if output is None:
        write_csv(trial_columns(rows), sys.stdout)  # type: ignore[arg-type]
    else:
        write(rows, output)


@click.command()
@study_options()
@click.option("--output", "-o", metavar="FILE", help="The page [the file's name with .html].")
@click.option("--figures", metavar="FOLDER", help="Write the figures there too, as PNG and SVG.")
@click.option("--markdown", metavar="FILE", help="Write a page of Markdown too, with the tables.")
@click.option("--quiet", "-q", is_flag=True, help="No notes.")
def report(
    output: str | None, figures: str | None, markdown: str | None, quiet: bool, **options: Any
) -> None:  # fmt: skip
    """Write a page with the figures and tables of a study: one file that needs no network."""
    from pathlib import Path

    from xbarsim.study.study_report_files import check_report, write_report

    page = output or str(Path(options["file"]).with_suffix(".html"))
    say = Output(quiet=quiet)
    opened = opened_study(options)
    before = has_run(options, opened)
    check_report(opened, page, markdown)
    if not before:
        _ = opened.trials  # what the file asks for wrongly is said now
        announce.say(f"xbarsim: {_not_run(opened)}: nothing is written")
        return
    for note in write_report(opened, page, figures=figures, markdown=markdown):
        say.note(note)


def _not_run(opened: OpenStudy) -> str:
    return f"nothing has run yet: xbarsim study run makes {opened.store}"


COMMANDS = (plan, status, report, export)
