"""Many small maps at once, their gradients, and a training step through the circuit: on one thread and on two.

python validation/maps.py            # prints the table
python validation/maps.py --write    # and writes it to validation/results/maps.md
"""

from __future__ import annotations

import os

# One thread where nothing else is said.
for _variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import time
from collections.abc import Callable

import limits
import numpy as np
import provenance
import torch
from stopwatch import seconds
from torch import nn

import xbarsim
from xbarsim import Crossbar
from xbarsim.nn import CrossbarLayer, convert, preset
from xbarsim.solvers.adjoint import effective_map

COUNT = 128
BATCH = 128
FLOPS = 35.6
"""Operations of a map, over the cube of its lines."""


def arrays(lines: int, count: int, seed: int = 0) -> list[Crossbar]:
    """Return arrays of log-uniform cells with 1 ohm wires and ends, left and bottom."""
    rng = np.random.default_rng([seed, lines])
    ohms = {"word_wire": 1.0, "bit_wire": 1.0, "driver": 1.0, "sense": 1.0}
    return [Crossbar(10.0 ** -rng.uniform(3, 6, (lines, lines)), **ohms) for _ in range(count)]


def waited(work: Callable[[], object], rounds: int = 7) -> float:
    """Return the least seconds on the clock: what two threads are for."""
    work()
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def map_rows(lines: int, count: int) -> list[str]:
    crossbars = arrays(lines, count)
    side_by_side = seconds(lambda: xbarsim.effective_conductances(crossbars, threads=1)) / count
    both = waited(lambda: xbarsim.effective_conductances(crossbars, threads=2)) / count
    single = seconds(lambda: xbarsim.effective_conductance(crossbars[0], threads=1))
    rate = FLOPS * lines**3 / side_by_side / 1e9
    size = f"{lines}x{lines}"
    maps = [
        f"| {size} maps, one call for {count} | {1 / side_by_side:,.0f} a second ({rate:.1f} GF/s) |"
        f" {1 / both:,.0f} a second |",
        f"| {size} maps, a call each | {1 / single:,.0f} a second | |",
    ]
    cotangents = np.random.default_rng(1).normal(size=(count, lines, lines))
    known = xbarsim.effective_maps(crossbars, threads=1)
    slopes = seconds(lambda: known.gradients(cotangents)) / count
    one = effective_map(crossbars[0], threads=1)
    slope = seconds(lambda: one.gradient(cotangents[0]))
    return [
        *maps,
        f"| {size} gradients, one call for {count} | {1e3 * slopes:.3f} ms, {slopes / side_by_side:.2f} maps | |",
        f"| {size} gradients, a call each | {1e3 * slope:.3f} ms, {slope / single:.2f} maps | |",
    ]


def training_step(model: nn.Module, threads: int) -> Callable[[], None]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((BATCH, 784), generator=generator)
    labels = torch.randint(0, 10, (BATCH,), generator=generator)
    descent = torch.optim.SGD(model.parameters(), lr=1e-3)

    def step() -> None:
        os.environ["NUMBA_NUM_THREADS"] = str(threads)
        torch.set_num_threads(threads)
        descent.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        descent.step()

    return step


def training_rows() -> list[str]:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    wired = convert(plain, preset("rram-64")).program(0).train()
    count = sum(len(layer.tiles) for layer in wired.modules() if isinstance(layer, CrossbarLayer))
    torch.set_num_threads(1)
    one, two = seconds(training_step(wired, 1)), waited(training_step(wired, 2))
    torch_alone = seconds(training_step(plain, 1))
    what = f"a training step of the MLP 784-128-10 ({count} arrays, batch {BATCH})"
    return [
        f"| {what} | {1e3 * one:.0f} ms | {1e3 * two:.0f} ms |",
        f"| the same in torch, without arrays | {1e3 * torch_alone:.1f} ms | |",
    ]


def main() -> None:
    arguments = provenance.parser(__doc__).parse_args()
    rows = [
        "| what; 1 ohm wires and ends, verified | one thread, its own seconds | two threads, on the clock |",
        "|---|---|---|",
    ]
    for lines, count in ((16, 8 * COUNT), (32, 4 * COUNT), (64, COUNT), (128, COUNT // 4)):
        rows += map_rows(lines, count)
    rows += training_rows()
    text = "\n".join(rows)
    machine = f"In the same run, one thread: {limits.measured().text()}."
    print(f"{text}\n\n{machine}")
    if arguments.write:
        head = "# Many small maps\n\n`python validation/maps.py --write`: the least of several runs each.\n\n"
        provenance.write_page("maps.md", f"{head}{text}\n\n{machine}")


if __name__ == "__main__":
    main()
