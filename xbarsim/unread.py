"""What is said of a file that cannot be read: the same words wherever one is asked for."""

from __future__ import annotations

from pathlib import Path

from xbarsim.errors import InputError


def unread_reason(error: Exception, *, give: str = "a file") -> str:
    """Return what stood in the way of reading a file, and the way out.

    Parameters
    ----------
    error : Exception
        What opening, reading or decoding it raised.
    give : str
        What is wanted in its place, where the path leads to something else.
    """
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file: check the path"
    if isinstance(error, IsADirectoryError):
        return f"it is a folder: give the path of {give}"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not a text file: give {give} in UTF-8"
    reason = getattr(error, "strerror", None) or error
    return f"it cannot be read ({reason}): give {give} that can be read"


def unread(path: str | Path, error: Exception, name: str = "", *, give: str = "a file") -> InputError:
    """Return the error of a file that cannot be read.

    Parameters
    ----------
    path : str or Path
        The file.
    error : Exception
        What reading it raised.
    name : str
        What it was to be, as the argument or option is called; left out where its path says enough.
    give : str
        As in :func:`unread_reason`.
    """
    return InputError(f"{path}: {f'{name}: ' if name else ''}{unread_reason(error, give=give)}")
