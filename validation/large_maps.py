"""Effective maps and their gradients by size: time, share of what the machine's dgemm does, memory, growth with size.

python validation/large_maps.py                  # 64 to 1024 lines, prints the table
python validation/large_maps.py --sizes 256 2048 # other sizes
python validation/large_maps.py --write          # and writes it to validation/results/large_maps.md

One thread throughout. Times are those of the thread, least of some runs, with a product of matrices by NumPy's BLAS
right beside each. Useful operations of a map are 35.6 n^3, whatever is done.
"""

from __future__ import annotations

import os

# Before NumPy loads its BLAS, which is measured as it comes: with no say on its kernels and sizes.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import provenance

from xbarsim import Crossbar, effective_conductance
from xbarsim.kernels import reduction
from xbarsim.resources import one_blas_thread
from xbarsim.solvers.adjoint import effective_map
from xbarsim.solvers.segments import Segments

USEFUL = 35.6
SIDE = 1024
GRADIENT_MOST = 1024
BUDGET = 6.0


@dataclass(frozen=True)
class Row:
    """What was measured of one size: seconds, operations a second, bytes."""

    size: int
    map: float
    reduction: float
    kept_map: float
    gradient: float
    dgemm: float
    peak: float
    foreseen: float

    @property
    def share(self) -> float:
        """Of dgemm's rate, by the map's useful operations."""
        return USEFUL * self.size**3 / self.map / self.dgemm

    @property
    def reduction_share(self) -> float:
        """The same without the map's verification."""
        return USEFUL * self.size**3 / self.reduction / self.dgemm


def least(work: Callable[[], object], budget: float) -> float:
    """Least thread seconds of some runs, after one that compiles."""
    work()
    times: list[float] = []
    start = time.perf_counter()
    while not times or (len(times) < 30 and time.perf_counter() - start < budget):
        begin = time.thread_time()
        work()
        times.append(time.thread_time() - begin)
    return min(times)


def dgemm_rate() -> float:
    """Operations a second of a product of matrices."""
    rng = np.random.default_rng(0)
    a, b = rng.random((2, SIDE, SIDE))
    out = np.empty((SIDE, SIDE))
    return 2.0 * SIDE**3 / least(lambda: np.matmul(a, b, out=out), 0.5)


def array(size: int) -> Crossbar:
    """Cells log-uniform from 1 kohm to 1 Mohm, wires and ends of 1 ohm, driven left and sensed at the bottom."""
    cells = 10 ** np.random.default_rng(1).uniform(-6, -3, (size, size))
    return Crossbar(cells, word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)


def measured(size: int) -> Row:
    """Measure one size; its memory in a process of its own."""
    crossbar = array(size)
    segments = Segments.of(crossbar)
    couplings = segments.couplings()

    def reduce() -> None:
        with one_blas_thread():
            reduction.Reduction(segments.g, *couplings)

    kept_map = gradient = np.nan
    mapped = least(lambda: effective_conductance(crossbar, threads=1), BUDGET)
    rate = dgemm_rate()
    reduced = least(reduce, BUDGET)
    if size <= GRADIENT_MOST:
        cotangent = np.random.default_rng(2).normal(size=(size, size))
        kept_map = least(lambda: effective_map(crossbar, threads=1), BUDGET)
        effective = effective_map(crossbar, threads=1)
        gradient = least(lambda: effective.gradient(cotangent), BUDGET)
    peak = float(subprocess.check_output([sys.executable, __file__, "--peak", str(size)], text=True))
    foreseen = reduction.memory(size, size, segments.present, keep=False)
    return Row(size, mapped, reduced, kept_map, gradient, rate, peak, foreseen)


def print_peak(size: int) -> None:
    """Print how many bytes a map takes beyond what a small one does."""
    effective_conductance(array(64), threads=1)
    before = _most_memory()
    effective_conductance(array(size), threads=1)
    print(_most_memory() - before)


def _most_memory() -> float:
    """Return the most bytes that this process has had; NaN where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return float("nan")
    return next(1024.0 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def table(rows: list[Row]) -> str:
    """Lay out the page."""
    lines = [
        "# Large maps and gradients",
        "",
        "Square arrays, cells log-uniform 1 kohm to 1 Mohm, 1 ohm wires and ends, driven left, sensed at the bottom.",
        "One thread, thread seconds, least of some runs. Useful operations of a map: 35.6 n^3. dgemm is NumPy's,",
        "1024 x 1024, right beside. A map is verified by an independent solve of one vector; the reduction alone is",
        "without it. The gradient is that of a loss by all cells, after a map that keeps what it needs. Memory is the",
        "process's beyond that of a 64 x 64 map, and what the reduction foresees.",
        "Made by `python validation/large_maps.py --write`.",
        "",
        "| lines | map, ms | of dgemm | reduction, ms | of dgemm | kept map, ms | gradient, ms | both / map "
        "| dgemm, Gflop/s | memory, MB | foreseen, MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        together = (row.kept_map + row.gradient) / row.map
        cells = [
            f"{row.size}", f"{row.map * 1e3:.3g}", f"{row.share:.0%}", f"{row.reduction * 1e3:.3g}",
            f"{row.reduction_share:.0%}", f"{row.kept_map * 1e3:.3g}", f"{row.gradient * 1e3:.3g}", f"{together:.2f}",
            f"{row.dgemm / 1e9:.1f}", f"{row.peak / 1e6:.0f}", f"{row.foreseen / 1e6:.0f}",
        ]  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("nan", "") for cell in cells) + " |")
    if len(rows) > 1:
        size = np.log([row.size for row in rows])
        times = [[row.map for row in rows], [row.reduction for row in rows]]
        slopes = [float(np.polyfit(size, np.log(seconds), 1)[0]) for seconds in times]
        span = f"{rows[0].size} to {rows[-1].size}"
        lines += ["", f"Slope of time against lines, {span}: map {slopes[0]:.2f}, reduction {slopes[1]:.2f}."]
    return "\n".join(lines)


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256, 512, 1024])
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.peak)
        return
    page = table([measured(size) for size in options.sizes])
    print(page)
    if options.write:
        provenance.write_page("large_maps.md", page)


if __name__ == "__main__":
    main()
