"""Where data may lie: a folder that is given, or the one that the environment names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from xbarsim.errors import InputError

VARIABLE = "XBARSIM_DATA"


class MissingDataError(InputError):
    """Data are not on this machine, or not where it was said."""


def root(folder: str | Path | None) -> Path | None:
    """Return the given folder, or the environment's, or None.

    Raises
    ------
    MissingDataError
        There is no such folder.
    """
    place, origin = (folder, "the data folder") if folder is not None else (os.environ.get(VARIABLE) or None, VARIABLE)
    if place is None:
        return None
    path = Path(place).expanduser()
    if not path.is_dir():
        raise MissingDataError(f"{origin} is {path}: there is no such folder")
    return path


def find(
    name: str, folder: str | Path | None, places: Sequence[str], holds: Callable[[Path], bool], files: str
) -> Path:
    """Return the first of ``places`` below the data folder that holds the data, or the folder itself if it does.

    Parameters
    ----------
    name : str
        The data's name, for the message.
    folder : str or Path, optional
        Where to look; without it, where ``XBARSIM_DATA`` says.
    places : sequence of str
        Folders below it, the most likely first.
    holds : callable
        Tells whether a folder holds the data.
    what : str
        The files that are looked for, for the message.

    Raises
    ------
    MissingDataError
        They are nowhere; the message says where it looked, and how to say where they are.
    """
    start = root(folder)
    usual = places[0]
    if start is None:
        raise MissingDataError(
            f"no folder to look for {name} in: give --data-folder DIR, or set {VARIABLE}=DIR, where DIR/{usual} holds "
            f"{files}; --data digits needs no folder"
        )
    inside = any(start.resolve().as_posix().endswith("/" + place) for place in places)
    candidates = [start / place for place in places] + ([start] if inside else [])
    for candidate in candidates:
        if candidate.is_dir() and holds(candidate):
            return candidate
    looked = ", ".join(str(place.relative_to(start)) if place != start else "itself" for place in candidates)
    raise MissingDataError(
        f"{name} is not in {start} (looked for {files} in {looked}): give --data-folder DIR, or set {VARIABLE}=DIR, "
        f"where DIR/{usual} holds them; --data digits needs no folder"
    )
