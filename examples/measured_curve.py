"""
What does an array of measured cells compute?
=============================================

A network is trained as if cells were ohmic. Real ones are measured, and their current rises faster than the voltage. A
table of volts and amperes is all that is needed to solve an array of such cells, wires included: how far are its
outputs from what ohmic cells of the same conductance would give?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, Table, solve

# %%
# The measured curve
# ------------------
# One branch of a sweep, as ``Table.from_csv("cell.csv")`` would read it from an instrument's file. The slope at 0 V is
# the conductance of the measured cell; cells of other conductances follow the same curve, scaled.

VOLTS = np.array([-0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
MICROAMPERES = np.array([-63.1, -46.0, -32.2, -20.4, -9.9, 0.0, 10.1, 20.9, 33.1, 47.4, 65.2])
CURVE = Table(VOLTS, 1e-6 * MICROAMPERES, extend="error")

# %%
# The array
# ---------
# 64 x 32 cells of many conductances, all rows at one voltage. The same array, once with measured cells and once with
# ohmic ones: what is left between the two is the curve's doing, and not the wires'.


CELLS = 10.0 ** np.random.default_rng(3).uniform(-6.0, -4.0, (64, 32))
OHMIC = Crossbar(CELLS, word_wire=2.0, bit_wire=2.0, driver=50.0, sense=50.0)
MEASURED = OHMIC.with_cells(CELLS, CURVE)


def excess(voltage: float) -> float:
    """Return how much more current measured cells give in all than ohmic ones."""
    inputs = np.full(64, voltage)
    return float(solve(MEASURED, inputs).currents.sum() / solve(OHMIC, inputs).currents.sum()) - 1.0


# %%
# The answer
# ----------
# At a tenth of a volt cells are as good as ohmic; at half a volt they are not, and a network has to be read at less, or
# to be trained for this law (``xbarsim.nn.Law("table", ...)``).


def draw(voltages: np.ndarray) -> plt.Figure:
    """Draw the curve with its points, and the excess against the input voltage."""
    figure, (curve, outputs) = plt.subplots(2, 1, figsize=(4.5, 5.2), layout="constrained")
    fine = np.linspace(VOLTS[0], VOLTS[-1], 201)
    # One cell between ideal sources is a crossbar of 1 x 1.
    law = solve(Crossbar([[CURVE.conductance]], device=CURVE), fine[:, None]).currents[:, 0]
    curve.plot(fine, 1e6 * law, "-", color="C0", label="solved cell")
    curve.plot(VOLTS, MICROAMPERES, "o", color="black", markerfacecolor="white", label="measured")
    curve.plot(fine, 1e6 * CURVE.conductance * fine, "--", color="0.5", label="ohmic")
    curve.set(xlabel="cell voltage (V)", ylabel="cell current (µA)")
    curve.legend()
    outputs.plot(voltages, [100.0 * excess(volts) for volts in voltages], "s-", color="C0")
    outputs.set(xlabel="input voltage (V)", ylabel="excess of output currents (%)", ylim=(0.0, None))
    return figure


def main(save: str | None = None) -> float:
    """Print and draw the excess against voltage; return that at 0.5 V."""
    voltages = np.linspace(0.1, 0.5, 9)
    for volts in (0.1, 0.3, 0.5):
        print(f"{volts:.1f} V: measured cells give {100.0 * excess(volts):5.2f} % more than ohmic ones")
    figure = draw(voltages)
    figure.savefig(save, dpi=150) if save else plt.show()
    return excess(0.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What does an array of measured cells compute?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
