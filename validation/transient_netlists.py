"""Random netlists in time against ngspice at tight tolerances: R, L and C, diodes, memristors of each kind.

    python validation/transient_netlists.py --count 20
    python validation/transient_netlists.py --write     # 200, to validation/results/transient_netlists.md

Both are taken at the same times: xbarsim's as it prints them, ngspice's on straight lines between its own points.
ngspice runs twice, the second time in steps half as long. Where it differs from itself by a third of the bound or more
it runs again in steps ten and a hundred times shorter, and then by Gear's formulas, which do not ring; the page says
which cases needed that and how far ngspice was off at first. Where it never agrees with itself the case says nothing.
Bridges of ohmic memristors are integrated by scipy too, from their equations: who is right where the two differ.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import provenance
import transient_reference
from drawn_transients import Netlist, drawn

from xbarsim import spice
from xbarsim.analysis.runs import from_netlist
from xbarsim.crossbar import Array

BOUND = 1e-4
"""Of the largest voltage or current of a case."""

STEPS = 4000
"""Of ngspice, at least."""

FINER = (1, 10, 100)
"""Times that many, where it does not agree with itself in fewer."""

OURS_STEPS = 1000
"""Of xbarsim, at least."""

POINTS = 50
OURS = "reltol=1e-4 abstol=1e-15 vntol=1e-10 chgtol=1e-18"
CLOSER = OURS.replace("reltol=1e-4", "reltol=1e-5")
TIGHT = "reltol=1e-6 abstol=1e-15 vntol=1e-10 chgtol=1e-21 itl4=200"

EXPLAINED = {
    58: " One cell runs away to its smaller resistance: by scipy 1e-7 more of its first state are 6e-6 in the current.",
    86: " One cell runs away to its smaller resistance: by scipy 1e-7 more of its first state are 7e-5 in the current.",
    122: " The current is largest where a cell switches: by scipy 1e-6 of one first state are 1.3e-5 in the current.",
    166: " 36 pF are charged through 31 ohm after a bend of the pulse; their voltage is 2e-6 of the largest off.",
    178: " 290 uF are charged through 6.6 ohm after a bend of the wave; their voltage is 3e-6 of the largest off.",
    191: " A cell has just come to its smaller resistance: by scipy 1e-6 of its first state are 3.3e-5 in the current.",
}
"""What is known of cases of seed 0 that differ, or where ngspice does from itself, by their number."""


@dataclass(frozen=True)
class Compared:
    """How far the two are apart and ngspice from itself, of the largest; seconds of both, and what went wrong.

    ``closer`` is how far they are apart where xbarsim runs again at ``CLOSER``; ``first`` is that at ngspice's first
    setting, ``setting`` the one that counts; ``ours_scipy`` and ``theirs_scipy`` are from scipy, ngspice at that one.
    """

    kind: str
    number: int
    apart: float = float("nan")
    own: float = float("nan")
    where: str = ""
    ours: float = float("nan")
    theirs: float = float("nan")
    trouble: str = ""
    closer: float = float("nan")
    first: float = float("nan")
    first_own: float = float("nan")
    setting: str = ""
    ours_scipy: float = float("nan")
    theirs_scipy: float = float("nan")

    @property
    def tells(self) -> bool:
        """Whether ngspice agrees with itself."""
        return self.own <= BOUND


def compared(case: Netlist, number: int, folder: Path) -> Compared:
    start = time.perf_counter()
    mine, trouble = ours(case, OURS, folder)
    seconds = time.perf_counter() - start
    if trouble:
        return Compared(case.kind, number, ours=seconds, trouble=trouble)
    times = case.stop * np.linspace(0, 1, POINTS + 1)[1:]
    settings = [(case.method, factor * STEPS) for factor in FINER]
    if case.method == "trap":
        settings.append(("gear", FINER[-1] * STEPS))
    verdict: Compared | None = None
    partner: dict[str, Array] = {}
    for method, steps in settings:
        try:
            rough, fine = (
                theirs(spice.run(case.text(TIGHT, POINTS, count, method)), times) for count in (steps, 2 * steps)
            )
        except spice.SpiceError as error:
            trouble = trouble or f"ngspice: {' '.join(str(error).split())[:160]}"
            continue
        missing = [name for name in fine[0] if name not in mine and "#" not in name]
        if missing:
            return Compared(case.kind, number, trouble=f"xbarsim has no {', '.join(missing[:4])}")
        traces = {name: trace for name, trace in fine[0].items() if name in mine}
        apart, where = difference(mine, traces)
        own, _ = difference(rough[0], traces)
        first = (apart, own) if verdict is None else (verdict.first, verdict.first_own)
        if verdict is None or own < verdict.own:
            partner = traces
            verdict = Compared(case.kind, number, apart, own, where, seconds, rough[1], trouble)
            setting = f"{method}, {2 * steps:,} steps" * (steps > STEPS)
            verdict = replace(verdict, first=first[0], first_own=first[1], setting=setting)
        if own <= BOUND / 3:
            break
    if verdict is None:
        return Compared(case.kind, number, ours=seconds, trouble=trouble)
    ours_scipy, theirs_scipy = judged(case, times, mine, partner)
    verdict = replace(verdict, ours_scipy=ours_scipy, theirs_scipy=theirs_scipy)
    if verdict.apart > BOUND:
        mine, trouble = ours(case, CLOSER, folder)
        return replace(verdict, trouble=trouble) if trouble else replace(verdict, closer=difference(mine, partner)[0])
    return verdict


def judged(case: Netlist, times: Array, mine: dict[str, Array], partner: dict[str, Array]) -> tuple[float, float]:
    """Return how far both are from scipy; NaN where that has no equations of the circuit."""
    try:
        exact = transient_reference.traces(case.cards, case.stop, times)
    except transient_reference.NoJudgeError:
        return float("nan"), float("nan")
    return difference(mine, exact)[0], difference(partner, exact)[0]


def ours(case: Netlist, options: str, folder: Path) -> tuple[dict[str, Array], str]:
    """Return xbarsim's traces at the times that are compared, or what went wrong."""
    path = folder / "circuit.sp"
    path.write_text(case.text(options, POINTS, OURS_STEPS), "utf-8")
    try:
        (result,) = from_netlist(path, "auto").results
    except Exception as error:  # whatever it is, it is a finding
        return {}, f"xbarsim: {' '.join(str(error).split())[:160]}"
    if result.integration is not None and not result.integration.complete:
        return {}, f"xbarsim: {result.integration.problem}"
    traces = dict(zip(result.nodes, result.voltages.T[:, 1:], strict=True))
    traces |= {f"i({name})": trace[1:] for name, trace in zip(result.branches, result.currents.T, strict=True)}
    return traces, ""


def theirs(result: spice.Result, times: Array) -> tuple[dict[str, Array], float]:
    """Return ngspice's traces at some times, and its seconds."""
    (plot,) = result.plots
    at = plot.values["time"]
    # Of the nodes inside cells the state's alone: beside motions, of 1e8 a second, nothing else would count.
    traces = {
        name.lower(): np.interp(times, at, values)
        for name, values in plot.node_voltages.items()
        if "." not in name or name[-2:] == ".x"
    }
    traces |= {f"i({name.lower()})": np.interp(times, at, values) for name, values in plot.source_currents.items()}
    return traces, result.seconds


def difference(traces: dict[str, Array], partner: dict[str, Array]) -> tuple[float, str]:
    """Return the largest difference of the partner's traces, of its largest voltage or current, and whose it is."""
    worst, where = 0.0, ""
    for currents in (False, True):
        names = [name for name in partner if name.startswith("i(") == currents]
        top = max((np.abs(partner[name]).max() for name in names), default=0.0)
        for name in names:
            gap = float(np.abs(traces[name] - partner[name]).max() / top) if top else 0.0
            if gap > worst or np.isnan(gap):
                worst, where = (np.inf if np.isnan(gap) else gap), name
    return worst, where


def page(cases: list[Compared], seed: int) -> str:
    told = [case for case in cases if case.tells]
    beyond = [case for case in told if case.apart > BOUND]
    again = [case for case in cases if case.setting]
    lines = [
        "# Random netlists in time",
        "",
        f"{len(cases)} netlists, seed {seed}, against {spice.version()} at `{TIGHT}`",
        f"in at least {2 * STEPS:,} steps; xbarsim at `{OURS}` in {OURS_STEPS:,}. All",
        f"node voltages and source currents at {POINTS} times, relative to the largest; bound {BOUND:g}.",
        f"{len(told)} netlists tell something, {len(beyond)} of them beyond the bound. For {len(again)} ngspice's",
        "first answer was not its own in steps half as long, and a better one of its own counts. Made by",
        "`python validation/transient_netlists.py --write`.",
        "",
        "Bridges of ohmic memristors are integrated by scipy's Radau at 1e-11 too, and both are held against that.",
        "",
        "| kind | netlists | largest difference | median | ngspice's own, largest | xbarsim from scipy, largest "
        "| ngspice from scipy | xbarsim s, median | ngspice s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(case.kind for case in cases):
        rows = [case for case in told if case.kind == kind]
        gaps = [case.apart for case in rows] or [np.nan]
        lines.append(
            f"| {kind} | {len(rows)} | {max(gaps):.1e} | {np.median(gaps):.1e} | "
            f"{max((case.own for case in rows), default=np.nan):.1e} | "
            f"{largest([case.ours_scipy for case in rows])} | {largest([case.theirs_scipy for case in rows])} | "
            f"{np.median([case.ours for case in rows]):.2g} | {np.median([case.theirs for case in rows]):.2g} |"
        )
    explained = EXPLAINED if seed == 0 else {}
    odd = [case for case in cases if not case.tells or case.apart > BOUND or case.number in explained]
    if odd:
        lines += ["", "Those that differ, or tell nothing, or were looked into:", ""]
        lines += [f"- {sentence(case)}{explained.get(case.number, '')}" for case in odd]
    if again:
        lines += [
            "", "Those for which ngspice at its first setting differs from itself by a third of the bound or more:", "",
            "| kind | number | apart at first | ngspice from itself | setting that counts | apart | from itself "
            "| xbarsim from scipy |",
            "|---|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        lines += [
            f"| {case.kind} | {case.number} | {case.first:.1e} | {case.first_own:.1e} | {case.setting} | "
            f"{case.apart:.1e} | {case.own:.1e} | {largest([case.ours_scipy])} |"
            for case in again
        ]
    return "\n".join(lines)


def largest(figures: list[float]) -> str:
    """Return the largest figure, or nothing where there is none."""
    return "" if np.isnan(figures).all() else f"{np.nanmax(figures):.1e}"


def sentence(case: Compared) -> str:
    """Say how a case came out."""
    parts = []
    if case.own < np.inf:
        parts = [f"{case.apart:.1e} apart at {case.where}", f"ngspice {case.own:.1e} from itself"]
    if case.closer < np.inf:
        parts.insert(1, f"{case.closer:.1e} where xbarsim runs at reltol 1e-5")
    if case.ours_scipy < np.inf:
        parts.append(f"xbarsim {case.ours_scipy:.1e} from scipy, ngspice {case.theirs_scipy:.1e}")
    return f"{case.kind}, number {case.number}: {'; '.join([*parts, *([case.trouble] if case.trouble else [])])}."


def main() -> None:
    parser = provenance.parser(__doc__, 200)
    parser.add_argument("--only", type=int, help="this number alone, and print its netlist")
    parser.add_argument("--store", type=Path, help="file of results to go on from")
    options = parser.parse_args()
    cases: list[Compared] = []
    origin = provenance.current_origin()
    if options.store and options.store.exists():
        origin, *records = options.store.read_text("utf-8").splitlines()
        cases = [Compared(**json.loads(record)) for record in records]
    elif options.store:
        options.store.write_text(origin + "\n", "utf-8")
    numbers = range(len(cases), options.count) if options.only is None else [options.only]
    with tempfile.TemporaryDirectory() as name:
        for number in numbers:
            netlist = drawn(options.seed, number)
            if options.only is not None:
                print(netlist.text(OURS, POINTS, OURS_STEPS))
            case = compared(netlist, number, Path(name))
            cases.append(case)
            if options.store:
                with options.store.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(case)) + "\n")
            print(
                f"{number:4d} {case.kind:20s} {case.apart:.1e} own {case.own:.1e} {case.where:10s} "
                f"{case.ours:.2f} {case.theirs:.2f} at first {case.first:.1e} own {case.first_own:.1e} "
                f"{case.setting} {case.trouble}",
                flush=True,
            )
    text = page(cases, options.seed)
    print(text)
    if options.write:
        provenance.write_page("transient_netlists.md", text, origin)


if __name__ == "__main__":
    main()
