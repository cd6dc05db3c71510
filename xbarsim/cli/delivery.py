"""Where a command's answer goes: places are checked before work, and numbers come out before pictures are drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from xbarsim.errors import InputError, XbarsimError
from xbarsim.files import checked_target, written_whole


def checked_places(output: str | None, plot: str | None) -> None:
    """Refuse, before anything is computed, an output or a picture that could not be written.

    Raises
    ------
    InputError
        A path cannot be written, the picture's ending is none, or matplotlib is not there.
    UsageError
        Both are one file.
    """
    if output is not None:
        checked_target(output)
    if plot is not None:
        from xbarsim.plot import checked_path, need_matplotlib

        checked_path(plot)
        need_matplotlib()
    if output is not None and plot is not None and Path(output).resolve() == Path(plot).resolve():
        raise click.UsageError(f"--output and --plot are both {output}: give each a file of its own")


def deliver(text: str, output: str | None) -> None:
    """Print an answer, or write it to a file, whole or not at all."""
    if output is None:
        click.echo(text)
        return
    with written_whole(output) as file:
        file.write(text.encode() + b"\n")


def drawn(draw: Callable[[], list[str]]) -> None:
    """Draw when the numbers are out; whatever goes wrong is one line.

    Parameters
    ----------
    draw : callable
        Writes the picture and returns notes on it.

    Raises
    ------
    InputError
        It could not be drawn.
    """
    try:
        notes = draw()
    except XbarsimError:
        raise
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "no reason given")
        raise InputError(
            f"the picture could not be drawn ({type(error).__name__}: {first}); the numbers are whole"
        ) from error
    for note in notes:
        click.echo(f"note: {note}", err=True)
