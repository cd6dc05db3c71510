"""Run the bank: every circuit against every simulator that is there, and against closed forms."""

from __future__ import annotations

import fnmatch
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

from xbarsim import spice
from xbarsim.errors import InputError, SpiceError, SpiceMissingError
from xbarsim.solvers.extrapolation import collected
from xbarsim.spice import Engine, vacask
from xbarsim.validate import closed, peer
from xbarsim.validate.against import rows_of
from xbarsim.validate.bank import Scope, cases
from xbarsim.validate.by_vacask import vacask_row
from xbarsim.validate.case import BankCircuit, Row
from xbarsim.validate.in_time import rows_in_time
from xbarsim.validate.outcome import Outcome
from xbarsim.validate.time_bank import circuits_in_time

Partner = Literal["ngspice", "vacask", "badcrossbar", "closed"]
PARTNERS: tuple[Partner, ...] = get_args(Partner)

_PEER: dict[Scope, list[tuple[int, int]]] = {
    "quick": [(3, 4), (16, 12)],
    "full": [(3, 4), (16, 12), (64, 64)],
    "large": [(128, 128)],
}

_MOST_OF_NGSPICE = 128 * 128
"""Nonlinear cells."""

_BY = {"process": "program:", "pyspice": "library:", "klu": "under node:"}


def run(
    scope: Scope = "full",
    engines: tuple[Engine, ...] = ("process",),
    only: str = "*",
    progress: Callable[[str], None] = lambda name: None,
    against: tuple[Partner, ...] = (),
    in_time: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Solve the bank's circuits with xbarsim and with all else that is there, and compare.

    Parameters
    ----------
    scope : {"quick", "full", "large"}
        Circuits up to 12 x 16, up to 64 x 64, or of 128 and 256; there ngspice is version 45 with KLU whatever
        ``engines``, and leaves out nonlinear cells of 256 lines.
    engines : tuple of str
        Of :func:`xbarsim.spice.run`; the second and later ones are compared with the first.
    only : str
        Cases whose name ``device/family/size`` has this in it, or matches it with ``*`` and ``?``.
    progress : callable
        Is told what is being done.
    against : tuple of {"ngspice", "vacask", "badcrossbar", "closed"}
        Whom to compare with, those alone; all of them where none is named, and of these who is not installed is left
        out.
    in_time : bool
        The bank in time in the place of that of operating points; ngspice, as a program, and VACASK alone take part.
    stop : callable
        Is asked after each circuit whether to end there: that one is left out, since Ctrl-C ends simulators too.

    Returns
    -------
    Outcome
        A row a case; its ``scope`` says where it was stopped.

    Raises
    ------
    InputError
        No case has such a name, or in time ngspice is asked for what it does not run: another engine, or ``large``.
    SpiceMissingError
        One that is named is not installed.
    """
    start = time.perf_counter()
    _check_there(against)
    if in_time:
        _check_in_time(scope, engines, against or PARTNERS)
    selected: tuple[Engine, ...] = ("klu",) if scope == "large" and not in_time else engines
    available, missing = _available(selected if "ngspice" in (against or PARTNERS) else ())
    if "ngspice" in against and not available:
        raise SpiceMissingError(missing[selected[0]])
    rows: list[Row] = []
    stopped = ""
    # Curves are compared beyond their points too, where both simulators go on alike.
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as folder, collected():
        jobs = (
            _jobs_in_time(scope, against or PARTNERS, Path(folder))
            if in_time
            else _jobs(scope, against or PARTNERS, available, missing, Path(folder))
        )
        for name, by, compare in jobs:
            if fnmatch.fnmatchcase(name, only) or only in name:
                progress(f"{name} ({by})")
                try:
                    compared = compare()
                except SpiceError:
                    if not stop():
                        raise
                if stop():
                    stopped = f", stopped at {name} ({by})"
                    break
                rows += compared
    if not rows and not stopped:
        like = "vteam/sine/2x3" if in_time else "linear/half select/12x16"
        raise InputError(f"--only {only}: no circuit has such a name; names are like {like}")
    facts = [*_facts(), *((_BY[engine], spice.version(engine)) for engine in available)]
    facts += _programs_there(against or PARTNERS)
    chosen_text = f"{scope}, in time" if in_time else scope
    chosen_text += f", only {only}" if only != "*" else ""
    chosen_text += f", against {' and '.join(against)}" if against else ""
    return Outcome(f"{chosen_text}{stopped}", rows, time.perf_counter() - start, facts)


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


def _check_there(partners: tuple[Partner, ...]) -> None:
    """Raise where one that was asked for is not installed: its run would compare nothing, and pass."""
    if "vacask" in partners:
        vacask.version()
    if "badcrossbar" in partners and peer.missing():
        raise SpiceMissingError(peer.MISSING)


def _check_in_time(scope: Scope, engines: tuple[Engine, ...], partners: tuple[Partner, ...]) -> None:
    """Raise where nothing could be compared in time, or not as it is asked for."""
    if not {"ngspice", "vacask"} & set(partners):
        raise InputError(
            f"against {' and '.join(partners)} nothing in time can be compared: ngspice and vacask go there"
        )
    if engines != ("process",):
        raise InputError(f"--engine {' and '.join(engines)}: in time ngspice runs as a program alone, leave it out")
    if scope == "large" and "vacask" not in partners:
        raise InputError("--large in time is for vacask alone: ngspice would take an hour for each, take --full")


def _programs_there(partners: tuple[Partner, ...]) -> Iterator[tuple[str, str]]:
    if "vacask" in partners:
        with suppress(SpiceError):
            yield "program:", vacask.version()
    if "badcrossbar" in partners and not peer.missing():
        yield "peer:", peer.name()


def _jobs(
    scope: Scope, partners: tuple[Partner, ...], available: list[Engine], missing: dict[Engine, str], folder: Path
) -> Iterator[tuple[str, str, Callable[[], list[Row]]]]:
    """Yield each circuit's name, with whom it is compared, and what compares it."""
    if scope != "large" and "closed" in partners:
        for name, compare in closed.rows():
            yield name, "closed form", lambda compare=compare: [compare()]  # type: ignore[misc]
    if "badcrossbar" in partners:
        for name, compare in peer.rows(_PEER[scope]):
            yield name, "badcrossbar", lambda compare=compare: [compare()]  # type: ignore[misc]
    for case in cases(scope):
        if "ngspice" in partners and not _takes_minutes(case):
            yield case.name, "ngspice", lambda case=case: _against(case, scope, available, missing, folder)  # type: ignore[misc]
        if "vacask" in partners:
            yield case.name, "VACASK", lambda case=case: [vacask_row(case)]  # type: ignore[misc]


def _jobs_in_time(
    scope: Scope, partners: tuple[Partner, ...], folder: Path
) -> Iterator[tuple[str, str, Callable[[], list[Row]]]]:
    for case in circuits_in_time(scope):
        yield case.name, "in time", lambda case=case: list(rows_in_time(case, partners, folder))  # type: ignore[misc]


def _takes_minutes(case: BankCircuit) -> bool:
    """Whether ngspice is spared a case: under node, each Newton step of 256 lines takes many seconds."""
    return not case.crossbar.device.linear and case.crossbar.conductance.size > _MOST_OF_NGSPICE


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
