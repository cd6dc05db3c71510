"""
How exactly does a circuit solve equations?
===========================================

An array in the feedback of its amplifiers solves ``A x = b`` in one step: currents ``b`` go into the word lines, and
the amplifiers drive the bit lines to the ``x`` that takes them away again. Nothing is iterated, but wires have
resistance and gains are finite. How far from ``x`` does the circuit settle, and which of the two is to blame?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar
from xbarsim.loop import Amplifier, ErrorSplit, solve_inverse, split_errors

# %%
# The equations
# -------------
# Values at points of a line that are correlated the more the nearer they are: the matrix of a Gaussian process. Its
# entries are conductances, 100 uS for 1, whose lines end at the amplifiers by way of 5 ohm.

UNIT = 100e-6  # S
WIRE, END = 1.0, 5.0  # ohm
REACH = 2.0  # points
AMPLIFIER = Amplifier(gain=1e4)


def array(points: int) -> Crossbar:
    """Return an array of the correlations of so many points."""
    places = np.arange(points)
    matrix = np.exp(-np.abs(places[:, None] - places) / REACH)
    return Crossbar(UNIT * matrix, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)


def right_side(points: int) -> np.ndarray:
    """Return volts for the right side, between -0.1 and 0.1."""
    return np.random.default_rng(points).uniform(-0.1, 0.1, points)


# %%
# One cause at a time
# -------------------
# ``solve_inverse`` closes the loop around the exact circuit. ``split_errors`` does so with ideal amplifiers, with ideal
# wires, and with all as it is; here the cells are what they were meant to be. An amplifier of gain a holds its word
# line not at 0 but at ``-x / a``, which adds ``(1 + row sum) / a`` to the matrix' diagonal.


def errors(points: int) -> ErrorSplit:
    """Return what wires and amplifiers each do to the answer."""
    cells = array(points)
    return split_errors(
        lambda matrix, amplifier: solve_inverse(matrix, right_side(points), unit=UNIT, amplifier=amplifier),
        cells,
        target=cells,
        amplifier=AMPLIFIER,
    )


# %%
# The answer
# ----------
# What a gain of ten thousand adds to the diagonal does not grow with the number of equations, as each point has few
# near ones. Longer wires take more. They make conductances look smaller, and ``x`` come out too large, a finite gain
# makes it too small: either hides a little of the other. The number that is returned: the error of 16 equations.


def main(save: str | None = None) -> float:
    """Draw errors against size; return the relative error of 16 equations."""
    sizes = [4, 8, 16, 32, 64]
    splits = [errors(points).relative() for points in sizes]
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    for cause, label, style in (
        ("together", "both", "k-"), ("wires", f"wires of {WIRE:g} ohm", "o--"), ("amplifiers", "gain of 10,000", "s:"),
    ):  # fmt: skip
        shares = [100.0 * split[cause] for split in splits]
        axes.loglog(sizes, shares, style, label=label)
        print(f"{label:14}: " + ", ".join(f"{share:.3g}" for share in shares) + " %")
    axes.set_xticks(sizes, [f"{points}" for points in sizes], minor=False)
    axes.set_yticks([0.1, 0.3, 1.0, 3.0], ["0.1", "0.3", "1", "3"], minor=False)
    axes.minorticks_off()
    axes.set(xlabel="equations", ylabel="error of the answer (% of its norm)")
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    return splits[sizes.index(16)]["together"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How exactly does a circuit solve equations?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
