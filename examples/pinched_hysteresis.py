"""
What does a memristor's loop say?
=================================

Driven by a sine a memristor draws a loop in the plane of voltage and current that is pinched at the origin, and that
shrinks to a line at high frequencies. The model is text here, as it comes with a paper: a netlist with a subcircuit and
a ``.tran``. How far does half a period take the resistance?
"""

import argparse
import io

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import netlist

# %%
# The netlist
# -----------
# Strukov's memristor (Nature 453, 80, 2008): a part x of a film conducts, and its border drifts with the current. The
# volts of a capacitor are x, charged by the charge that flows through the cell. The frequency is left open.

R_ON, R_OFF, START = 100.0, 16e3, 0.1  # ohm, ohm, part of the film
MOBILITY, DEPTH, AMPLITUDE = 1e-14, 8e-9, 1.0  # m^2/Vs, m, V
NETLIST = f"""A memristor under a sine
.param hertz=1
.subckt memristor plus minus r_on=1 r_off=1 start=0 mobility=1 depth=1
.param drift={{mobility*r_on/depth**2}}
bcell plus minus i=v(plus,minus)/(r_on*v(x)+r_off*(1-v(x)))
bdrift 0 x i=drift*v(plus,minus)/(r_on*v(x)+r_off*(1-v(x)))
cstate x 0 1 ic={{start}}
.ends
vdrive in 0 sin(0 {AMPLITUDE} {{hertz}})
xcell in 0 memristor r_on={R_ON} r_off={R_OFF} start={START} mobility={MOBILITY} depth={DEPTH}
.tran {{1/hertz/500}} {{1/hertz}}
.measure tran farthest max v(xcell.x)
.end
"""

# %%
# Reading and running it
# ----------------------
# ``read`` takes text as it takes a file, ``solve`` runs the analyses that it asks for, and ``.measure`` cards are read
# off. Volts and amperes have the netlist's names; a current into a source's plus terminal is positive, as in SPICE.


def period(hertz: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return volts and amperes of one period, and the least resistance in ohms that the cell had in it."""
    solution = netlist.read(io.StringIO(NETLIST), parameters={"hertz": hertz}).solve()
    ohms = R_OFF - (R_OFF - R_ON) * solution[0].measures["farthest"]
    return solution.voltage("in"), -solution.current("vdrive"), ohms


# %%
# The answer
# ----------
# The first half of a period takes the border as far as its charge goes, the second brings it back. At twice the
# frequency half a period has half the flux; at twenty times there is hardly any loop left. The number that is returned:
# the least resistance at 1 Hz, in kilohms.


def main(save: str | None = None) -> float:
    """Draw loops at three frequencies; return the least kilohms at 1 Hz."""
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    least = {}
    for hertz, style in ((1.0, "-"), (2.0, "--"), (20.0, ":")):
        volts, amperes, least[hertz] = period(hertz)
        axes.plot(volts, 1e6 * amperes, style, label=f"{hertz:g} Hz")
        print(f"{hertz:2g} Hz: from {1e-3 * (R_OFF - (R_OFF - R_ON) * START):.2f} to {1e-3 * least[hertz]:.2f} kohm")
    axes.set(xlabel="voltage (V)", ylabel="current (µA)")
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    return 1e-3 * least[1.0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What does a memristor's loop say?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
