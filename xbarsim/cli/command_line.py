"""The command line: parse, call the library, print. Heavy imports wait until they are needed."""

from __future__ import annotations

import sys
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, TextIO

import click

from xbarsim.cli import announce
from xbarsim.cli.delivery import checked_places, deliver, drawn
from xbarsim.cli.infer_command import infer
from xbarsim.cli.margin_command import margin
from xbarsim.cli.option_types import Count, Ohms
from xbarsim.cli.train_command import train
from xbarsim.cli.validate_command import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.analysis.answers import Answers
    from xbarsim.crossbar import Crossbar
    from xbarsim.solvers.solve import Method


EXIT_INPUT = 2
EXIT_SOLVE = 3
EXIT_INTERRUPT = 130

_LONGEST = 600


def circuit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that describe a crossbar by its matrices."""
    for option in reversed(
        [
            click.option("--conductance", metavar="FILE", help="Cells in siemens, rows x cols: .npy or .csv."),
            click.option("--voltages", metavar="FILE", help="Row voltages in volts: .npy or .csv; a row a vector."),
            click.option(
                "--word-wire", type=Ohms(), default="0", show_default=True, help="Ohms of a word-line segment."
            ),
            click.option("--bit-wire", type=Ohms(), default="0", show_default=True, help="Ohms of a bit-line segment."),
            click.option("--driver", type=Ohms(), default="0", show_default=True, help="Ohms from each row's source."),
            click.option(
                "--sense", type=Ohms(), default="0", show_default=True, help="Ohms to each column's virtual ground."
            ),
        ]
    ):
        command = option(command)
    return command


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, invoke_without_command=True
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


@cli.command()
@click.option("--netlist", metavar="FILE", help="A SPICE netlist; - reads standard input.")
@circuit_options
@click.option("--method", type=click.Choice(["auto", "schur", "kron", "reference"]), default="auto", show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "raw"]), default="table", show_default=True
)
@click.option("--output", "-o", metavar="FILE", help="Write there, whole or not at all, instead of printing.")
@click.option(
    "--nodes", metavar="PATTERN", multiple=True, help="Only node voltages of such names (* and ?); repeatable."
)
@click.option("--steady", is_flag=True, help="Look for states' steady state instead of freezing them at IC= and .ic.")
@click.option("--seed", type=Count(least=0), help="Seed of agauss() and other random draws.  [default: 0]")
@click.option("--plot", metavar="FILE", help="Draw IR drop and currents, or a sweep: .png, .svg or .pdf.")
@click.option("--quiet", "-q", is_flag=True, help="Print output currents alone, no notes.")
def solve(
    netlist: str | None,
    method: Method,
    form: str,
    output: str | None,
    nodes: tuple[str, ...],
    steady: bool,
    seed: int | None,
    plot: str | None,
    quiet: bool,
    **circuit: Any,
) -> None:
    """Solve a crossbar, given as a netlist or by its matrices, or any other netlist.

    Resistances are in ohms: a number, inf, or a .npy or .csv file with one for each segment.

    \b
    Exit codes: 0 solved; 2 bad input; 3 singular, floating nodes or not converged.
    """
    if (netlist is None) == (circuit["conductance"] is None):
        raise click.UsageError("give either --netlist FILE, or --conductance FILE and --voltages FILE")
    if netlist is not None:
        _refuse_given(circuit)
    elif steady:
        raise click.UsageError("--steady goes with --netlist: a crossbar's cells have no state of their own")
    elif seed is not None:
        raise click.UsageError("--seed goes with --netlist, which may draw random parameters")
    checked_places(output, plot)
    if form == "raw" and output is None and sys.stdout.isatty():
        raise click.UsageError("--format raw is binary: give --output FILE, or pipe it")
    answers = _answers(netlist, method, quiet, circuit, steady=steady, seed=seed)
    if nodes:
        answers.results = [one.only_nodes(nodes) for one in answers.results]
        answers.show_nodes = True
        if not any(one.nodes for one in answers.results):
            answers.notes.append(f"no node is called {' or '.join(nodes)}")
    if not quiet:
        for note in answers.notes:
            click.echo(f"note: {note}", err=True)
    for error in answers.errors:
        click.echo(f"error: {error}", err=True)
    _emit(answers, form, quiet, output)
    if plot is not None:
        from xbarsim.analysis import pictures

        drawn(lambda: pictures.draw(answers, plot))


def _answers(
    netlist: str | None, method: Method, quiet: bool, circuit: dict[str, Any], *, steady: bool, seed: int | None
) -> Answers:
    from contextlib import nullcontext

    from xbarsim.cli import interrupt
    from xbarsim.resources import thread_count

    thread_count()  # numba's own complaint about NUMBA_NUM_THREADS is a traceback
    # NumPy's threads must start inside: one that does not block SIGINT would be handed it, and sit on it.
    with interrupt.immediate("xbarsim: interrupted"):
        from xbarsim.analysis import runs

        with nullcontext() if quiet else announce.compilation(), announce.stages(not quiet) as progress:
            if netlist is not None:
                source = _standard_input() if netlist == "-" else netlist
                return runs.from_netlist(source, method, progress, steady=steady, seed=seed)
            crossbar, voltages = _from_files(**circuit)
            return runs.from_arrays(crossbar, voltages, method, title=str(circuit["conductance"]))


def _emit(answers: Answers, form: str, quiet: bool, output: str | None) -> None:
    """Print the answers, or write them to a file."""
    from xbarsim.files import written_whole

    if form == "raw":
        import time

        from xbarsim.analysis.rawfile import raw_parts

        parts = list(raw_parts(answers.title, answers.results, time.strftime("%a %b %d %H:%M:%S %Y")))
    else:
        text = answers.as_json() if form == "json" else answers.as_csv() if form == "csv" else ""
        deliver(text or (answers.currents_only() if quiet else answers.as_table()), output)
        return
    if output is None:
        sys.stdout.buffer.write(b"".join(parts))
        return
    with written_whole(output) as file:
        for part in parts:
            file.write(part)


@cli.command()
@circuit_options
@click.option("-o", "--output", required=True, metavar="FILE", help="The netlist to write; replaced as a whole.")
def export(output: str, **circuit: Any) -> None:
    """Write a crossbar, given by its matrices, as a SPICE netlist."""
    if circuit["conductance"] is None:
        raise click.UsageError("give --conductance FILE and --voltages FILE")
    checked_places(output, None)
    from xbarsim import netlist
    from xbarsim.errors import InputError

    crossbar, voltages = _from_files(**circuit)
    if voltages.ndim != 1:
        raise InputError(f"voltages has shape {voltages.shape}: a netlist holds one vector, {crossbar.shape[0]} volts")
    netlist.write(crossbar, voltages, output)
    rows, cols = crossbar.shape
    click.echo(f"wrote {output}: {rows} x {cols} crossbar", err=True)


cli.add_command(infer)
cli.add_command(margin)
cli.add_command(train)
cli.add_command(validate)


@cli.command()
def info() -> None:
    """Print versions, threads, the kernels' cache folder, and whether ngspice is there."""
    from xbarsim.cli import about

    for name, value in about.facts():
        click.echo(f"{name:<10}{value}")


def _refuse_given(circuit: dict[str, Any]) -> None:
    """Refuse options that would be ignored: a netlist has its own values."""
    source = click.get_current_context().get_parameter_source
    given = [name for name in circuit if source(name) is click.core.ParameterSource.COMMANDLINE]
    if given:
        option = "--" + given[0].replace("_", "-")
        raise click.UsageError(f"{option} goes with --conductance; a netlist says it itself")


def _standard_input() -> IO[str]:
    """Return stdin as UTF-8 whatever the locale; the reader names a line that is not."""
    if sys.stdin is None:
        raise click.UsageError("--netlist -: standard input is closed")
    return TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape", newline="")


def _from_files(
    conductance: str, voltages: str | None, word_wire: Any, bit_wire: Any, driver: Any, sense: Any
) -> tuple[Crossbar, Any]:
    from xbarsim.cli.tables import load, load_line, load_vectors
    from xbarsim.crossbar import Crossbar

    if voltages is None:
        raise click.UsageError("--conductance needs --voltages FILE, one voltage for each row")

    def ohms(value: Any, name: str) -> Any:
        if not isinstance(value, Path):
            return value
        return load_line(value, name) if name in ("driver", "sense") else load(value, name)

    crossbar = Crossbar(
        load(conductance, "conductance"),
        word_wire=ohms(word_wire, "word_wire"),
        bit_wire=ohms(bit_wire, "bit_wire"),
        driver=ohms(driver, "driver"),
        sense=ohms(sense, "sense"),
    )
    return crossbar, load_vectors(voltages, "voltages", crossbar.shape[0])


def _fail(code: int, message: str) -> NoReturn:
    line = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in " ".join(message.split()))
    # A netlist may have names of any length: both ends of the line say most.
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST * 2 // 3]} ... {line[-_LONGEST // 3 :]}"
    click.echo("xbarsim: " + line, err=True)
    raise SystemExit(code)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; every failure is one line on stderr and an exit code, every warning a note."""
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
        if sys.stdout is None:
            _fail(EXIT_INPUT, "standard output is closed")
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        raise SystemExit(done.exit_code) from None
    except click.ClickException as error:
        _fail(EXIT_INPUT, error.format_message())
    except BrokenPipeError:
        # The reader has enough; nothing more can be said on this stream.
        sys.stdout = None
        raise SystemExit(0) from None
    except (KeyboardInterrupt, Exception) as error:
        from xbarsim.errors import InputError, SolveError, SpiceError

        if isinstance(error, KeyboardInterrupt):
            _fail(EXIT_INTERRUPT, "interrupted")
        if isinstance(error, SolveError | SpiceError):
            _fail(EXIT_SOLVE, str(error))
        if isinstance(error, InputError):
            _fail(EXIT_INPUT, str(error))
        if isinstance(error, MemoryError):
            _fail(EXIT_INPUT, "out of memory: solve a smaller circuit or free memory")
        if isinstance(error, OSError):
            _fail(EXIT_INPUT, f"{error.filename or 'output'}: {error.strerror or error}")
        raise
    raise SystemExit(0)


if __name__ == "__main__":
    main()
