"""Poles of closed loops with capacitance: by hand, against runs in time, and what lines cost a loop.

python validation/loop_poles.py            # prints it
python validation/loop_poles.py --write    # to validation/results/loop_poles.md

Ringing is read from the runs by a decaying sine through the part in which one pair of poles is left. Runs have
reltol=1e-6 and steps of a 1000th at most. Seconds are the processor's, on one thread.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import provenance
from scipy.interpolate import CubicSpline

from xbarsim import Crossbar, spice
from xbarsim.loop import (
    Amplifier,
    Capacitor,
    Loop,
    OpAmp,
    Resistor,
    SignedPair,
    VoltageSource,
    close,
    inverse_loop,
    read_loop,
    transimpedance_loop,
    write_loop,
)
from xbarsim.netlist import read

UNIT = 1e-4
WIRES = {"word_wire": 2.0, "bit_wire": 2.0, "driver": 1.0, "sense": 1.0}
AMPLIFIER = Amplifier(gain=1e5, input_resistance=1e6, output_resistance=50.0, offset=1e-4, bandwidth=1e6)


def inverse(lines: int, farads: float, signed: bool = False) -> Loop:
    """An inverse circuit with so many farads at each of its arrays' nodes, a tenth across each cell."""
    rng = np.random.default_rng(lines)
    low = -1.0 if signed else 0.0
    matrix = rng.uniform(low, 1.0, (lines, lines)) / lines + np.diag(rng.uniform(1.0, 2.0, lines))
    array = SignedPair.of(matrix, UNIT, **WIRES) if signed else Crossbar(matrix * UNIT, **WIRES)
    loop = inverse_loop(array, rng.uniform(-0.1, 0.1, lines), unit=UNIT, amplifier=AMPLIFIER)
    return loop.with_capacitance(word=farads, bit=farads, cell=farads / 10.0)


def by_hand() -> float:
    """Largest relative difference of a transimpedance amplifier's poles from the roots of its polynomial."""
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(100):
        rs, rf = 10 ** rng.uniform(2, 6, 2)
        cf, cin = 10 ** rng.uniform(-15, -9, 2)
        gain, hertz = 10 ** rng.uniform(1, 6), 10 ** rng.uniform(5, 9)
        loop = Loop(
            VoltageSource("v", "in", "0", 0.1), Resistor("rs", "in", "s", rs), Resistor("rf", "s", "o", rf),
            Capacitor("cf", "s", "o", cf), Capacitor("cin", "s", "0", cin),
            OpAmp("u", "0", "s", "o", Amplifier(gain=gain, bandwidth=hertz)),
        )  # fmt: skip
        product = np.polymul([cf + cin, 1 / rs + 1 / rf], [1 / (2 * np.pi * hertz), 1 / gain])
        expected = np.roots(np.polyadd(product, [cf, 1 / rf]))
        worst = max([worst, *(np.abs(expected / pole - 1.0).min() for pole in close(loop).stability.poles)])
    return worst


def general(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    (run,) = read(path).solve().analyses
    return run.sweep["time"], run.node_voltages


def ngspice(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    (plot,) = spice.run(path, timeout=3600.0).plots
    return plot.values["time"], plot.node_voltages


def one_line(rows: int, farads: float) -> Loop:
    """A bit line read by one amplifier, which the line's capacitance makes ring: one pair of poles is slow."""
    rng = np.random.default_rng(rows)
    array = Crossbar(rng.uniform(0.1, 1.0, (rows, 1)) * UNIT, **WIRES)
    volts = rng.uniform(0.05, 0.2, rows)
    loop = transimpedance_loop(array, volts, feedback_ohms=1e3, amplifier=AMPLIFIER)
    return loop.with_capacitance(word=farads, bit=farads, cell=farads / 10.0)


def in_time(loop: Loop, seconds: float, run: Callable, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """A run's times and its amplifiers' outputs, (times, outputs)."""
    path = folder / "loop.sp"
    write_loop(loop, path, seconds=seconds)
    path.write_text(path.read_text().replace(".end", ".options reltol=1e-6 vntol=1e-12\n.end"))
    times, volts = run(path)
    return times, np.stack([volts[amp.out] for amp in loop.amplifiers], axis=1)


def pair_of(times: np.ndarray, volts: np.ndarray) -> complex:
    """The pair of poles of a decaying sine, from evenly spaced samples, which obey ``v_k+2 = a v_k+1 + b v_k``."""
    even = np.linspace(times[0], times[-1], 400)
    samples = CubicSpline(times, volts)(even)
    a, b = np.linalg.lstsq(np.stack([samples[1:-1], samples[:-2]], axis=1), samples[2:], rcond=None)[0]
    root = np.roots([1.0, -a, -b]).astype(complex)
    return complex(np.log(root[np.argmax(root.imag)]) / (even[1] - even[0]))


def ringing(rows: int, farads: float, run: Callable, folder: Path) -> str:
    """Our slowest pair of poles and that of a run in time."""
    closed = close(one_line(rows, farads))
    pole = closed.stability.poles[0]
    times, volts = in_time(closed.loop, 12.0 / abs(pole.real), run, folder)
    part = (times > 2.0 / abs(pole.real)) & (times < 8.0 / abs(pole.real))
    theirs = pair_of(times[part], volts[part, 0] - closed.stability.levels[0, 0])
    return (
        f"| {rows} | {1e12 * farads:g} | {run.__name__} | {pole.imag / 2e3 / np.pi:.3f} "
        f"| {theirs.imag / 2e3 / np.pi:.3f} | {-pole.real:.5g} | {-theirs.real:.5g} |"
    )


def way(lines: int, farads: float, run: Callable, folder: Path) -> str:
    """By how much the ways of an inverse circuit's outputs differ, and times to settle to 8 bits."""
    closed = close(inverse(lines, farads))
    stability = closed.stability
    seconds = float(stability.settling_time(bits=8)[0])
    times, theirs = in_time(closed.loop, 2.0 * seconds, run, folder)
    away = float(np.abs(stability.step_response(times) - theirs).max() / np.abs(theirs).max())
    final = stability.levels[:, 0]
    outside = np.flatnonzero(np.abs(theirs - final).max(axis=1) > 2.0**-9 * np.abs(final).max())
    settled = times[min(outside[-1] + 1, times.size - 1)]
    return f"| {lines} | {1e12 * farads:g} | {run.__name__} | {away:.0e} | {1e6 * seconds:.3f} | {1e6 * settled:.3f} |"


def lines_cost(lines: int, farads: float, signed: bool) -> str:
    loop = inverse(lines, farads, signed)
    closed = close(loop, stable=False)
    start = time.process_time()
    stability = closed.stability
    seconds = time.process_time() - start
    settles = f"{1e6 * stability.settling_time(bits=8)[0]:.2f}" if stability.stable else ""
    share = 0.0 if np.isinf(stability.reach) else stability.reach
    pole = stability.poles[0]
    rings = f"{abs(pole.imag) / 2e3 / np.pi:.0f}" if pole.imag else ""
    return (
        f"| {'signed' if signed else 'plain'} | {lines} | {1e12 * farads:g} | {'yes' if stability.stable else 'no'} "
        f"| {pole.real:.3g} | {rings} | {settles} | {len(stability.poles)} | {share:.0e} | {seconds:.2f} |"
    )


def round_trip(folder: Path) -> float:
    """Largest relative difference of poles of a written loop, read with sources without poles, from the loop's."""
    loop = inverse(8, 1e-13)
    write_loop(loop, folder / "loop.sp", seconds=1e-5)
    ours = close(loop).stability.poles
    theirs = close(read_loop(folder / "loop.sp", bandwidth=np.inf)).stability.poles
    return max(float(np.abs(theirs - pole).min() / abs(pole)) for pole in ours)


def main() -> None:
    arguments = provenance.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            "| rows | pF a node | run | ours, kHz | theirs, kHz | ours, 1/s | theirs, 1/s |",
            "|---|---|---|---|---|---|---|",
        ]
        ways = ["| lines | pF a node | run | differ by | ours, us | theirs, us |", "|---|---|---|---|---|---|"]
        for size, farads in ((1, 3e-10), (8, 1e-10), (32, 1e-10)):
            for run in (general, ngspice):
                rows.append(ringing(size, farads, run, folder))
                print(rows[-1], flush=True)
        for size, farads in ((4, 3e-11), (8, 1e-11)):
            for run in (general, ngspice):
                ways.append(way(size, farads, run, folder))
                print(ways[-1], flush=True)
        costs = [
            "| array | lines | pF a node | holds | slowest, 1/s | rings, kHz | to 8 bits, us | poles | all below | s |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for lines in (8, 16, 32, 64):
            for farads in (0.0, 1e-15, 1e-13, 1e-12, 1e-11):
                costs.append(lines_cost(lines, farads, False))
                print(costs[-1], flush=True)
        costs.append(lines_cost(64, 1e-13, True))
        again = round_trip(folder)
    text = "\n".join(
        [
            "# Poles of closed loops with capacitance", "", "`python validation/loop_poles.py --write`", "",
            "A transimpedance amplifier of one pole with capacitors in its feedback and at its input, 100 random ones:",
            f"its poles are those of its polynomial to {by_hand():.0e}. A loop of 8 lines written for a run in time,",
            f"its amplifiers' poles as parts, and read back has its poles to {again:.0e}.", "",
            "A bit line of so many rows, read by one amplifier that its capacitance makes ring: frequency and decay of",
            "the slowest pair of poles, and what a decaying sine through the run in time of the same netlist says, the",
            "general solver's and ngspice's at reltol=1e-6:", "",
            *rows, "",
            "Inverse circuits: the largest difference of any output at any time from that of the run, relative to the",
            "largest voltage, and the times to settle to 8 bits, the run's at its own steps of a 1000th:", "",
            *ways, "",
            "Inverse circuits with wires of 2 ohm a segment and amplifiers of 1 MHz, farads at each node and a tenth",
            "across each cell. `all below` is the size in 1/s up to which all poles are computed, 0 where these are",
            "all; `s` is the processor's time for the poles:", "",
            *costs, "",
        ]
    )  # fmt: skip
    print(text)
    if arguments.write:
        provenance.write_page("loop_poles.md", text)


if __name__ == "__main__":
    main()
