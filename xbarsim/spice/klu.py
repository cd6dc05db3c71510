"""ngspice 45 with the KLU solver, compiled to WebAssembly: the npm package eecircuit-engine, run by node.

It is many times faster than ngspice 39 on arrays of 128 x 128 and more.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from pathlib import Path

from xbarsim.errors import SpiceError, SpiceMissingError
from xbarsim.spice.child import answer, finished
from xbarsim.spice.deck import Deck
from xbarsim.spice.result import Answer

FOLDER = "XBARSIM_KLU"
"""The environment variable that names the folder in which the package was installed."""

_SCRIPT = Path(__file__).with_name("klu.mjs")
_ANALYSIS = re.compile(r"^\s*\.(?:op|dc|tran|ac|noise|tf|sens|pz)\b", re.IGNORECASE | re.MULTILINE)
_INCLUDES = re.compile(r"^\s*\.(?:include|inc|lib)\b", re.IGNORECASE | re.MULTILINE)


def package() -> Path:
    """Return the package's module.

    Raises
    ------
    SpiceMissingError
        node or the package is not there.
    """
    if shutil.which("node") is None:
        raise SpiceMissingError("node is not installed: ngspice 45 with KLU runs under it (Debian: nodejs)")
    folder = os.environ.get(FOLDER)
    if not folder:
        raise SpiceMissingError(f"{FOLDER} is not set: it names the folder where 'npm install eecircuit-engine' ran")
    module = Path(folder).resolve() / "node_modules" / "eecircuit-engine" / "dist" / "eecircuit-engine.mjs"
    if not module.is_file():
        raise SpiceMissingError(f"{FOLDER} is {folder}: run 'npm install eecircuit-engine' there")
    return module


def version() -> str:
    """Return its version, like ``ngspice-45``."""
    return _version(package())


@functools.cache
def _version(module: Path) -> str:
    code, text = finished(["node", str(_SCRIPT), str(module)], module.parent, 60.0)
    if code or not text.strip():
        raise SpiceError(f"ngspice under node does not start: {text.strip()[-300:]}")
    return text.strip().splitlines()[-1] + " KLU"


def run(deck: Deck, folder: Path, timeout: float) -> Answer:
    """Run a deck of one analysis; ``folder`` is empty and for this run alone.

    Parameters
    ----------
    deck : Deck
        Without includes.
    folder : Path
        Empty, and for this run alone.
    timeout : float
        Seconds.
    """
    module = package()
    if _INCLUDES.search(deck.text):
        raise SpiceError("ngspice under node sees no files: the netlist must not include any")
    if len(_ANALYSIS.findall(deck.body)) > 1:
        raise SpiceError("ngspice under node returns one analysis: the netlist must not ask for more")
    path, raw = deck.file_in(folder), folder / "out.raw"
    code, text = finished(["node", str(_SCRIPT), str(module), str(path), str(raw)], folder, timeout)
    result = answer("ngspice (KLU)", code, text, raw)
    if "Using KLU" not in text:
        raise SpiceError("ngspice under node did not use KLU: its version is not known to do so")
    return result
