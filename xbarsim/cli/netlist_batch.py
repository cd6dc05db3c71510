"""Many netlists in one process: one answer each, and the failure of one does not stop the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TextIO

import click

from xbarsim.cli import announce
from xbarsim.cli.answer_stream import AnswerStream
from xbarsim.cli.failures import EXIT_SOLVE, EXIT_STOPPED, failure_of, one_line, printable
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.analysis.answers import Answers
    from xbarsim.analysis.stop_wish import StopWish
    from xbarsim.cli.output import Output

Source = str | IO[str]
Solver = Callable[[Source, Callable[[str], None]], "Answers"]

EXIT_UNFORESEEN = 1


def check_output(output: Output) -> None:
    """Refuse what holds the answer of one netlist only.

    Raises
    ------
    UsageError
        A picture or a raw file is asked for.
    """
    if output.plot is not None:
        raise click.UsageError("--plot draws one netlist: give one, or leave --plot out")
    if output.form == "raw":
        raise click.UsageError("--format raw is the file of one netlist: give one, or --format json or csv")


def solve_each(sources: Iterable[tuple[str, Source]], solver: Solver, output: Output, stop: StopWish) -> int:
    """Solve netlists and print each answer when it is there; return the largest of their exit codes.

    Parameters
    ----------
    sources : iterable of (str, path or text stream)
        What each netlist is called, and where it is read from.
    solver : callable
        Gives the answer of a netlist, and is given a function that shows what is being done.
    output : Output
        Where answers go.
    stop : StopWish
        Once it is wished, no further netlist is begun.
    """
    codes: list[int] = []
    failed = 0
    with AnswerStream.to(output) as stream:
        for name, source in sources:
            if stop.wished:
                announce.say(f"xbarsim: stopped before {one_line(printable(name))}")
                return EXIT_STOPPED
            task = _Task(name, source, len(codes) + 1, output, stop)
            answered, code = task.run(solver, stream)
            codes.append(code)
            failed += not answered
    if failed:
        announce.say(f"xbarsim: {failed} of {len(codes)} netlists without an answer")
    return max(codes)


@dataclass(frozen=True)
class _Task:
    """One of many netlists: whatever is said of it names it."""

    name: str
    source: Source
    number: int
    output: Output
    stop: StopWish

    def run(self, solver: Solver, stream: AnswerStream) -> tuple[bool, int]:
        """Solve it and print its answer; return whether there is one, and its exit code."""
        try:
            # What was said of one netlist would not be said of the next, but for filters of its own.
            with warnings.catch_warnings():
                warnings.showwarning = self._warn
                if not self.name:
                    raise InputError(f"netlist {self.number} has an empty name: give the name of a file")
                with self.output.working(self._interrupted, self.stop) as progress:
                    answers = solver(self.source, lambda stage: progress(f"{printable(self.name)}: {stage}"))
        except Exception as error:
            code, message = failure_of(error) or (
                EXIT_UNFORESEEN,
                f"{type(error).__name__}: {error} (solved alone, it shows where)",
            )
            text = self._line(message)
            announce.say(f"xbarsim: {text}")
            stream.fail(self.name, code, text)
            return False, code
        for note in answers.notes:
            self.output.note(self._line(note))
        for failed_measure in answers.errors:
            announce.say(f"note: {self._line(failed_measure)}")
        stream.add(self.name, answers)
        for problem in answers.problems:
            announce.say(f"xbarsim: {self._line(problem)}")
        return True, (EXIT_STOPPED if self.stop.wished else EXIT_SOLVE) if answers.problems else 0

    def _line(self, message: str) -> str:
        """Return a message as a line that names the netlist."""
        if not self.name:
            return message
        label = printable(self.name)
        message = message.replace(self.name, label)
        return one_line(message if message.startswith(label) else f"{label}: {message}")

    def _interrupted(self) -> str:
        path = self.output.path
        fate = f"answers before it: {self.number - 1}" if path is None else f"{path} is not written"
        return one_line(f"interrupted at {printable(self.name)}; {fate}")

    def _warn(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        announce.say(f"note: {self._line(str(message))}")
