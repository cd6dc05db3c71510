"""Matrices of numbers from files: NumPy's ``.npy`` and delimited text."""

from __future__ import annotations

import re
from pathlib import Path
from tokenize import TokenError

import numpy as np

from xbarsim.conventions.odd_values import turned
from xbarsim.crossbar import Array, checked_array
from xbarsim.errors import InputError
from xbarsim.unread import unread

_DECIMAL_COMMA = re.compile(r"\d,\d")


def load(path: str | Path, name: str) -> Array:
    """Read an array from ``.npy``, or a table of numbers from any other file.

    Text may be delimited by semicolons, commas, tabs or blanks, the first of these that a line has; ``#`` starts a
    comment. A first line of which no word begins like a number is a heading; one that begins with a comma or
    semicolon, as pandas writes it, heads a first column that counts rows, which is left out.

    Parameters
    ----------
    path : str or Path
        The file.
    name : str
        What messages call the array.

    Returns
    -------
    array
        As stored; a text table has two axes.

    Raises
    ------
    InputError
        The file is missing, a folder, empty or not numeric; the message names it and, in text, the line.
    """
    path = Path(path)
    try:
        data = path.read_bytes() if path.suffix.lower() != ".npy" else b""
        if path.suffix.lower() == ".npy":
            return _numpy(path, name)
    except OSError as error:
        raise unread(path, error, name) from None
    return _text(path, data, name)


def _numpy(path: Path, name: str) -> Array:
    with path.open("rb") as file:
        try:
            array = np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError, SyntaxError, TokenError):  # a damaged header is parsed as Python
            raise InputError(f"{path}: {name} is no readable .npy array of numbers; save it with numpy.save") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path}: {name} must hold real numbers, not {array.dtype}")
    return array.astype(np.float64)


def _text(path: Path, data: bytes, name: str) -> Array:
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: {name} is neither text nor .npy: save it with numpy.save or numpy.savetxt") from None
    rows: list[list[float]] = []
    counted = headed = False
    for number, line in enumerate(content.splitlines(), 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        if not rows and not headed and _heads(text):
            headed, counted = True, text[0] in ",;"
            continue
        words = _words(text)
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            hint = ": write decimal points" if _DECIMAL_COMMA.search(text) and ";" in text else ""
            raise InputError(f"{path}:{number}: {name} must be numbers, found {line.strip()[:40]!r}{hint}") from None
        if len(rows[-1]) != len(rows[0]):
            raise InputError(
                f"{path}:{number}: {name} has {len(words)} numbers here and {len(rows[0])} in its first line"
            )
    if not rows:
        raise InputError(f"{path}: {name} file is empty")
    table = np.array(rows)
    if counted:
        if not np.array_equal(table[:, 0], np.arange(len(table))):
            raise InputError(f"{path}: {name}'s heading begins with a gap, and its first column does not count rows")
        table = table[:, 1:]
    return table


def _heads(text: str) -> bool:
    """Whether a first line is a heading: no word begins like a number, or it begins with a gap over rows' numbers."""
    if text[0] in ",;":
        return True
    return not any(word.strip()[:1] in "0123456789+-." for word in _words(text))


def _words(text: str) -> list[str]:
    # Between two commas stands a number: a gap, or 0,5 for a half, must not shift the rest.
    return text.split(";" if ";" in text else "," if "," in text else None)


def load_line(path: str | Path, name: str) -> Array:
    """Read one number a line: ``(count,)``, or a table that is a single row or column.

    Raises
    ------
    InputError
        As ``load``.
    """
    array = load(path, name)
    return array.ravel() if array.ndim == 2 and 1 in array.shape else array


def load_vectors(path: str | Path, name: str, count: int, cols: int = 0) -> Array:
    """Read vectors of ``count`` numbers: ``(count,)``, a single row or column, or ``(batch, count)``.

    Of another shape a message says whether it seems to be transposed, or the matrix of ``cols`` columns.

    Raises
    ------
    InputError
        As ``load``, or the shape fits none of these, or an entry is not finite.
    """
    array = load(path, name)
    if array.ndim == 2 and 1 in array.shape and array.size == count:
        array = array.reshape(count)
    if array.size and array.ndim in (1, 2) and array.shape[-1] == count:
        return checked_array(name, array, signed=True)
    raise InputError(
        f"{path}: {name} has shape {array.shape}: it must be ({count},) or (batch, {count})"
        f"{turned(array.shape, count, cols)}"
    )
