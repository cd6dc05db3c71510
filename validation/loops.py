"""Closed loops against the general solver on the same netlist and ngspice, and what they cost.

python validation/loops.py            # prints it
python validation/loops.py --write    # to validation/results/loops.md

Inverse, pseudo-inverse and eigenvector circuits with wires of 2 ohm a segment, line ends of 1 ohm and amplifiers of
finite gain, input and output resistance and offset. Errors are the largest difference of any node's voltage, relative
to the largest voltage. Seconds are the processor's, on one thread: ours without the import, ngspice's of its whole
process; medians of one run of this command, of 64 lines one run of ngspice.
"""

from __future__ import annotations

import os
import resource

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import provenance

from xbarsim import Crossbar, spice
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.loop import (
    Amplifier,
    ClosedLoop,
    SignedPair,
    eigenvector,
    pseudo_inverse,
    solve_inverse,
    split_errors,
    write_loop,
)
from xbarsim.netlist import read

UNIT = 1e-4
WIRES = {"word_wire": 2.0, "bit_wire": 2.0, "driver": 1.0, "sense": 1.0}
AMPLIFIER = Amplifier(gain=1e5, input_resistance=1e6, output_resistance=50.0, offset=1e-4, bandwidth=1e6)
LINES = (4, 8, 16, 32, 64)
KINDS = ("inverse", "signed inverse", "pseudo-inverse", "eigenvector")
RUNS, NGSPICE_RUNS = 9, 3
LONG = 64
"""Lines from which on ngspice runs once, but for the inverse circuit."""


def dominant(rng: np.random.Generator, lines: int, low: float) -> np.ndarray:
    return rng.uniform(low, 1.0, (lines, lines)) / lines + np.diag(rng.uniform(1.0, 2.0, lines))


def work_of(kind: str, lines: int) -> Callable[[], ClosedLoop]:
    rng = np.random.default_rng(lines)
    b = rng.uniform(-0.1, 0.1, lines)
    options = {"unit": UNIT, "amplifier": AMPLIFIER}
    if kind == "inverse":
        array = Crossbar(dominant(rng, lines, 0.0) * UNIT, **WIRES)
        return lambda: solve_inverse(array, b, **options).circuit
    if kind == "signed inverse":
        pair = SignedPair.of(dominant(rng, lines, -1.0), UNIT, **WIRES)
        return lambda: solve_inverse(pair, b, **options).circuit
    if kind == "pseudo-inverse":
        tall = Crossbar(rng.uniform(0.0, 1.0, (lines, lines // 2)) * UNIT, **WIRES)
        return lambda: pseudo_inverse(tall, b, **options).circuit
    square = Crossbar(rng.uniform(0.0, 1.0, (lines, lines)) * UNIT, **WIRES)
    return lambda: eigenvector(square, **options).circuit


def median(work: Callable[[], object], runs: int) -> float:
    work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.median(times))


def difference(closed: ClosedLoop, voltages: dict[str, float]) -> float:
    ours = closed.node_voltages()
    largest = max(abs(float(volts)) for volts in ours.values())
    return max(abs(voltages[node.lower()] - float(volts)) for node, volts in ours.items()) / largest


def processor_seconds() -> float:
    """Return what processes that have ended took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def written(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"


def row(kind: str, lines: int, folder: Path) -> str:
    work = work_of(kind, lines)
    closed = work()
    path = folder / "loop.sp"
    write_loop(closed.loop, path)
    circuit = read(path)
    (general,) = simulate(circuit)
    against = difference(closed, dict(zip(general.nodes, general.voltages[0], strict=True)))
    found = recognised_for(circuit, False)
    (parts,) = simulate(circuit, found)
    inside = np.abs(parts.voltages - general.voltages).max() / np.abs(general.voltages).max() if parts.inside else None
    ours = median(work, RUNS)
    solver = median(lambda: simulate(circuit), 3)
    netlist = median(lambda: simulate(circuit, found), 3) if parts.inside else None
    runs, times = [], []
    for _ in range(1 if lines >= LONG and kind != "inverse" else NGSPICE_RUNS):
        start = processor_seconds()
        runs.append(spice.run(path, timeout=3600.0))
        times.append(processor_seconds() - start)
    theirs = difference(closed, runs[0].plots[0].node_voltages)
    seconds = float(np.median(times))
    found_ms = None if netlist is None else 1e3 * netlist
    cells = [
        kind, str(lines), f"{closed.residual:.0e}", f"{against:.0e}", written(inside, ".0e"), f"{theirs:.0e}",
        f"{1e3 * ours:.1f}", written(found_ms, ".0f"), f"{1e3 * solver:.0f}", f"{seconds:.2f}",
        f"{seconds / ours:.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def causes(lines: int) -> str:
    """What cells off by 2 %, wires, and amplifiers do to an inverse circuit's answer."""
    rng = np.random.default_rng(lines)
    A, b = dominant(rng, lines, 0.0), rng.uniform(-0.1, 0.1, (20, lines))
    array = Crossbar(A * UNIT * (1.0 + 0.02 * rng.standard_normal(A.shape)), **WIRES)
    split = split_errors(
        lambda cells, amplifier: solve_inverse(cells, b, unit=UNIT, amplifier=amplifier),
        array, target=Crossbar(A * UNIT), amplifier=AMPLIFIER,
    )  # fmt: skip
    return f"| {lines} | {' | '.join(f'{100 * share:.2f}' for share in split.relative().values())} |"


def settles(lines: int) -> str:
    closed = work_of("inverse", lines)()
    stability = closed.stability
    seconds = float(stability.settling_time(1e-3)[0])
    return f"| {lines} | {1e6 * stability.time_constant:.2f} | {1e6 * seconds:.2f} |"


def batch() -> float:
    """Milliseconds a vector of 100 right-hand sides, 64 lines."""
    rng = np.random.default_rng(1)
    array = Crossbar(dominant(rng, 64, 0.0) * UNIT, **WIRES)
    b = rng.uniform(-0.1, 0.1, (100, 64))
    return 10.0 * median(lambda: solve_inverse(array, b, unit=UNIT, amplifier=AMPLIFIER), 3)


def main() -> None:
    arguments = provenance.parser(__doc__).parse_args()
    rows = [
        "| circuit | lines | bound | general solver | array inside | ngspice 39 | ms | netlist, ms | general, ms "
        "| ngspice, s | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            for lines in LINES:
                rows.append(row(kind, lines, Path(folder)))
                print(rows[-1], flush=True)
    splits = ["| lines | cells | wires | amplifiers | together |", "|---|---|---|---|---|", *map(causes, LINES)]
    times = ["| lines | time constant, us | to 0.1 %, us |", "|---|---|---|", *map(settles, LINES)]
    text = "\n".join(
        [
            "# Closed loops", "", "`python validation/loops.py --write`", "",
            "Wires of 2 ohm a segment, ends of 1 ohm, cells of 1e-4 S for 1; amplifiers of gain 1e5, 1 Mohm, 50 ohm,",
            "0.1 mV, 1 MHz. `bound` is what `ClosedLoop.residual` says; then come the largest differences of a voltage",
            "from the general solver on the same netlist, of that netlist with its array found inside from the same",
            "(arrays of 64 cells and more), and of ours from ngspice, each relative to the largest voltage. `ms` is a",
            "call's processor time, the array's reduction and the poles with it; `netlist` and `general` are without",
            "reading and recognition; `ratio` is ngspice's process over `ms`. A pseudo-inverse has half as many bit",
            "lines.",
            "",
            *rows, "",
            f"100 right-hand sides of an inverse circuit of 64 lines take {batch():.2f} ms each.", "",
            "What moves an inverse circuit's answer, % of its norm, cells off by 2 %, 20 right-hand sides:", "",
            *splits, "",
            "How long it takes to settle:", "", *times, "",
        ]
    )  # fmt: skip
    print(text)
    if arguments.write:
        provenance.write_page("loops.md", text)


if __name__ == "__main__":
    main()
