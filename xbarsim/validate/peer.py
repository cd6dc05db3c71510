"""badcrossbar, another simulator of linear crossbars, on the circuits that it knows.

Its wires have one resistance a layer, and each line one more segment before the first cell and after the last: that is
``driver = word_wire`` and ``sense = bit_wire``. It runs in a child process, as importing it sets the program's log.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from xbarsim.crossbar import Crossbar
from xbarsim.errors import SpiceError
from xbarsim.solvers.solve import solve
from xbarsim.spice.child import finished
from xbarsim.validate.case import LINEAR, BankCircuit, Difference, Row

MISSING = (
    "badcrossbar is not installed: pip install badcrossbar (it builds on cairo: Debian: apt-get install libcairo2-dev "
    "pkg-config)"
)
_CHILD = Path(__file__).with_name("peer_child.py")
_SECONDS = 300.0


def missing() -> str:
    """Return why badcrossbar cannot be asked; empty if it can."""
    return "" if importlib.util.find_spec("badcrossbar") else MISSING


def rows(sizes: list[tuple[int, int]]) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the name of each circuit and a function that compares it."""
    for shape in sizes:
        rng = np.random.default_rng(shape)
        word, bit = float(rng.uniform(0.5, 3)), float(rng.uniform(0.5, 3))
        crossbar = Crossbar(10 ** rng.uniform(-6, -3, shape), word_wire=word, bit_wire=bit, driver=word, sense=bit)
        case = BankCircuit("linear", "uniform wires", crossbar, rng.uniform(0.1, 1.0, shape[0]))
        yield case.name, lambda case=case, word=word, bit=bit: _row(case, word, bit)  # type: ignore[misc]


def _row(case: BankCircuit, word: float, bit: float) -> Row:
    size = case.crossbar.conductance.size
    row = Row(case.name, case.device, case.family, case.size, size, "solve", "badcrossbar", LINEAR)
    if missing():
        return replace(row, skipped=MISSING)
    solve(case.crossbar, case.voltages)  # so that the time holds no compilation
    start = time.perf_counter()
    solution = solve(case.crossbar, case.voltages)
    row = replace(row, seconds=time.perf_counter() - start, version=name())
    ours = [np.concatenate([solution.word_voltages.ravel(), solution.bit_voltages.ravel()]), solution.currents]
    try:
        theirs, seconds = _ask(case, word, bit)
        differences = [
            Difference.of(
                {str(k): v for k, v in enumerate(mine.tolist())}, {str(k): v for k, v in enumerate(np.ravel(partner))}
            )
            for mine, partner in zip(ours, theirs, strict=True)
        ]
    except (SpiceError, ValueError) as error:
        return replace(row, trouble=str(error))
    return replace(row, voltages=differences[0], outputs=differences[1], other_seconds=seconds)


def name() -> str:
    """Return its name and version."""
    try:
        return f"badcrossbar {version('badcrossbar')}"
    except PackageNotFoundError:
        return "badcrossbar"


def _ask(case: BankCircuit, word: float, bit: float) -> tuple[list[np.ndarray], float]:
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as place:
        folder = Path(place)
        np.savez(folder / "in.npz", ohms=1.0 / case.crossbar.conductance, volts=case.voltages, wires=[word, bit])
        code, text = finished([sys.executable, "-W", "ignore", str(_CHILD), str(folder)], folder, _SECONDS)
        out = folder / "out.npz"
        if code or not out.exists():
            raise SpiceError(f"badcrossbar failed with exit code {code}: {text.strip()[-200:]}")
        with np.load(out) as answer:
            return [answer["voltages"], answer["currents"]], float(answer["seconds"])
