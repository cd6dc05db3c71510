"""Noise of all outputs against ngspice's ``.noise``, what it costs beside the map, and draws against covariances.

python validation/noise.py            # prints it
python validation/noise.py --write    # to validation/results/noise.md

ngspice gives one output a run, from the same Boltzmann constant scaled to its own (1.38064852e-23). Cells of a law are
behavioural sources, which have no noise there: each gets a source that copies a resistor's, of the density that
``CellNoise`` says. Seconds are the processor's, on one thread, medians of one run.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import provenance

from xbarsim import Crossbar, Device, Sinh, effective_conductance, solve
from xbarsim.noise import CellNoise, output_noise, output_noise_density
from xbarsim.noise.cell_noise import BOLTZMANN, CHARGE

LINES = (1, 2, 4, 8, 16, 32)
NGSPICE_BOLTZMANN = 1.38064852e-23
KELVIN = 300.0
CELLS = CellNoise(fano=0.4)
RUNS = 15


def array(lines: int, device: Device | None) -> Crossbar:
    rng = np.random.default_rng(lines)
    return Crossbar(
        10 ** rng.uniform(-5.0, -3.0, (lines, lines)),
        word_wire=rng.uniform(1.0, 5.0, (lines, lines - 1)),
        bit_wire=rng.uniform(1.0, 5.0, (lines - 1, lines)),
        driver=rng.uniform(10.0, 50.0, lines),
        sense=rng.uniform(5.0, 20.0, lines),
        device=device,
    )


def deck(crossbar: Crossbar, volts: np.ndarray, outputs: list[int]) -> str:
    """Return a netlist with a noise analysis of each output; cells are sources, their noise a copied resistor's."""
    rows, cols = crossbar.shape
    solution = solve(crossbar, volts)
    across, amperes = solution.device_voltages, solution.device_currents
    x = CHARGE * np.abs(across) / (2 * BOLTZMANN * KELVIN)
    density = amperes / across * (1 - CELLS.fano + CELLS.fano * x / np.tanh(x))  # of 4 k T
    lines = ["noise of a crossbar"]
    for i in range(rows):
        lines += [f"V{i} s{i} 0 {volts[i]:.17g} ac 1", f"Rd{i} s{i} w{i}_0 {crossbar.driver[i]:.17g}"]
        lines += [f"Rw{i}_{j} w{i}_{j} w{i}_{j + 1} {crossbar.word_wire[i, j]:.17g}" for j in range(cols - 1)]
    for j in range(cols):
        lines += [f"Rb{i}_{j} b{i}_{j} b{i + 1}_{j} {crossbar.bit_wire[i, j]:.17g}" for i in range(rows - 1)]
        lines += [f"Rs{j} b{rows - 1}_{j} o{j} {crossbar.sense[j]:.17g}", f"Vo{j} o{j} 0 0", f"Ho{j} t{j} 0 Vo{j} 1"]
    for i in range(rows):
        for j in range(cols):
            ends, g = f"w{i}_{j} b{i}_{j}", crossbar.conductance[i, j]
            volt = f"v(w{i}_{j},b{i}_{j})"
            v0 = getattr(crossbar.device, "v0", None)
            law = f"{g:.17g}*{volt}" if v0 is None else f"{g:.17g}*{float(v0):.17g}*sinh({volt}/{float(v0):.17g})"
            lines += [
                f"Bc{i}_{j} {ends} i={law}",
                f"Rn{i}_{j} n{i}_{j} 0 1k",
                f"Gn{i}_{j} {ends} n{i}_{j} 0 {np.sqrt(density[i, j] * 1e3) / 1e3:.17g}",
            ]
    lines += [
        f".temp {KELVIN - 273.15:.10g}",
        ".options reltol=1e-9 abstol=1e-18 vntol=1e-12",
        ".control",
        "set numdgt=12",
    ]
    for number, j in enumerate(outputs):
        lines += [f"noise v(t{j}) V0 lin 1 10 10", f"setplot noise{2 * number + 1}", "print onoise_spectrum"]
    return "\n".join([*lines, "quit", ".endc", ".end", ""])


def against_ngspice(lines: int, device: Device | None) -> tuple[float, float]:
    """Return the largest difference of densities, relative, and ngspice's seconds for an output."""
    crossbar = array(lines, device)
    volts = np.random.default_rng(1).uniform(-0.4, 0.5, lines)
    outputs = sorted({0, lines // 3, lines - 1})
    ours = output_noise_density(crossbar, volts, frequency=10.0, temperature=KELVIN, cells=CELLS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.sp"
        path.write_text(deck(crossbar, volts, outputs))
        start = processor_seconds()
        found = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, check=False).stdout
        seconds = (processor_seconds() - start) / len(outputs)
    theirs = np.array([float(word) for word in re.findall(r"onoise_spectrum = (\S+)", found)])
    if len(theirs) != len(outputs):
        raise SystemExit(f"ngspice gave {len(theirs)} of {len(outputs)} densities:\n{found[-2000:]}")
    wanted = theirs**2 * BOLTZMANN / NGSPICE_BOLTZMANN
    return float(np.abs(ours.variance[outputs] / wanted - 1.0).max()), seconds


def processor_seconds() -> float:
    """Return what processes that have ended took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def medians(*works: Callable[[], object]) -> list[float]:
    """Return the processor's seconds of each, the median of runs in turns: all see the same machine."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(RUNS + 1):
        for work, taken in zip(works, times, strict=True):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
    return [float(np.median(taken[1:])) for taken in times]


def costs(lines: int) -> list[float]:
    """Return seconds of the map, of thermal noise of all outputs, and of that with flicker noise."""
    crossbar = array(lines, None)
    volts = np.random.default_rng(1).uniform(0.0, 0.5, lines)
    return medians(
        lambda: effective_conductance(crossbar, threads=1),
        lambda: output_noise(crossbar, volts, threads=1),
        lambda: output_noise(crossbar, volts, cells=CellNoise(flicker=1e-9), threads=1),
    )


def draws(lines: int, count: int = 100_000) -> float:
    """Return by how many of its own errors the worst entry of a covariance of draws is off."""
    noise = output_noise(array(lines, None), np.linspace(0.1, 0.5, lines), cells=CellNoise(flicker=1e-7))
    found = np.cov(noise.draws(count, seed=1).T)
    own = np.sqrt((1.0 + noise.correlation**2) / count) * np.outer(noise.rms, noise.rms)
    return float(np.abs((found - noise.covariance) / own).max())


def main() -> None:
    arguments = provenance.parser(__doc__).parse_args()
    rows = [
        "| lines | linear cells | sinh cells, at their operating point | ngspice, s an output |",
        "|---|---|---|---|",
    ]
    for lines in LINES:
        (linear, seconds), (curved, _) = against_ngspice(lines, None), against_ngspice(lines, Sinh(v0=0.25))
        rows.append(f"| {lines} | {linear:.1e} | {curved:.1e} | {seconds:.2f} |")
        print(rows[-1], flush=True)
    times = ["| lines | map, ms | thermal noise | with flicker noise |", "|---|---|---|---|"]
    for lines in (64, 128, 256):
        own, thermal, flicker = costs(lines)
        times.append(f"| {lines} | {1e3 * own:.1f} | {thermal / own:.2f} maps | {flicker / own:.2f} maps |")
        print(times[-1], flush=True)
    worst = draws(32)
    text = "\n".join(
        [
            "# Noise of all outputs", "", "`python validation/noise.py --write`", "",
            "Spectral densities at 10 Hz and 300 K, cells with a Fano factor of 0.4: the largest relative difference.",
            "", *rows, "",
            "Covariance of all outputs, seconds of one thread beside those of the effective conductance, medians of",
            "runs in turns.", "",
            *times, "",
            f"100,000 draws of 32 outputs: the worst of 528 covariances is off by {worst:.1f} of its standard errors.",
            "",
        ]
    )  # fmt: skip
    print(text)
    if arguments.write:
        provenance.write_page("noise.md", text)


if __name__ == "__main__":
    main()
