"""
I have the arguments of another simulator: are the currents the same?
=====================================================================

badcrossbar takes ohms of cells, CrossSim matrices of outputs by inputs in units of the largest conductance, NeuroSim
siemens of the memory cells without their transistors. Each counts wires in its own way. Do all of them describe the
same circuit, and what does NeuroSim's sum of resistances make of it?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve

# %%
# One array, three descriptions
# -----------------------------
# 32 x 24 cells of 10 kohm to 1 Mohm. All three have a segment of wire before the first cell of a row and behind the
# last of a column, which are ``driver`` and ``sense`` of a ``Crossbar``. NeuroSim knows the transistor of each cell by
# itself: here its 5 kohm are taken out of the cell's resistance.

WIRE, ACCESS, SMALLEST = 2.5, 5e3, 10e3  # ohm
OHMS = 10.0 ** np.random.default_rng(5).uniform(4.0, 6.0, (32, 24))
INPUTS = np.random.default_rng(6).uniform(0.0, 0.3, 32)  # V

DESCRIPTIONS = {
    "badcrossbar": Crossbar.from_badcrossbar(OHMS, r_i=WIRE),
    "CrossSim": Crossbar.from_crosssim(SMALLEST / OHMS.T, Rmin=SMALLEST, Rp_row=WIRE, Rp_col=WIRE),
    "NeuroSim": Crossbar.from_neurosim(
        1.0 / (OHMS - ACCESS), wireResistanceRow=WIRE, wireResistanceCol=WIRE, resistanceAccess=ACCESS
    ),
}


def apart() -> float:
    """Return by how much the three descriptions' currents differ at most, relative to the current."""
    currents = np.array([solve(array, INPUTS).currents for array in DESCRIPTIONS.values()])
    return float((np.ptp(currents, axis=0) / currents.mean(axis=0)).max())


# %%
# A sum of resistances
# --------------------
# NeuroSim solves no circuit (``GetColumnResistance`` of DNN+NeuroSim 1.4): it adds to each cell the wire between it and
# both ends, as if no other current flowed there. All cells share those wires, so that they lose far more.


def summed() -> np.ndarray:
    """Return each column's current by that sum."""
    rows, cols = OHMS.shape
    wires = WIRE * (np.arange(1, cols + 1) + (rows - np.arange(rows))[:, None])
    return INPUTS @ (1.0 / (OHMS + wires))


# %%
# The answer
# ----------
# The three are one circuit to rounding. Of what wires cost, the sum sees a small part. The number that is returned: how
# many times the loss that the sum expects is lost, over all columns.


def main(save: str | None = None) -> float:
    """Print how far apart the descriptions are, draw columns' losses; return the loss over the one by the sum."""
    exact, ideal = solve(DESCRIPTIONS["badcrossbar"], INPUTS).currents, INPUTS @ (1.0 / OHMS)
    print(f"three descriptions, currents within {apart():.1e} of each other")
    lost, expected = 100.0 * (1.0 - exact / ideal), 100.0 * (1.0 - summed() / ideal)
    print(f"lost to wires: {lost.min():.1f} to {lost.max():.1f} %; by the sum {expected.min():.2f} to "
          f"{expected.max():.2f} %")  # fmt: skip
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.plot(lost, "o-", label="the circuit, by each description")
    axes.plot(expected, "s--", label="sum of resistances")
    axes.set(xlabel="bit line", ylabel="current lost to wires (%)", ylim=(0.0, None))
    axes.legend(loc=(0.25, 0.15))
    figure.savefig(save, dpi=150) if save else plt.show()
    return float((ideal - exact).sum() / (ideal - summed()).sum())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Are the currents those of another simulator's arguments?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
