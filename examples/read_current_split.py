"""
Where does the current of a read go?
====================================

The driver of the selected word line feeds all cells of that line, and the amplifier of the selected bit line takes in
what all cells of that line bring. The selected cell is one of each. What unselected lines are tied to says where the
rest flows. Do both kinds of lines have to be held, and what do they cost?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar
from xbarsim.schemes import Read, Scheme, read

# %%
# The array
# ---------
# 24 x 24 ohmic cells, LRS and HRS at random. The cell that is read is in HRS, the hard case, in the middle.

LINES = 24
CELL = (12, 11)
R_ON, R_OFF = 50e3, 1e6  # ohm
WIRE, END = 1.0, 100.0  # ohm
READ_VOLTAGE = 0.3  # V


def array() -> Crossbar:
    """Return the array with its wires, drivers and amplifiers."""
    cells = np.where(np.random.default_rng(3).random((LINES, LINES)) < 0.5, 1.0 / R_ON, 1.0 / R_OFF)
    cells[CELL] = 1.0 / R_OFF
    return Crossbar(cells, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)


# %%
# Schemes of one's own
# --------------------
# The usual schemes have names, as ``half``. Any is ``Scheme(name, word, bit)``: the voltage of unselected word lines
# and bit lines as a share of the read voltage, ``None`` to let them float.

SCHEMES = (
    Scheme("all float", None, None),
    Scheme("word lines at 0 V", 0.0, None),
    Scheme("bit lines at 0 V", None, 0.0),
    Scheme("all at 0 V", 0.0, 0.0),
    Scheme("all at V/2", 0.5, 0.5),
    Scheme("at V/3, 2V/3", 1 / 3, 2 / 3),
)


def split(reading: Read) -> tuple[float, float, float]:
    """Return amperes of the selected cell, of the other cells of its word line, and of those of its bit line."""
    cells, (row, column) = reading.solution.device_currents, CELL
    return reading.cell_current, float(np.delete(cells[row], column).sum()), reading.sneak_current


# %%
# The answer
# ----------
# Without selectors it is nearly enough to hold one kind of unselected lines at the amplifier's ground: the cells among
# unselected lines lead nowhere else and draw the other kind there too. Nearly, as the word line's current lifts the bit
# lines a little through their wires and ends, and floating word lines follow. With bit lines at ground all of them
# can be read at once, which makes use of the current there. The number that is returned: sneak current then, as
# a share of what the amplifier takes in.


def main(save: str | None = None) -> float:
    """Print and draw the split; return the share of sneak current with bit lines at ground."""
    readings = {scheme.name: read(array(), scheme, CELL, READ_VOLTAGE) for scheme in SCHEMES}
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    table = 1e6 * np.array([split(reading) for reading in readings.values()])
    for part, mark, label in (
        (0, "o", "the cell"),
        (1, "s", "others of its word line"),
        (2, "D", "others of its bit line"),
    ):
        axes.plot(np.abs(table[:, part]), range(len(SCHEMES)), mark, fillstyle="none", label=label)
    axes.set(xscale="log", xlabel="size of the current (uA)", ylabel="unselected lines")
    axes.set_yticks(range(len(SCHEMES)), readings)
    axes.invert_yaxis()
    axes.grid(axis="y", color="0.9")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    print(f"{'unselected lines':18}{'cell':>8}{'word line':>11}{'bit line':>10}{'power':>9}")
    for (name, reading), (cell, word, bit) in zip(readings.items(), table, strict=True):
        print(f"{name:18}{cell:8.3f}{word:11.2f}{bit:10.3f}{1e6 * reading.power:9.1f}   uA, uW")
    figure.savefig(save, dpi=150) if save else plt.show()
    return readings["bit lines at 0 V"].sneak_current / readings["bit lines at 0 V"].selected_current


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Where does the current of a read go?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
