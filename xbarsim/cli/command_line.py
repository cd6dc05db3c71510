"""The command line: its commands, and every failure as one line. Heavy imports wait until they are needed."""

from __future__ import annotations

import os
import sys
import warnings
from typing import NoReturn, TextIO

import click

from xbarsim.cli import announce
from xbarsim.cli.export_command import export
from xbarsim.cli.failures import EXIT_INPUT, failure_of, one_line
from xbarsim.cli.infer_command import infer
from xbarsim.cli.info_command import info
from xbarsim.cli.loop_command import loop
from xbarsim.cli.margin_command import margin
from xbarsim.cli.mitigate_command import mitigate
from xbarsim.cli.noise_command import noise
from xbarsim.cli.plan_command import plan
from xbarsim.cli.program_command import program
from xbarsim.cli.settling_command import settling
from xbarsim.cli.solve_command import solve
from xbarsim.cli.study_command import study
from xbarsim.cli.train_command import train
from xbarsim.cli.validate_command import validate

EXIT_INTERRUPT = 130


@click.group(
    commands=[
        export,
        infer,
        info,
        loop,
        margin,
        mitigate,
        noise,
        plan,
        program,
        settling,
        solve,
        study,
        train,
        validate,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(package_name="xbarsim", message="xbarsim %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Circuit-level simulator of memristor crossbars.

    Solves the real circuit exactly: wires, drivers, sense ends, sneak paths, broken lines.

    \b
    xbarsim solve --netlist xbar.sp
    xbarsim solve --conductance G.npy --voltages v.npy --word-wire 1 --bit-wire 1
    """
    if context.invoked_subcommand is None:
        raise click.UsageError(f"give a command, {', '.join(sorted(cli.commands))}; xbarsim --help says more")


def _fail(code: int, message: str) -> NoReturn:
    announce.say(f"xbarsim: {one_line(message)}")
    raise SystemExit(code)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; every failure is one line on stderr and an exit code, every warning a note."""
    if sys.stderr is None:  # closed by a shell; numpy 2.0 takes its write method while it is loaded
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    question = os.environ.get("_XBARSIM_COMPLETE")
    if question:
        from xbarsim.cli import completion

        raise SystemExit(completion.answer(cli, question))
    with warnings.catch_warnings():
        warnings.showwarning = _note
        _run(arguments)


def _note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as Python would, but in the words for its reader alone."""
    announce.say(f"note: {' '.join(str(message).split())}")


def _run(arguments: list[str] | None) -> NoReturn:
    try:
        # Not cli.main(): it adds a line of its own to Ctrl-C, and exits with 1 where the reader of a pipe has enough.
        with cli.make_context("xbarsim", sys.argv[1:] if arguments is None else arguments) as context:
            cli.invoke(context)
        if sys.stdout is not None:  # an answer that would have gone there was refused
            sys.stdout.flush()
    except click.exceptions.Exit as end:
        raise SystemExit(end.exit_code) from None
    except click.ClickException as error:
        _fail(EXIT_INPUT, error.format_message())
    except BrokenPipeError:
        # The reader has enough; nothing more can be said on this stream.
        sys.stdout = None
        raise SystemExit(0) from None
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, KeyboardInterrupt):
            _fail(EXIT_INTERRUPT, "interrupted")
        failure = failure_of(error)
        if failure is not None:
            _fail(*failure)
        raise
    raise SystemExit(0)


if __name__ == "__main__":
    main()
