"""Near-crossbars and 1T1R arrays, solved by xbarsim and by ngspice.

    python validation/neighbours.py                      # 2,000 netlists
    python validation/neighbours.py --seed 400 --count 100 --keep failures
    python validation/neighbours.py --write              # and writes validation/results/neighbours.md

Netlist number k of seed s is that of seed s + k, whatever the count. With ``--store FILE`` results are kept, and a
command that was stopped goes on from there.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import nearly
import numpy as np
import oracle
import provenance

from xbarsim.analysis.runs import from_netlist
from xbarsim.errors import XbarsimError

AGREE = 1e-9
COUNTED = 1e-6
"""Share of the largest voltage or current from which on a number counts componentwise."""


@dataclass(frozen=True)
class Compared:
    """One netlist: the largest difference relative to the largest number, and componentwise; or what went wrong."""

    seed: int
    kind: str
    recognised: bool = False
    difference: float = np.inf
    componentwise: float = np.inf
    residual: float = np.inf
    where: str = ""
    trouble: str = ""

    @property
    def agrees(self) -> bool:
        return not self.trouble and self.difference <= AGREE


def compare(seed: int, folder: Path) -> Compared:
    """Solve netlist ``seed`` with both."""
    kind, text = nearly.netlist(seed)
    path = folder / f"{seed}.cir"
    path.write_text(text)
    try:
        answers = from_netlist(path, "auto")
    except XbarsimError as error:
        return Compared(seed, kind, trouble=f"xbarsim: {str(error).replace(str(folder) + '/', '')}")
    theirs = oracle.run(path)
    if theirs.status != "ok" or not theirs.plots:
        return Compared(seed, kind, trouble=f"ngspice: {theirs.status}: {'; '.join(theirs.trouble[:2])}")
    (ours,) = answers.results
    values = theirs.plots[0].values
    worst, component, where = 0.0, 0.0, ""
    for letter, names, table in (("v", ours.nodes, ours.voltages[0]), ("i", ours.branches, ours.currents[0])):
        exact = np.array([values[f"{letter}({name})"][0] for name in names])
        top = np.abs(exact).max()
        gap = np.abs(table - exact)
        counted = np.abs(exact) > COUNTED * top
        component = max(component, float((gap[counted] / np.abs(exact[counted])).max(initial=0.0)))
        if gap.max() > worst * top:
            worst, where = float(gap.max() / top), f"{letter}({names[int(gap.argmax())]})"
    return Compared(seed, kind, answers.recognised is not None, worst, component, ours.residual, where)


def report(compared: list[Compared], seed: int) -> str:
    """Return what came out, as Markdown."""
    good = [trial for trial in compared if not trial.trouble]
    lines = [
        "# Near-crossbars and 1T1R arrays against ngspice",
        "",
        f"`python validation/neighbours.py --seed {seed} --count {len(compared)}`",
        "",
        "Differences are relative to the largest voltage or current of the analysis; componentwise those of numbers "
        f"above {COUNTED:g} of it. ngspice runs at `{nearly.TIGHT}` where there are transistors, at its",
        "defaults elsewhere.",
        "",
        "| | netlists | recognised | within 1e-9 | largest | median | componentwise | largest residual |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, start in (("near-crossbars", "ohmic"), ("1T1R", "1T1R"), ("all", "")):
        group = [trial for trial in compared if trial.kind.startswith(start)]
        fine = [trial for trial in group if not trial.trouble]
        gaps = np.array([trial.difference for trial in fine])
        lines.append(
            f"| {name} | {len(group)} | {sum(t.recognised for t in group)} | {sum(t.agrees for t in group)} "
            f"| {gaps.max(initial=0):.1e} | {np.median(gaps) if gaps.size else 0:.1e} "
            f"| {max((trial.componentwise for trial in fine), default=0):.1e} "
            f"| {max((trial.residual for trial in fine), default=0):.1e} |"
        )
    spoiled = Counter(trial.kind.split(",")[0] for trial in compared)
    lines += ["", "Drawn: " + "; ".join(f"{count} {kind}" for kind, count in sorted(spoiled.items())) + ".", ""]
    lines += ["| the ten worst | kind | difference | where |", "|---|---|---|---|"]
    for trial in sorted(good, key=lambda trial: -trial.difference)[:10]:
        lines.append(f"| seed {trial.seed} | {trial.kind} | {trial.difference:.1e} | `{trial.where}` |")
    failed = [trial for trial in compared if not trial.agrees]
    lines += ["", f"Failures: {len(failed)}."]
    for trial in failed[:40]:
        lines += [
            "",
            f"- seed {trial.seed} ({trial.kind}): {trial.trouble or f'{trial.difference:.1e} at {trial.where}'}",
        ]
    return "\n".join(lines)


def main() -> int:
    parser = provenance.parser(__doc__, count=2000)
    parser.add_argument("--keep", type=Path, help="folder for the netlists that fail")
    parser.add_argument("--store", type=Path, help="file of results to go on from")
    arguments = parser.parse_args()
    compared: list[Compared] = []
    origin = provenance.current_origin()
    if arguments.store and arguments.store.exists():
        origin, *records = arguments.store.read_text().splitlines()
        compared = [Compared(**json.loads(record)) for record in records]
    elif arguments.store:
        arguments.store.write_text(origin + "\n")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        for seed in range(arguments.seed + len(compared), arguments.seed + arguments.count):
            trial = compare(seed, Path(name))
            compared.append(trial)
            if arguments.store:
                with arguments.store.open("a") as file:
                    file.write(json.dumps(asdict(trial)) + "\n")
            if not trial.agrees and arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{seed}.cir").write_text(nearly.netlist(seed)[1])
            if seed % 50 == 49:
                failed = sum(not trial.agrees for trial in compared)
                print(f"\r{len(compared)}, {failed} fail", end="", file=sys.stderr, flush=True)
    print(f"\n{time.perf_counter() - start:.0f} s", file=sys.stderr)
    text = report(compared, arguments.seed)
    print(text)
    if arguments.write:
        provenance.write_page("neighbours.md", text, origin)
    return 0 if all(trial.agrees for trial in compared) else 1


if __name__ == "__main__":
    raise SystemExit(main())
