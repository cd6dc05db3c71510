"""
Where do the joules of a read go?
=================================

All that sources deliver while an array is read becomes heat. What is wanted of it is the part in the cells: their
currents are the answer. Wires and the resistances of drivers and amplifiers take the other parts, and more of it in
larger arrays. How much is left for the cells, and what does a multiplication cost?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve
from xbarsim.energy import PowerSplit, power_split

# %%
# The array
# ---------
# Cells between 10 kohm and 1 Mohm, read for 10 ns with inputs anywhere between 0 and 0.2 V.

READ, READ_VOLTAGE = 10e-9, 0.2  # s, V
SEGMENT, END = 1.0, 100.0  # ohm


def array(lines: int) -> Crossbar:
    """Return a square array of random cells, one decade as likely as the other."""
    cells = 10.0 ** np.random.default_rng(lines).uniform(-6.0, -4.0, (lines, lines))
    return Crossbar(cells, word_wire=SEGMENT, bit_wire=SEGMENT, driver=END, sense=END)


def inputs(lines: int) -> np.ndarray:
    """Return volts (8, lines): several inputs, over which joules are averaged."""
    return READ_VOLTAGE * np.random.default_rng(1).uniform(size=(8, lines))


# %%
# The split
# ---------
# ``power_split`` takes a solution apart, with the voltages of all its nodes. What sources deliver and what cells, wires
# and ends take are of different currents and voltages: that both sums are the same is a check of the solution.


def split(lines: int) -> PowerSplit:
    """Return watts of each input: of sources, cells, wires and ends."""
    return power_split(solve(array(lines), inputs(lines), fields=True))


def joules(power: PowerSplit) -> dict[str, float]:
    """Return the joules of a read, the mean of all inputs, by what takes them."""
    watts = {
        "cells": power.cells,
        "wires": power.word_wires + power.bit_wires,
        "drivers": power.ends["word_left"],
        "amplifiers": power.ends["bit_bottom"],
    }
    return {taker: READ * float(each.mean()) for taker, each in watts.items()}


# %%
# The answer
# ----------
# Ends of 100 ohm take their part long before the wires do: drivers more than amplifiers, as the mean square of inputs
# is more than the square of their mean. In large arrays a multiplication costs less, which is no gain: its cell sees
# less of the voltage. The number that is returned: the cells' share of the joules in an array of 32 x 32.


def main(save: str | None = None) -> float:
    """Draw the parts against size; return the cells' share at 32 lines."""
    sizes = [8, 16, 32, 64, 128]
    splits = [split(lines) for lines in sizes]
    parts = [joules(power) for power in splits]
    for lines, power, part in zip(sizes, splits, parts, strict=True):
        each = 1e15 * READ * float(power.delivered.mean()) / lines**2
        print(
            f"{lines:3} lines: {each:.2f} fJ a cell, {100.0 * part['cells'] / sum(part.values()):.1f} % of it in cells"
        )
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    shares = {taker: [100.0 * part[taker] / sum(part.values()) for part in parts] for taker in parts[0]}
    axes.stackplot(sizes, shares.values(), labels=shares.keys())
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{lines}" for lines in sizes])
    axes.set(xlabel="array size N (N x N cells)", ylabel="share of the energy (%)", ylim=(0.0, 100.0))
    axes.margins(x=0.0)
    axes.legend(loc="lower left")
    figure.savefig(save, dpi=150) if save else plt.show()
    return 0.01 * shares["cells"][sizes.index(32)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Where do the joules of a read go?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
