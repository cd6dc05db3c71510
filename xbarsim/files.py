"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from xbarsim.errors import InputError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has other locks
    fcntl = None


def checked_target(path: str | Path) -> Path:
    """Refuse a file that cannot be written, before anything is computed for it.

    Where a file would be written, one is begun and taken away again: no other test knows of a full name, a quota or a
    file system without files.

    Raises
    ------
    InputError
        ``path`` is a folder, is read-only, or is in no folder that can be written to.
    """
    path = Path(path)
    _check_no_folder(path)
    target = path.resolve()
    if target.exists() and not os.access(target, os.W_OK):
        raise InputError(f"{path} cannot be written (it is read-only): give another path, or permission to write it")
    if target.exists() and not target.is_file():
        return path
    if not target.parent.is_dir():
        raise _unwritable(path, "there is no such folder")
    if not os.access(target.parent, os.W_OK):
        raise _unwritable(path, "no permission")
    try:
        handle, name = _begun(target)
    except OSError as error:
        raise _unwritable(path, error.strerror) from None
    os.close(handle)
    Path(name).unlink()
    return path


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the path of a file")


def _unwritable(path: Path, reason: str | None) -> InputError:
    return InputError(f"{path} cannot be written ({reason}): give a path in a writable folder")


def _begun(target: Path) -> tuple[int, str]:
    """Open the new file that is to take a target's place; its name says whose it is."""
    return tempfile.mkstemp(prefix=f".{target.name}.{os.getpid()}.", suffix=".tmp", dir=target.parent)


@contextlib.contextmanager
def written_whole(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a new file beside ``path`` and, if all goes well, put it in its place.

    What exists and is no regular file (a device, a pipe) is written to directly. A file that is replaced keeps its
    permissions. The new file is on the disk before it takes the old one's place, and what a process that was killed
    left beside ``path`` is removed.

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
    _check_no_folder(path)
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as device:
                yield device
            return
        _sweep(target)
        handle, name = _begun(target)
        try:
            with os.fdopen(handle, "wb") as file:
                _locked(file)
                yield file
                file.flush()
                _synced(file.fileno())
            Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
            Path(name).replace(target)
            _sync_folder(target.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error.strerror) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_SECONDS = 60.0
"""A file that nobody holds may be another machine's, just made and not held yet, for so long at most."""


def _sweep(target: Path) -> None:
    """Remove the unfinished files of processes that are gone; those at work hold a lock on theirs."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            owner = left.name.removeprefix(f".{target.name}.").split(".")[0]
            ended = owner.isdigit() and not _lives(int(owner))
            if _locked(file) and (ended or time.time() - left.stat().st_mtime > _SECONDS):
                left.unlink()


def _locked(file: IO[bytes]) -> bool:
    """Take a lock on a file, which ends with the process, if nobody has one; False where there are none."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _synced(handle: int) -> None:
    """Have what was written on the disk; file systems that know no such thing have done what they can."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise


def _sync_folder(folder: Path) -> None:
    """Have a name on the disk, where folders can be opened at all."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            _synced(handle)
        finally:
            os.close(handle)
