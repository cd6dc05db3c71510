"""
How many bits do the converters of an analogue matrix product need?
===================================================================

A matrix with numbers of either sign is held by pairs of crossbars, and used as numpy's matrices are: ``x @ core``. The
inputs come from converters of some bits and the outputs go to others. Beyond which number of bits is the error that of
the cells and wires, and no longer that of the converters?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim.interop import MatrixCore
from xbarsim.nonideal import Nonidealities, Variation

# %%
# Two chips
# ---------
# 48 x 24 numbers, cut into two tiles of 24 x 24, each a pair of arrays. One chip has perfect cells, and wires alone;
# in the other each cell conducts some 3 % more or less than it should. ``core.effective`` is the matrix that a chip
# really multiplies by.

RNG = np.random.default_rng(17)
MATRIX = RNG.normal(size=(48, 24))
VECTORS = RNG.uniform(-1.0, 1.0, (200, 48))
CIRCUIT = {"tile": (24, 24), "word_wire": 3.0, "bit_wire": 3.0, "driver": 50.0, "sense": 50.0}
VARIED = Nonidealities(r_on=20e3, r_off=2e6, variation=Variation(sigma=0.03))
CHIPS = {
    "wires": MatrixCore(MATRIX, cells=Nonidealities(r_on=20e3, r_off=2e6), **CIRCUIT),
    "wires and variation": MatrixCore(MATRIX, cells=VARIED, seed=5, **CIRCUIT),
}
IDEAL = VECTORS @ MATRIX

# %%
# Converters
# ----------
# A converter of b bits has ``2^(b - 1) - 1`` steps on either side of 0 up to its full scale: here the largest number
# that comes. The error is what is left after one factor for all outputs, a chip's gain.


def converted(values: np.ndarray, bits: int) -> np.ndarray:
    """Return values on the steps of a signed converter; 0 bits is none."""
    step = np.abs(values).max() / (2.0 ** (bits - 1) - 1.0) if bits else 0.0
    return step * np.round(values / step) if bits else values


def product_error(core: MatrixCore, bits: int) -> float:
    """Return the error of ``x @ core``, root of the mean square over that of the products."""
    outputs = converted(converted(VECTORS, bits) @ core, bits)
    gain = np.vdot(outputs, IDEAL) / np.vdot(outputs, outputs)
    return float(np.linalg.norm(gain * outputs - IDEAL) / np.linalg.norm(IDEAL))


# %%
# The answer
# ----------
# Each bit more halves the converters' part of the error, until what is left is the chip's. The number that is returned:
# the fewest bits with which the varied chip is within a tenth of that.


def main(save: str | None = None) -> int:
    """Draw errors against bits; return the fewest that leave a varied chip within a tenth of its own error."""
    bits = np.arange(3, 13)
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    answers = {}
    for (label, core), style in zip(CHIPS.items(), ("o-", "s--"), strict=True):
        floor, errors = product_error(core, 0), np.array([product_error(core, b) for b in bits])
        answers[label] = int(bits[errors <= 1.1 * floor][0])
        print(f"{core}: {100.0 * floor:.2f} % by {label}, within a tenth of it from {answers[label]} bits on")
        (line,) = axes.semilogy(bits, 100.0 * errors, style, label=label)
        axes.axhline(100.0 * floor, color=line.get_color(), linewidth=0.8)
    axes.set(xlabel="bits of the converters", ylabel="error of the products (%)")
    axes.legend(title="what the chip has")
    figure.savefig(save, dpi=150) if save else plt.show()
    return answers["wires and variation"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How many bits do the converters of a matrix product need?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
