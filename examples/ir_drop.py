"""
How much current do the wires take?
===================================

A crossbar multiplies by Ohm's law, as long as every cell sees the whole voltage of its row. Wires have resistance: the
farther a cell is from the drivers on the left and from the amplifiers at the bottom, the less of the read voltage is
left for it. This is IR drop. How much of a column's current does it cost, and where in the array is it lost?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve

# %%
# The worst case
# --------------
# All cells in their low-resistance state (LRS) and all rows driven: no other pattern puts more current into the wires.
# A segment is the piece of wire from one cell to the next; around 1 ohm is usual at a half pitch of some 40 nm.

R_ON = 10e3  # ohm
SEGMENT = 1.0  # ohm
READ_VOLTAGE = 0.2  # V


def lrs_array(lines: int) -> Crossbar:
    """Return a square array of LRS cells with its wires, between ideal drivers and virtual grounds."""
    return Crossbar(np.full((lines, lines), 1.0 / R_ON), word_wire=SEGMENT, bit_wire=SEGMENT)


# %%
# What is lost
# ------------
# Without wires the currents would be ``voltages @ conductance``. The solution has those of the whole circuit, and with
# them the voltage that is left across each cell.


def lost_share(lines: int) -> float:
    """Return the share of the ideal current of all columns that does not arrive."""
    array, voltages = lrs_array(lines), np.full(lines, READ_VOLTAGE)
    return 1.0 - float(solve(array, voltages).currents.sum() / (voltages @ array.conductance).sum())


def draw(lines: int) -> plt.Figure:
    """Draw which share of the read voltage each cell sees."""
    share = solve(lrs_array(lines), np.full(lines, READ_VOLTAGE)).device_voltages / READ_VOLTAGE
    figure, axes = plt.subplots(figsize=(4.5, 3.7), layout="constrained")
    image = axes.imshow(100.0 * share, cmap="cividis", vmax=100.0)
    contours = axes.contour(100.0 * share, levels=range(10, 100, 10), colors="white", linewidths=0.8)
    axes.clabel(contours, fmt="%d %%")
    axes.set(xlabel="bit line (driver side at 0)", ylabel=f"word line (amplifiers at {lines - 1})")
    figure.colorbar(image, label="share of the read voltage (%)")
    return figure


# %%
# The answer
# ----------
# The loss grows with the square of the number of lines as long as it is small: twice the lines have twice the current
# in twice the wire.


def main(save: str | None = None) -> float:
    """Print the loss against size, draw the drop; return the share that 128 lines lose."""
    for lines in (16, 32, 64, 128):
        print(f"{lines:4} x {lines:<4} {100.0 * lost_share(lines):5.1f} % of the current is lost")
    figure = draw(128)
    figure.savefig(save, dpi=150) if save else plt.show()
    return lost_share(128)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How much current do the wires take?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
