"""
Where is a word line broken?
============================

A void in the metal of a word line cuts off all cells behind it. Two measurements of the line's current tell whether and
where: one from its left end, one from its right, all bit lines at ground and all cells in LRS. Each counts the cells on
its side of the void. Wires take a part of the count away, more of it on one side where lines taper. How far off is
what is counted, and can it be put right?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve

# %%
# Lines that are not alike
# ------------------------
# Wires may have ohms for each segment, ``(rows, cols - 1)`` of them. A word line here gets narrower from its driver on,
# 0.5 to 2.5 ohm a segment, all of a line up to 10 % more or less. Cells vary by 5 %. Every third line has a void, which
# is a segment of ``inf`` ohms.

ROWS, COLS = 24, 64
RANDOM = np.random.default_rng(11)
TAPER = np.linspace(0.5, 2.5, COLS - 1)  # ohm
BIT_SEGMENT, END = 1.0, 20.0  # ohm
NOMINAL = np.full((ROWS, COLS), 1.0 / 10e3)  # S
CELLS = NOMINAL * np.exp(RANDOM.normal(0.0, 0.05, (ROWS, COLS)))
WIRES = np.outer(RANDOM.uniform(0.9, 1.1, ROWS), TAPER)  # ohm
VOIDS = {int(row): int(RANDOM.integers(COLS - 1)) for row in range(1, ROWS, 3)}
WIRES[list(VOIDS), list(VOIDS.values())] = np.inf


def currents(cells: np.ndarray, wires: np.ndarray) -> np.ndarray:
    """Return amperes into each line from its left end, at 0.1 V with all others at ground."""
    array = Crossbar(cells, word_wire=wires, bit_wire=BIT_SEGMENT, driver=END, sense=END)
    return -np.diagonal(solve(array, 0.1 * np.eye(ROWS)).end_currents["word_left"])


def both(cells: np.ndarray, wires: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return amperes from the left and from the right, from where an array is its mirror image."""
    return currents(cells, wires), currents(cells[:, ::-1], wires[:, ::-1])


# %%
# What is counted, and what it stands for
# ---------------------------------------
# Currents from both ends add up to twice that of a whole line, or to about half as much where there is a void. Their
# shares are the cells' of each side, but for the wires. What a void at each place would show is computed with the cells
# and wires as they were drawn, since those that were made are not known.


def left_share(amperes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the share of each line's current that comes from the left."""
    left, right = amperes
    return left / (left + right)


def expected_shares() -> np.ndarray:
    """Return the shares of nominal lines (places, rows) with a void at each place."""
    wires = np.tile(TAPER, (COLS - 1, ROWS, 1))
    wires[np.arange(COLS - 1), :, np.arange(COLS - 1)] = np.inf
    return np.array([left_share(both(NOMINAL, drawn)) for drawn in wires])


# %%
# The answer
# ----------
# Wires take most from the side that has more cells, and from the right, where they are narrow: counting is off by up to
# three segments. Nominal lines, which have the same wires but for their spread, put all eight voids where they are. The
# number that is returned: by how many segments counting is off at worst.


def main(save: str | None = None) -> float:
    """Find all voids by counting and by nominal lines; draw how far off both are; return counting's worst."""
    measured, whole = both(CELLS, WIRES), both(NOMINAL, np.tile(TAPER, (ROWS, 1)))
    broken = np.flatnonzero(sum(measured) < 0.8 * sum(whole))
    places, share, expected = np.array([VOIDS[row] for row in broken]), left_share(measured)[broken], expected_shares()
    counted = COLS * share - 1.0
    nearest = np.abs(expected[:, broken] - share).argmin(axis=0)
    for row, place, number, match in zip(broken, places, counted, nearest, strict=True):
        print(f"line {row:2}: void at {place:2}, counted {number:5.2f}, by nominal lines {match:2}")
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.plot(COLS * expected.mean(axis=1) - 1.0 - np.arange(COLS - 1), color="0.6", label="counted, nominal lines")
    axes.plot(places, counted - places, "o", label="counted")
    axes.plot(places, nearest - places, "^", fillstyle="none", label="looked up among nominal lines")
    axes.set(xlabel="segment that is broken, from the driver", ylabel="distance from it (segments)", ylim=(-2, 5))
    axes.legend(loc="upper right")
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(np.abs(counted - places).max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Where is a word line broken?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
