"""Nonlinear cells: speed against ngspice 45 with KLU, many vectors, and steep laws.

python validation/nonlinear.py                 # what needs no other simulator
python validation/nonlinear.py --engine DIR    # and ngspice 45 with KLU; in DIR ran `npm install eecircuit-engine`
python validation/nonlinear.py --write         # writes validation/results/nonlinear.md
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import provenance

import xbarsim
from xbarsim import Crossbar, Selector, Sinh, Transistor, Yakopcic, netlist
from xbarsim.resources import thread_count

OPTIONS = ".options reltol=1e-9 abstol=1e-16 vntol=1e-11\n"


def drawn(n: int, device: xbarsim.Device, seed: int = 0) -> tuple[Crossbar, np.ndarray]:
    """Cells log-uniform 1k..1M, 1 ohm wires and ends, inputs to 0.5 V."""
    rng = np.random.default_rng(seed + n)
    g = 10 ** -rng.uniform(3, 6, (n, n))
    return Crossbar(g, word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0, device=device), rng.uniform(0, 0.5, n)


def median_seconds(crossbar: Crossbar, voltages: np.ndarray, repetitions: int, **options) -> float:
    xbarsim.solve(crossbar, voltages, **options)
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        xbarsim.solve(crossbar, voltages, **options)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def against_klu(folder: Path, n: int) -> str:
    """One vector in both, on the netlist that ``netlist.write`` gives."""
    from xbarsim import spice

    crossbar, voltages = drawn(n, Sinh(0.25))
    path = folder / "sinh.sp"
    netlist.write(crossbar, voltages, path)
    text = path.read_text().replace("\n.op\n", f"\n{OPTIONS}.op\n")
    theirs = spice.run(text, engine="klu", timeout=3000.0)
    ours = median_seconds(crossbar, voltages, 15, threads=1)
    solution = xbarsim.solve(crossbar, voltages, threads=1)
    amperes = theirs.plots[0].source_currents
    currents = np.array([float(np.asarray(amperes[f"vbb{j}"]).ravel()[0]) for j in range(n)])
    gap = np.abs(currents - solution.currents).max() / np.abs(solution.currents).max()
    return (
        f"| sinh {n}x{n}, one vector, one thread | {1e3 * ours:.1f} ms, residual {solution.residual:.0e} | "
        f"{theirs.seconds:.1f} s ({theirs.version}, whole process) | {theirs.seconds / ours:,.0f} | {gap:.1e} |"
    )


def speed_rows() -> list[str]:
    rows = []
    crossbar, _ = drawn(64, Sinh(0.25))
    vectors = np.random.default_rng(1).uniform(0, 0.5, (1000, 64))
    seconds_each = median_seconds(crossbar, vectors, 3) / 1000
    rows.append(f"| sinh 64x64, 1,000 vectors, {thread_count()} threads | {1e3 * seconds_each:.2f} ms a vector | | | |")
    gates = np.where(np.arange(64) % 4, 1.5, 0.0)[:, None]
    for name, device in (
        ("1T1R 64x64, all gates 1.5 V", Transistor(1.5, lam=0.05)),
        ("1T1R 64x64, gates near threshold: saturated", Transistor(0.6, lam=0.05)),
        ("1T1R 64x64, a quarter of the rows cut off", Transistor(gates)),
        ("1S1R 64x64", Selector(1e-8, 0.05)),
    ):
        seconds = median_seconds(*drawn(64, device), 15, threads=1)
        rows.append(f"| {name}, one vector, one thread | {1e3 * seconds:.1f} ms | | | |")
    return rows


def steep_rows(count: int) -> list[str]:
    """Laws as steep as e-fold a millivolt, cells over ten decades, wires 0.1 to 100 ohm: what came of them."""
    solved, steps, worst, failed = 0, [], 0.0, []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        rows, cols = rng.integers(1, 65, 2)
        v0 = 10 ** rng.uniform(-3, -0.6)
        law = (Sinh(v0), Selector(10 ** -rng.uniform(6, 12), v0), Yakopcic(1.0, 3.0, 1 / v0))[seed % 3]
        ohms = 10 ** rng.uniform(-1, 2, 4)
        crossbar = Crossbar(
            10 ** -rng.uniform(1, 11, (rows, cols)),
            word_wire=ohms[0], bit_wire=ohms[1], driver=ohms[2], sense=ohms[3], device=law,
        )  # fmt: skip
        try:
            solution = xbarsim.solve(crossbar, rng.uniform(-1, 1, rows))
        except xbarsim.errors.ConvergenceError as error:
            failed.append(str(error))
            continue
        solved += 1
        steps.append(solution.iterations)
        worst = max(worst, solution.residual)
    return [
        f"{count} arrays of 1x1 to 64x64, laws e-fold over 1 to 250 mV at up to 1 V (sinh, 1S1R, Yakopcic), cells over "
        f"ten decades, wires and ends 0.1 to 100 ohm: {solved} solved, {len(failed)} reported as not converged; "
        f"Newton steps {np.median(steps):.0f} (at most {max(steps)}), largest residual {worst:.1e}.",
        *failed,
    ]


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--engine", metavar="DIR")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steep", type=int, default=600)
    arguments = parser.parse_args()
    rows = [
        "| case | xbarsim | ngspice | ratio | largest difference of a current, of the largest |",
        "|---|---|---|---|---|",
    ]
    if arguments.engine:
        os.environ["XBARSIM_KLU"] = arguments.engine
        with tempfile.TemporaryDirectory() as folder:
            rows.append(against_klu(Path(folder), arguments.size))
    rows += speed_rows()
    text = "\n".join([*rows, "", *steep_rows(arguments.steep)])
    print(text)
    if arguments.write:
        head = f"# Nonlinear cells\n\n`python validation/nonlinear.py {' '.join(sys.argv[1:])}`\n\n"
        head = head.replace(str(arguments.engine), "DIR")
        provenance.write_page("nonlinear.md", head + text)


if __name__ == "__main__":
    main()
