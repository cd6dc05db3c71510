"""Pickles of plain data and byte arrays, read without running anything that they name."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from xbarsim.errors import InputError
from xbarsim.unread import unread


class _Type:
    """Stands for ``numpy.dtype``: keeps what it is asked for."""

    def __init__(self, code: object = None, *_: object) -> None:
        self.code = code.decode("latin-1") if isinstance(code, bytes) else code

    def __setstate__(self, state: object) -> None:
        """Byte order and the like, which single bytes do not have."""


class _Array:
    """Stands for ``numpy.ndarray``: keeps shape and bytes."""

    def __init__(self) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def array(self) -> np.ndarray[Any, Any]:
        """Return the array of bytes; raise ValueError if it is none."""
        _, shape, kind, columns_first, raw = self.state
        if not isinstance(kind, _Type) or kind.code not in ("u1", "|u1") or not isinstance(raw, bytes):
            raise ValueError("an array is not of unsigned bytes")
        return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if columns_first else "C")


def _bytes(text: str, coding: str = "latin-1") -> bytes:
    """Stand for ``_codecs.encode``, by which Python 3 writes bytes for Python 2."""
    if coding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"it encodes as {coding}")
    return text.encode("latin-1")


_GLOBALS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): lambda *_: _Array(),
    ("numpy._core.multiarray", "_reconstruct"): lambda *_: _Array(),
    ("_codecs", "encode"): _bytes,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name; nothing is imported."""
        if (module, name) not in _GLOBALS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which such data do not need")
        return _GLOBALS[module, name]


def read_pickle(path: Path) -> Any:
    """Return a pickle of plain data; arrays in a dictionary must be of unsigned bytes.

    Raises
    ------
    InputError
        It cannot be read, or asks for anything else; nothing of it was run.
    """
    try:
        with path.open("rb") as file:
            record = _Reader(file, encoding="bytes").load()
        if isinstance(record, dict):
            record = {key: value.array() if isinstance(value, _Array) else value for key, value in record.items()}
        return record
    except OSError as error:
        raise unread(path, error) from None
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(f"{path} is refused as a batch of images: {error or type(error).__name__}") from None
