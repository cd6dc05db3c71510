"""
Do the numbers agree with ngspice?
==================================

Whoever takes a simulator's word should have asked another one. Any crossbar can be written as a netlist that every
SPICE reads; here ngspice solves it, and all node voltages are compared. Without ngspice there is nothing to compare
with, and the script says so.
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, Sinh, netlist, solve, spice

# %%
# A circuit that is not symmetric in anything
# -------------------------------------------
# Cells over three decades, other wires along rows than along columns, inputs of both signs. Once the cells are ohmic,
# once they follow a sinh law.

ROWS, COLS = 12, 20


def circuit(device: Sinh | None) -> tuple[Crossbar, np.ndarray]:
    """Return an array and its input voltages."""
    rng = np.random.default_rng(7)
    cells = 10.0 ** rng.uniform(-6.0, -3.0, (ROWS, COLS))
    array = Crossbar(cells, word_wire=2.0, bit_wire=5.0, driver=80.0, sense=30.0, device=device)
    return array, rng.uniform(-0.4, 0.4, ROWS)


# %%
# Both simulators
# ---------------
# ``spice.run`` starts ngspice on the netlist in a process of its own, and believes no answer that is not whole.
# ``netlist.write`` calls the nodes ``w_<row>_<col>`` and ``b_<row>_<col>``.


def differences(device: Sinh | None) -> np.ndarray:
    """Return by how much node voltages differ, relative to the largest."""
    array, voltages = circuit(device)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crossbar.sp"
        netlist.write(array, voltages, path)
        nodes = spice.run(path).plots[0].node_voltages
    solution = solve(array, voltages)
    volts = np.concatenate([solution.word_voltages, solution.bit_voltages]).ravel()
    names = [f"{layer}_{i}_{j}" for layer in "wb" for i in range(ROWS) for j in range(COLS)]
    return np.abs(np.array([nodes[name] for name in names]) - volts) / np.abs(volts).max()


# %%
# The answer
# ----------
# Ohmic cells leave what is lost by rounding, and here sinh cells too: Newton's method squares its error in each step,
# so that the step after which ngspice is content (``reltol``, 1e-3) has left next to nothing. ``xbarsim validate`` does
# this for a whole bank of circuits.


def main(save: str | None = None) -> float | None:
    """Draw the differences; return the largest for ohmic cells, None without ngspice."""
    try:
        print(f"comparing with {spice.version()}")
    except spice.SpiceMissingError as missing:
        print(f"nothing to compare with: {missing}")
        return None
    figure, axes = plt.subplots(figsize=(4.5, 3.2), layout="constrained")
    laws = {"ohmic cells": differences(None), "sinh cells": differences(Sinh(v0=0.2))}
    for (label, shares), style in zip(laws.items(), ("-", "--"), strict=True):
        axes.plot(np.sort(np.maximum(shares, 1e-17)), np.arange(1, shares.size + 1), style, color="black", label=label)
        print(f"{label}: node voltages differ by at most {shares.max():.1e} of the largest")
    axes.set(xscale="log", xlabel="difference over the largest voltage", ylabel="nodes with at most this")
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(laws["ohmic cells"].max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Do the numbers agree with ngspice?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
