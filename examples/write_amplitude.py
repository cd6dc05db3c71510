"""
How hard should write pulses be?
================================

A matrix is written cell by cell: read, pulse towards the target, read again, and so on. Weak pulses take long. Strong
ones go past the target and have to be taken back, and half of their voltage across the cells of the same lines moves
what had been right before. Which amplitude writes a matrix with the fewest pulses?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import VTEAM, Crossbar
from xbarsim.programming import PulseLadder, WrittenArray, program

# %%
# The array and its targets
# -------------------------
# VTEAM cells whose states move beyond 0.7 V, all at 500 kohm at first; targets anywhere between 50 and 400 kohm. A cell
# is right when its read, through the wires, is within 2 % of its target.

LINES, FIRST = 5, 500e3  # -, ohm
THRESHOLD, SPEED, DEPTH = 0.7, 0.02, 3e-9  # V, m/s, m
R_ON, R_OFF, WIRE, END = 10e3, 1e6, 2.0, 100.0  # ohm
WIDTH, TOLERANCE, ROUNDS = 50e-9, 0.02, 3  # s, -, -
TARGET = 1.0 / np.random.default_rng(2).uniform(50e3, 400e3, (LINES, LINES))  # S


def array() -> Crossbar:
    """Return the array before it is written."""
    cells = VTEAM(
        r_on=R_ON, r_off=R_OFF, v_on=-THRESHOLD, v_off=THRESHOLD, k_on=-SPEED, k_off=SPEED, x_on=0.0, x_off=DEPTH
    )
    first = np.full((LINES, LINES), 1.0 / FIRST)
    return Crossbar(first, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END, device=cells)


# %%
# Writing
# -------
# Pulses turn round where a read finds the cell beyond its target, and are half as long from then on. Unselected lines
# are at half the voltage. After a round all cells are read, and those that others disturbed get another turn.


def written(amplitude: float) -> WrittenArray:
    """Return what pulses of an amplitude make of the array, and their log."""
    return program(
        array(), TARGET, pulse=PulseLadder(amplitude, WIDTH), scheme="V/2", tolerance=TOLERANCE, rounds=ROUNDS,
        reltol=1e-4,
    )  # fmt: skip


# %%
# The answer
# ----------
# At 0.9 V a pulse does little; from 1.1 V on most pulses go into the search around the target, whatever the amplitude.
# Half-selected cells stay where they are up to twice the threshold, and move beyond: then cells that were right are to
# be written again, and disturb others. The number that is returned: pulses a cell at 1.2 V.


def main(save: str | None = None) -> float:
    """Draw pulses and disturbance against amplitude; return the pulses a cell at 1.2 V."""
    amplitudes = [0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.7]
    arrays = [written(amplitude) for amplitude in amplitudes]
    pulses = [float(after.pulses.mean()) for after in arrays]
    for amplitude, after, count in zip(amplitudes, arrays, pulses, strict=True):
        print(
            f"{amplitude:.1f} V: {after.reached.sum()} of {LINES**2} cells, {count:4.1f} pulses and "
            f"{1e12 * after.energy.mean():4.1f} pJ a cell"
        )
    plt.style.use("tableau-colorblind10")
    figure, (upper, lower) = plt.subplots(2, sharex=True, figsize=(4.5, 4.2), layout="constrained")
    upper.plot(amplitudes, pulses, "o-")
    upper.set(ylabel="pulses a cell", ylim=(0.0, None))
    lower.plot(amplitudes, [100.0 * after.disturbance.max() for after in arrays], "s-", color="C1")
    lower.axvline(2.0 * THRESHOLD, color="0.4", linestyle=":", label="twice the threshold")
    lower.legend(loc="upper left")
    lower.set(xlabel="amplitude of the pulses (V)", ylabel="largest disturbance\n(% of a state's range)")
    figure.savefig(save, dpi=150) if save else plt.show()
    return pulses[amplitudes.index(1.2)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How hard should write pulses be?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
