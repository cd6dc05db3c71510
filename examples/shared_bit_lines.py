"""
Can two layers share their bit lines?
=====================================

A second layer of cells on top of the first doubles what an area holds. If its cells hang on the same bit lines, with
word lines above and below, one set of amplifiers reads both: a matrix of twice as many rows. But the bit lines have
both layers' currents to carry. What does sharing cost, against two arrays side by side whose outputs are added, and
against one array that is twice as long?
"""

import argparse
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve
from xbarsim.topologies import LayerStack, solve_stack

# %%
# The matrix
# ----------
# 2 N rows and N columns, cells in LRS or HRS at random, inputs of many voltages.

R_ON, R_OFF = 20e3, 1e6  # ohm
WIRES = {"word_wire": 1.0, "bit_wire": 1.0, "driver": 20.0, "sense": 20.0}  # ohm


def problem(lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cells (2, lines, lines) and inputs (2, lines): two layers, or two halves of a long array."""
    random = np.random.default_rng(lines)
    cells = np.where(random.random((2, lines, lines)) < 0.5, 1.0 / R_ON, 1.0 / R_OFF)
    return cells, random.uniform(0.05, 0.2, (2, lines))


# %%
# Three ways to build it
# ----------------------
# ``first="word"`` says that the lowest plane is one of word lines. The next are in turn: bit lines, word lines.


def stacked(cells: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs of two layers with their bit lines between them."""
    return solve_stack(LayerStack(cells, first="word", **WIRES), inputs).currents[0]


def apart(cells: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return the added outputs of two arrays."""
    return sum(solve(Crossbar(half, **WIRES), volts).currents for half, volts in zip(cells, inputs, strict=True))


def in_line(cells: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs of one array whose bit lines are twice as long."""
    return solve(Crossbar(np.concatenate(cells), **WIRES), inputs.ravel()).currents


# %%
# The answer
# ----------
# Bit lines that are shared carry twice the current over the same way; in an array that is twice as long they carry it
# twice as far. So the stack lies between the two that have no layers, with half of the amplifiers of two arrays and
# half of the footprint of either. The number that is returned: how many times the loss of two arrays the stack's is, of
# 32 x 32 cells a layer.


def lost_share(build: Callable[[np.ndarray, np.ndarray], np.ndarray], lines: int) -> float:
    """Return the share of the ideal current of all outputs that does not arrive."""
    cells, inputs = problem(lines)
    return 1.0 - float(build(cells, inputs).sum() / np.einsum("kij,ki->", cells, inputs))


def main(save: str | None = None) -> float:
    """Print and draw losses against size; return the ratio of those of a stack and of two arrays, 32 lines each."""
    sizes = [8, 16, 32, 64, 128]
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    for label, build, style in (
        ("one array of 2 N x N", in_line, "s--"),
        ("a stack of two layers", stacked, "o-"),
        ("two arrays apart", apart, "^-."),
    ):
        shares = [100.0 * lost_share(build, lines) for lines in sizes]
        axes.loglog(sizes, shares, style, label=label)
        print(f"{label:22}" + "".join(f"{share:7.2f}" for share in shares) + "  % lost")
    axes.set_xticks(sizes, [f"{lines}" for lines in sizes])
    axes.minorticks_off()
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.set(xlabel="size of a layer N (N x N cells)", ylabel="share of the current that is lost (%)")
    axes.legend(loc="upper left")
    figure.savefig(save, dpi=150) if save else plt.show()
    return lost_share(stacked, 32) / lost_share(apart, 32)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Can two layers share their bit lines?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
