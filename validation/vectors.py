"""One vector: time, iterations and traffic of conjugate gradients against the array's size, for four cell laws.

python validation/vectors.py                    # sizes 64 to 1,024
python validation/vectors.py --quick            # up to 256
python validation/vectors.py --write            # to validation/results/vectors.md
"""

from __future__ import annotations

import os

for _variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import provenance

import xbarsim
from xbarsim.kernels.line_solver import Gradients, Lines
from xbarsim.solvers.linear import CG_TOLERANCE
from xbarsim.solvers.segments import Segments

Array = np.ndarray

LAWS: dict[str, tuple[float, Callable[[np.random.Generator, int], Array]]] = {
    "log-uniform 1k..1M, 1 ohm": (1.0, lambda rng, n: 10 ** -rng.uniform(3, 6, (n, n))),
    "uniform 1e-6..1e-3 S, 1 ohm": (1.0, lambda rng, n: rng.uniform(1e-6, 1e-3, (n, n))),
    "all 1 kohm, 2 ohm": (2.0, lambda rng, n: np.full((n, n), 1e-3)),
    "uniform, half of them open, 1 ohm": (
        1.0,
        lambda rng, n: np.where(rng.random((n, n)) < 0.5, 0.0, rng.uniform(1e-6, 1e-3, (n, n))),
    ),
}
"""Ohms of the wires and ends, and the cells."""

SIZES = (64, 128, 256, 512, 1024)
QUICK = 256
FIRST, LAST = 1, 4
"""An iteration's time is a difference: of solves that are stopped after so many."""

WITH_GRID = 19
WITHOUT_GRID = 18
MORE_FOR_UNEVEN_WIRES = 3
"""Doubles that an iteration reads and writes for a cell, counted in the passes of ``schur._descend``.

On the way down: r, g, lw, lb and, written, z, w; without a coarse grid z, g, lb and w. On the way up: w, lb, g, u's
z, q, p, x, r, lw and, written, q, p, x, r; without a coarse grid z as well. Wires of different ohms have dividers k.
"""


def triad() -> float:
    """GB/s of ``a = b + s c`` from memory."""
    a, b, c = np.zeros((3, 16_000_000))
    best = np.inf
    for _ in range(5):
        start = time.thread_time()
        np.multiply(c, 3.0, out=a)
        np.add(a, b, out=a)
        best = min(best, time.thread_time() - start)
    return 5 * a.nbytes / best / 1e9


def smallest(work: Callable[[], object], seconds: float = 0.5) -> float:
    """Seconds of the fastest of some runs."""
    work()
    best, began = np.inf, time.perf_counter()
    while time.perf_counter() - began < seconds:
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return best


def shared(crossbar: xbarsim.Crossbar, volts: Array, seconds: float = 2.0) -> tuple[float, float]:
    """Seconds on the clock with one thread and with two, medians of runs in turn."""
    times: dict[int, list[float]] = {1: [], 2: []}
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or len(times[2]) < 5:
        for threads, of in times.items():
            start = time.perf_counter()
            xbarsim.solve(crossbar, volts, method="schur", threads=threads)
            of.append(time.perf_counter() - start)
    return median(times[1]), median(times[2])


def row(law: str, n: int, memory: float) -> tuple[str, float]:
    ohms, draw = LAWS[law]
    rng = np.random.default_rng(n)
    g = draw(rng, n)
    crossbar = xbarsim.Crossbar(g, word_wire=ohms, bit_wire=ohms, driver=1.0, sense=1.0)
    volts = rng.uniform(0, 1, n)
    solution = xbarsim.solve(crossbar, volts, method="schur", threads=1)
    halved = "not halved"
    if Lines(n, n).halved:
        one, two = shared(crossbar, volts)
        halved = f"{two * 1e3:.3g} ({one / two:.2f})"
    whole = smallest(lambda: xbarsim.solve(crossbar, volts, method="schur", threads=1))
    segments = Segments.of(crossbar)
    lines, gradients = Lines(n, n), Gradients(n, n)
    lines.factor(segments.g, segments.word, segments.bit)
    zeros, (v, u) = np.zeros(n), np.empty((2, n, n))

    def halted(limit: int) -> None:
        gradients.solve(lines, volts, zeros, zeros, zeros, CG_TOLERANCE, 0.0, limit, v, u)

    step = (smallest(lambda: halted(LAST)) - smallest(lambda: halted(FIRST))) / (LAST - FIRST)
    grid = lines.grid.xs.size > 0
    numbers = (WITH_GRID if grid else WITHOUT_GRID) + (MORE_FOR_UNEVEN_WIRES if lines.kw.ndim == 3 else 0)
    rate = 8.0 * numbers * n * n / step / 1e9
    coarse = f"{lines.grid.ys.size}x{lines.grid.xs.size}" if grid else "none"
    return (
        f"| {law} | {n} | {whole * 1e3:.3g} | {solution.iterations} | {coarse} | {8 * numbers} "
        f"| {step / n / n * 1e9:.2f} | {rate:.0f} | {rate / memory:.0%} | {halved} | {solution.residual:.0e} |"
    ), whole


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only sizes up to {QUICK}")
    options = parser.parse_args()
    memory = triad()
    table = [
        "# One vector",
        "",
        "`xbarsim.solve(crossbar, volts, method='schur', threads=1)`, all node voltages, seconds of the thread's CPU,",
        f"the fastest of many. Triad from memory, in the same run: {memory:.1f} GB/s. Bytes are counted: what an",
        "iteration reads and writes, in doubles; small arrays have them nearer than memory. Made by",
        "`python validation/vectors.py --write`.",
        "",
        "| cells, wires | lines | ms | iterations | coarse grid | bytes a cell and iteration | ns a cell and iteration "
        "| GB/s | of triad | two threads: ms on the clock (times as fast as one) | residual |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(table))
    slopes = []
    for law in LAWS:
        seconds = {}
        for n in SIZES:
            if options.quick and n > QUICK:
                continue
            line, seconds[n] = row(law, n, memory)
            table.append(line)
            print(line, flush=True)
        largest = max(seconds)
        slope = np.log(seconds[largest] / seconds[128]) / np.log(largest / 128)
        slopes.append(f"{law}: time grows with lines to the power {slope:.2f} from 128 to {largest}.")
    table += ["", *slopes]
    print("\n".join(slopes))
    if options.write:
        provenance.write_page("vectors.md", "\n".join(table))


if __name__ == "__main__":
    main()
