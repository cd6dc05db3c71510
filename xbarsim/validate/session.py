"""Run the bank: every circuit against every simulator that is there, and against closed forms."""

from __future__ import annotations

import fnmatch
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from xbarsim import spice
from xbarsim.errors import InputError, SpiceError
from xbarsim.solvers.extrapolation import collected
from xbarsim.spice import Engine
from xbarsim.validate import closed, peer
from xbarsim.validate.against import rows_of
from xbarsim.validate.bank import Scope, cases
from xbarsim.validate.case import BankCircuit, Row
from xbarsim.validate.outcome import Outcome

_PEER: dict[Scope, list[tuple[int, int]]] = {
    "quick": [(3, 4), (16, 12)],
    "full": [(3, 4), (16, 12), (64, 64)],
    "large": [(128, 128)],
}

_BY = {"process": "program:", "pyspice": "library:", "klu": "under node:"}


def run(
    scope: Scope = "full",
    engines: tuple[Engine, ...] = ("process",),
    only: str = "*",
    progress: Callable[[str], None] = lambda name: None,
) -> Outcome:
    """Solve the bank's circuits with xbarsim and with all else that is there, and compare.

    Parameters
    ----------
    scope : {"quick", "full", "large"}
        Circuits up to 12 x 16, up to 64 x 64, or of 128 and 256, which ngspice 45 with KLU solves whatever ``engines``.
    engines : tuple of str
        Of :func:`xbarsim.spice.run`; the second and later ones are compared with the first.
    only : str
        Cases whose name ``device/family/size`` has this in it, or matches it with ``*`` and ``?``.
    progress : callable
        Is told what is being done.

    Raises
    ------
    InputError
        No case has such a name.
    """
    start = time.perf_counter()
    selected = ("klu",) if scope == "large" else engines
    available, missing = _available(selected)
    rows: list[Row] = []
    # Curves are compared beyond their points too, where both simulators go on alike.
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as folder, collected():
        for name, by, compare in _jobs(scope, available, missing, Path(folder)):
            if fnmatch.fnmatchcase(name, only) or only in name:
                progress(f"{name} ({by})")
                rows += compare()
    if not rows:
        raise InputError(f"--only {only}: no circuit has such a name; names are like linear/half select/12x16")
    facts = [*_facts(), *((_BY[engine], spice.version(engine)) for engine in available)]
    if not peer.missing():
        facts.append(("peer:", peer.name()))
    chosen_text = scope if only == "*" else f"{scope}, only {only}"
    return Outcome(chosen_text, rows, time.perf_counter() - start, facts)


def _available(engines: tuple[Engine, ...]) -> tuple[list[Engine], dict[Engine, str]]:
    available: list[Engine] = []
    missing: dict[Engine, str] = {}
    for engine in engines:
        try:
            spice.version(engine)
            available.append(engine)
        except SpiceError as error:
            missing[engine] = str(error)
    return available, missing


def _jobs(
    scope: Scope, available: list[Engine], missing: dict[Engine, str], folder: Path
) -> Iterator[tuple[str, str, Callable[[], list[Row]]]]:
    """Yield each circuit's name, with whom it is compared, and what compares it."""
    if scope != "large":
        for name, compare in closed.rows():
            yield name, "closed form", lambda compare=compare: [compare()]  # type: ignore[misc]
    for name, compare in peer.rows(_PEER[scope]):
        yield name, "badcrossbar", lambda compare=compare: [compare()]  # type: ignore[misc]
    for case in cases(scope):
        yield case.name, "ngspice", lambda case=case: _against(case, scope, available, missing, folder)  # type: ignore[misc]


def _against(
    case: BankCircuit, scope: Scope, available: list[Engine], missing: dict[Engine, str], folder: Path
) -> list[Row]:
    size = case.crossbar.conductance.size
    absent = [
        Row(case.name, case.device, case.family, case.size, size, "solve", engine, case.tolerance, skipped=why)
        for engine, why in missing.items()
    ]
    return [*(rows_of(case, available, folder, written_only=scope == "large") if available else ()), *absent]


def _facts() -> list[tuple[str, str]]:
    import numpy
    import scipy

    from xbarsim import __version__

    return [
        ("xbarsim", __version__),
        ("Python", platform.python_version()),
        ("numpy", numpy.__version__),
        ("scipy", scipy.__version__),
        ("system", f"{platform.system()} {platform.machine()}"),
    ]
