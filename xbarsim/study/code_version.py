"""Which code an answer comes from: a fingerprint of the sources that can change it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent

CIRCUIT = ("kernels", "solvers", "devices", "crossbar.py", "solution.py")
"""What every answer stands on."""

NETWORK = (
    *CIRCUIT, "nonlinear", "schemes", "waves", "transient", "programming", "nonideal", "noise", "settling", "energy",
    "nn",
    "study/image_sets.py", "study/network_work.py",
)  # fmt: skip

SOURCES = {
    "training": (
        "nn/training.py", "nn/zoo.py", "nn/binary.py", "nn/datasets", "study/image_sets.py",
        "study/network_training.py",
    ),
    "blind": (*NETWORK, "mitigation"),
    "chip": NETWORK,
    "inference": NETWORK,
    "mitigation": (*NETWORK, "mitigation"),
    "margin": (*CIRCUIT, "nonlinear", "schemes", "margin", "study/circuit_work.py"),
    "netlist": (
        *CIRCUIT, "waves", "mna", "dynamics", "netlist", "transient", "analysis", "nonlinear", "schemes", "topologies",
        "loop", "study/circuit_work.py",
    ),
}  # fmt: skip
"""By kind of trial or artifact: rooms and files of the package whose code decides what comes out."""


_GROUPS = ("xbarsim.devices", "xbarsim.methods")
"""Entry points by which a user's own cells and methods come in."""

_BETWEEN = re.compile(r"[\s:+,=]+")
"""What stands between the names in a chain of methods."""


@cache
def code_version(kind: str) -> str:
    """Return a fingerprint of the code that decides answers of a kind.

    Parameters
    ----------
    kind : str
        One of ``SOURCES``, or ``module:function``: then it is of that module's file alone.
    """
    digest = hashlib.sha256()
    if kind not in SOURCES:
        module = find_spec(kind.partition(":")[0])
        if module is not None and module.has_location:
            digest.update(Path(str(module.origin)).read_bytes())
        return digest.hexdigest()[:16]
    for name in SOURCES[kind]:
        place = _ROOT / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{path.relative_to(_ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def packaged_versions(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return, by name, a fingerprint of each installed package whose cell or method the settings name.

    A package is taken whole, all its Python files, since what a method calls may be in any of them.
    """
    packages = _packages()
    names = packages.keys() & set(_words(settings)) if packages else ()
    return {name: _package_version(packages[name]) for name in sorted(names)}


@cache
def _packages() -> dict[str, str]:
    """Return the package of each entry point of a user's own, by the entry point's name."""
    entries = [entry for group in _GROUPS for entry in entry_points(group=group)]
    return {entry.name: entry.value.partition(":")[0].partition(".")[0].strip() for entry in entries}


@cache
def _package_version(package: str) -> str:
    return package_content(package)


def package_content(package: str, folders: Sequence[str] = ()) -> str:
    """Return a fingerprint of all Python files of a package, or of a module that is none of any.

    Parameters
    ----------
    package : str
        Its name, without dots.
    folders : sequence of str
        Where it may be too, besides Python's path.
    """
    digest = hashlib.sha256()
    spec = find_spec(package) or PathFinder.find_spec(package, folders)
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
    files = [path for place in places for path in sorted(place.rglob("*.py"))]
    if spec is not None and not places and spec.has_location:
        files = [Path(str(spec.origin))]
    for path in files:
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _words(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield from _BETWEEN.split(value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _words(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _words(part)
