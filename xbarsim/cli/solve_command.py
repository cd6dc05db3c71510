"""``xbarsim solve``: parse, solve, print."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from xbarsim.cli import announce
from xbarsim.cli.circuit_options import check_one_circuit, circuit_options, crossbar_of
from xbarsim.cli.failures import EXIT_SOLVE, EXIT_STOPPED, one_line
from xbarsim.cli.netlist_names import NAME_LIST, NetlistCommand, check_words, parameters_of, sources
from xbarsim.cli.option_types import Count, Quantity, is_typed
from xbarsim.cli.output import FORMS, Output, output_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.analysis.answers import Answers
    from xbarsim.plot.figures import Figure
    from xbarsim.solvers.solve import Method


@click.command(cls=NetlistCommand)
@click.option(
    "--netlist",
    "netlists",
    metavar="FILE...",
    multiple=True,
    help="SPICE netlists, an answer each; - is one on standard input, -0 NUL-ended names there.",
)
@circuit_options
@click.option("--method", type=click.Choice(["auto", "schur", "kron", "reference"]), default="auto", show_default=True)
@click.option(
    "--nodes", metavar="PATTERN", multiple=True, help="Only node voltages of such names (* and ?); repeatable."
)
@click.option(
    "--param",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a .param of the netlist's top level: rw=2; repeatable.",
)
@click.option("--temp", type=Quantity(), help="Degrees Celsius, in the place of .temp.")
@click.option("--steady", is_flag=True, help="Look for states' steady state instead of freezing them at IC= and .ic.")
@click.option("--seed", type=Count(least=0), help="Seed of agauss() and other random draws.  [default: 0]")
@output_options(
    quiet="Print output currents alone, no notes.", plot="Draw IR drop and currents, or a sweep", forms=(*FORMS, "raw")
)
def solve(
    netlists: tuple[str, ...],
    method: Method,
    nodes: tuple[str, ...],
    settings: tuple[str, ...],
    temp: float | None,
    steady: bool,
    seed: int | None,
    **options: Any,
) -> None:
    """Solve a crossbar, given as a netlist or by its matrices, or any other netlist.

    Resistances are in ohms: a number, inf, or a .npy or .csv file with one for each segment.

    \b
    Exit codes: 0 solved; 2 bad input; 3 singular, floating nodes, not converged,
    or a .tran that ended early; 130 ended by Ctrl-C, of which the first leaves a
    .tran's answer until then; of several netlists the largest.
    """
    from xbarsim.analysis.stop_wish import StopWish

    output = Output.of(options)
    check_one_circuit(netlists, options["conductance"])
    if netlists:
        check_words(netlists)
        _check_idle(options)
    elif steady:
        raise click.UsageError("--steady goes with --netlist: a crossbar's cells have no state of their own")
    elif seed is not None:
        raise click.UsageError("--seed goes with --netlist, which may draw random parameters")
    elif settings or temp is not None:
        option = "--param" if settings else "--temp"
        raise click.UsageError(f"{option} goes with --netlist: matrices have no parameters")
    parameters = parameters_of(settings)
    stop = StopWish()

    def answers_of(source: str | IO[str], progress: Callable[[str], None]) -> Answers:
        from xbarsim.analysis import runs

        answers = runs.from_netlist(
            source, method, progress, steady=steady, seed=seed, parameters=parameters, temp=temp, stop=stop
        )
        return answers.only_nodes(nodes) if nodes else answers

    if len(netlists) > 1 or netlists == (NAME_LIST,):
        from xbarsim.cli import netlist_batch

        netlist_batch.check_output(output)
        click.get_current_context().exit(netlist_batch.solve_each(sources(netlists), answers_of, output, stop))
    with output.working(wish=stop) as progress:
        if netlists:
            ((_, source),) = sources(netlists)
            answers = answers_of(source, progress)
        else:
            from xbarsim.analysis import runs

            crossbar, voltages = crossbar_of(**options)
            answers = runs.from_arrays(crossbar, voltages, method, title=str(options["conductance"]))
            answers = answers.only_nodes(nodes) if nodes else answers
    for note in answers.notes:
        output.note(note)
    for error in answers.errors:
        announce.say(f"error: {error}")
    output.deliver(answers, lambda: _drawn(answers))
    for problem in answers.problems:
        announce.say(f"xbarsim: {one_line(problem)}")
    if answers.problems:
        click.get_current_context().exit(EXIT_STOPPED if stop.wished else EXIT_SOLVE)


def _drawn(answers: Answers) -> Figure:
    from xbarsim.analysis import pictures

    return pictures.draw(answers)


def _check_idle(circuit: dict[str, Any]) -> None:
    """Refuse options that would be ignored: a netlist has its own values."""
    for name in filter(is_typed, circuit):
        option = "--" + name.replace("_", "-")
        raise click.UsageError(f"{option} goes with --conductance; a netlist says it itself")
