"""
What does writing one cell do to its neighbours?
================================================

A write pulse puts its whole voltage across the selected cell, and a share of it across all that lie on the same lines:
a half under V/2, a third under V/3. Cells have a threshold below which nothing moves. Up to which amplitude can an
array be written without disturbing what it holds?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import VTEAM, Crossbar
from xbarsim.programming import WritePulse, apply

# %%
# The array
# ---------
# 8 x 8 VTEAM cells, whose states move beyond 0.7 V only, somewhere between 10 kohm and 1 Mohm.

THRESHOLD, SPEED, DEPTH = 0.7, 0.02, 3e-9  # V, m/s, m
WIDTH = 50e-9  # s
LINES = 8


def array() -> Crossbar:
    """Return cells of many resistances, between their wires."""
    cells = VTEAM(
        r_on=10e3, r_off=1e6, v_on=-THRESHOLD, v_off=THRESHOLD, k_on=-SPEED, k_off=SPEED, x_on=0.0, x_off=DEPTH
    )
    ohms = np.random.default_rng(5).uniform(200e3, 800e3, (LINES, LINES))
    return Crossbar(1.0 / ohms, word_wire=2.0, bit_wire=2.0, driver=100.0, sense=100.0, device=cells)


# %%
# One pulse
# ---------
# ``apply`` takes the array through time while the pulse lasts, every cell's state with it, and tells how far it moved
# the cells that it was not for, as a share of the range of their state.


def worst_disturbance(scheme: str, amplitude: float) -> float:
    """Return how far a pulse in the middle of the array moves the cell that it disturbs most."""
    pulse = WritePulse((LINES // 2, LINES // 2), -amplitude, WIDTH)  # a negative voltage turns a cell on
    return float(apply(array(), [pulse], scheme=scheme).disturbance.max())


# %%
# The answer
# ----------
# Under V/2 cells are disturbed from twice the threshold on, under V/3 from three times. The wires take a little of the
# voltage, which helps here. The number that is returned: what a pulse of 1.9 V does under V/2. A thousand such pulses
# along the same lines do a thousand times as much.


def main(save: str | None = None) -> float:
    """Draw the disturbance against amplitude; return that of one pulse of 1.9 V under V/2."""
    amplitudes = np.linspace(1.2, 2.6, 8)
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    for scheme, parts, style in (("V/2", 2, "s-"), ("V/3", 3, "D--")):
        shares = np.array([worst_disturbance(scheme, amplitude) for amplitude in amplitudes])
        (line,) = axes.plot(amplitudes, 100.0 * shares, style, label=scheme)
        axes.axvline(parts * THRESHOLD, color=line.get_color(), linestyle=":")
        print(f"{scheme}: the first amplitude that disturbs is {amplitudes[np.argmax(shares > 0.0)]:.1f} V")
    axes.set(xlabel="amplitude of the pulse (V)", ylabel="largest disturbance by a pulse\n(% of a state's range)")
    axes.legend(title="dotted: threshold")
    figure.savefig(save, dpi=150) if save else plt.show()
    return worst_disturbance("V/2", 1.9)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What does writing one cell do to its neighbours?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
