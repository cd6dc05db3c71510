"""Where a page of results comes from: commit, date and machine, written under its title by every command."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "validation" / "results"
LINE = re.compile(r"^Measured on \d{4}-\d\d-\d\d at commit `[0-9a-f]{7,40}`.*: .+\.$", re.M)
"""What stands under a page's title."""


def parser(description: str | None, count: int | None = None) -> argparse.ArgumentParser:
    """Return a command's parser: ``--write``, and ``--seed`` and ``--count`` where its cases are random."""
    command = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--write", action="store_true", help="write the page to validation/results")
    if count is not None:
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--count", type=int, default=count)
    return command


def write_page(name: str, text: str, origin: str | None = None) -> None:
    """Write a page to ``results/``, its origin under its title; ``origin`` where that is not here and now."""
    (RESULTS / name).write_text(with_origin(text, origin or current_origin()), encoding="utf-8")


def with_origin(text: str, origin: str) -> str:
    """Return a page with a line of origin under its title."""
    title, _, body = text.partition("\n")
    return f"{title}\n\n{origin}\n\n{body.strip()}\n"


def origin_of(text: str) -> str:
    """Return the line of origin of a page.

    Raises
    ------
    ValueError
        It has none.
    """
    match = LINE.search(text)
    if match is None:
        raise ValueError("no line 'Measured on YYYY-MM-DD at commit `...`: machine; versions.' stands under the title")
    return match[0]


def commit_of(origin: str) -> str:
    """Return the commit of a line of origin."""
    return origin.split("`")[1]


def oldest(origins: list[str]) -> str:
    """Return the line of the oldest commit: that of a page put together from several runs."""
    return min(origins, key=lambda origin: int(git("show", "-s", "--format=%ct", commit_of(origin)) or 0))


def current_origin() -> str:
    """Return the line of origin of what is measured here and now."""
    if _COMMIT is None:
        raise SystemExit("results are measured in a clone of the repository only: they name its commit")
    code = f"`{_COMMIT}`{' with changes' if _CHANGES else ''}"
    return f"Measured on {datetime.now():%Y-%m-%d} at commit {code}: {machine()}; {', '.join(versions())}."


def machine() -> str:
    """Return the processor's name and how many cores there are."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.M) if cpuinfo.exists() else []
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def versions() -> list[str]:
    """Return the versions of what takes part: of torch and ngspice where the command loaded them."""
    packages = ["numpy", "scipy", "numba", *(["torch"] if "torch" in sys.modules else [])]
    programs = [f"Python {platform.python_version()}", *(f"{package} {version(package)}" for package in packages)]
    if "xbarsim.spice" in sys.modules:
        from xbarsim import spice

        with contextlib.suppress(spice.SpiceError):
            programs.append(spice.version())
    return programs


def git(*arguments: str) -> str | None:
    """Return what git says of this repository; None where it fails or is not installed."""
    try:
        result = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()


# When the command starts: what is committed while it runs is not what it measures.
_COMMIT = git("rev-parse", "--short=7", "HEAD")
_CHANGES = git("status", "--porcelain", "--", "kernels", "spice_models", "xbarsim", "validation/*.py", "tests/*.py")
