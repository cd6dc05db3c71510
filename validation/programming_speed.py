"""How long write-verify pulses take: ``python validation/programming_speed.py [--lines 64] [--pulses 100000]``.

A square array of VTEAM cells with wires is written to one random target matrix after another, V/2 pulses and reads
through the wires in turn, until there were as many pulses as asked for. Prints seconds, memory and what was reached.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from xbarsim import Crossbar
from xbarsim.devices import VTEAM
from xbarsim.programming import PulseLadder, program


def main() -> None:
    """Write, and print how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
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
    print(
        f"{options.lines} x {options.lines}, {writes} matrices: {pulses} pulses in {seconds:.1f} s ({processor:.1f} s "
        f"of processor), {memory:.0f} MB, residual {residual:.1e}, disturbance {disturbance:.1e}; in a last look "
        f"{reached} of {cells} cells within {options.tolerance:g} (one round each: later writes move what others show)"
    )


if __name__ == "__main__":
    main()
