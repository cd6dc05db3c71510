"""Circuits run by ngspice, each in a process of its own.

A process that crashes, hangs, or answers for another circuit cannot be taken for an answer: every run has an empty
folder, its return code and its log are checked, and the result must be there, whole, and this circuit's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from xbarsim.analysis.rawfile import Plot
from xbarsim.errors import InputError, SpiceError, SpiceMissingError
from xbarsim.spice import klu, process, shared
from xbarsim.spice.deck import Deck
from xbarsim.spice.result import Answer, Result

__all__ = ["ENGINES", "Engine", "Plot", "Result", "SpiceError", "SpiceMissingError", "run", "version"]

Engine = Literal["process", "pyspice", "klu"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
_RUN: dict[Engine, Callable[[Deck, Path, float], Answer]] = {
    "process": process.run, "pyspice": shared.run, "klu": klu.run
}  # fmt: skip
_VERSION: dict[Engine, Callable[[], str]] = {
    "process": process.version, "pyspice": shared.version, "klu": klu.version
}  # fmt: skip

TIMEOUT = 600.0
"""Seconds; after them the process is ended."""


def run(netlist: str | Path, engine: Engine = "process", *, timeout: float = TIMEOUT) -> Result:
    """Run a netlist's analyses in ngspice.

    Parameters
    ----------
    netlist : str or Path
        The text of a netlist (with more than one line, the first is the title), or the path of one. Files that it
        includes are looked for beside it.
    engine : {"process", "pyspice", "klu"}
        ``process``: the program, ``ngspice -b -r``. ``pyspice``: the library, through PySpice in a child process.
        ``klu``: ngspice 45 with the KLU solver under node; the variable ``XBARSIM_KLU`` holds the folder in which
        ``npm install eecircuit-engine`` was run. It takes one analysis, and no includes.
    timeout : float
        Seconds after which it is given up.

    Returns
    -------
    Result
        With at least one plot.

    Raises
    ------
    SpiceMissingError
        The engine is not installed.
    SpiceError
        It crashed, gave up, ran out of time, reported an error, or gave no numbers.
    InputError
        ``netlist`` cannot be read.
    """
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r}: it must be one of {', '.join(ENGINES)}")
    deck = Deck.of(netlist)
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as folder:
        start = time.perf_counter()
        answer = _RUN[engine](deck, Path(folder), timeout)
        seconds = time.perf_counter() - start
    return Result(engine, version(engine), answer.plots, seconds, answer.log, answer.warnings)


def version(engine: Engine = "process") -> str:
    """Return what an engine is, like ``ngspice-39``.

    Parameters
    ----------
    engine : {"process", "pyspice", "klu"}
        As of ``run``.

    Raises
    ------
    SpiceMissingError
        It is not installed.
    """
    return _VERSION[engine]()
