"""``xbarsim study``: run what is missing of a study, say how far it is, draw and export what came out."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.option_types import Command, Count, in_order
from xbarsim.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.study.open_study import OpenStudy
    from xbarsim.study.store import Answer
    from xbarsim.study.trial import Trial

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


@click.group(help=_HELP)
def study() -> None:
    """Studies; ``_HELP`` says the rest."""


def _study_options() -> Callable[[Command], Command]:
    return in_order(
        click.argument("file", type=click.Path(dir_okay=False)),
        click.option("--quick", is_flag=True, help="The quick version that the file has under [quick]."),
        click.option("--store", metavar="FILE", help="Where answers are [the file's name with .sqlite]."),
    )


def _opened(options: dict[str, Any]) -> OpenStudy:
    from xbarsim.study.open_study import OpenStudy
    from xbarsim.study.study_file import read

    path = Path(options["file"])
    file = read(path, quick=options["quick"])
    return OpenStudy(file, Path(options["store"]) if options["store"] else path.with_suffix(".sqlite"))


@study.command()
@_study_options()
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
    with _signals() as caught:
        opened = _opened(options)
        tracker = _Tracker(output, len(opened.trials))
        tally = run_study(
            opened, jobs=jobs, scheduler=scheduler, again=retry_failed, report=tracker.ended, progress=tracker.doing,
            stop=lambda: bool(caught),
        )  # fmt: skip
    output.say(f"{tally.done} trials done, {tally.failed} failed, {tally.before} there before, {tally.left} left")
    if caught and tally.left:
        raise click.exceptions.Exit(128 + caught[0])
    if tally.failed:
        raise click.exceptions.Exit(3)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Catch the first Ctrl-C or SIGTERM into a list; the second has its usual meaning."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    kinds = [signal.SIGINT, signal.SIGTERM]
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def catch(kind: int, _: Any) -> None:
        caught.append(kind)
        for number, usual in before.items():
            signal.signal(number, usual)

    for kind, usual in before.items():
        if usual != signal.SIG_IGN:
            signal.signal(kind, catch)
    try:
        yield caught
    finally:
        for kind, usual in before.items():
            signal.signal(kind, usual)


class _Tracker:
    """Says how far a run is."""

    def __init__(self, output: Output, whole: int) -> None:
        self._output, self._whole = output, whole
        self._ended, self._start = 0, time.perf_counter()

    def doing(self, text: str) -> None:
        self._output.say(text)

    def ended(self, trial: Trial, answer: Answer) -> None:
        self._ended += 1
        where = ", ".join(f"{name} {value}" for name, value in trial.point.items())
        found = "failed" if answer.numbers is None else _first(answer.numbers)
        self._output.say(f"{self._ended} of {self._whole}: {where}: {found} in {answer.seconds:.1f} s")


def _first(numbers: Any) -> str:
    name = next(iter(numbers))
    value = numbers[name]
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
