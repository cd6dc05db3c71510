"""Which code an answer comes from: a fingerprint of the sources that can change it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent

CIRCUIT = ("kernels", "solvers", "devices", "crossbar.py", "solution.py")
"""What every answer stands on."""

NETWORK = (*CIRCUIT, "nonlinear", "schemes", "nonideal", "nn")

SOURCES = {
    "training": ("nn/training.py", "nn/zoo.py", "nn/binary.py", "nn/datasets"),
    "blind": (*NETWORK, "mitigation"),
    "chip": NETWORK,
    "inference": NETWORK,
    "mitigation": (*NETWORK, "mitigation"),
    "margin": (*CIRCUIT, "nonlinear", "schemes", "margin"),
    "netlist": (*CIRCUIT, "mna", "netlist", "analysis", "nonlinear", "schemes"),
}
"""By kind of trial or artifact: rooms and files of the package whose code decides what comes out."""


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
