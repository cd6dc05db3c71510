"""Whole processes on crossbar netlists: xbarsim against ngspice, and a million elements.

python validation/netlists.py                 # ngspice from the PATH
python validation/netlists.py --engine DIR    # and ngspice 45 with KLU: DIR is where `npm install eecircuit-engine` ran
python validation/netlists.py --write         # writes validation/results/netlists.md
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import provenance

import xbarsim
from xbarsim import netlist, spice
from xbarsim.analysis.rawfile import read_raw

XBARSIM = [sys.executable, "-m", "xbarsim", "solve", "--format", "json"]


def write(n: int, path: Path) -> None:
    """A crossbar with cells log-uniform 1k..1M and 1 ohm wires and ends."""
    rng = np.random.default_rng(n)
    crossbar = xbarsim.Crossbar(10 ** -rng.uniform(3, 6, (n, n)), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)
    netlist.write(crossbar, rng.uniform(0, 0.5, n), path)


def timed(command: list[str], **options) -> tuple[str, float, int]:
    """Output, seconds and peak resident kilobytes of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed: {text[-500:]}")
    return text, time.perf_counter() - start, usage.ru_maxrss


def currents(record: dict) -> np.ndarray:
    """The sense sources' currents, in column order."""
    amperes = record["analyses"][0]["source_currents"]
    return np.array([amperes[f"vbb{j}"] for j in range(record["cols"])])


def against_klu(folder: Path, repetitions: int) -> str:
    path = folder / "x256.sp"
    write(256, path)
    timed([*XBARSIM, "--netlist", str(path)])
    ratios, ours, theirs, gap = [], [], [], 0.0
    for _ in range(repetitions):
        text, fast, _ = timed([*XBARSIM, "--netlist", str(path)])
        result = spice.run(path, "klu")
        amperes, slow = result.plots[0].source_currents, result.seconds
        mine, klu = currents(json.loads(text)), np.array([amperes[f"vbb{j}"] for j in range(256)])
        gap = max(gap, np.abs(mine - klu).max() / np.abs(klu).max())
        ours.append(fast)
        theirs.append(slow)
        ratios.append(slow / fast)
    return row("256x256 .op, ngspice 45 KLU", ours, theirs, ratios, gap)


def against_ngspice(folder: Path, repetitions: int) -> str:
    path = folder / "x64.sp"
    write(64, path)
    path.write_text(path.read_text().replace("\n.op\n", "\n.dc vwl0 0 0.495 0.005\n"))
    ratios, ours, theirs, gap = [], [], [], 0.0
    raw = folder / "ours.raw"
    ours_command = [*XBARSIM[:-1], "raw", "--netlist", str(path), "--output", str(raw)]
    timed(ours_command)
    for _ in range(repetitions):
        _, fast, _ = timed(ours_command)
        _, slow, _ = timed(["ngspice", "-b", "-r", str(folder / "x64.raw"), str(path)])
        mine, theirs_values = (read_raw(path.read_bytes())[0].values for path in (raw, folder / "x64.raw"))
        for kind in "vi":
            names = [name for name in mine if name.startswith(f"{kind}(") and not name.endswith("-sweep)")]
            largest = max(np.abs(theirs_values[name]).max() for name in names)
            gap = max(gap, *(np.abs(mine[name] - theirs_values[name]).max() / largest for name in names))
        ours.append(fast)
        theirs.append(slow)
        ratios.append(slow / fast)
    return row("64x64 .dc of 100 points, ngspice 39", ours, theirs, ratios, gap)


def scale(folder: Path, n: int) -> str:
    path = folder / f"x{n}.sp"
    write(n, path)
    elements = sum(1 for line in path.open() if line[0] in "rv")
    text, seconds, peak = timed([*XBARSIM, "--netlist", str(path)])
    parts = json.loads(text)["seconds"]
    read, solve = parts["read"], parts["solve"]
    return f"| {n}x{n}, {elements} elements | {seconds:.1f} | {read:.1f} | {solve:.1f} | {peak / 1e6:.2f} |"


def row(case: str, ours: list[float], theirs: list[float], ratios: list[float], gap: float) -> str:
    return (
        f"| {case} | {np.median(ours):.2f} | {np.median(theirs):.1f} | **{np.median(ratios):.1f}** "
        f"({min(ratios):.1f}..{max(ratios):.1f}) | {gap:.1e} |"
    )


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--engine", type=Path, help="folder in which eecircuit-engine is installed")
    options = parser.parse_args()
    table = [
        "# Crossbar netlists, whole processes",
        "",
        "Every node voltage and source current, as JSON to a pipe or, for the sweep, as binary raw files by both; warm",
        "kernel cache, all cores. Made by",
        "`python validation/netlists.py --engine DIR --write`.",
        "",
        "| netlist, other simulator | xbarsim s | other s | times faster | largest difference / largest |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.engine:
            os.environ["XBARSIM_KLU"] = str(options.engine)
            table.append(against_klu(folder, 3))
        if shutil.which("ngspice"):
            table.append(against_ngspice(folder, 3))
        print("\n".join(table), flush=True)
        more = ["", "| netlist | whole process s | read and recognise s | solve s | peak GB |", "|---|---|---|---|---|"]
        more += [scale(folder, n) for n in (512, 578)]
        print("\n".join(more))
    if options.write:
        provenance.write_page("netlists.md", "\n".join(table + more))


if __name__ == "__main__":
    main()
