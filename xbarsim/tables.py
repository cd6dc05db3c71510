"""Matrices of numbers from files: NumPy's ``.npy`` and delimited text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.errors import InputError


def load(path: str | Path, name: str) -> Array:
    """Read an array from ``.npy``, or a table of numbers from any other file.

    Text may be delimited by commas, semicolons, tabs or blanks; ``#`` starts a comment.

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
    except FileNotFoundError:
        raise InputError(f"{path}: {name} file not found") from None
    except IsADirectoryError:
        raise InputError(f"{path}: {name} must be a file, this is a folder") from None
    except OSError as error:
        raise InputError(f"{path}: {name} cannot be read ({error.strerror})") from None
    return _text(path, data, name)


def _numpy(path: Path, name: str) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        raise InputError(f"{path}: {name} is no readable .npy array of numbers; save it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise InputError(f"{path}: {name} must hold real numbers, not {getattr(array, 'dtype', type(array).__name__)}")
    return array.astype(np.float64)


def _text(path: Path, data: bytes, name: str) -> Array:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: {name} is neither text nor .npy") from None
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].replace(",", " ").replace(";", " ").split()
        if not words:
            continue
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            raise InputError(f"{path}:{number}: {name} must be numbers, found {line.strip()[:40]!r}") from None
        if len(rows[-1]) != len(rows[0]):
            raise InputError(
                f"{path}:{number}: {name} has {len(words)} numbers here and {len(rows[0])} in its first line"
            )
    if not rows:
        raise InputError(f"{path}: {name} file is empty")
    return np.array(rows)


def load_vectors(path: str | Path, name: str, count: int) -> Array:
    """Read vectors of ``count`` numbers: ``(count,)``, a single row or column, or ``(batch, count)``.

    Raises
    ------
    InputError
        As ``load``, or the shape fits none of these.
    """
    array = load(path, name)
    if array.ndim == 2 and 1 in array.shape and array.size == count:
        return array.reshape(count)
    if array.ndim in (1, 2) and array.shape[-1] == count:
        return array
    raise InputError(f"{path}: {name} has shape {array.shape}: it must be ({count},) or (batch, {count})")
