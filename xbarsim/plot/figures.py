"""Figures of no window, and how they are written (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError
from xbarsim.files import checked_target, written_whole
from xbarsim.plot.fonts import letter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

MISSING = "pictures need matplotlib: pip install 'xbarsim[plot]'"

_DATE = {"svg": "Date", "pdf": "CreationDate"}


def checked_path(path: str | Path) -> Path:
    """Refuse a file name whose ending is no picture's, or in no writable folder, before anything is computed.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The ending is not one of ``SUFFIXES``, or there is no such folder.
    """
    path = checked_target(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a picture's name must end in {', '.join(SUFFIXES)}")
    return path


def check_matplotlib() -> None:
    """Check that matplotlib is installed, without importing it.

    Raises
    ------
    InputError
        It is not.
    """
    if find_spec("matplotlib") is None:
        raise InputError(MISSING)


def plain(text: str) -> str:
    """Return a text from outside, a title or a name, as matplotlib shows it letter by letter: no mathematics."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text).replace("$", r"\$")


def new_figure(**options: Any) -> Figure:
    """Return an empty figure of no window.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(MISSING) from None
    return Figure(layout="constrained", **options)


def save(figure: Figure, path: str | Path) -> list[str]:
    """Write a picture whole or not at all; return notes on what it cannot show.

    Parameters
    ----------
    figure : Figure
        The picture.
    path : str or Path
        Where to; its ending, one of ``SUFFIXES``, is the kind.

    Raises
    ------
    InputError
        The path cannot be written, or its ending is no picture's.
    """
    path = checked_path(path)
    kind = path.suffix[1:].lower()
    boxes = letter(figure)
    with written_whole(path) as file:
        # Without a date, the same data give the same file.
        figure.savefig(file, format=kind, dpi=150, metadata=None if kind == "png" else {_DATE[kind]: None})
    return [f"{path}: {boxes} letters are in no font that is installed and are drawn as boxes"] if boxes else []
