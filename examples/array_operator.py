"""
Which voltages make a wired array give the currents of one without wires?
=========================================================================

Wires change the matrix that an array multiplies by, but it stays a matrix. As an operator of scipy's it can be turned
round: which inputs bring the outputs that were meant, how much higher are they, and how far are noise and rounding
amplified on the way?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse.linalg import LinearOperator, eigs, gmres, svds

from xbarsim import Crossbar
from xbarsim.interop import linear_operator

# %%
# The operators
# -------------
# 32 x 32 cells of 2 to 20 uS, and 100 uS on the diagonal. ``operator @ voltages`` are the currents; ``rmatvec``
# is the same array driven from its bit lines, as a circuit of resistors is reciprocal. The map is solved for once, and
# verified.

LINES, WIRE, END = 32, 4.0, 20.0
RNG = np.random.default_rng(12)
CELLS = RNG.uniform(2e-6, 20e-6, (LINES, LINES)) + 1e-4 * np.eye(LINES)
INPUTS = RNG.uniform(0.05, 0.2, LINES)  # V
EXACT = linear_operator(Crossbar(CELLS, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END))
WIRELESS = linear_operator(Crossbar(CELLS))


def driving_voltages() -> tuple[np.ndarray, int]:
    """Return the voltages that bring the currents of no wires, and how many products by the operator they took."""
    steps: list[float] = []
    currents = WIRELESS @ INPUTS
    voltages, failed = gmres(EXACT, currents, rtol=1e-12, callback=steps.append, callback_type="pr_norm")
    if failed:
        raise RuntimeError(f"gmres stopped with {failed}")
    return voltages, len(steps)


# %%
# What the spectrum says
# ----------------------
# Singular values are gains: of the inputs that the array passes best, of others, of those that it passes least. Wires
# take much the same share of all of them here, so that the quotient of the outermost, the condition, stays what it was:
# relative errors of the currents come back in the voltages by that factor at most.


def condition(operator: LinearOperator) -> float:
    """Return the quotient of the largest and the smallest singular value."""
    largest, smallest = (svds(operator, k=1, which=end, return_singular_vectors=False)[0] for end in ("LM", "SM"))
    return float(largest / smallest)


def draw(voltages: np.ndarray) -> plt.Figure:
    """Draw singular values with and without wires, and the voltages over those without wires."""
    plt.style.use("tableau-colorblind10")
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.5, 4.8), layout="constrained")
    for operator, style, label in ((WIRELESS, "s--", "no wires"), (EXACT, "o-", "with wires")):
        values = 1e6 * svds(operator, k=LINES - 1, return_singular_vectors=False)
        top.semilogy(np.arange(1, LINES), np.sort(values)[::-1], style, markersize=4, label=label)
    top.set(xlabel="number of the singular value", ylabel="singular value (µS)")
    top.legend()
    bottom.plot(voltages / INPUTS, "o-", markersize=4)
    bottom.set(xlabel="word line", ylabel="voltage, over no wires'")
    return figure


# %%
# The answer
# ----------
# The number that is returned: by how much the needed voltages are higher, over all rows.


def main(save: str | None = None) -> float:
    """Print what the operators say, draw it; return how much more voltage is needed in all."""
    voltages, steps = driving_voltages()
    u, v = RNG.normal(size=(2, LINES))
    print(f"adjoint: <A v, u> and <v, A' u> differ by {abs(u @ (EXACT @ v) / (v @ EXACT.rmatvec(u)) - 1.0):.0e}")
    for label, operator in (("no wires", WIRELESS), ("with wires", EXACT)):
        eigenvalue = 1e6 * eigs(operator, k=1, return_eigenvectors=False)[0].real
        print(f"{label:10} largest eigenvalue {eigenvalue:.1f} uS, condition {condition(operator):.2f}")
    print(f"gmres: {steps} steps, voltages {(voltages / INPUTS).min():.3f} to {(voltages / INPUTS).max():.3f} times")
    figure = draw(voltages)
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(voltages.sum() / INPUTS.sum()) - 1.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Which voltages make a wired array give the currents of no wires?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
