"""
Where does the power go, and how does that depend on the inputs?
================================================================

A solution is arrays; a question is often a table. Each cell of each input vector is a row of a data frame, with names
and units, so that pandas groups, joins and draws. How much of the power ends in cells and how much in wires, as more
rows are driven?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from xbarsim import Crossbar, Solution, solve

# %%
# A batch
# -------
# Eight input vectors: the first has every eighth row at 0.2 V, the second two of eight, the last all of them.
# ``fields=True`` keeps what is inside.

ROWS, COLS, READ_VOLTAGE, WIRE, END = 48, 24, 0.2, 1.5, 20.0
CELLS = 10.0 ** np.random.default_rng(14).uniform(-5.5, -4.0, (ROWS, COLS))
DRIVEN = ROWS // 8 * np.arange(1, 9)
INPUTS = READ_VOLTAGE * (np.arange(ROWS) % 8 <= np.arange(8)[:, None])


def batch() -> Solution:
    """Return the solution of all vectors."""
    array = Crossbar(CELLS, word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)
    return solve(array, INPUTS, fields=True)


# %%
# Frames
# ------
# ``to_pandas("cells")`` has a row for each cell of each vector; ``to_xarray`` has the same under names of axes, and the
# power that the sources deliver. What cells do not take is lost in wires, drivers and amplifiers.


def powers(solution: Solution) -> pd.DataFrame:
    """Return a row a vector: rows that are driven, microwatts in cells and in all, and the share that is lost."""
    cells = solution.to_pandas("cells")
    cells["power"] = 1e6 * cells.device_voltages * cells.device_currents
    table = cells.groupby("batch").power.agg(cells="sum", largest="max")
    table["delivered"] = 1e6 * solution.to_xarray().power.to_series()
    table["lost"] = 1.0 - table.cells / table.delivered
    return table.assign(driven=DRIVEN).set_index("driven")


def cell_volts(solution: Solution) -> pd.DataFrame:
    """Return the mean voltage across cells of driven rows, a row a quarter of the columns, a column a vector."""
    volts = solution.to_xarray().device_voltages.assign_coords(batch=DRIVEN).rename(batch="driven")
    active = volts.word % 8 < 8 * volts.driven // ROWS
    return volts.where(active).mean("word").coarsen(bit=COLS // 4).mean().to_pandas().T


# %%
# The answer
# ----------
# Currents of all rows add up in the bit lines, so that the share that is lost grows with the rows that are driven. The
# number that is returned: the share that is lost with all of them, of what the sources deliver.


def main(save: str | None = None) -> float:
    """Print the table, draw it; return the share that is lost with all rows driven."""
    solution = batch()
    table = powers(solution)
    print(table.round(3).to_string())
    plt.style.use("tableau-colorblind10")
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.5, 5.0), sharex=True, layout="constrained")
    (100.0 * table.lost).plot(ax=top, style="o-", ylabel="power lost (%)", ylim=(0.0, None))
    quarters = cell_volts(solution).set_axis(["first", "second", "third", "last"])
    (1e3 * quarters.T).plot(ax=bottom, style=["o-", "s--", "D-.", "^:"], ylabel="across driven cells (mV)")
    bottom.set(xlabel="rows that are driven")
    bottom.legend(title="quarter of the columns", loc="lower left", ncols=2, fontsize="small")
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(table.lost.iloc[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Where does the power go, and how does that depend on the inputs?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
