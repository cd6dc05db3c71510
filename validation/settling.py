"""Read speed: moments against sparse matrices, times to settle against whole transients, and what both cost.

python validation/settling.py            # prints it
python validation/settling.py --write    # to validation/results/settling.md

The reference of moments writes conductances and capacitances down element by element and solves by SuperLU. That of
times is ``xbarsim.transient.simulate`` with steps of a two-thousandth of the way at most, to 1e-8 a step. Seconds are
the processor's, on one thread.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import time

import numpy as np
import provenance
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from xbarsim import Crossbar, effective_conductance
from xbarsim.settling import elmore_delays, settling
from xbarsim.transient import Recording, simulate

LINES = (8, 32, 64)
COUPLED = (0.05, 1.0)
"""Capacitance across the cells, as a part of that of a word node."""

SHARES = {"1 %": 0.01, "8 bits": 2.0**-9}
POLES = (None, 3, 2)
"""Those of the whole circuit, and so many at most of each output's own."""

STEPS = 2000


def array(lines: int) -> Crossbar:
    rng = np.random.default_rng(lines)
    return Crossbar(
        10 ** rng.uniform(-6.0, -3.0, (lines, lines)),
        word_wire=rng.uniform(1.0, 5.0, (lines, lines - 1)),
        bit_wire=rng.uniform(1.0, 5.0, (lines - 1, lines)),
        driver=rng.uniform(100.0, 500.0, lines),
        sense=rng.uniform(50.0, 200.0, lines),
    )


def farads(lines: int, coupled: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(lines + 1)
    sizes = {"word_capacitance": 1e-15, "bit_capacitance": 2e-15, "cell_capacitance": coupled * 1e-15}
    return {name: size * rng.uniform(0.5, 1.5, (lines, lines)) for name, size in sizes.items()}


class Sparse:
    """``G x_0 = sources`` and ``G x_k = -C x_(k-1)``, element by element."""

    def __init__(self, crossbar: Crossbar, capacitance: dict[str, np.ndarray]) -> None:
        rows, cols = crossbar.shape
        self.word = np.arange(rows * cols).reshape(rows, cols)
        self.bit = self.word + rows * cols
        self.crossbar, self.size = crossbar, 2 * rows * cols
        word, bit = self.word, self.bit
        g = self.matrix(
            [
                (word, bit, crossbar.conductance),
                (word[:, :-1], word[:, 1:], 1 / crossbar.word_wire),
                (bit[:-1], bit[1:], 1 / crossbar.bit_wire),
            ],
            [(word[:, 0], 1 / crossbar.driver), (bit[-1], 1 / crossbar.sense)],
        )
        self.c = self.matrix(
            [(word, bit, capacitance["cell_capacitance"])],
            [(word, capacitance["word_capacitance"]), (bit, capacitance["bit_capacitance"])],
        )
        self.factors = splu(g.tocsc())

    def matrix(self, between: list, to_ground: list) -> coo_array:
        entries = [(a, a, value) for a, value in to_ground]
        for a, b, value in between:
            entries += [(a, a, value), (b, b, value), (a, b, -value), (b, a, -value)]
        rows, cols, values = (np.concatenate([np.ravel(entry[k]) for entry in entries]) for k in range(3))
        return coo_array((values, (rows, cols)), (self.size, self.size))

    def moments(self, volts: np.ndarray, count: int) -> np.ndarray:
        sources = np.zeros(self.size)
        sources[self.word[:, 0]] = volts / self.crossbar.driver
        series = [self.factors.solve(sources)]
        for _ in range(count - 1):
            series.append(self.factors.solve(-(self.c @ series[-1])))
        return np.array([x[self.bit[-1]] / self.crossbar.sense for x in series])


def moments(crossbar: Crossbar, capacitance: dict[str, np.ndarray], volts: np.ndarray) -> tuple[float, float, float]:
    """Return the largest relative differences: first moments, all seven, and delays of rows to columns."""
    sparse = Sparse(crossbar, capacitance)
    wanted = sparse.moments(volts, 7)
    wanted = wanted / wanted[0]
    found = settling(crossbar, volts, **capacitance, threads=1)
    apart = np.abs(found.moments - wanted)
    first = float((apart[1] / np.abs(wanted[1])).max())
    most = float((apart[1:] / np.abs(wanted[1:]).max(axis=1, keepdims=True)).max())
    delays = elmore_delays(crossbar, **capacitance, threads=1)
    rows = range(0, crossbar.shape[0], max(1, crossbar.shape[0] // 8))
    off = 0.0
    for i in rows:
        pair = sparse.moments(np.eye(crossbar.shape[0])[i], 2)
        off = max(off, float(np.abs(delays[i] + pair[1] / pair[0]).max() / np.abs(delays).max()))
    return first, most, off


def settled(times: np.ndarray, currents: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """Return when each output comes within a share of its end for good, between two steps on a straight line."""
    missing = np.abs(currents / end - 1.0)
    last = len(times) - 1 - (missing[::-1] > share).argmax(axis=0)
    one = np.arange(len(end))
    before, after = missing[last, one], missing[last + 1, one]
    # What is missing decays: its logarithm is nearly straight.
    part = np.log(before / share) / np.log(before / after)
    return times[last] + part * (times[last + 1] - times[last])


def against_transient(
    crossbar: Crossbar, capacitance: dict[str, np.ndarray], volts: np.ndarray
) -> tuple[dict[tuple[str, int | None], tuple[float, float]], float, float]:
    """Return the largest and median relative differences of times by share and poles, and seconds of both ways."""
    start = time.process_time()
    found = settling(crossbar, volts, **capacitance, threads=1)
    times = {(word, poles): found.time(share=share, poles=poles) for word, share in SHARES.items() for poles in POLES}
    own = time.process_time() - start
    stop = 1.6 * max(float(found_times.max()) for found_times in times.values())
    start = time.process_time()
    transient = simulate(
        crossbar, {"word_left": list(volts)}, stop, initial="discharged", reltol=1e-8, max_step=stop / STEPS,
        record=Recording(currents=["bit_bottom"]), threads=1, **capacitance,
    )  # fmt: skip
    theirs = time.process_time() - start
    end = volts @ effective_conductance(crossbar, threads=1)
    worst = {}
    for word, share in SHARES.items():
        wanted = settled(transient.times, transient.end_currents["bit_bottom"], end, share)
        for poles in POLES:
            apart = np.abs(times[word, poles] / wanted - 1.0)
            worst[word, poles] = float(apart.max()), float(np.median(apart))
    return worst, own, theirs


def main() -> None:
    arguments = provenance.parser(__doc__).parse_args()
    first = ["| lines | across cells | first moment | all seven | delays, row to column |", "|---|---|---|---|---|"]
    second = [
        "| lines | across cells | 1 %, the circuit's poles | three | two | 8 bits, the circuit's | three | two "
        "| settling | transient |",
        "|" + "---|" * 10,
    ]
    against_transient(array(4), farads(4, 1.0), np.full(4, 0.1))  # compiles
    for lines in LINES:
        for coupled in COUPLED:
            crossbar, capacitance = array(lines), farads(lines, coupled)
            volts = np.random.default_rng(3).uniform(0.05, 0.5, lines)
            cells = " | ".join(f"{value:.1e}" for value in moments(crossbar, capacitance, volts))
            first.append(f"| {lines} | {coupled:g} fF | {cells} |")
            print(first[-1], flush=True)
            worst, own, theirs = against_transient(crossbar, capacitance, volts)
            pairs = (worst[word, poles] for word in SHARES for poles in POLES)
            cells = " | ".join(f"{100.0 * most:.2f} %, {100.0 * middle:.2f} %" for most, middle in pairs)
            second.append(f"| {lines} | {coupled:g} fF | {cells} | {own:.3f} | {theirs:.1f} |")
            print(second[-1], flush=True)
    text = "\n".join(
        [
            "# Read speed", "", "`python validation/settling.py --write`", "",
            "Cells of 1 kohm to 1 Mohm, segments of 1 to 5 ohm, drivers of 100 to 500 ohm, sense resistances of 50 to "
            "200 ohm; about 1 fF at each word node and 2 fF at each bit node.", "",
            "Moments of the response, and delays, beside sparse matrices': the largest relative difference.", "",
            *first, "",
            "Times after which each output stays within a share of its end, beside those of transients: the largest "
            "relative difference of any output, and the median; seconds of one thread.", "",
            *second, "",
            "The circuit's poles are off most where an overshoot's extremum is near the share: a little more or less "
            "of it is a jump of the time. Of its own poles an output may be left with one, or none.", "",
        ]
    )  # fmt: skip
    print(text)
    if arguments.write:
        provenance.write_page("settling.md", text)


if __name__ == "__main__":
    main()
