"""
Does my loop ring?
==================

A circuit that solves equations is a feedback loop, and lines with capacitance delay what is fed back. Amplifiers that
are too fast for their array overshoot, ring, and in the end oscillate. How much capacitance may a crossing have, and
how long does the answer take to settle before it comes to that?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar
from xbarsim.loop import Amplifier, Loop, Stability, close, inverse_loop

# %%
# The loop
# --------
# Eight equations whose unknowns are correlated, solved by fast amplifiers. ``inverse_loop`` gives the circuit with all
# its parts; ``with_capacitance`` puts farads from each node of both layers to ground.

LINES, UNIT = 8, 100e-6  # -, S
WIRE, END = 2.0, 5.0  # ohm
AMPLIFIER = Amplifier(gain=1e4, bandwidth=1e9, output_resistance=100.0)  # Hz, ohm


def loop(farads: float) -> Loop:
    """Return the circuit, each node of the array with a capacitance."""
    lines = np.arange(LINES)
    matrix = np.exp(-0.5 * np.abs(lines[:, None] - lines))
    array = Crossbar(UNIT * matrix, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)
    circuit = inverse_loop(array, np.linspace(0.02, 0.1, LINES), unit=UNIT, amplifier=AMPLIFIER)
    return circuit.with_capacitance(word=farads, bit=farads)


# %%
# Poles
# -----
# ``close`` solves the loop and has the poles of the whole circuit, one for each node and amplifier. Where one of them
# does not decay it raises an error that names the amplifier; ``stable=False`` gives the poles anyway.


def stability(farads: float) -> Stability:
    """Return the poles, the step response and the settling time."""
    return close(loop(farads), stable=False).stability


def largest_capacitance(low: float = 1e-15, high: float = 1e-12) -> float:
    """Return the farads above which the loop oscillates, to a thousandth, by halving their ratio."""
    while high > 1.001 * low:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if stability(middle).stable else (low, middle)
    return low


# %%
# The answer
# ----------
# A little capacitance does no harm: the loop is even a little faster. Then it rings, and every ring is settling time
# that was not there before. The number that is returned: the femtofarads of a crossing at which it begins to
# oscillate. Wires from crossing to crossing have less than one: it takes pads, probes or a board to come near it.


def main(save: str | None = None) -> float:
    """Draw answers after a step; return the femtofarads of a crossing above which the loop oscillates."""
    limit = largest_capacitance()
    print(f"it oscillates above {1e15 * limit:.0f} fF a crossing")
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    times = np.linspace(0.0, 30e-9, 601)
    for farads, style in ((1e-15, ":"), (0.1 * limit, "--"), (0.5 * limit, "-")):
        poles = stability(farads)
        last = poles.step_response(times)[:, LINES - 1]
        axes.plot(1e9 * times, 1e3 * last, style, label=f"{1e15 * farads:.0f} fF")
        print(f"{1e15 * farads:4.0f} fF: to 8 bits in {1e9 * poles.settling_time(bits=8)[0]:.1f} ns")
    axes.set(xlabel="time after the step (ns)", ylabel="last amplifier's output (mV)")
    axes.legend(title="a crossing")
    figure.savefig(save, dpi=150) if save else plt.show()
    return 1e15 * limit


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Does my loop ring?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
