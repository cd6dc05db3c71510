"""
How do I sweep two settings, and keep what came out?
====================================================

A sweep that is worth anything is run more than once: a value is added, the machine is switched off, a colleague wants
the numbers. A study is a file that says what is swept. What has an answer is in its store, and is never solved again.
What becomes of the farthest column of an array, over the ohms of its wires and of its drivers?
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from pandas import DataFrame

from xbarsim import study

# %%
# A netlist with parameters
# -------------------------
# 10 x 10 cells of 10 kohm to 1 Mohm. ``{rw}`` and ``{rd}`` stand for the ohms of a segment and of a driver; each column
# ends in a source of 0 V, whose current is the output.

LINES, READ_VOLTAGE = 10, 0.2  # V
CELLS = 10.0 ** np.random.default_rng(3).uniform(-6.0, -4.0, (LINES, LINES))  # S


def netlist() -> str:
    """Return the text of an array whose resistances are parameters."""
    cards = ["an array", ".param rw=1 rd=10"]
    for i in range(LINES):
        cards += [f"vr{i} in{i} 0 {READ_VOLTAGE}", f"rd{i} in{i} w{i}_0 {{rd}}", f"vb{i} b{LINES}_{i} 0 0"]
        for j in range(LINES):
            cards += [
                f"rc{i}_{j} w{i}_{j} b{i}_{j} {float(1.0 / CELLS[i, j])}",
                f"rb{i}_{j} b{i}_{j} b{i + 1}_{j} {{rw}}",
            ]
            cards += [f"rw{i}_{j} w{i}_{j} w{i}_{j + 1} {{rw}}"] if j < LINES - 1 else []
    return "\n".join(cards) + "\n"


# %%
# The study
# ---------
# Every combination of both settings is a trial: 25 of them. Here the file is made in a folder that goes away with its
# store; leave yours beside it.

STUDY = f"""
title = "Wires and drivers"
[netlist]
file = "array.sp"
outputs = ["i(vb{LINES - 1})", "power"]
[sweep]
"param.rw" = [1, 2, 5, 10, 20]
"param.rd" = [1, 10, 100, 300, 1000]
"""


def studied() -> DataFrame:
    """Run the study, and once more; return its trials as a table, one a row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "wires.toml")
        path.with_name("array.sp").write_text(netlist(), "utf-8")
        path.write_text(STUDY, "utf-8")
        for time in ("first", "second"):
            tally = study.run(path, jobs=1)
            print(f"the {time} time {tally.answered} trials are solved, {tally.before} were there")
        return study.frame(path)


# %%
# The answer
# ----------
# The table is pandas', with a column for each setting and each number, and turns into a map. The number that is
# returned: the share of the ideal current that is left with 5 ohm a segment and 100 ohm a driver.


def main(save: str | None = None) -> float:
    """Draw a map over both settings; return what is left of the farthest column's current at one point of it."""
    trials = studied()
    ideal = READ_VOLTAGE * CELLS[:, -1].sum()
    trials["left"] = 100.0 * trials[f"i(vb{LINES - 1})"] / ideal
    table = trials.pivot(index="param.rd", columns="param.rw", values="left")
    print(table.round(1))
    figure, axes = plt.subplots(figsize=(4.5, 3.7), layout="constrained")
    image = axes.imshow(table, cmap="cividis", origin="lower")
    axes.set_xticks(range(len(table.columns)), [f"{ohms:g}" for ohms in table.columns])
    axes.set_yticks(range(len(table.index)), [f"{ohms:g}" for ohms in table.index])
    axes.set(xlabel="segment (ohm)", ylabel="driver (ohm)")
    figure.colorbar(image, label="left of the farthest column's current (%)")
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(table.loc[100, 5]) / 100.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How do I sweep two settings, and keep what came out?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
