"""ngspice as a program, in batch mode: ``ngspice -b -r``."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from xbarsim.errors import SpiceMissingError
from xbarsim.spice.child import answer, finished
from xbarsim.spice.deck import Deck
from xbarsim.spice.result import Answer

MISSING = "ngspice is not installed: Debian: apt-get install ngspice; otherwise put the program on the PATH"


def program() -> str:
    """Return the program's path.

    Raises
    ------
    SpiceMissingError
        There is none.
    """
    path = shutil.which("ngspice")
    if path is None:
        raise SpiceMissingError(MISSING)
    return path


def version() -> str:
    """Return its version, like ``ngspice-39``."""
    return _version(program())


@functools.cache
def _version(path: str) -> str:
    try:
        process = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise SpiceMissingError(f"{path} does not run: reinstall ngspice") from None
    return next((word for word in process.stdout.split() if word.startswith("ngspice-")), "ngspice, version unknown")


def run(deck: Deck, folder: Path, timeout: float) -> Answer:
    """Run a deck; ``folder`` is empty and for this run alone. A user's own ``.spiceinit`` does not count.

    Parameters
    ----------
    deck : Deck
        What ngspice reads.
    folder : Path
        Empty, and for this run alone.
    timeout : float
        Seconds.
    """
    path, raw = deck.file_in(folder), folder / "out.raw"
    environment = {name: value for name, value in os.environ.items() if name != "SPICE_ASCIIRAWFILE"}
    code, text = finished([program(), "-n", "-b", "-r", str(raw), path.name], path.parent, timeout, environment)
    return answer("ngspice", code, text, raw)
