"""
When does a step arrive along a word line?
==========================================

A word line is a long RC line: a step at its driver comes to the far cells late, and smeared. Elmore's delay, the sum of
each capacitance times the resistance that it shares with the cell, is the usual estimate. How good is it, near the
driver and far from it?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar
from xbarsim.settling import elmore_delays
from xbarsim.transient import Recording, simulate

# %%
# The line
# --------
# One word line with its cells, whose bit lines are at 0 V: an array of a single row.

CELLS, CELL = 128, 100e3  # -, ohm
SEGMENT, DRIVER = 5.0, 200.0  # ohm
FARADS = 0.5e-15  # F, of each node
LINE = Crossbar(np.full((1, CELLS), 1.0 / CELL), word_wire=SEGMENT, driver=DRIVER)

# %%
# In time, and by one number
# --------------------------
# ``simulate`` steps the circuit through time and chooses its steps by their errors. ``elmore_delays`` is one reduction
# of the same circuit: the delay from each input to each output, whose current here is that of the cell on the line.


def waveforms(duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds (points,) and the line's volts (points, cells) as shares of their ends, after a step."""
    nodes = Recording(currents=False, node_voltages=[("word", 0, k) for k in range(CELLS)])
    answer = simulate(
        LINE, {"word_left": 1.0}, duration, initial="discharged", word_capacitance=FARADS, reltol=1e-5, record=nodes
    )
    return answer.times, answer.node_voltages / answer.node_voltages[-1]


def half_way(times: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the seconds (cells,) at which the voltage of each cell's node is half of what it will be."""
    return np.array([np.interp(0.5, cell, times) for cell in shares.T])


# %%
# The answer
# ----------
# Elmore's delay is a bound: half of the step has arrived before it. Were there one time constant, it would be there
# after ln 2 of the delay. That is too late near the driver, where a step begins at once and ends slowly, and too early
# at the far end. The number that is returned: the picoseconds until half of the step is at the far end.


def main(save: str | None = None) -> float:
    """Draw delays along the line; return the picoseconds at its end."""
    elmore = elmore_delays(LINE, word_capacitance=FARADS)[0]
    times, shares = waveforms(12.0 * float(elmore[-1]))
    half = half_way(times, shares)
    for name, k in (("first", 0), ("last", CELLS - 1)):
        print(f"{name:5} cell: half at {1e12 * half[k]:.1f} ps, {half[k] / elmore[k]:.2f} of Elmore's delay")
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    cells = np.arange(CELLS)
    axes.plot(cells, 1e12 * elmore, "--", label="Elmore's delay")
    axes.plot(cells, 1e12 * np.log(2.0) * elmore, ":", label="ln 2 of it")
    axes.plot(cells, 1e12 * half, "k-", label="in time, to one half")
    axes.set(xlabel="cell along the word line (driver at 0)", ylabel="delay (ps)", ylim=(0.0, None))
    axes.legend(loc="upper left")
    figure.savefig(save, dpi=150) if save else plt.show()
    return 1e12 * float(half[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="When does a step arrive along a word line?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
