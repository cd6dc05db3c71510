"""The page of speed.py: goals with what was measured, then every simulator's times and how far answers differ."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import provenance
from limits import Limits
from speed_cases import LAWS, MANY, SpeedCase
from speed_runs import BASELINE, OURS, Runs

MAP_FLOPS = 35.6
"""Useful operations of a map, a cube of its lines."""
CELL_BYTES = 24
"""Of a vector, a cell: its conductance is read, two voltages are written."""

SIZES = (64, 128, 256, 512, 1024)
TITLES = {
    OURS: "xbarsim",
    BASELINE: "xbarsim, older commit",
    "superlu": "SuperLU",
    "cholmod": "CHOLMOD, METIS",
    "pardiso": "PARDISO",
    "badcrossbar": "badcrossbar",
    "vacask": "VACASK",
    "ngspice KLU": "ngspice, KLU",
}

FADESIM = {64: 0.19, 128: 0.78, 256: 18.7}
"""Seconds of one vector to 1e-12 with FADESim's iterations, recorded once on another machine of this kind."""


def slope(sizes: list[int], seconds: list[float]) -> float:
    """Return the power of the number of lines with which time grows; NaN of fewer than two."""
    sound = [(n, t) for n, t in zip(sizes, seconds, strict=True) if t == t]
    if len(sound) < 2:
        return math.nan
    return float(np.polyfit(*np.log(np.array(sound)).T, 1)[0])


def growth(runs: Runs, solver: str, kind: str, law: str = "log-uniform", least: int = 64) -> float:
    """Return the slope of a simulator's times of a kind of case."""
    sizes = [n for n in SIZES if n >= least]
    return slope(sizes, [runs.seconds(solver, SpeedCase(kind, n, law)) for n in sizes])


def goal_rows(runs: Runs, rates: Limits) -> Iterator[tuple[str, str, float, bool, float]]:
    """Yield each goal: what, in what unit, the bound, whether it is a least, and what was measured."""

    def gain(case: SpeedCase) -> float:
        return runs.seconds(BASELINE, case) / runs.seconds(OURS, case)

    def ratio(first: SpeedCase, second: SpeedCase) -> float:
        return runs.seconds(OURS, first) / runs.seconds(OURS, second)

    for n, least in ((128, 1.5), (512, 2.4), (1024, 4.6)):
        yield f"one vector {n}", "times the older commit's speed", least, True, gain(SpeedCase("vector", n))
    for law in ("log-uniform", "uniform", "hard"):
        for n in (256, 1024):
            run = runs.get(OURS, SpeedCase("vector", n, law))
            yield f"one vector {n}, {law}", "iterations", 10, False, (run.iterations or math.nan) if run else math.nan
    slope_of = growth(runs, OURS, "vector", least=128)
    yield "one vector, from 128 lines", "slope of time against lines", 2.1, False, slope_of
    many = SpeedCase("maps", 64)
    yield "64x64 maps", "a second, one thread", 1500, True, MANY / runs.seconds(OURS, many)
    yield "64x64 maps", "times the older commit's speed", 3.3, True, gain(many)
    for n in (256, 512, 1024):
        share = MAP_FLOPS * n**3 / runs.seconds(OURS, SpeedCase("map", n)) / rates.flops
        yield f"map {n}", "share of dgemm", 0.4, True, share
    yield "map", "slope of time against lines", 3.2, False, growth(runs, OURS, "map")
    for n in (64, 256):
        share = ratio(SpeedCase("gradient", n), SpeedCase("map", n))
        yield f"map {n} with its exact gradient", "times the map", 2.5, False, share
    yield "sinh 128, one vector", "times the older commit's speed", 2.8, True, gain(SpeedCase("sinh", 128))
    yield (
        "1S1R 128, one vector",
        "times the sinh cell",
        2.0,
        False,
        ratio(SpeedCase("1s1r", 128), SpeedCase("sinh", 128)),
    )
    process = f"{OURS} process"
    yield "netlist 64, whole process", "seconds", 0.3, False, runs.seconds(process, SpeedCase("vector", 64))
    for n in (128, 256):
        case = SpeedCase("vector", n)
        quicker = runs.seconds("vacask", case) / runs.seconds(process, case)
        yield f"netlist {n}, whole process", "times VACASK's speed", 1.0, True, quicker


def goals(runs: Runs, rates: Limits) -> Iterator[str]:
    yield "| what | in | goal | measured | |"
    yield "|---|---|---|---|---|"
    for what, unit, bound, least, value in goal_rows(runs, rates):
        if value == value:
            reached = value >= bound if least else value <= bound
            word = "at least" if least else "at most"
            yield f"| {what} | {unit} | {word} {bound:g} | {value:.3g} | {'reached' if reached else 'not reached'} |"


def milliseconds(seconds: float) -> str:
    return "" if seconds != seconds else f"{1e3 * seconds:.3g}"


def difference(gap: float) -> str:
    return "" if gap != gap else f"{gap:.0e}" if gap else "0"


def times(runs: Runs, kind: str, laws: tuple[str, ...], solvers: tuple[str, ...], own: str = OURS) -> Iterator[str]:
    """Yield a table of times: a row a case, a column a simulator, with how many times longer it takes."""
    shown = [s for s in solvers if any(runs.get(s, SpeedCase(kind, n, law)) for n in SIZES for law in laws)]
    rows = [SpeedCase(kind, n, law) for law in laws for n in SIZES if runs.get(own, SpeedCase(kind, n, law))]
    if not rows:
        return
    yield (
        "| lines | cells | "
        + " | ".join(TITLES.get(s.removesuffix(" process"), s) for s in (own, *shown))
        + " | largest difference |"
    )
    yield "|---" * (len(shown) + 4) + "|"
    for case in rows:
        base = runs.results[own, case.name]
        cells = [milliseconds(base.seconds) + ("" if base.iterations is None else f", {base.iterations} it.")]
        gap = math.nan
        for solver in shown:
            run = runs.get(solver, case)
            cells.append("" if run is None else f"{milliseconds(run.seconds)} ({run.seconds / base.seconds:.3g})")
            gap = gap if run is None else np.fmax(gap, base.difference(run))
        text = f"{LAWS[case.law][0]}, {LAWS[case.law][1]:g} ohm"
        yield f"| {case.lines} | {text} | " + " | ".join(cells) + f" | {difference(gap)} |"
    yield ""


def shares(runs: Runs, rates: Limits) -> Iterator[str]:
    """Yield how close to the machine's limits vectors and maps come, and with which power time grows."""
    yield "| | " + " | ".join(map(str, SIZES)) + " | slope |"
    yield "|---" * (len(SIZES) + 2) + "|"
    for law in LAWS:
        shown = [CELL_BYTES * n**2 / rates.bytes / runs.seconds(OURS, SpeedCase("vector", n, law)) for n in SIZES]
        if any(share == share for share in shown):
            cells = " | ".join("" if share != share else f"{100 * share:.1f} %" for share in shown)
            power = growth(runs, OURS, "vector", law, 128)
            yield f"| one vector, {law}: {CELL_BYTES} bytes a cell once, by triad | {cells} | {power:.2f} |"
    shown = [MAP_FLOPS * n**3 / rates.flops / runs.seconds(OURS, SpeedCase("map", n)) for n in SIZES]
    if any(share == share for share in shown):
        cells = " | ".join("" if share != share else f"{100 * share:.0f} %" for share in shown)
        yield f"| map: {MAP_FLOPS} n^3 operations, by dgemm | {cells} | {growth(runs, OURS, 'map'):.2f} |"
    yield ""


def text(runs: Runs, before: Limits, after: Limits) -> str:
    """Return the page."""
    rates = Limits(max(before.flops, after.flops), max(before.bytes, after.bytes))
    baseline = ""
    if runs.baseline is not None:
        commit = provenance.git("-C", str(runs.baseline), "rev-parse", "--short=7", "HEAD")
        baseline = f" The older commit is `{commit}`, run in turn with this one."
    lines = [
        "# Speed against peers and against the machine",
        "",
        "Seconds are those that processes themselves had on one thread (user and system), the least of several runs:",
        "other programs of a shared machine take none of them, though they share its memory. Wires and ends have the",
        "ohms given; all compute the same circuit, drawn anew for each size, and every peer's currents (or map) are",
        "compared with xbarsim's, component by component. In brackets: how many times as long as xbarsim." + baseline,
        "",
        f"Limits of one thread, measured beside: {rates.text()} (24 bytes an element; a write may cost a read more).",
        "",
        "## Goals",
        "",
        *goals(runs, rates),
        "",
        "## Share of the limits, and slopes",
        "",
        *shares(runs, rates),
        "![time against size](speed.png)",
        "",
    ]
    linear = (BASELINE, "superlu", "cholmod", "pardiso", "badcrossbar")
    sections = [
        (
            "One vector, milliseconds",
            "All node voltages; peers assemble, order, factor and solve.",
            times(runs, "vector", tuple(LAWS), linear),
        ),
        (
            "Effective map, milliseconds",
            "All entries; peers factor once and solve for each column.",
            times(runs, "map", ("log-uniform",), linear),
        ),
        (f"{MANY} maps of 64x64 in one call, milliseconds", "", times(runs, "maps", ("log-uniform",), linear)),
        ("Map and its exact gradient, milliseconds", "", times(runs, "gradient", ("log-uniform",), (BASELINE,))),
    ]
    for kind, name in (("sinh", "Sinh cells"), ("1s1r", "1S1R cells")):
        what = "xbarsim's is the solution in a process that runs, the others' are whole processes."
        sections.append(
            (
                f"{name}, one vector, milliseconds",
                what,
                times(runs, kind, ("log-uniform",), (BASELINE, "vacask", "ngspice KLU")),
            )
        )
    peers = (f"{BASELINE} process", "vacask", "ngspice KLU")
    what = "Whole processes, kernels in their cache: reading, solving, and writing all voltages and currents."
    sections.append(
        ("A netlist, milliseconds", what, times(runs, "vector", ("log-uniform",), peers, f"{OURS} process"))
    )
    for title, what, table in sections:
        rows = list(table)
        if rows:
            lines += [f"## {title}", "", *([what, ""] if what else []), *rows]
    lines += [*_absent(runs)]
    return "\n".join(lines)


def _absent(runs: Runs) -> Iterator[str]:
    versions = [f"{TITLES[solver]} {release}" for solver, release in runs.versions.items()]
    yield "## Peers"
    yield ""
    yield f"Versions: {'; '.join(versions) or 'none was run'}."
    for solver, reason in runs.missing.items():
        yield f"Not run: {TITLES[solver]} ({reason})."
    cited = ", ".join(f"{seconds:g} s at {n}" for n, seconds in FADESIM.items())
    yield (
        "FADESim (doi 10.1109/TCAD.2024.3485589; MIT) is not run here: its iterations to 1e-12 took "
        f"{cited} lines on a machine of this kind, once measured."
    )
