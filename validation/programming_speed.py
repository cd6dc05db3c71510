"""How long write-verify pulses take, and in how much memory.

python validation/programming_speed.py --lines 32 --pulses 10000
python validation/programming_speed.py --write    # 64 lines, 100,000 pulses, to validation/results/programming_speed.md

A square array of VTEAM cells with wires is written to one random target matrix after another, V/2 pulses and reads
through the wires in turn, until there were as many pulses as asked for.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import provenance

from xbarsim import Crossbar
from xbarsim.devices import VTEAM
from xbarsim.programming import PulseLadder, program


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--lines", type=int, default=64)
    parser.add_argument("--pulses", type=int, default=100_000)
    parser.add_argument("--wire", type=float, default=1.0)
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    shape = options.lines, options.lines
    ladder = PulseLadder(0.9, 1e-8, 1e-9, 1e-9, increment=0.05, most_amplitude=1.3)
    siemens = 10 ** rng.uniform(-5.5, -3.5, shape)
    pulses, reached, cells, writes = 0, 0, 0, 0
    residual = disturbance = 0.0
    begin, used = time.perf_counter(), time.process_time()
    while pulses < options.pulses:
        crossbar = Crossbar(
            siemens, word_wire=options.wire, bit_wire=options.wire, driver=1.0, sense=1.0, device=VTEAM()
        )
        target = 10 ** rng.uniform(-5.2, -3.8, shape)
        written = program(crossbar, target, pulse=ladder, tolerance=options.tolerance, rounds=1)
        siemens = written.conductance
        pulses += int(written.pulses.sum())
        cells += target.size
        reached += int((np.abs(written.readings / target - 1) <= options.tolerance).sum())
        writes += 1
        residual = max(residual, written.residual)
        disturbance = max(disturbance, float(written.disturbance.max()))
        seconds, processor = time.perf_counter() - begin, time.process_time() - used
        print(
            f"{pulses} pulses, {seconds:.1f} s, of processor {processor:.1f} s, {1e3 * processor / pulses:.3f} ms each",
            flush=True,
        )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page = [
        "# Write-verify pulses through wires",
        "",
        f"{options.lines} x {options.lines} VTEAM cells, {options.wire:g} ohm a segment, ends of 1 ohm, random targets",
        f"from 6.3 to 158 uS, one after the other, each to {100 * options.tolerance:g} %, V/2, one round. A pulse is a",
        "transient of the whole array, a read a solve of it. Made by `python validation/programming_speed.py --write`.",
        "",
        "| pulses | matrices | s | s of processor | ms a pulse | memory, MB | largest residual | largest disturbance |",
        "|---|---|---|---|---|---|---|---|",
        f"| {pulses:,} | {writes} | {seconds:.1f} | {processor:.1f} | {1e3 * processor / pulses:.2f} | {memory:.0f} "
        f"| {residual:.1e} | {disturbance:.1e} |",
        "",
        "Disturbance is what pulses for other cells moved a cell's state by, either way added up, as part of its",
        f"range. In a last look {reached:,} of {cells:,} cells are within the tolerance: later writes move what others",
        "show, and one round does not go back.",
    ]
    print("\n".join(page))
    if options.write:
        provenance.write_page("programming_speed.md", "\n".join(page))


if __name__ == "__main__":
    main()
