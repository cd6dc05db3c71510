"""
How fast can an array be read?
==============================

After the inputs have stepped, wires and cells have to be charged before the outputs are right. A converter of b bits
may look when they stay within half of its step. How long does that take, and how does it grow with the array?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar
from xbarsim.settling import Settling, settling

# %%
# The array
# ---------
# Each crossing has its part of the wires' capacitance to ground, on both layers, and that of the cell between them.

WIRE, END = 5.0, 500.0  # ohm
FARADS = {"word_capacitance": 0.2e-15, "bit_capacitance": 0.2e-15, "cell_capacitance": 0.05e-15}


def array(lines: int) -> Crossbar:
    """Return a square array of cells between 10 kohm and 1 Mohm."""
    cells = 10.0 ** np.random.default_rng(lines).uniform(-6.0, -4.0, (lines, lines))
    return Crossbar(cells, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)


# %%
# Settling without a step in time
# -------------------------------
# The response to a step is known by its moments: each is one solve of the same circuit. Three poles that have the first
# six of them stand for the response.


def response(lines: int) -> Settling:
    """Return how the outputs settle when all inputs step from 0 to 0.2 V."""
    return settling(array(lines), np.full(lines, 0.2), **FARADS)


# %%
# The answer
# ----------
# Twice the lines have twice the capacitance behind the same 500 ohm, and twice the wire. Each bit more takes another
# 0.7 time constants. The number that is returned: nanoseconds until all outputs of 16 x 16 cells are right to 8 bits.


def main(save: str | None = None) -> float:
    """Draw settling times against size; return the nanoseconds of 16 lines to 8 bits."""
    sizes = [8, 16, 32, 64, 128]
    responses = [response(lines) for lines in sizes]
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    for bits, style in ((12, "^-"), (8, "s--"), (4, "o-.")):
        times = [1e9 * step.time(bits=bits).max() for step in responses]
        axes.loglog(sizes, times, style, label=f"{bits} bits")
        print(f"{bits:2} bits: " + ", ".join(f"{time:.3g}" for time in times) + " ns")
    axes.set_xticks(sizes, [f"{lines}" for lines in sizes], minor=False)
    axes.minorticks_off()
    axes.set(xlabel="array size N (N x N cells)", ylabel="until the slowest output is right (ns)")
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    return 1e9 * float(responses[1].time(bits=8).max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How fast can an array be read?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
