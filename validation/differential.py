"""Random linear netlists in random habits, solved by xbarsim and by ngspice.

    python validation/differential.py                     # 1,000 netlists
    python validation/differential.py --seed 7000 --count 200 --keep failures
    python validation/differential.py --write             # and writes validation/results/differential.md

Node voltages are compared relative to the largest of the analysis, and so are source currents. Netlist number k of
seed s is that of seed s + k, whatever the count.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import oracle
import provenance
from drawing import Drawn, draw
from dressing import Dress

from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.runs import from_netlist
from xbarsim.analysis.simulate import simulate
from xbarsim.errors import XbarsimError
from xbarsim.netlist import read
from xbarsim.netlist.analyses import Tran

AGREE = 1e-9


@dataclass(frozen=True)
class Compared:
    """One netlist: the largest difference, or what went wrong."""

    seed: int
    kind: str
    difference: float = np.inf
    where: str = ""
    trouble: str = ""
    recognised: bool = False
    analyses: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return not self.trouble and self.difference <= AGREE


def netlist(seed: int) -> tuple[Drawn, str, dict[str, str]]:
    """Return the drawn circuit of a seed, its text, and the files that it includes."""
    rng = np.random.default_rng(seed)
    drawn = draw(rng)
    dress = Dress(rng, drawn)
    return drawn, dress.text(), dress.files


def against(results: list[AnalysisResult], plots: list[oracle.Plot], least: float = 0.0) -> tuple[float, str]:
    """Return the largest relative difference of two answers, and where it is.

    Volts and amperes are relative to the largest of the analysis, or to ``least`` where all are smaller.

    Raises
    ------
    ValueError
        They do not hold the same analyses, points or names.
    """
    if sorted(result.kind for result in results) != sorted(plot.kind for plot in plots):
        raise ValueError(f"analyses {[result.kind for result in results]} against {[plot.kind for plot in plots]}")
    worst, where = 0.0, ""
    for result in results:
        plot = next(plot for plot in plots if plot.kind == result.kind)
        if result.points != len(plot.table):
            raise ValueError(f"{result.kind}: {result.points} points against {len(plot.table)}")
        for kind, names, table in (("v", result.nodes, result.voltages), ("i", result.branches, result.currents)):
            theirs = {n[2:-1]: column for n, column in plot.values.items() if n.startswith(kind + "(")}
            # Of an E or H that is a polynomial ngspice makes a device of its own.
            theirs = {name.removeprefix("a$poly$"): column for name, column in theirs.items()}
            theirs.pop(f"{kind}-sweep", None)
            if set(theirs) != set(names):
                odd = sorted(set(theirs) ^ set(names))
                raise ValueError(f"{result.kind}: only one of them has {kind} of {', '.join(odd[:6])}")
            scale = max([least, *(float(np.abs(column).max()) for column in theirs.values())])
            for name, column in zip(names, table.T, strict=True):
                gap = float(np.abs(column - theirs[name]).max())
                gap = gap / scale if scale else (np.inf if gap else 0.0)
                if not gap <= worst:
                    worst, where = gap, f"{kind}({name}) in .{result.kind}"
    return worst, where


def compare(seed: int, folder: Path) -> Compared:
    """Solve netlist ``seed`` with both."""
    drawn, text, files = netlist(seed)
    path = folder / f"{seed}.cir"
    for name, content in {path.name: text, **files}.items():
        (folder / name).write_bytes(content.encode())
    trial = Compared(seed, drawn.kind)
    theirs = oracle.run(path)
    if theirs.status != "ok" or not theirs.plots or theirs.trouble:
        return replace(trial, trouble=f"ngspice: {theirs.status}: {'; '.join(theirs.trouble[:3]) or 'no results'}")
    try:
        answers = from_netlist(path, "auto")
        results = answers.results
        times = next((plot.table[:, 0] for plot in theirs.plots if plot.kind == "tran"), None)
        if times is not None:
            # ngspice chooses its own times.
            circuit = read(path)
            results = simulate(replace(circuit, analyses=(Tran(times),)), circuit.recognise())
        trial = replace(
            trial, recognised=answers.recognised is not None, analyses=tuple(result.kind for result in answers.results)
        )
        difference, where = against(results, theirs.plots)
    except (XbarsimError, ValueError) as error:
        return replace(trial, trouble=str(error).replace(str(folder) + "/", ""))
    return replace(trial, difference=difference, where=where)


def report(compared: list[Compared], seed: int, seconds: float) -> str:
    """Return what came out, as Markdown."""
    good = [trial for trial in compared if not trial.trouble]
    failed = [trial for trial in compared if not trial.agrees]
    gaps = np.array([trial.difference for trial in good])
    kinds = Counter(trial.kind for trial in compared)
    analyses = Counter(kind for trial in compared for kind in trial.analyses)
    lines = [
        "# Random netlists against ngspice",
        "",
        f"`python validation/differential.py --seed {seed} --count {len(compared)}`",
        "",
        f"- netlists: {len(compared)} ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}); "
        f"{sum(trial.recognised for trial in compared)} recognised as crossbars",
        f"- analyses: {', '.join(f'{n} .{kind}' for kind, n in sorted(analyses.items()))}",
        f"- within {AGREE:g}: {sum(trial.agrees for trial in compared)}",
        f"- largest difference: {gaps.max(initial=0):.1e}; median {np.median(gaps) if gaps.size else 0:.1e}",
        f"- failures: {len(failed)}",
        "",
        "Differences of node voltages are relative to the largest voltage of the analysis, those of source currents to "
        "the largest current.",
        "",
        "| the ten worst | kind | difference | where |",
        "|---|---|---|---|",
    ]
    worst = sorted(good, key=lambda trial: -trial.difference)[:10]
    lines += [f"| seed {trial.seed} | {trial.kind} | {trial.difference:.1e} | `{trial.where}` |" for trial in worst]
    for trial in failed[:40]:
        lines += [
            "",
            f"- seed {trial.seed} ({trial.kind}): {trial.trouble or f'{trial.difference:.1e} at {trial.where}'}",
        ]
    print(f"{len(compared)} netlists in {seconds:.0f} s", file=sys.stderr)
    return "\n".join(lines)


def main() -> int:
    parser = provenance.parser(__doc__, count=1000)
    parser.add_argument("--keep", type=Path, help="folder for the netlists that fail")
    arguments = parser.parse_args()
    compared: list[Compared] = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for k in range(arguments.count):
            trial = compare(arguments.seed + k, folder)
            compared.append(trial)
            if not trial.agrees and arguments.keep:
                shutil.copytree(folder, arguments.keep / str(trial.seed), dirs_exist_ok=True)
            for file in folder.iterdir():
                file.unlink()
            if sys.stderr.isatty() or k % 50 == 49:
                failed = sum(not trial.agrees for trial in compared)
                print(f"\r{k + 1}/{arguments.count}, {failed} fail", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    text = report(compared, arguments.seed, time.perf_counter() - start)
    print(text)
    if arguments.write:
        provenance.write_page("differential.md", text)
    return 0 if all(trial.agrees for trial in compared) else 1


if __name__ == "__main__":
    raise SystemExit(main())
