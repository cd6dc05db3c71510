"""
How high must the gates of a 1T1R array be?
===========================================

In a 1T1R array each memristor has an access transistor. Rows whose gate line is low are cut off: no sneak path is left.
The selected row's transistors are in series with their memristors, so that the gate voltage decides how much of a
memristor's conductance can be read. This is drawn as a designer draws it, as a netlist; its graph is recognised as a
crossbar and solved as one.
"""

import argparse
import io

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import netlist, solve

# %%
# The netlist
# -----------
# Row lines carry the read voltage, gate lines run along the rows, column lines end at amplifiers, which hold them at
# 0 V. Only row 0 is selected. Parameters stay open until the netlist is read.

SIZE = 16
VTO, KP, LRS, HRS = 0.5, 400e-6, 10e3, 1e6  # V, A/V^2, ohm, ohm
READ_VOLTAGE, WIRE = 0.2, 2.0  # V, ohm


def schematic() -> str:
    """Return the netlist of an array in which every second cell is in LRS."""
    cards = [
        f"1T1R array, {SIZE} x {SIZE}",
        ".param vgate=1.8",
        f".model access nmos (level=1 vto={VTO} kp={KP})",
        ".subckt cell row gate column r=1meg",
        "rmem row drain {r}",
        "maccess drain gate column 0 access",
        ".ends",
    ]
    for i in range(SIZE):
        cards.append(f"vread{i} row{i}_0 0 {READ_VOLTAGE if i == 0 else 0}")
        cards.append(f"vgate{i} gate{i} 0 {'{vgate}' if i == 0 else 0}")
        cards += [f"rrow{i}_{j} row{i}_{j - 1} row{i}_{j} {WIRE}" for j in range(1, SIZE)]
        for j in range(SIZE):
            cards.append(f"xcell{i}_{j} row{i}_{j} gate{i} col{i}_{j} cell r={LRS if (i + j) % 2 else HRS}")
            cards.append(f"rcol{i}_{j} col{i}_{j} col{i + 1}_{j} {WIRE}")
    cards += [f"vsense{j} col{SIZE}_{j} 0 0" for j in range(SIZE)]
    return "\n".join([*cards, ".op", ".end", ""])


# %%
# Reading it
# ----------
# ``recognise`` finds the crossbar in the graph (and leaves out the leaks of the transistors' junctions, 1e-12 S each);
# ``report`` puts the solution back into the netlist's names: the current of a sense source is that of its column.


def column_currents(gate: float) -> np.ndarray:
    """Return the currents of all columns at a gate voltage of the selected row."""
    circuit = netlist.read(io.StringIO(schematic()), parameters={"vgate": gate})
    array = circuit.recognise()
    _, currents = netlist.report(array, solve(array.crossbar, array.voltages))
    return np.array([currents[f"vsense{j}"] for j in range(SIZE)])


# %%
# The answer
# ----------
# Below the threshold nothing is read. Above it the transistor's channel is a resistor in series, and the LRS current
# comes up to the memristor's own only slowly, while HRS cells are read at once.


def main(save: str | None = None) -> float:
    """Draw read currents against gate voltage; return the LRS current in the last column at 1.2 V."""
    gates = np.linspace(0.4, 2.4, 21)
    currents = np.array([column_currents(gate) for gate in gates])
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.plot(gates, 1e6 * currents[:, SIZE - 1], "o-", label="LRS cell")
    axes.plot(gates, 1e6 * currents[:, SIZE - 2], "s--", label="HRS cell")
    axes.axhline(1e6 * READ_VOLTAGE / LRS, color="0.4", linewidth=0.9, label="LRS memristor alone")
    axes.axvline(VTO, color="0.4", linestyle=":", label="threshold")
    axes.set(xlabel="gate voltage of the selected row (V)", ylabel="column current (µA)")
    axes.legend(loc="center right")
    figure.savefig(save, dpi=150) if save else plt.show()
    answer = float(column_currents(1.2)[-1])
    print(f"at 1.2 V an LRS cell gives {1e6 * answer:.2f} of {1e6 * READ_VOLTAGE / LRS:.2f} µA")
    return answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How high must the gates of a 1T1R array be?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
