"""
What does it help to drive an array from both sides?
====================================================

A word line has two ends, and so has a bit line. Drivers at both ends of the word lines, amplifiers at both ends of the
bit lines, or both, halve the way that a current has to go. They cost area. How much of the current that wires take do
they give back, and at which ends should they be if there is room for one more row of them only?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar
from xbarsim.schemes import mvm

# %%
# The array
# ---------
# The worst case, all cells in their low-resistance state (LRS) and all rows driven. Bit lines are of a narrower metal
# than word lines. An end of any line has its own 20 ohm.

R_ON = 20e3  # ohm
WORD_SEGMENT, BIT_SEGMENT = 0.5, 2.0  # ohm
END = 20.0  # ohm
READ_VOLTAGE = 0.2  # V


def lrs_array(lines: int) -> Crossbar:
    """Return a square array of LRS cells, tied at the left and at the bottom so far."""
    cells = np.full((lines, lines), 1.0 / R_ON)
    return Crossbar(cells, word_wire=WORD_SEGMENT, bit_wire=BIT_SEGMENT, driver=END, sense=END)


# %%
# Ends are values
# ---------------
# ``mvm`` ties the second ends as the first are. It is short for ``Crossbar(..., ends={"word_right": ..., "bit_top":
# ...})``, where each end may have a voltage and a resistance. A column's output is what leaves at both of its ends.


def lost_share(lines: int, *, words: bool = False, bits: bool = False) -> float:
    """Return the share of the ideal current that does not arrive, with word or bit lines tied at both ends."""
    array, voltages = lrs_array(lines), np.full(lines, READ_VOLTAGE)
    ends = mvm(array, voltages, both_words=words, both_bits=bits).end_currents
    return 1.0 - float((ends["bit_bottom"] + ends["bit_top"]).sum() / (voltages @ array.conductance).sum())


# %%
# The answer
# ----------
# Second ends of the bit lines, of the narrower metal, give back more than those of the word lines do. Where all lines
# are tied at both ends, no current crosses the middle of an array whose cells are all the same, and nothing changes if
# the wires are cut there: it is four arrays of half the lines, and loses what they lose. The number that is returned:
# the share that 64 lines lose then.


def main(save: str | None = None) -> float:
    """Print and draw losses against size; return the share that 64 lines lose with all ends tied."""
    sizes = [8, 16, 32, 64, 128]
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.5), layout="constrained")
    for label, words, bits, style in (
        ("one end each", False, False, "o-"),
        ("word lines at both ends", True, False, "s--"),
        ("bit lines at both ends", False, True, "D-."),
        ("all lines at both ends", True, True, "^:"),
    ):
        shares = [100.0 * lost_share(lines, words=words, bits=bits) for lines in sizes]
        axes.loglog(sizes, shares, style, label=label)
        print(f"{label:25}" + "".join(f"{share:7.2f}" for share in shares) + "  % lost")
    axes.set_xticks(sizes, [f"{lines}" for lines in sizes])
    axes.minorticks_off()
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.set(xlabel="array size N (N x N cells)", ylabel="share of the current that is lost (%)")
    axes.legend(title="tied are")
    figure.savefig(save, dpi=150) if save else plt.show()
    return lost_share(64, words=True, bits=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What does it help to drive an array from both sides?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
