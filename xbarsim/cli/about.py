"""What an installation consists of, for bug reports and for knowing where the cache is."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version


def facts() -> Iterator[tuple[str, str]]:
    """Yield names and values: versions, threads, cache folder, ngspice."""
    from xbarsim import __version__
    from xbarsim.resources import thread_count

    threads = thread_count()  # before numba, whose own complaint is a traceback
    from xbarsim.kernels import schur

    yield "xbarsim", __version__
    yield "Python", f"{platform.python_version()} on {platform.platform(terse=True)}"
    for package in ("numpy", "scipy", "numba", "llvmlite", "click"):
        yield package, _version(package)
    for package in ("torch", "PySpice"):
        yield package, _version(package)
    yield "threads", f"{threads} of {os.cpu_count()} (NUMBA_NUM_THREADS sets it)"
    yield "cache", str(schur.solve.stats.cache_path)
    yield "ngspice", _ngspice()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _ngspice() -> str:
    program = shutil.which("ngspice")
    if program is None:
        return "not found (Debian: apt-get install ngspice)"
    try:
        out = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return f"{program}, which does not run"
    found = [word for word in out.split() if word.startswith("ngspice-")]
    return f"{program}, {found[0] if found else 'version unknown'}"
