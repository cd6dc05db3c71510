"""ngspice as a library, through PySpice: in a child process, one circuit a process.

PySpice's shared mode returns the previous circuit's numbers where a new one does not parse, dies with ngspice where
that crashes, and mangles subcircuit calls that have parameters. So each circuit has its own process, goes in as raw
text, and its plots must carry a title made for this run.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import tempfile
import uuid
from pathlib import Path

from xbarsim.errors import SpiceError, SpiceMissingError
from xbarsim.spice.child import answer, finished
from xbarsim.spice.deck import Deck
from xbarsim.spice.log import failure
from xbarsim.spice.result import Answer

NO_LIBRARY = 3
"""Exit code of the child where ngspice's library cannot be loaded."""

_CHILD = Path(__file__).with_name("pyspice_child.py")
_LIBRARY = "NGSPICE_LIBRARY_PATH"


def version() -> str:
    """Return the library's and PySpice's versions."""
    return _version(os.environ.get(_LIBRARY, ""))


@functools.cache
def _version(_library: str) -> str:
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as folder:
        text = _call([], Path(folder), 60.0)
    return next((line for line in text.splitlines() if line.startswith("ngspice-")), "ngspice, version unknown")


def run(deck: Deck, folder: Path, timeout: float) -> Answer:
    """Run a deck; ``folder`` is empty and for this run alone.

    Parameters
    ----------
    deck : Deck
        What ngspice reads.
    folder : Path
        Empty, and for this run alone.
    timeout : float
        Seconds.
    """
    title, raw = f"run {uuid.uuid4().hex}", folder / "out.raw"
    body = folder / "body.txt"
    body.write_bytes(deck.body.encode("utf-8", "surrogateescape"))
    beside = deck.path.parent if deck.path else folder
    text = _call([title, str(body), str(raw), str(beside)], folder, timeout)
    return answer("ngspice (PySpice)", 0, text, raw, title)


def _call(arguments: list[str], folder: Path, timeout: float) -> str:
    """Run the child in ``folder``, where it finds no user's settings, and return what it said."""
    if importlib.util.find_spec("PySpice") is None:
        raise SpiceMissingError("PySpice is not installed: pip install 'xbarsim[spice]'")
    environment = {**os.environ, "HOME": str(folder), "MPLBACKEND": "agg", "PYTHONWARNINGS": "ignore"}
    if sys.platform.startswith("linux"):
        # The plain name libngspice.so comes with development packages only.
        environment.setdefault(_LIBRARY, "libngspice.so.0")
    code, text = finished([sys.executable, str(_CHILD), *arguments], folder, timeout, environment)
    if code == NO_LIBRARY:
        raise SpiceMissingError(
            f"ngspice's library {environment.get(_LIBRARY, 'libngspice')} cannot be loaded: Debian: apt-get install "
            f"libngspice0; elsewhere set {_LIBRARY} to its file"
        )
    if code:
        telling = failure(text) or (text.strip() or "it said nothing").splitlines()[-1]
        raise SpiceError(f"ngspice (PySpice) failed with exit code {code}: {' '.join(telling.split())[:300]}")
    return text
