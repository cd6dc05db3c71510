"""
Can one step fit a curve to measurements?
=========================================

The curve of least squares through noisy points takes a pseudo-inverse. A circuit of two arrays and two sets of
amplifiers has it as its operating point. The matrix has both signs, so that each array is a pair, and amplifiers that
invert drive its negative half. What does the circuit's curve miss, and how fast must the inverters be?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from numpy.polynomial.chebyshev import chebval, chebvander

from xbarsim.loop import Amplifier, LoopAnswer, SignedPair, UnstableError, pseudo_inverse

# %%
# The measurements
# ----------------
# Twelve noisy points of a curve. The columns of the matrix are polynomials at the points, Chebyshev's from -1 to 1:
# they are less like each other than powers are, so that the matrix is well conditioned.

POINTS, DEGREE = 12, 3
UNIT = 100e-6  # S
WIRE, END = 1.0, 5.0  # ohm
PLACES = np.linspace(-1.0, 1.0, POINTS)
MEASURED = 0.1 * np.exp(-2.0 * (PLACES - 0.3) ** 2) + np.random.default_rng(8).normal(0.0, 4e-3, POINTS)  # V


def pair() -> SignedPair:
    """Return the two arrays of the matrix, its positive and its negative entries."""
    matrix = chebvander(PLACES, DEGREE)
    return SignedPair.of(matrix, UNIT, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)


# %%
# The circuit
# -----------
# Amplifiers are given in the order of the circuit: one for each point, one for each coefficient, and as many inverters.
# An operating point that the circuit would not hold is an error, which names the amplifier that leads.


def fit(inverters: float = 100e6) -> LoopAnswer:
    """Return the circuit's answer; inverters have so many hertz, the others 10 MHz."""
    main, inverting = (Amplifier(gain=1e4, bandwidth=hertz) for hertz in (10e6, inverters))
    count = POINTS + DEGREE + 1
    return pseudo_inverse(pair(), MEASURED, unit=UNIT, amplifier=[main] * count + [inverting] * count)


# %%
# The answer
# ----------
# Wires move the curve by less than the noise of the points. Inverters as fast as the other amplifiers make the circuit
# an oscillator; ten times as fast, the answer is there in about a microsecond. The number that is returned: the largest
# distance of the circuit's curve from that of least squares at a point, as a share of its largest value.


def main(save: str | None = None) -> float:
    """Draw points and both curves; return their largest distance at a point over the largest value."""
    answer = fit()
    for hertz in (10e6, 20e6, 100e6):
        try:
            seconds = fit(hertz).circuit.stability.settling_time(bits=8)[0]
            print(f"inverters of {1e-6 * hertz:3.0f} MHz: to 8 bits in {1e6 * seconds:.1f} us")
        except UnstableError as error:
            print(f"inverters of {1e-6 * hertz:3.0f} MHz: it oscillates, led by amplifier {error.amplifier}")
    along = np.linspace(-1.0, 1.0, 201)
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.plot(PLACES, 1e3 * MEASURED, "ko", markersize=4, label="measured")
    axes.plot(along, 1e3 * chebval(along, answer.ideal), "--", label="least squares")
    axes.plot(along, 1e3 * chebval(along, answer.x), "-", label="circuit")
    axes.set(xlabel="place", ylabel="value (mV)", xticks=(-1.0, -0.5, 0.0, 0.5, 1.0))
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    ideal = chebval(PLACES, answer.ideal)
    distance = float(np.abs(chebval(PLACES, answer.x) - ideal).max() / np.abs(ideal).max())
    print(f"coefficients (mV): {np.array2string(1e3 * answer.x, precision=2)}, {100.0 * distance:.2f} % off at most")
    return distance


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Can one step fit a curve to measurements?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
