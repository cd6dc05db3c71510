"""
Which way should source lines run?
==================================

A 1T1R cell lies between a bit line and a source line. Source lines run along the word lines, across all columns, as an
analogue input has to (a pseudo-crossbar), or along the bit lines, one for each column, as in conventional memories,
where inputs are gates that are on or off. Wires and cells are the same. Which of the two loses less of its currents?
"""

import argparse
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve
from xbarsim.topologies import SourceLineArray, solve_source_lines

# %%
# Two arrays of the same cells
# ----------------------------
# A ``SourceLineArray`` is a circuit of its own, not a crossbar: its columns are ladders that share nothing but gates.
# All cells are in LRS, behind transistors of 2 kohm while these are on. Rows that are off conduct nothing.

LINES = 64
R_ON, ACCESS = 10e3, 2e3  # ohm
SEGMENT, END = 1.0, 20.0  # ohm
READ_VOLTAGE = 0.2  # V


def along_words(gates: np.ndarray) -> np.ndarray:
    """Return the output currents with source lines along the word lines, driven from the left."""
    cells = np.outer(gates, np.full(LINES, 1.0 / (R_ON + ACCESS)))
    array = Crossbar(cells, word_wire=SEGMENT, bit_wire=SEGMENT, driver=END, sense=END)
    return solve(array, np.full(LINES, READ_VOLTAGE)).currents


def along_bits(gates: np.ndarray) -> np.ndarray:
    """Return the output currents with a source line in each column, driven from the top."""
    cells = np.full((LINES, LINES), 1.0 / R_ON)
    array = SourceLineArray(cells, source_wire=SEGMENT, bit_wire=SEGMENT, driver=END, sense=END, access=ACCESS)
    return solve_source_lines(array, gates, READ_VOLTAGE).currents


# %%
# One row, or all of them
# -----------------------
# A memory reads a row at a time; a product has many rows on. Rows are switched on from the top.


def lost_share(outputs: Callable[[np.ndarray], np.ndarray], rows: int) -> np.ndarray:
    """Return the share of its ideal current that each column loses with this many rows on."""
    gates = (np.arange(LINES) < rows).astype(float)
    return 1.0 - outputs(gates) * (R_ON + ACCESS) / (rows * READ_VOLTAGE)


# %%
# The answer
# ----------
# A source line along a word line has the currents of all columns, however few rows are on, and the columns at its far
# end have the least voltage. Along a bit line it has those of its own column, few if few rows are on, and all columns
# are alike: each cell's way down one line and up the other has the same length. With all rows on both lose 30 %.
# The number that is returned: how many times the share along bit lines the last column loses, one row on.


def main(save: str | None = None) -> float:
    """Draw losses against rows that are on; return the ratio of the last column's with one row on."""
    counts = [1, 2, 4, 8, 16, 32, 64]
    words, bits = (np.array([lost_share(way, rows) for rows in counts]) for way in (along_words, along_bits))
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.plot(counts, 100.0 * words[:, -1], "s--", label="along word lines, last column")
    axes.plot(counts, 100.0 * words[:, 0], "^-.", label="along word lines, first column")
    axes.plot(counts, 100.0 * bits[:, -1], "o-", label="along bit lines, every column")
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [f"{rows}" for rows in counts])
    axes.set(xlabel=f"rows that are on (of {LINES})", ylabel="share of the current that is lost (%)", ylim=(0, 58))
    axes.legend(title="source lines run", loc="upper left")
    print(f"{'rows on':8}{'along word lines':>18}{'along bit lines':>18}")
    for rows, word, bit in zip(counts, words, bits, strict=True):
        print(f"{rows:7}{100.0 * word.mean():18.1f} {100.0 * bit.mean():17.1f}   % lost, mean")
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(words[0, -1] / bits[0, -1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Which way should source lines run?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
