"""
What does an ohmmeter read between two line ends?
=================================================

A new array is often first met by a probe on one word line and one on a bit line. The cell between them is there, and so
are paths through all others. Seen from its line ends, a linear array of any size is a small matrix, and with that in
hand no solver is needed: what is connected around the array, a meter or a circuit, is a few lines of numpy. How far
off is the reading, and does a guard help, a third terminal that holds all other lines at the voltage of the probe that
measures the current?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, port_admittance, solve

# %%
# The black box
# -------------
# 24 word lines and 16 bit lines, cells from 10 kohm to 1 Mohm. Drivers and amplifiers have 0 ohm, so that the ports are
# the line ends themselves: word lines first, then bit lines. ``admittance @ volts`` are the currents into them.

ROWS, COLS = 24, 16
WORD_SEGMENT, BIT_SEGMENT = 1.5, 2.5  # ohm
CELLS = 10.0 ** np.random.default_rng(8).uniform(-6.0, -4.0, (ROWS, COLS))  # S


def array(end: float = 0.0) -> Crossbar:
    """Return the array, behind this resistance at each of its ends."""
    return Crossbar(CELLS, word_wire=WORD_SEGMENT, bit_wire=BIT_SEGMENT, driver=end, sense=end)


def readings(admittance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ohms between each word line and each bit line, all others open, and all others guarded."""
    impedance = np.linalg.pinv(admittance)  # currents into ports add up to 0, and a common voltage drives none
    alone = np.diagonal(impedance)
    open_ohms = (alone[:, None] + alone - 2.0 * impedance)[:ROWS, ROWS:]
    return open_ohms, -1.0 / admittance[:ROWS, ROWS:]


# %%
# A circuit around it
# -------------------
# The same matrix stands in for the array in any circuit. Behind resistors, for one, ports have what divides
# between them and the sources; the array itself, solved with those resistors, says whether that is right.


def largest_difference(admittance: np.ndarray, end: float) -> float:
    """Return how far black box and array are apart behind resistors, relative to the largest current."""
    inputs = np.linspace(0.1, 0.3, ROWS)  # V
    sources = np.concatenate([inputs, np.zeros(COLS)])
    volts = np.linalg.solve(np.eye(ROWS + COLS) + end * admittance, sources)
    currents = solve(array(end), inputs).currents
    return float(np.abs(volts[ROWS:] / end - currents).max() / currents.max())


# %%
# The answer
# ----------
# With all other lines open, the meter reads what goes around the cell: some 3 to 12 kohm, whatever the cell has. A
# guard takes that current past the meter. It still takes voltage from the wires: readings are up to 2.5 % too high.
# The number that is returned: ohms that the meter reads, others open, at the cell of the highest resistance.


def main(save: str | None = None) -> float:
    """Draw readings against cells; return the reading at the most resistive cell, others open."""
    admittance = port_admittance(array())
    print(f"behind 1 kohm, black box and array differ by {largest_difference(admittance, 1e3):.0e}")
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.5), layout="constrained")
    for ohms, mark, label in zip(readings(admittance), "o^", ("open", "guarded"), strict=True):
        axes.loglog(1e-3 / CELLS.ravel(), 1e-3 * ohms.ravel(), mark, fillstyle="none", markersize=4, label=label)
        times = CELLS * ohms
        print(f"others {label:8}: {times.min():.4f} to {times.max():.4f} times the cell's resistance")
    axes.loglog([10, 1000], [10, 1000], color="0.4", linewidth=0.9)
    axes.annotate("the cell itself", (30, 35), rotation=35, ha="center", va="bottom")
    axes.set(xlabel="resistance of the cell (kohm)", ylabel="reading of the meter (kohm)")
    axes.legend(title="all other lines")
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(readings(admittance)[0].ravel()[CELLS.argmin()])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What does an ohmmeter read between two line ends?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
