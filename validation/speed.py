"""Speed of one vector and of the effective map against scipy's SuperLU: fresh data each repetition, medians.

python validation/speed.py            # prints the table
python validation/speed.py --write    # and writes it to validation/results/speed.md
"""

from __future__ import annotations

import os

for _variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import subprocess
import sys
import time

import numpy as np
import provenance
import scipy
import splu

import xbarsim

CELLS = {
    "log-uniform 1k..1M": lambda rng, n: 10 ** -rng.uniform(3, 6, (n, n)),
    "uniform 1e-6..1e-3 S": lambda rng, n: rng.uniform(1e-6, 1e-3, (n, n)),
}


def draw(rng: np.random.Generator, cells: str, n: int) -> tuple[xbarsim.Crossbar, np.ndarray]:
    crossbar = xbarsim.Crossbar(CELLS[cells](rng, n), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)
    return crossbar, rng.uniform(0, 1, n)


def timed(work, *arguments):
    start = time.perf_counter()
    result = work(*arguments)
    return result, time.perf_counter() - start


def vector_row(n: int, cells: str, repetitions: int) -> str:
    rng = np.random.default_rng(n)
    xbarsim.solve(*draw(rng, cells, n))
    ours, theirs, ratios, errors = [], [], [], []
    for _ in range(repetitions):
        crossbar, voltages = draw(rng, cells, n)
        exact, slow = timed(splu.currents, crossbar, voltages)
        # One solve is short next to the clock's noise: each repetition takes the median of five on its data.
        runs = [timed(xbarsim.solve, crossbar, voltages) for _ in range(5)]
        fast = float(np.median([seconds for _, seconds in runs]))
        ours.append(fast)
        theirs.append(slow)
        ratios.append(slow / fast)
        errors.append(np.abs(runs[0][0].currents / exact - 1).max())
    return line(f"one vector {n}x{n}", cells, ours, theirs, ratios, errors)


def map_row(n: int, cells: str, repetitions: int) -> str:
    rng = np.random.default_rng(n)
    xbarsim.effective_conductance(draw(rng, cells, n)[0])
    ours, theirs, ratios, errors = [], [], [], []
    for _ in range(repetitions):
        crossbar, _ = draw(rng, cells, n)
        exact, slow = timed(splu.effective_map, crossbar)
        runs = [timed(xbarsim.effective_conductance, crossbar) for _ in range(3)]
        fast = float(np.median([seconds for _, seconds in runs]))
        ours.append(fast)
        theirs.append(slow)
        ratios.append(slow / fast)
        errors.append(np.abs(runs[0][0] / exact - 1).max())
    return line(f"effective map {n}x{n}", cells, ours, theirs, ratios, errors)


def line(case: str, cells: str, ours, theirs, ratios, errors) -> str:
    return (
        f"| {case} | {cells} | {np.median(ours) * 1e3:.3g} | {np.median(theirs) * 1e3:.4g} "
        f"| **{np.median(ratios):.0f}** ({min(ratios):.0f}..{max(ratios):.0f}) | {max(errors):.1e} |"
    )


def peak_memory() -> str:
    """Peak resident memory of a process that computes one 512x512 map, and of one that only imports."""
    program = (
        "import numpy as np, xbarsim, sys\n"
        "xbarsim.solve(xbarsim.Crossbar([[1e-3]]), [1.0])\n"
        "c = xbarsim.Crossbar(np.random.default_rng(0).uniform(1e-6, 1e-3, (512, 512)), word_wire=1, bit_wire=1, "
        "driver=1, sense=1)\n"
        "if len(sys.argv) > 1: xbarsim.effective_conductance(c)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )
    peaks = [
        int(subprocess.run([sys.executable, "-c", program, *more], capture_output=True, check=True).stdout)
        for more in ((), ("map",))
    ]
    return (
        f"effective map 512x512: peak resident memory {peaks[1] / 1e3:.0f} MB, "
        f"of which {peaks[0] / 1e3:.0f} MB before it"
    )


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--quick", action="store_true", help="only the sizes up to 128")
    options = parser.parse_args()
    table = [
        f"# Speed against SuperLU (scipy {scipy.__version__})",
        "",
        "One thread each, 1 ohm wires and ends, warm cache; SuperLU in symmetric mode with MMD ordering, assembly",
        "included. Ratios are medians of ratios taken in one run (smallest..largest). Made by",
        "`python validation/speed.py --write`.",
        "",
        "| what | cells | xbarsim ms | SuperLU ms | times faster | largest relative difference, componentwise |",
        "|---|---|---|---|---|---|",
    ]
    jobs = [(vector_row, 64, 15), (vector_row, 128, 9), (map_row, 64, 5), (map_row, 128, 5)]
    if not options.quick:
        jobs += [(vector_row, 256, 5), (vector_row, 512, 3), (map_row, 256, 3)]
    for row, n, repetitions in jobs:
        for cells in CELLS:
            table.append(row(n, cells, repetitions))
            print(table[-1], flush=True)
    table += ["", peak_memory() + "."]
    print(table[-1])
    if options.write:
        provenance.write_page("speed.md", "\n".join(table))


if __name__ == "__main__":
    main()
