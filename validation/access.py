"""1T1R arrays as they are drawn, solved along their lines: against the leak-free cell, and against the general solver.

    python validation/access.py                  # 64, 128 and 256 lines; 600 random small arrays
    python validation/access.py --write          # and writes validation/results/access.md

Processor seconds of one thread, without reading and recognition: medians of seven, both circuits in turn.
"""

from __future__ import annotations

import io
import os
import time

for library in ("OPENBLAS", "OMP", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import nearly
import numpy as np
import provenance

from xbarsim import netlist
from xbarsim.analysis import simulate
from xbarsim.analysis.results import AnalysisResult
from xbarsim.netlist import Circuit, Recognition

DRAWN = "vto=0.5 kp=120u gamma=0.4 phi=0.65 lambda=0.02", ""
FREE = "vto=0.5 kp=120u lambda=0.02 is=1e-30", ".options gmin=1e-20"


def deck(lines: int, card: str, options: str) -> str:
    """Return an array of 1 kohm to 1 Mohm with wires and ends of 1 ohm, a quarter of its rows cut off."""
    rng = np.random.default_rng(lines)
    text = ["1T1R"]
    for i in range(lines):
        text += [f"vin{i} in{i} 0 {rng.uniform(0, 0.5):.17g}", f"rd{i} in{i} w{i}_0 1"]
        text += [f"vg{i} g{i} 0 {(1.8, 2.5, 3.0, 0.0)[i % 4]}", f"rs{i} b{lines - 1}_{i} o{i} 1", f"vo{i} o{i} 0 0"]
        text += [f"rw{i}_{j} w{i}_{j} w{i}_{j + 1} 1" for j in range(lines - 1)]
        text += [f"rb{j}_{i} b{j}_{i} b{j + 1}_{i} 1" for j in range(lines - 1)]
    for i, j in np.ndindex(lines, lines):
        text.append(f"rm{i}_{j} w{i}_{j} x{i}_{j} {10 ** rng.uniform(3, 6):.17g}")
        text.append(f"m{i}_{j} x{i}_{j} g{i} b{i}_{j} 0 acc w=10u l=1u")
    return "\n".join([*text, f".model acc nmos({card})", options, ".op", ".end", ""])


def read(text: str) -> tuple[Circuit, Recognition]:
    circuit = netlist.read(io.StringIO(text))
    return circuit, circuit.recognise()


def timed(circuit: Circuit, recognition: Recognition | None) -> tuple[float, AnalysisResult]:
    start = time.process_time()
    (result,) = simulate.simulate(circuit, recognition)
    return time.process_time() - start, result


def difference(ours: AnalysisResult, theirs: AnalysisResult) -> float:
    """Return the largest difference of a voltage or a current, of the largest of each."""
    pairs = (ours.voltages, theirs.voltages), (ours.currents, theirs.currents)
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def row(lines: int) -> str:
    free, drawn = read(deck(lines, *FREE)), read(deck(lines, *DRAWN))
    timed(*free)
    _, ours = timed(*drawn)
    seconds = np.median([[timed(*free)[0], timed(*drawn)[0]] for _ in range(7)], axis=0)
    general, theirs = timed(drawn[0], None)
    return (
        f"| {lines} x {lines} | {1e3 * seconds[0]:.1f} ms | {1e3 * seconds[1]:.1f} ms, {ours.how} "
        f"| {seconds[1] / seconds[0]:.1f} | {general:.2f} s | {difference(ours, theirs):.1e} |"
    )


def random(first: int, count: int) -> str:
    """Compare random small arrays with the general solver, and say how many were solved along their lines."""
    recognised = along = 0
    worst = 0.0
    for seed in range(first | 1, first + 2 * count, 2):
        circuit, recognition = read(nearly.netlist(seed)[1])
        if recognition.crossbar is None or recognition.left_out is None:
            continue
        recognised += 1
        _, ours = timed(circuit, recognition)
        if ours.how.startswith("newton"):
            along += 1
            worst = max(worst, difference(ours, timed(circuit, None)[1]))
    return (
        f"{count} random netlists of 1T1R arrays (seeds {first | 1} to {first + 2 * count - 1} of "
        f"`validation/nearly.py`): {recognised} recognised with leaks or more, {along} of them solved along their "
        f"lines, at most {worst:.1e} from the general solver; the others have resistances at their transistors' ends, "
        "or do not settle."
    )


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--first", type=int, default=500_000)
    arguments = parser.parse_args()
    text = "\n".join(
        [
            "| 1T1R | without leaks | body effect, default gmin and IS | times | general solver | difference |",
            "|---|---|---|---|---|---|",
            *(row(lines) for lines in arguments.sizes),
            "",
            random(arguments.first, arguments.count),
        ]
    )
    print(text)
    if arguments.write:
        head = "# 1T1R arrays as they are drawn, along their lines\n\n`python validation/access.py`\n\n"
        head += "Processor seconds of one thread, reading and recognition left out; differences are relative to the\n"
        head += "largest voltage or current.\n\n"
        provenance.write_page("access.md", head + text)


if __name__ == "__main__":
    main()
