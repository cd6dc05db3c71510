"""Output, alike in every command: places are checked before work, and numbers come out before pictures are drawn."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from xbarsim.cli import announce
from xbarsim.cli.option_types import Command, Quantity, in_order, is_typed
from xbarsim.errors import InputError, XbarsimError
from xbarsim.files import checked_target, written_whole
from xbarsim.text_table import wrapped

if TYPE_CHECKING:
    from xbarsim.cli.interrupt import Wish
    from xbarsim.plot.figures import Figure

FORMS = ("table", "json", "csv")


def output_options(
    *, quiet: str, plot: str | None = None, forms: Sequence[str] = FORMS, file: bool = True
) -> Callable[[Command], Command]:
    """Add ``--format``, ``--output``, ``--plot``, ``--plot-width`` and ``--quiet``, which ``Output.of`` takes.

    Parameters
    ----------
    quiet, plot : str
        What help says of these; a command without a picture has no ``--plot``.
    forms : sequence of str
        What ``--format`` offers; without any there is no such option.
    file : bool
        Whether the answer can go to a file; a command whose ``--output`` is another thing adds its own.
    """
    options = []
    if forms:
        options += [
            click.option("--format", "form", type=click.Choice(forms), default=forms[0], show_default=True),
            click.option("--json", "as_json", is_flag=True, hidden=True),
        ]
    if file:
        text = "Write there, whole or not at all, instead of printing."
        options.append(click.option("--output", "-o", metavar="FILE", help=text))
    if plot is not None:
        options += [
            click.option("--plot", metavar="FILE", help=f"{plot}: .png, .svg or .pdf."),
            click.option("--plot-width", metavar="MM", type=Quantity(finite=False), help="Of that picture."),
        ]
    return in_order(*options, click.option("--quiet", "-q", is_flag=True, help=quiet))


class Printable(Protocol):
    """An answer that can be printed in every form."""

    def as_table(self) -> str:
        """Return it for reading."""

    def as_json(self) -> str:
        """Return all of it."""

    def as_csv(self) -> str:
        """Return rows of numbers under a heading."""

    def as_numbers(self) -> str:
        """Return what ``--quiet`` prints: names and numbers alone."""


@dataclass(frozen=True)
class Output:
    """Where an answer goes, and in what form.

    Attributes
    ----------
    form : str
        ``table``, ``json``, ``csv``, or ``raw`` of answers that have an ``as_raw``.
    path, plot : str, optional
        Files of the answer and of the picture.
    quiet : bool
        Print numbers alone: no notes, no progress.
    width : float, optional
        Of the picture, in millimetres; without it, its own.

    Raises
    ------
    InputError
        A file or stdout cannot be written, the picture's ending or width is none, or matplotlib is not there.
    UsageError
        Both are one file, a width is of no picture, or a binary answer would go to a terminal.
    """

    form: str = "table"
    path: str | None = None
    plot: str | None = None
    quiet: bool = False
    width: float | None = None

    def __post_init__(self) -> None:
        if self.path is not None:
            checked_target(self.path)
        elif sys.stdout is None:
            raise InputError("standard output is closed")
        if self.plot is not None:
            from xbarsim.plot import check_matplotlib, checked_path, checked_width

            checked_path(self.plot)
            if self.width is not None:
                checked_width(self.width, "--plot-width")
            check_matplotlib()
            if self.path is not None and Path(self.path).resolve() == Path(self.plot).resolve():
                raise click.UsageError(f"--output and --plot are both {self.path}: give each a file of its own")
        elif self.width is not None:
            raise click.UsageError("--plot-width is of a picture: give --plot FILE")
        if self.form == "raw" and self.path is None and sys.stdout is not None and sys.stdout.isatty():
            raise click.UsageError("--format raw is binary: give --output FILE, or pipe it")

    @classmethod
    def of(cls, options: dict[str, Any]) -> Output:
        """Take what ``output_options`` added out of a command's options; raises as the class does."""
        form = options.pop("form", "table")
        if options.pop("as_json", False):
            if form != "json" and is_typed("form"):
                raise click.UsageError(f"--json and --format {form} contradict each other: give one of them")
            form = "json"
        path, plot, width = (options.pop(name, None) for name in ("output", "plot", "plot_width"))
        return cls(form, path, plot, options.pop("quiet"), width)

    def say(self, line: str) -> None:
        """Print a line on stderr, unless all is to be quiet."""
        if not self.quiet:
            announce.say(line)

    def note(self, text: str) -> None:
        """Say what a user should know of the answer."""
        self.say(f"note: {text}")

    @contextmanager
    def working(
        self, interrupted: Callable[[], str] = lambda: "interrupted", wish: Wish | None = None
    ) -> Iterator[Callable[[str], None]]:
        """While this is entered, Ctrl-C ends at once; give a function that shows what is being done.

        For work that writes no files, or none that is worse for an end in the middle. Libraries are to be imported
        inside, see ``interrupt.immediate``.

        Parameters
        ----------
        interrupted : callable
            Gives what is said on Ctrl-C.
        wish : Wish, optional
            What the first Ctrl-C is told to where the work heeds it.
        """
        from xbarsim.cli import interrupt
        from xbarsim.resources import thread_count

        thread_count()  # numba's own complaint about NUMBA_NUM_THREADS is a traceback
        with (
            interrupt.immediate(lambda: f"xbarsim: {interrupted()}", wish),
            nullcontext() if self.quiet else announce.compilation(),
            announce.stages(not self.quiet) as progress,
        ):
            yield progress

    def deliver(self, answer: Printable, draw: Callable[[], Figure] | None = None) -> None:
        """Print an answer, or write it to its file, whole or not at all; then draw its picture.

        Parameters
        ----------
        answer : Printable
            All there is to say.
        draw : callable, optional
            Gives the picture.
        """
        form = "numbers" if self.quiet and self.form == "table" else self.form
        content: str | Iterable[bytes] = getattr(answer, f"as_{form}")()
        parts = [f"{content}\n"] if isinstance(content, str) else list(content)
        if self.path is None:
            for part in self._fitted(parts):
                click.echo(part, nl=False)
        else:
            with written_whole(self.path) as file:
                for part in parts:
                    file.write(part.encode() if isinstance(part, str) else part)
        if self.plot is not None and draw is not None:
            self._draw(draw, self.plot)

    def _fitted(self, parts: Sequence[str | bytes]) -> Sequence[str | bytes]:
        """Wrap sentences to a terminal's width, and say so where columns of a table are wider."""
        if self.form != "table" or sys.stdout is None or not sys.stdout.isatty():
            return parts
        columns = shutil.get_terminal_size().columns
        if not all(isinstance(part, str) for part in parts):
            return parts
        text = "".join(map(str, parts))
        lines = [line for whole in text.splitlines() for line in wrapped(whole, columns)]
        widest = max(map(len, lines), default=0)
        if widest > columns:
            self.note(f"lines have up to {widest} characters, this terminal {columns}: widen it, or take --format csv")
        return ["".join(f"{line}\n" for line in lines)]

    def _draw(self, draw: Callable[[], Figure], path: str) -> None:
        """Draw when the numbers are out; whatever goes wrong is one line."""
        from xbarsim.plot import save

        try:
            notes = save(draw(), path, width=self.width)
        except XbarsimError:
            raise
        except Exception as error:
            first = next(iter(str(error).strip().splitlines()), "no reason given")
            raise InputError(
                f"the picture could not be drawn ({type(error).__name__}: {first}); the numbers are whole"
            ) from error
        for note in notes:
            self.note(note)
