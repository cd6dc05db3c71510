"""Files of object code, one for each kernel and signature, that tell whether they are what was written.

A file's name holds a digest of all that its code depends on: the kernel's source file, in which all that it calls
lives too, but for what ``SHARED`` files write into it; these; the signature and the options, the versions of Python,
NumPy, numba and llvmlite, the processor, and numba's settings in the environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_SIZE = hashlib.sha256().digest_size
_ENDING = ".xbo"

_LATEST = 4
"""Files of a kernel and signature that stay, those of other versions and machines among them."""

_HOUR = 3600.0
"""Seconds after which a file that is still being written is taken for one that a stopped program left."""

_IDLE = {"NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS", "NUMBA_DISABLE_JIT"}
"""numba's variables that change no code."""

_notices: list[str] = []


SHARED = {
    name: Path(__file__).with_name(f"{name}.py").read_bytes()
    for name in (
        "object_files",
        "object_engine",
        "object_compiler",
        "object_runtime",
        "vectors",
        "lane_loops",
        "meeting",
        "sweeps",
        "line_passes",
        "state_laws",
    )
}
"""Sources, as they are when they are imported, that write code into kernels, or call them: in all files' names."""


class ObjectCode(NamedTuple):
    """Object code: the function that Python calls, names that must be found elsewhere, and the objects."""

    entry: str
    needs: list[str]
    objects: list[bytes]


def unit(function: Callable[..., Any]) -> str:
    """Return what tells a kernel's source file, as it is now, from all others; not to be asked after the file is read.

    A file that is edited while a program runs has got a digest that the code in memory must not be kept under.
    """
    source = Path(function.__code__.co_filename)
    state = source.stat()
    return _digest(source, state.st_mtime_ns, state.st_size)


@cache
def _digest(source: Path, date: int, size: int) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()


def name(function: Callable[..., Any], signature: str, options: dict[str, Any], unit: str) -> str:
    """Return the name of the file for a kernel's signature."""
    stated = sorted(f"{key}={sorted(value) if isinstance(value, set) else value}" for key, value in options.items())
    form = f"{function.__qualname__}({signature}) {stated} {unit} {surroundings()}"
    key = hashlib.sha256(form.encode()).hexdigest()
    short = hashlib.sha256(signature.encode()).hexdigest()[:8]
    return f"{Path(function.__code__.co_filename).stem}.{function.__name__}.{short}.{key[:24]}{_ENDING}"


@cache
def surroundings() -> str:
    """Return what code depends on beside its source."""
    import llvmlite
    from llvmlite import binding

    # numba itself is not imported for its version.
    spec = find_spec("numba")
    version = Path(str(spec.origin)).with_name("_version.py").read_bytes() if spec else b""
    parts = [sys.version, np.__version__, str(llvmlite.__version__)]
    # Where numba is told of a processor, code is that one's on every machine, and in one that is simulated.
    if not {"NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"} <= os.environ.keys():
        parts += [binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    parts += sorted(
        f"{key}={text}" for key, text in os.environ.items() if key.startswith("NUMBA_") and key not in _IDLE
    )
    return hashlib.sha256(b"\0".join([version, *SHARED.values(), *(part.encode() for part in parts)])).hexdigest()


def folders() -> list[Path]:
    """Where code is looked for and kept: ``NUMBA_CACHE_DIR``, or beside the kernels, or in the user's cache folder."""
    variable = os.environ.get("NUMBA_CACHE_DIR")
    if variable:
        return [Path(variable) / "xbarsim"]
    # Not Path.expanduser: it raises where there is no home at all.
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111
    return [Path(__file__).resolve().parent / "__pycache__", home / "xbarsim"]


def folder() -> Path:
    """Return the first folder that takes files, or would if it were made."""
    for folder in folders():
        # Not Path.exists(), which raises below a folder that may not be entered.
        parent = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
        if os.path.isdir(parent) and os.access(parent, os.W_OK | os.X_OK):  # noqa: PTH112
            return folder
    return folders()[0]


def read(name: str) -> ObjectCode | None:
    """Return the code of a file, or None where there is none that can be trusted."""
    for folder in folders():
        path = folder / name
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        except OSError as error:
            _tell(f"compiled kernel {path} cannot be read ({error.strerror}): it is compiled anew")
            continue
        data, digest = content[:-_SIZE], content[-_SIZE:]
        if hashlib.sha256(data).digest() == digest:
            return ObjectCode(*marshal.loads(data))
        _tell(f"compiled kernel {path} is damaged: it is compiled anew")
    return None


def write(name: str, code: ObjectCode) -> None:
    """Keep code in the first folder that takes it; where none does, it is compiled again at the next run."""
    data = marshal.dumps(tuple(code))
    content = data + hashlib.sha256(data).digest()
    failure = ""
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _place(folder / name, content)
        except OSError as error:
            failure = failure or f"compiled kernels cannot be kept in {folder} ({error.strerror})"
            continue
        _clear(folder, name)
        return
    _tell(failure)


def clear() -> tuple[int, int]:
    """Delete all compiled kernels, of other versions too; return how many files there were, and their bytes."""
    count = size = 0
    for folder in folders():
        for pattern in (f"*{_ENDING}*", "*.nbi", "*.nbc"):
            for path in folder.glob(pattern):
                with contextlib.suppress(OSError):
                    length = path.stat().st_size
                    path.unlink()
                    count, size = count + 1, size + length
    return count, size


def _place(path: Path, content: bytes) -> None:
    """Write a file under another name first: programs that run at once see whole files or none."""
    # Numbers of processes are not enough: programs of other machines and containers may share the folder.
    begun = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    try:
        begun.write_bytes(content)
        begun.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            begun.unlink()
        raise


def _clear(folder: Path, name: str) -> None:
    """Remove what is left of other versions, but for the latest, and of programs that were stopped."""
    kernel = name.rsplit(".", 2)[0]
    with contextlib.suppress(OSError):
        latest = sorted(_dated(folder.glob(f"{kernel}.*{_ENDING}")), reverse=True)
        left = [path for date, path in _dated(folder.glob(f"*{_ENDING}.*")) if date < time.time() - _HOUR]
        for path in [path for _, path in latest[_LATEST:]] + left:
            path.unlink()


def _dated(paths: Iterator[Path]) -> Iterator[tuple[float, Path]]:
    return ((path.stat().st_mtime, path) for path in paths)


def _tell(line: str) -> None:
    """Print a line on stderr: the first, since one trouble has many kernels."""
    if not _notices and sys.stderr is not None:
        _notices.append(line)
        # What cannot be said, since a disk is full or a reader has gone, does not end the work.
        with contextlib.suppress(OSError):
            # On a terminal the stage in hand may stand in the line.
            print(f"{chr(13)}\x1b[K" * sys.stderr.isatty() + f"xbarsim: {line}", file=sys.stderr, flush=True)
