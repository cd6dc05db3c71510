"""
How far does one stuck cell reach?
==================================

A cell that is stuck in its low-resistance state (LRS) brings too much current to its own bit line. That is an error of
one output, which a list of faults can correct. But the current comes through wires that other cells share and takes
voltage from them. Which other cells carry less for it, and how much of the error is in outputs where no cell is stuck?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, Solution, solve
from xbarsim.nonideal import Chip, Fault, Nonidealities
from xbarsim.plot import cell_map

# %%
# A chip with a fault
# -------------------
# 32 x 32 cells between 20 kohm and 1 Mohm. A ``Chip`` draws faults from a seed, or takes a map of them, as one that was
# measured.

LINES = 32
R_ON, R_OFF = 20e3, 1e6  # ohm
WIRE, END = 2.0, 50.0  # ohm
READ_VOLTAGE = 0.2  # V
STUCK = (12, 19)
WEIGHTS = np.random.default_rng(4).uniform(1.0 / R_OFF, 0.5 / R_ON, (LINES, LINES))  # S


def read(*stuck: tuple[int, int]) -> Solution:
    """Program the weights into a chip whose cells here are stuck at LRS, and read all its rows at once."""
    faults = np.full(WEIGHTS.shape, Fault.HEALTHY)
    for cell in stuck:
        faults[cell] = Fault.STUCK_AT_LRS
    chip = Chip(Nonidealities(r_on=R_ON, r_off=R_OFF), seed=0, shapes=[WEIGHTS.shape]).with_faults(faults)
    cells = chip.apply(WEIGHTS).conductance
    array = Crossbar(cells, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)
    return solve(array, np.full(LINES, READ_VOLTAGE))


# %%
# Maps of differences
# -------------------
# Two solutions are subtracted cell by cell. Both are exact to the last digits, so that differences of a millionth of a
# current are still numbers and not noise.


def changes() -> np.ndarray:
    """Return by which share of its own current each cell carries more, in %; the stuck one is left out."""
    healthy, faulty = read().device_currents, read(STUCK).device_currents
    share = 100.0 * (faulty / healthy - 1.0)
    share[STUCK] = np.nan
    return share


def missing_share() -> float:
    """Return what all other outputs lose, as a share of what the stuck cell's output gains."""
    difference = read(STUCK).currents - read().currents
    gain = difference[STUCK[1]]
    return float((gain - difference.sum()) / gain)


# %%
# The answer
# ----------
# The fault lies on a cross: cells of its word line have less voltage, most of all those farther from the driver, and
# so have cells of its bit line. All others gain a little, as the lines that they share with the cross carry less. The
# number that is returned: what other outputs lose, as a share of what the stuck cell's output gains. It is the same for
# all inputs, and whatever the cell is stuck at: ohmic cells answer to the current that is in excess there.


def main(save: str | None = None) -> float:
    """Draw how the current of each cell changes; return what other outputs lose of the gain."""
    share = changes()
    row, column = STUCK
    for place, cells in (("word", share[row]), ("bit", share[:, column])):
        print(f"cells of its {place} line carry {-np.nanmax(cells):.3f} to {-np.nanmin(cells):.3f} % less")
    elsewhere = np.delete(np.delete(share, row, axis=0), column, axis=1)
    print(f"all others change by {elsewhere.min():+.1e} to {elsewhere.max():+.1e} %")
    figure, axes = plt.subplots(figsize=(4.5, 3.6), layout="constrained")
    cell_map(np.abs(share), axes, scale="log", unit="size of the change of a cell's current (%)")
    figure.savefig(save, dpi=150) if save else plt.show()
    return missing_share()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How far does one stuck cell reach?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
