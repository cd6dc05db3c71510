"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from xbarsim.errors import InputError


def checked_target(path: str | Path) -> Path:
    """Refuse a file that cannot be written, before anything is computed for it.

    Raises
    ------
    InputError
        ``path`` is a folder, or in none that can be written to.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the path of a file")
    folder = path.resolve().parent
    if not path.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
        reason = "no permission" if folder.is_dir() else "there is no such folder"
        raise InputError(f"{path} cannot be written ({reason}): give a path in a writable folder")
    return path


@contextlib.contextmanager
def written_whole(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a new file beside ``path`` and, if all goes well, put it in its place.

    What exists and is no regular file (a device, a pipe) is written to directly. A file that is replaced keeps its
    permissions.

    Parameters
    ----------
    path : str or Path
        The file to write.

    Raises
    ------
    InputError
        ``path`` is a folder or cannot be written; a file that was there before is as it was.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the path of a file")
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as device:
                yield device
            return
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): give a path in a writable folder") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
