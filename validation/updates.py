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
from contextlib import nullcontext
from unittest import mock

import numpy as np
import provenance

import xbarsim
from xbarsim.nonideal import WriteVerify, writeverify
from xbarsim.nonideal.writeverify import PulsedCells

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


def looks(array: xbarsim.Updatable, cells, *, anew: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Write-verify of some cells through the wires: pulses, what the cells hold then, and milliseconds."""
    crossbar = array.crossbar
    targets = 0.5 * xbarsim.effective_conductance(crossbar)[cells] + 1e-4
    law = WriteVerify(tolerance=2e-3, noise=0.2)

    def new_map(_: xbarsim.Updatable, pulsed: PulsedCells):
        def look(conductance: np.ndarray) -> np.ndarray:
            whole = crossbar.conductance.copy()
            whole[pulsed.rows, pulsed.cols] = conductance
            held[:] = conductance
            return xbarsim.effective_conductance(crossbar.with_cells(whole), threads=1)[pulsed.rows, pulsed.cols]

        return look

    held = np.empty(targets.size)
    reads = mock.patch.object(writeverify, "through_array", new_map) if anew else nullcontext()
    with reads:
        (pulses, _), spent = timed(lambda: writeverify.write_in_array(array, *cells, targets, law, low=1e-7, high=1e-2))
    return pulses, held if anew else array.crossbar.conductance[cells], spent


def other_rows(n: int) -> list[str]:
    """A first reduction, write-verify of 16 cells through the wires, and a sweep of single faults, new maps beside."""
    rng = np.random.default_rng([n, 1])
    array = array_of(rng, n)
    array.effective_conductance()
    _, refresh = timed(array_of(rng, n).effective_conductance)
    _, whole = timed(lambda: xbarsim.effective_conductance(array.crossbar, threads=1))
    cells = np.divmod(rng.choice(n * n, 16, replace=False), n)
    pulses_anew, held_anew, slow = looks(array, cells, anew=True)
    pulses, held, fast = looks(array, cells, anew=False)
    assert (pulses == pulses_anew).all()
    errors = [np.abs(held / held_anew - 1.0).max()]
    array = array_of(rng, n)
    before = array.effective_conductance()
    faults = np.divmod(rng.choice(n * n, FAULTS, replace=False), n)
    effects, swept = timed(array.effects, *faults, 0.0)
    for k in range(8):
        conductance = array.crossbar.conductance.copy()
        conductance[faults[0][k], faults[1][k]] = 0.0
        after = xbarsim.effective_conductance(array.crossbar.with_cells(conductance))
        errors.append(abs(effects[k] - np.linalg.norm(after - before) / np.linalg.norm(before)))
    row = (
        f"| {n} | {whole:.3g} | {refresh:.3g} | {pulses.max()} | {slow:.3g} | {fast:.3g} | **{slow / fast:.0f}** "
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
        "Write-verify: 16 cells pulsed until reads through the wires find them within 0.2 % of the range "
        "(`xbarsim.nonideal.write_in_array`), with a new map for each round of looks, and with maps that follow; the "
        f"same pulses. Faults: what each of {FAULTS} cells, alone open, does to the map (`Updatable.effects`). Errors: "
        "of the cells' conductances, relative, and of the effects.",
        "",
        "| lines | new map | first reduction | rounds | by new maps | following | times faster | a fault "
        "| times faster | worst error |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for n in SIZES:
        text += other_rows(n)
    if "--write" in sys.argv[1:]:
        provenance.write_page("updates.md", "# Maps that follow writes\n\n" + "\n".join(text) + "\n")


if __name__ == "__main__":
    main()
