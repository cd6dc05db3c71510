"""
How large may an array be?
==========================

One cell has to be told from its other state whatever all other cells hold. The read margin is what is left of the LRS
current above the HRS current, each among the cells that are worst for it. Where it is gone the array cannot be read at
all. How far do read scheme and selector carry?
"""

import argparse

import matplotlib.pyplot as plt

from xbarsim import Selector
from xbarsim.margin import Margin, Technology, margin

# %%
# The technology
# --------------
# Cells of 20 kohm and 2 Mohm with a selector in each, 1 ohm a segment. ``sweep`` and the command ``xbarsim margin``
# take many sizes and schemes at once; worst-case patterns of the other cells are searched for, not assumed.

CELLS = Technology(
    r_on=20e3, r_off=2e6, device=Selector(i0=1e-10, v0=0.02), word_wire=1.0, bit_wire=1.0, driver=50.0, sense=50.0
)
READ_VOLTAGE = 0.4  # V
NEEDED = 0.5  # of the LRS current


def read_margin(scheme: str, lines: int) -> Margin:
    """Return the margin of a square array's farthest cell."""
    return margin(CELLS, lines, scheme, read_voltage=READ_VOLTAGE)


# %%
# The largest array
# -----------------
# Margins fall with size, so that the largest array that leaves enough is found by halving an interval.


def largest_array(scheme: str, limit: int = 32) -> int:
    """Return the most lines that leave the margin that is needed; ``limit`` if all do."""
    enough, too_many = 1, limit + 1
    while too_many - enough > 1:
        lines = (enough + too_many) // 2
        if read_margin(scheme, lines).current_margin >= NEEDED:
            enough = lines
        else:
            too_many = lines
    return enough


def draw(sizes: list[int]) -> plt.Figure:
    """Draw margins against size, a curve a scheme."""
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    labels = {"floating": "floating", "half": "V/2", "third": "V/3", "grounded": "grounded"}
    for (scheme, label), style in zip(labels.items(), ("o-", "s--", "D-.", "^:"), strict=True):
        margins = [read_margin(scheme, lines).current_margin for lines in sizes]
        axes.plot(sizes, margins, style, label=label)
    axes.axhline(NEEDED, color="0.4", linewidth=0.9)
    axes.annotate("needed", (sizes[0], NEEDED), (0, 3), textcoords="offset points", va="bottom")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{lines}" for lines in sizes])
    axes.set(xlabel="array size N (N x N cells)", ylabel="read margin", ylim=(-0.5, 1.05))
    axes.legend(title="unselected lines", loc="lower left")
    return figure


# %%
# The answer
# ----------
# Half-selected cells of the column have V/2 across them, and their selectors let a tenth of the read current through:
# few of them are enough. Under V/3 they have less, and grounded lines leave them nothing but what wires lose.


def main(save: str | None = None) -> float:
    """Draw margins against size; return the most lines that V/2 reads with a margin of a half."""
    lines = largest_array("half")
    point = read_margin("half", lines)
    print(f"V/2 reads up to {lines} x {lines} cells; the worst patterns there: LRS among {point.lrs.pattern},")
    print(f"HRS among {point.hrs.pattern}; no other cell has more than {point.hrs.stress:.3f} V across it")
    figure = draw([2, 4, 8, 16, 32])
    figure.savefig(save, dpi=150) if save else plt.show()
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How large may an array be?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
