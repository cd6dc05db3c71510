"""
Should lines taper?
===================

A word line has the current of all its cells next to the driver and that of one cell at its far end; a bit line gathers
current on its way to the amplifier. Metal of one width is wide where there is little current. What is won if the same
metal is put where the current is, and how strongly should lines taper?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve

# %%
# Lines of the same metal
# -----------------------
# 32 x 32 cells in LRS, all rows driven by ideal ends. A segment of the mean width has 1 ohm, and one of twice the width
# half as much. Widths follow a power of the number of cells that a segment feeds: 0 is a line of one width.

LINES = 32
R_ON = 15e3  # ohm
SEGMENT = 1.0  # ohm
READ_VOLTAGE = 0.2  # V


def segments(power: float) -> np.ndarray:
    """Return the ohms of a line's segments from its far end to its driver or amplifier."""
    widths = np.arange(1.0, LINES) ** power
    return SEGMENT * widths.mean() / widths


# %%
# Two kinds of loss
# -----------------
# All outputs together lose what all cells lose, and no cell loses more than that in the far corner.


def lost_shares(power: float) -> tuple[float, float]:
    """Return which share of its current an array loses, and its far corner's cell."""
    ohms = segments(power)
    array = Crossbar(
        np.full((LINES, LINES), 1.0 / R_ON),
        word_wire=np.tile(ohms[::-1], (LINES, 1)),
        bit_wire=np.tile(ohms[:, None], (1, LINES)),
    )
    share = solve(array, np.full(LINES, READ_VOLTAGE)).device_voltages / READ_VOLTAGE
    return 1.0 - float(share.mean()), 1.0 - float(share[0, -1])


# %%
# The answer
# ----------
# While little is lost, current i in width w loses i^2 / w, and of all lines with the same metal the one whose width is
# as the current loses least: a quarter less than one of a single width. What the far corner's cell lacks is the sum of
# i / w, least for the square root. That gets most of both, and its narrowest segments can be drawn. The number that is
# returned: the array's loss with the square root, over that of lines of one width.


def main(save: str | None = None) -> float:
    """Print and draw losses against the power; return the square root's loss over that of a single width."""
    powers = np.linspace(0.0, 1.25, 11)
    losses = np.array([lost_shares(power) for power in powers])
    plain, root = np.array(lost_shares(0.0)), np.array(lost_shares(0.5))
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    for part, style, label in ((0, "o-", "the array's current"), (1, "s--", "the far corner's cell")):
        axes.plot(powers, losses[:, part] / plain[part], style, label=f"{label} ({100 * plain[part]:.1f} % at 0)")
    axes.set(
        xlabel="power p (width as current to the p)", ylabel="loss over that of lines of one width", ylim=(0.72, 1.22)
    )
    axes.legend(title="lost of")
    for power in (0.0, 0.5, 1.0):
        ohms, (whole, corner) = segments(power), lost_shares(power)
        print(f"power {power}: {100 * whole:5.2f} % lost, {100 * corner:5.2f} % in the corner, ", end="")
        print(f"segments of {ohms.min():.2f} to {ohms.max():.1f} ohm")
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(root[0] / plain[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Should lines taper?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
