"""
How do I solve an array of a law that xbarsim does not have?
============================================================

Cells in their high-resistance state often conduct by Poole-Frenkel emission: charges leave traps more readily the
stronger the field, ``I = G V exp(sqrt(|V|) / s)``. No law of that name is built in, but a Python function is enough.
How much more current do such cells bring through an array than ohmic ones, and what if the function has a slip?
"""

import argparse
import math

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, Law, solve

# %%
# Two functions
# -------------
# A law takes a cell's voltage, its conductance and any parameters, and returns the current and its slope. It is
# compiled once, and solved as those that are built in. The second function has a slip: the slope of a product is not
# that of one factor.


def poole_frenkel(v: float, g: float, s: float) -> tuple[float, float]:
    """Return amperes and siemens of a cell at ``v`` volts; ``s`` in sqrt(V)."""
    root = math.sqrt(abs(v)) / s
    return g * v * math.exp(root), g * math.exp(root) * (1.0 + 0.5 * root)


def forgetful(v: float, g: float, s: float) -> tuple[float, float]:
    """Return the same current, and a slope as if the exponential did not rise with the voltage."""
    root = math.sqrt(abs(v)) / s
    return g * v * math.exp(root), g * math.exp(root)


# %%
# Checking the slopes
# -------------------
# A central difference of the current tells a slip. The solver comes to the same currents in spite of it, as it takes an
# answer by Kirchhoff's laws alone, and says so where it comes to none; but its steps are more, and gradients wrong.

S = 0.25  # sqrt(V)
CELLS = 10.0 ** np.random.default_rng(8).uniform(-7.0, -5.0, (24, 16))
OHMIC = Crossbar(CELLS, word_wire=2.0, bit_wire=2.0, driver=100.0, sense=100.0)  # ohm
ARRAYS = [OHMIC.with_cells(CELLS, Law(law, s=S)) for law in (poole_frenkel, forgetful)]


def slope_error(law: Law) -> float:
    """Return the largest relative error of a law's slope between 0.05 V and 0.6 V."""
    step, errors = 1e-5, []
    for volts in np.linspace(0.05, 0.6, 12):
        difference = (law.function(volts + step, 1.0, S)[0] - law.function(volts - step, 1.0, S)[0]) / (2.0 * step)
        errors.append(abs(law.function(volts, 1.0, S)[1] / difference - 1.0))
    return max(errors)


# %%
# The answer
# ----------
# The number that is returned: how many times the current of ohmic cells comes out of all columns at 0.5 V.


def main(save: str | None = None) -> float:
    """Print how far slopes are off, draw currents and steps against voltage; return the current over ohmic cells'."""
    volts = np.linspace(0.05, 0.6, 12)
    ohmic = np.array([solve(OHMIC, np.full(24, v)).currents.sum() for v in volts])
    plt.style.use("tableau-colorblind10")
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.5, 4.8), sharex=True, layout="constrained")
    for array, style in zip(ARRAYS, ("o-", "s--"), strict=True):
        answers = [solve(array, np.full(24, v)) for v in volts]
        times = np.array([answer.currents.sum() for answer in answers]) / ohmic
        name, steps = array.device.function.__name__, [answer.iterations for answer in answers]
        print(f"{name:13} slopes within {slope_error(array.device):.0e}, {max(steps)} steps at most, residual")
        print(f"{'':13} {max(answer.residual for answer in answers):.0e}, {times[9]:.6f} times the current at 0.5 V")
        top.plot(volts, times, style, label=name)
        bottom.plot(volts, steps, style, label=name)
    top.set(ylabel="current, over ohmic cells'")
    top.legend()
    bottom.set(xlabel="voltage of all rows (V)", ylabel="steps of the solver", ylim=(0, None))
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(solve(ARRAYS[0], np.full(24, 0.5)).currents.sum() / solve(OHMIC, np.full(24, 0.5)).currents.sum())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How do I solve an array of a law that xbarsim does not have?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
