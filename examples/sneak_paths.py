"""
Which read scheme keeps sneak currents out?
===========================================

A cell is read through two lines that it shares with many others. Where unselected lines float, current also goes
through three cells in series, and there are many such sneak paths side by side: a cell in its high-resistance state
(HRS) among LRS cells then looks as if it were in LRS. Unselected lines can be held at a share of the read voltage (V/2,
V/3) or at ground instead. What does that help, and does it help cells without a selector?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, Linear, Selector, schemes

# %%
# The array
# ---------
# 32 x 32 cells, all in LRS but the one that is read, in the corner farthest from driver and amplifier. Cells are ohmic,
# or have an exponential selector in series (1S1R), which lets little through at half the voltage.

LINES = 32
R_ON, R_OFF = 100e3, 10e6  # ohm
READ_VOLTAGE = 0.4  # V
SCHEMES = {"floating": "floating", "half": "V/2", "third": "V/3", "grounded": "grounded"}
OHMIC, SELECTED = Linear(), Selector(i0=1e-10, v0=0.02)


def read(scheme: str, device: Linear | Selector, resistance: float) -> schemes.Read:
    """Read the far cell, which has this resistance."""
    cells = np.full((LINES, LINES), 1.0 / R_ON)
    cells[0, -1] = 1.0 / resistance
    array = Crossbar(cells, word_wire=1.0, bit_wire=1.0, driver=50.0, sense=50.0, device=device)
    return schemes.read(array, scheme, (0, LINES - 1), READ_VOLTAGE)


# %%
# What the sense amplifier sees
# -----------------------------
# It has to tell an LRS cell from an HRS cell by the whole current of the bit line. At 1 it cannot.


def on_off_ratio(scheme: str, device: Linear | Selector) -> float:
    """Return the ratio of what is sensed of an LRS cell and of an HRS cell."""
    return read(scheme, device, R_ON).selected_current / read(scheme, device, R_OFF).selected_current


def draw() -> plt.Figure:
    """Draw the ratio under each scheme, with and without selectors."""
    figure, axes = plt.subplots(figsize=(4.5, 3.3), layout="constrained")
    places = np.arange(len(SCHEMES))
    for side, device, label, look in (
        (-0.2, OHMIC, "ohmic cells", {"color": "0.3"}),
        (0.2, SELECTED, "with selectors", {"color": "#abcdef", "hatch": "///", "edgecolor": "black"}),
    ):
        heights = [on_off_ratio(scheme, device) for scheme in SCHEMES]
        bars = axes.bar(places + side, heights, 0.4, label=label, **look)
        axes.bar_label(bars, fmt="{:.3g}", fontsize=9)
    axes.set(yscale="log", ylim=(0.9, 400), xlabel="unselected lines", ylabel="read current, LRS over HRS")
    axes.set_xticks(places, SCHEMES.values())
    axes.legend(loc="upper left")
    return figure


# %%
# The answer
# ----------
# V/2 and V/3 alone do nothing for ohmic cells: half-selected ones of the column bring half of their current each, and
# there are 31. The number that is returned: how many times its own current an ohmic HRS cell seems to have while
# unselected lines float.


def main(save: str | None = None) -> float:
    """Print what an HRS read takes, draw the ratios; return by how much sneak paths raise it."""
    print("ohmic       sneak current         power")
    for scheme, label in SCHEMES.items():
        hrs = read(scheme, OHMIC, R_OFF)
        print(f"{label:10}{hrs.sneak_current:13.2e} A{hrs.power:12.1e} W")
    figure = draw()
    figure.savefig(save, dpi=150) if save else plt.show()
    return read("floating", OHMIC, R_OFF).selected_current / (READ_VOLTAGE / R_OFF)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Which read scheme keeps sneak currents out?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
