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
SEEN = 1e-6
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
        known = np.array([values[f"{letter}({name})"][0] for name in names])
        top = np.abs(known).max()
        gap = np.abs(table - known)
        seen = np.abs(known) > SEEN * top
        component = max(component, float((gap[seen] / np.abs(known[seen])).max(initial=0.0)))
        if gap.max() > worst * top:
            worst, where = float(gap.max() / top), f"{letter}({names[int(gap.argmax())]})"
    return Compared(seed, kind, answers.recognised is not None, worst, component, ours.residual, where)


def report(compared: list[Compared], seed: int) -> str:
    """Return what came out, as Markdown."""
    good = [one for one in compared if not one.trouble]
    lines = [
        "# Near-crossbars and 1T1R arrays against ngspice",
        "",
        f"`python validation/neighbours.py --seed {seed} --count {len(compared)}`",
        "",
        "Differences are relative to the largest voltage or current of the analysis; componentwise those of numbers "
        f"above {SEEN:g} of it. ngspice runs at `{nearly.TIGHT}` where there are transistors, at its",
        "defaults elsewhere.",
        "",
        "| | netlists | recognised | within 1e-9 | largest | median | componentwise | largest residual |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, start in (("near-crossbars", "ohmic"), ("1T1R", "1T1R"), ("all", "")):
        some = [one for one in compared if one.kind.startswith(start)]
        fine = [one for one in some if not one.trouble]
        gaps = np.array([one.difference for one in fine])
        lines.append(
            f"| {name} | {len(some)} | {sum(one.recognised for one in some)} | {sum(one.agrees for one in some)} "
            f"| {gaps.max(initial=0):.1e} | {np.median(gaps) if gaps.size else 0:.1e} "
            f"| {max((one.componentwise for one in fine), default=0):.1e} "
            f"| {max((one.residual for one in fine), default=0):.1e} |"
        )
    spoiled = Counter(one.kind.split(",")[0] for one in compared)
    lines += ["", "Drawn: " + "; ".join(f"{count} {kind}" for kind, count in sorted(spoiled.items())) + ".", ""]
    lines += ["| the ten worst | kind | difference | where |", "|---|---|---|---|"]
    for one in sorted(good, key=lambda one: -one.difference)[:10]:
        lines.append(f"| seed {one.seed} | {one.kind} | {one.difference:.1e} | `{one.where}` |")
    failed = [one for one in compared if not one.agrees]
    lines += ["", f"Failures: {len(failed)}."]
    for one in failed[:40]:
        lines += ["", f"- seed {one.seed} ({one.kind}): {one.trouble or f'{one.difference:.1e} at {one.where}'}"]
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
            one = compare(seed, Path(name))
            compared.append(one)
            if arguments.store:
                with arguments.store.open("a") as file:
                    file.write(json.dumps(asdict(one)) + "\n")
            if not one.agrees and arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{seed}.cir").write_text(nearly.netlist(seed)[1])
            if seed % 50 == 49:
                failed = sum(not one.agrees for one in compared)
                print(f"\r{len(compared)}, {failed} fail", end="", file=sys.stderr, flush=True)
    print(f"\n{time.perf_counter() - start:.0f} s", file=sys.stderr)
    text = report(compared, arguments.seed)
    print(text)
    if arguments.write:
        provenance.write_page("neighbours.md", text, origin)
    return 0 if all(one.agrees for one in compared) else 1


if __name__ == "__main__":
    raise SystemExit(main())
