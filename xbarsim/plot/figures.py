"""Figures of no window, and how they are written (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError
from xbarsim.files import checked_target, written_whole
from xbarsim.plot.fonts import letter

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Figure

SUFFIXES = (".png", ".svg", ".pdf")

MISSING = "pictures need matplotlib: pip install 'xbarsim[plot]'"

NARROWEST, WIDEST = 20.0, 2000.0
"""Millimetres that a picture may be wide: in less there is no room for letters, and more has no use."""

_INCH = 25.4

_SLACK = 0.02
"""Inches by which words may lie over each other, or over the edge: their boxes have space around letters."""

_DATE = {"svg": "Date", "pdf": "CreationDate"}


def checked_path(path: str | Path) -> Path:
    """Refuse a file name whose ending is no picture's, or in no writable folder, before anything is computed.

    Parameters
    ----------
    path : str or Path
        The picture's file.

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


def checked_width(width: float, name: str = "width") -> float:
    """Refuse a picture's width that is none.

    Parameters
    ----------
    width : float
        In millimetres.
    name : str
        What the message calls it.

    Returns
    -------
    float

    Raises
    ------
    InputError
        It is not ``NARROWEST`` to ``WIDEST``.
    """
    if not NARROWEST <= width <= WIDEST:
        raise InputError(f"{name} is {width:g} mm: it must be {NARROWEST:g} to {WIDEST:g} mm")
    return width


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
    """Return a text from outside, a title or a name, as matplotlib shows it letter by letter: no mathematics.

    Parameters
    ----------
    text : str
        Anything.
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text).replace("$", r"\$")


def new_figure(**options: Any) -> Figure:
    """Return an empty figure of no window.

    Parameters
    ----------
    **options
        What matplotlib's ``Figure`` takes, as ``figsize=(6, 4)`` in inches.

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


def save(figure: Figure, path: str | Path, *, width: float | None = None) -> list[str]:
    """Write a picture whole or not at all; return notes on what it cannot show.

    Parameters
    ----------
    figure : Figure
        The picture.
    path : str or Path
        Where to; its ending, one of ``SUFFIXES``, is the kind.
    width : float, optional
        In millimetres, instead of the figure's own; the height follows, and letters keep their points.

    Raises
    ------
    InputError
        The path cannot be written, or its ending is no picture's; the width is none, or leaves no room for words.
    """
    path = checked_path(path)
    kind = path.suffix[1:].lower()
    boxes = letter(figure)
    if width is not None:
        _resize(figure, checked_width(width))
    with written_whole(path) as file:
        # Without a date, the same data give the same file.
        figure.savefig(file, format=kind, dpi=150, metadata=None if kind == "png" else {_DATE[kind]: None})
    return [f"{path}: {boxes} letters are in no font that is installed and are drawn as boxes"] if boxes else []


def _resize(figure: Figure, width: float) -> None:
    """Make a figure as wide as is asked for, in its proportions; refuse it where words would lie over each other."""
    across, height = figure.get_size_inches()
    figure.set_size_inches(width / _INCH, float(height) / float(across) * width / _INCH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there is no room, which is said below
        figure.draw_without_rendering()
    words = [*figure.texts]
    for axes in figure.axes:
        words += [axes.title, axes.xaxis.label, axes.yaxis.label]
    boxes = [text.get_window_extent().padded(-_SLACK * figure.dpi) for text in words if text.get_text()]
    edge = figure.bbox
    inside = all(edge.x0 <= box.x0 and box.x1 <= edge.x1 and edge.y0 <= box.y0 and box.y1 <= edge.y1 for box in boxes)
    if not inside or any(box.overlaps(another) for box, another in combinations(boxes, 2)):
        raise InputError(f"a picture of {width:g} mm has no room for its titles and labels: make it wider")
