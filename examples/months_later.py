"""
For how long is an array right that was written once?
=====================================================

Conductances of phase-change cells fall with the time since they were written, ``G(t) = G(t0) (t / t0)^-nu``, and each
cell has an exponent of its own. What of the error is common to all outputs, so that one factor takes it out, and what
stays?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve
from xbarsim.nonideal import Chip, Drift, Nonidealities

# %%
# The chip
# --------
# A seed is a chip: the exponents of its cells are drawn once. ``apply`` writes the targets, ``read`` gives what a read
# sees some seconds later.

MODEL = Nonidealities(r_on=20e3, r_off=2e6, drift=Drift(nu=0.03, nu_sigma=0.015, t0=60.0))
SHAPE = 48, 24
CHIP = Chip(MODEL, seed=4, shapes=SHAPE)
RNG = np.random.default_rng(9)
TARGETS = RNG.uniform(MODEL.g_off, MODEL.g_on, SHAPE)
INPUTS = RNG.uniform(0.0, 0.2, (20, SHAPE[0]))  # V
WRITTEN = CHIP.apply(TARGETS)
MINUTE, HOUR, DAY, YEAR = 60.0, 3600.0, 86400.0, 3.156e7  # s


def outputs(seconds: float) -> np.ndarray:
    """Return the currents of all inputs, (20, 24), that long after writing, wires included."""
    cells = CHIP.read(WRITTEN, time=seconds)
    return solve(Crossbar(cells, word_wire=1.0, bit_wire=1.0, driver=50.0, sense=50.0), INPUTS).currents


# %%
# One factor
# ----------
# A chip can measure how its whole current has fallen, and multiply all outputs by what is missing (Joshi et al., Nature
# Communications 11, 2473, 2020). Exponents that differ from cell to cell are left.


def errors(seconds: float) -> tuple[float, float]:
    """Return the relative error of all outputs, as they are and after one factor: root of the mean square."""
    first, later = outputs(MODEL.drift.t0), outputs(seconds)
    norm = np.linalg.norm(first)
    corrected = later * first.sum() / later.sum()
    return float(np.linalg.norm(later - first) / norm), float(np.linalg.norm(corrected - first) / norm)


# %%
# The answer
# ----------
# Both errors grow about as the logarithm of time. One factor takes out most of it; against the rest, cells have to be
# written again. The number that is returned: the error after a year with the factor, in percent.


def main(save: str | None = None) -> float:
    """Draw both errors against time; return the percent that are left after a year and one factor."""
    seconds = np.geomspace(MODEL.drift.t0, YEAR, 25)
    raw, corrected = 100.0 * np.array([errors(time) for time in seconds]).T
    for label, time in (("hour", HOUR), ("day", DAY), ("year", YEAR)):
        print(f"after a {label:4} {100.0 * errors(time)[0]:5.1f} %, with one factor {100.0 * errors(time)[1]:5.2f} %")
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.semilogx(seconds, raw, "o-", label="as they are")
    axes.semilogx(seconds, corrected, "s--", label="after one factor for all")
    axes.set_xticks([MINUTE, HOUR, DAY, 30.0 * DAY, YEAR], ["minute", "hour", "day", "month", "year"])
    axes.minorticks_off()
    axes.set(xlabel="time since writing", ylabel="error of the outputs (%)")
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(corrected[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="For how long is an array right that was written once?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
