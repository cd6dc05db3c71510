"""One circuit of the bank, solved by xbarsim in every way it has and by ngspice from two netlists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from xbarsim import netlist, spice
from xbarsim.analysis.runs import from_netlist
from xbarsim.devices import Device, model
from xbarsim.errors import InputError, SpiceError, XbarsimError
from xbarsim.netlist.written import report_written
from xbarsim.solvers.solve import solve
from xbarsim.spice import Engine
from xbarsim.validate.case import REPEATED, BankCircuit, Difference, Row
from xbarsim.validate.hand import by_hand

OPTIONS = ".options reltol=1e-9 abstol=1e-15 vntol=1e-11 gmin=1e-18 itl1=1000"
"""For nonlinear circuits. Newton's last step squares the error, so these leave less than rounding does; tighter ones
keep ngspice from ever being content. At its own gmin a siemens of 1e-12 lies across every junction."""

Numbers = tuple[dict[str, float], dict[str, float]]
"""Node voltages and source currents."""


def rows_of(case: BankCircuit, engines: list[Engine], folder: Path, *, written_only: bool = False) -> Iterator[Row]:
    """Yield the comparisons of a case.

    Parameters
    ----------
    case : BankCircuit
        The circuit.
    engines : list of str
        Who else solves it; the first is compared with xbarsim, all others with the first.
    folder : Path
        For the netlists.
    written_only : bool
        Leave out the netlist by hand, and reading back: for arrays that take ngspice long.
    """
    first = engines[0]
    blank = Row(
        case.name, case.device, case.family, case.size, case.crossbar.conductance.size, "", "", case.tolerance,
        version=spice.version(first),
    )  # fmt: skip
    try:
        seconds, ours = solved(case)
    except Exception as error:  # whatever it is, it is a finding, and other circuits go on
        yield replace(blank, ours="solve", other=first, trouble=f"xbarsim: {one_line(error)}")
        return
    options = "" if case.crossbar.device.linear else OPTIONS
    for style in ("export",) if written_only else ("export", "by hand"):
        row = replace(blank, ours="solve", other=style)
        try:
            path, translated = _netlist_in(case, style, options, folder)
        except InputError as error:
            yield replace(row, skipped=str(error))
            continue
        try:
            result = spice.run(path, first)
        except SpiceError as error:
            yield replace(row, trouble=str(error))
            continue
        row = replace(row, version=result.version, other_seconds=result.seconds)
        theirs = numbers(result)
        yield compared(replace(row, seconds=seconds), ours, translated(*theirs))
        if not written_only:
            yield _read_back(replace(row, ours="netlist"), path, case, theirs)
        for engine in engines[1:]:
            yield _repeated(
                replace(row, ours=first, other=f"{style}, {engine}", tolerance=REPEATED), path, engine, theirs
            )


def _netlist_in(
    case: BankCircuit, style: str, options: str, folder: Path
) -> tuple[Path, Callable[[dict[str, float], dict[str, float]], Numbers]]:
    """Write a netlist; return its path, and what gives its numbers the names of ``netlist.write``."""
    if style == "by hand":
        hand = by_hand(case.crossbar, case.voltages, options)
        path = folder / "hand.sp"
        path.write_text(hand.text, "utf-8")
        return path, hand.translated
    path = folder / "written.sp"
    if not case.crossbar.device.has_twin:
        raise InputError(f"cells of the model {case.device!r} are Python functions, which no netlist is written of")
    netlist.write(case.crossbar, case.voltages, path)
    if options:
        path.write_text(path.read_text("utf-8").replace("\n.op\n", f"\n{options}\n.op\n"), "utf-8")
    return path, lambda volts, amperes: (volts, amperes)


def solved(case: BankCircuit) -> tuple[float, Numbers]:
    """Solve, and return the time and the answer under the names of ``netlist.write``."""
    if type(case.crossbar.device) not in _COMPILED:
        # So that no time holds a compilation.
        solve(case.crossbar, case.voltages)
        _COMPILED.add(type(case.crossbar.device))
    start = time.perf_counter()
    solution = solve(case.crossbar, case.voltages)
    seconds = time.perf_counter() - start
    return seconds, report_written(case.crossbar, case.voltages, solution)


_COMPILED: set[type[Device]] = set()


def numbers(result: spice.Result) -> Numbers:
    """Return the numbers of a result's first analysis."""
    plot = result.plots[0]
    volts = {name: float(value) for name, value in plot.node_voltages.items()}
    return volts, {name: float(value) for name, value in plot.source_currents.items()}


def compared(row: Row, ours: Numbers, theirs: Numbers) -> Row:
    """Compare all that ``ours`` has; what a netlist adds, gates and nodes inside cells, ``solve`` knows nothing of."""
    parts: list[dict[str, float]] = []
    for mine, partner in zip(ours, theirs, strict=True):
        missing = [name for name in mine if name not in partner]
        if missing:
            return replace(row, trouble=f"{row.version or row.other} has no {', '.join(missing[:5])}")
        parts += [mine, {name: partner[name] for name in mine}]
    return _differences(row, parts, [name for name in ours[1] if name.startswith("vbb")])


def _differences(row: Row, parts: list[dict[str, float]], outputs: list[str]) -> Row:
    volts, their_volts, amperes, their_amperes = parts
    try:
        return replace(
            row,
            voltages=Difference.of(volts, their_volts),
            outputs=Difference.of({n: amperes[n] for n in outputs}, {n: their_amperes[n] for n in outputs}),
            sources=Difference.of(amperes, their_amperes),
        )
    except ValueError as error:
        return replace(row, trouble=str(error))


def _read_back(row: Row, path: Path, case: BankCircuit, theirs: Numbers) -> Row:
    """Let xbarsim read the netlist that ngspice read; every name must be there."""
    if not _readable(case.device, path):
        return replace(
            row, skipped=f"reading netlists of {case.device} cells back: xbarsim's reader does not know them"
        )
    start = time.perf_counter()
    try:
        (result,) = from_netlist(path, "auto" if case.crossbar.device.linear else "newton").results
    except Exception as error:  # as above
        text = one_line(error).replace(f"{path.parent}/", "")
        return replace(row, trouble=f"xbarsim reading {path.name}: {text}")
    volts = dict(zip(result.nodes, result.voltages[0].tolist(), strict=True))
    amperes = dict(zip(result.branches, result.currents[0].tolist(), strict=True))
    outputs = [name for name in amperes if name.startswith(("vbb", "vend_bb"))]
    row = replace(row, seconds=time.perf_counter() - start)
    return _differences(row, [volts, theirs[0], amperes, theirs[1]], outputs)


@cache
def _readable(device: str, path: Path) -> bool:
    """Whether xbarsim's reader knows a model's cells; read once, and never doubted of resistors."""
    try:
        netlist.read(path)
    except netlist.NetlistError:
        return model(device).linear
    return True


def one_line(error: Exception) -> str:
    """Return an error as part of a line; one that is not xbarsim's own with its kind."""
    text = " ".join(str(error).split())
    return text if isinstance(error, XbarsimError) else f"{type(error).__name__}: {text}"


def _repeated(row: Row, path: Path, engine: Engine, theirs: Numbers) -> Row:
    """Run the netlist in another engine of the same simulator."""
    try:
        result = spice.run(path, engine)
    except SpiceError as error:
        return replace(row, trouble=str(error))
    volts, amperes = numbers(result)
    row = replace(row, version=result.version, seconds=row.other_seconds, other_seconds=result.seconds)
    return _differences(row, [theirs[0], volts, theirs[1], amperes], [])
