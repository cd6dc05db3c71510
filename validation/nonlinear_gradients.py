"""Gradients of output currents through nonlinear cells: what they cost beside a solution, and how exact they are.

python validation/nonlinear_gradients.py                   # all laws, 64 and 128 lines
python validation/nonlinear_gradients.py --sizes 32 64     # some sizes only
python validation/nonlinear_gradients.py --write           # writes validation/results/nonlinear_gradients.md

Cells log-uniform 1k..1M, 1 ohm wires and ends, inputs to 0.5 V; eight vectors, one thread. Times are CPU seconds of the
thread, medians of all turns; in a turn each of the three is run once, so that what else the machine does meets them
alike. Errors are along random directions, against central differences of ``solve``, two of them extrapolated.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import provenance

from xbarsim import Crossbar, Device, Law, Selector, Sinh, Table, Transistor, Yakopcic, adjoint, solve
from xbarsim.solution import Solution

VECTORS = 8
DIRECTIONS = 6
CELL_STEP, VOLT_STEP = 0.02, 2e-3
"""Of the relative changes of cells, which hardly bend the currents, and of volts over 0.1 V."""

SMALLEST = 2e-6
"""Of steps, which are shortened where a cell passes 0 V on the way."""


def quadratic(v: float, g: float, k: float) -> tuple[float, float]:
    return g * v + k * v * abs(v), g + 2.0 * k * abs(v)


WORDS = """\
`python validation/nonlinear_gradients.py --write`

Eight vectors on cells log-uniform 1k to 1M, 1 ohm wires and ends, inputs to 0.5 V, one thread; medians of CPU seconds.
`with gradient` is what a solution and its gradient by all cells and inputs take, over the solution alone; `solved once
more` the same where no voltages are kept. Errors are along random directions of a few numbers or of all, against
central differences, relative to the sum of the magnitudes that are added up.
"""

VOLTS = np.linspace(-1.0, 1.0, 21)

LAWS: dict[str, Device] = {
    "sinh, 0.25 V": Sinh(0.25),
    "sinh, 0.05 V": Sinh(0.05),
    "1S1R, 1 nA, 30 mV": Selector(1e-9, 0.03),
    "Yakopcic": Yakopcic(1e-4, 2e-4, 3.0),
    "table of 21 points": Table(VOLTS, 1e-4 * np.sinh(2.0 * VOLTS)),
    "own law, quadratic": Law(quadratic, k=1e-4),
    "1T1R, gates 1.5 V": Transistor(1.5),
    "1T1R, gates near threshold": Transistor(0.9, lam=0.05),
}


def drawn(n: int, device: Device) -> tuple[Crossbar, np.ndarray, np.ndarray]:
    """Return a circuit, its input vectors, and a cotangent."""
    rng = np.random.default_rng(n)
    crossbar = Crossbar(
        10 ** -rng.uniform(3, 6, (n, n)), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0, device=device
    )
    return crossbar, rng.uniform(0, 0.5, (VECTORS, n)), rng.normal(size=(VECTORS, n))


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def costs(device: Device, n: int, turns: int) -> tuple[float, float, float]:
    """Return seconds of a solution, and what it takes with its gradient in those, kept and solved once more."""
    crossbar, volts, cotangent = drawn(n, device)

    def gradient(keep: bool) -> object:
        return adjoint.output_currents(crossbar, volts, keep=keep, threads=1).gradient(cotangent)

    works = (lambda: solve(crossbar, volts, threads=1), lambda: gradient(True), lambda: gradient(False))
    for work in works:
        work()
    table = np.array([[cpu_seconds(work) for work in works] for _ in range(turns)])
    kept, again = (float(np.median(table[:, k] / table[:, 0])) for k in (1, 2))
    return float(np.median(table[:, 0])), kept, again


def error(device: Device, n: int) -> tuple[float, float]:
    """Return the largest error of the gradient by cells, and by voltages, along random directions.

    Each is relative to the sum of what its direction's numbers contribute, by magnitude: to what is added up.
    """
    crossbar, volts, cotangent = drawn(n, device)
    gradient = adjoint.output_currents(crossbar, volts, threads=1).gradient(cotangent)
    rng = np.random.default_rng(n + 1)

    def moved(part: float, by_cells: np.ndarray, by_volts: np.ndarray) -> Solution:
        cells = crossbar.with_cells(crossbar.conductance * (1.0 + part * by_cells))
        return solve(cells, volts + part * by_volts, fields=True, threads=1)

    def slope(step: float, *direction: np.ndarray) -> tuple[float, bool]:
        """Return a central difference, and whether each cell is on one side of 0 V, where laws may have kinks."""
        ends = [moved(sign * step, *direction) for sign in (1.0, -1.0)]
        losses = [float((cotangent * end.currents).sum()) for end in ends]
        signs = [np.sign(end.device_voltages) for end in ends]
        return (losses[0] - losses[1]) / (2.0 * step), bool((signs[0] == signs[1]).all())

    worst = [0.0, 0.0]
    for turn in range(2 * DIRECTIONS):
        kind = turn % 2
        # Most directions are of a few numbers, so that errors of some are not lost among all.
        share = 1.0 if turn < 2 else 4.0 / n**2 if kind == 0 else 4.0 / n
        by_cells = rng.uniform(-1, 1, (n, n)) * (rng.random((n, n)) < share) * (kind == 0)
        by_volts = 0.1 * rng.uniform(-1, 1, (VECTORS, n)) * (rng.random((VECTORS, n)) < share) * (kind == 1)
        parts = gradient.conductance * crossbar.conductance * by_cells, gradient.voltages * by_volts
        size = sum(float(np.abs(part).sum()) for part in parts)
        if size == 0.0:
            continue
        step, smooth = (VOLT_STEP if kind else CELL_STEP), False
        while not smooth:
            wide, smooth = slope(step, by_cells, by_volts)
            smooth |= step < SMALLEST
            step *= 1.0 if smooth else 0.2
        difference = (4.0 * slope(step / 2, by_cells, by_volts)[0] - wide) / 3.0
        worst[kind] = max(worst[kind], abs(difference - sum(float(part.sum()) for part in parts)) / size)
    return worst[0], worst[1]


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--turns", type=int, default=7)
    arguments = parser.parse_args()
    lines = [
        "| cells | lines | ms a vector, solved | with gradient | solved once more | error by cells | by voltages |",
        "|---|---|---|---|---|---|---|",
    ]
    for n in arguments.sizes:
        for name, device in LAWS.items():
            seconds, kept, again = costs(device, n, arguments.turns)
            by_cells, by_volts = error(device, n)
            lines.append(
                f"| {name} | {n} | {1e3 * seconds / VECTORS:.2f} | {kept:.2f} | {again:.2f} | {by_cells:.1e} | "
                f"{by_volts:.1e} |"
            )
            print(lines[-1], flush=True)
    text = "\n".join(["# Gradients through nonlinear cells", "", WORDS, *lines]) + "\n"
    print(text)
    if arguments.write:
        provenance.write_page("nonlinear_gradients.md", text)


if __name__ == "__main__":
    main()
