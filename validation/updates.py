"""Speed and error of maps that follow writes, against a new map in the same run; fresh cells each time, medians.

python validation/updates.py            # prints the tables
python validation/updates.py --write    # and writes them to validation/results/updates.md
"""

from __future__ import annotations

import os

for _variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import sys
import time

import numpy as np
import provenance

import xbarsim

SIZES = (64, 128, 256)
COUNTS = (1, 4, 16, 64)
REPETITIONS = 15
FAULTS = 512


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return 10 ** rng.uniform(-6, -3, shape)


def timed(work, *arguments):
    """The work's result, and the processor's milliseconds in this thread."""
    start = time.thread_time()
    result = work(*arguments)
    return result, (time.thread_time() - start) * 1e3


def written(array: xbarsim.Updatable, rows, cols, siemens) -> np.ndarray:
    array.update(rows, cols, siemens)
    return array.effective_conductance()


def array_of(rng: np.random.Generator, n: int) -> xbarsim.Updatable:
    crossbar = xbarsim.Crossbar(drawn(rng, n, n), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)
    return xbarsim.Updatable(crossbar, threads=1)


def map_rows(n: int) -> list[str]:
    rng = np.random.default_rng(n)
    array = array_of(rng, n)
    array.effective_conductance()
    before = array.crossbar.conductance
    rows = []
    for count in COUNTS:
        first, again, new, errors = [], [], [], []
        for repetition in range(REPETITIONS + 1):
            cells = np.divmod(rng.choice(n * n, count, replace=False), n)
            _, cold = timed(written, array, *cells, drawn(rng, count))
            siemens = drawn(rng, count)
            if count >= 4:
                siemens[:2] = 0.0, 1.0  # one opens, one is shorted
            followed, warm = timed(written, array, *cells, siemens)
            known, whole = timed(lambda: xbarsim.effective_conductance(array.crossbar, threads=1))
            errors.append(np.abs(followed - known).max() / known.max())
            if repetition:  # the first compiles, or loads what is compiled
                first.append(cold)
                again.append(warm)
                new.append(whole)
            array.update(*cells, before[cells])
        assert array.refreshed == 1
        cold, warm, whole = (float(np.median(times)) for times in (first, again, new))
        rows.append(
            f"| {n} | {count} | {whole:.3g} | {cold:.3g} | **{whole / cold:.0f}** "
            f"| {warm:.3g} | **{whole / warm:.0f}** | {max(errors):.1e} |"
        )
        print(rows[-1], flush=True)
    return rows


def other_rows(n: int) -> list[str]:
    """A first reduction, pulses to one cell after the other with a look after each, and a sweep of single faults."""
    rng = np.random.default_rng([n, 1])
    array = array_of(rng, n)
    _, refresh = timed(array.effective_conductance)
    _, refresh = timed(array_of(rng, n).effective_conductance)
    _, whole = timed(lambda: xbarsim.effective_conductance(array.crossbar, threads=1))
    pulses, looks = 4, 0.0
    cells = np.divmod(rng.choice(n * n, 200, replace=False), n)
    for i, j in zip(*cells, strict=True):
        for _ in range(pulses):
            _, taken = timed(written, array, int(i), int(j), drawn(rng))
            looks += taken / (pulses * cells[0].size)
    reduced = array.refreshed
    array = array_of(rng, n)
    array.effective_conductance()
    faults = np.divmod(rng.choice(n * n, FAULTS, replace=False), n)
    effects, swept = timed(array.effects, *faults, 0.0)
    before = array.effective_conductance()
    errors = []
    for k in range(8):
        conductance = array.crossbar.conductance.copy()
        conductance[faults[0][k], faults[1][k]] = 0.0
        after = xbarsim.effective_conductance(array.crossbar.with_cells(conductance))
        errors.append(abs(effects[k] - np.linalg.norm(after - before) / np.linalg.norm(before)))
    row = (
        f"| {n} | {whole:.3g} | {refresh:.3g} | {looks:.3g} ({reduced} reductions) | **{whole / looks:.0f}** "
        f"| {swept / FAULTS:.3g} | **{whole * FAULTS / swept:.0f}** | {max(errors):.1e} |"
    )
    print(row, flush=True)
    return [row]


def main() -> None:
    text = [
        "One thread, milliseconds of its processor time; cells log-uniform 1 uS to 1 mS, wires and ends 1 ohm. Cells "
        "are written at random places; from four on one of them is opened and one shorted (1 S). Errors are against "
        "the new map, of its largest entry.",
        "",
        "| lines | cells | new map | first write | times faster | written again | times faster | worst error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for n in SIZES:
        text += map_rows(n)
    text += [
        "",
        "Pulses: 200 cells one after the other, four pulses each, the map after every pulse, with the new reductions "
        f"that the rule asks for. Faults: what each of {FAULTS} cells, alone open, does to the map "
        "(`Updatable.effects`).",
        "",
        "| lines | new map | first reduction | a pulse | times faster | a fault | times faster | worst error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for n in SIZES:
        text += other_rows(n)
    if "--write" in sys.argv[1:]:
        provenance.write_page("updates.md", "# Maps that follow writes\n\n" + "\n".join(text) + "\n")


if __name__ == "__main__":
    main()
