"""What an installation consists of, for bug reports and for knowing where the cache is."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from xbarsim.text_table import aligned, comma_separated


@dataclass(frozen=True)
class Installation:
    """Names and values: versions, threads, cache folder, ngspice."""

    facts: dict[str, str]

    def as_table(self) -> str:
        """Return a line for each."""
        return "\n".join(aligned(self.facts.items(), ("<8", "<")))

    def as_json(self) -> str:
        """Return an object."""
        return json.dumps(self.facts, indent=1)

    def as_csv(self) -> str:
        """Return a row for each."""
        return comma_separated([("name", "value"), *self.facts.items()])

    def as_numbers(self) -> str:
        """Return a line for each, without columns."""
        return "\n".join(f"{name} {value}" for name, value in self.facts.items())


def installation(*, clear_cache: bool = False) -> Installation:
    """Return what this installation consists of, after its compiled kernels are deleted if that is asked for."""
    from xbarsim import __version__
    from xbarsim.resources import thread_count

    threads = thread_count()
    from xbarsim.kernels import native, object_files

    facts = {"xbarsim": __version__, "Python": f"{platform.python_version()} on {platform.platform(terse=True)}"}
    for package in ("numpy", "scipy", "numba", "llvmlite", "click", "torch", "PySpice"):
        facts[package] = _version(package)
    facts["threads"] = f"{threads} of {os.cpu_count()} (NUMBA_NUM_THREADS sets it)"
    facts["cache"] = "none, kernels run as Python" if native.UNCOMPILED else str(object_files.folder())
    if clear_cache:
        count, size = object_files.clear()
        facts["cleared"] = f"{count} compiled kernels, {size / 1e6:.1f} MB"
    facts["ngspice"] = _ngspice()
    return Installation(facts)


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
    release = next((word for word in out.split() if word.startswith("ngspice-")), "version unknown")
    return f"{program}, {release}"
