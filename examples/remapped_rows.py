"""
Can stuck cells be dodged without training?
===========================================

A stuck cell does no harm where its weight wants just that. Rows of weights may lie on any word line, or be stored and
driven negated; hidden units may change places. The network computes the same, and other weights lie on the stuck
cells. How much do such moves bring back, and what do they ask of the chip?
"""

import argparse
import math

import matplotlib.pyplot as plt
import torch

from xbarsim.mitigation import Study, chain, run
from xbarsim.nn import Hardware, Tiles, Wires
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nn.zoo import build
from xbarsim.nonideal import Faults, Nonidealities

# %%
# Network and chips
# -----------------
# 64 inputs, 32 hidden units, 10 classes, and arrays of which 15 % of all cells are stuck, half of them at each state.
# Wires are short: 0.5 ohm in every segment and end.

CHIPS = range(4)
HARDWARE = Hardware(
    tiles=Tiles(64, 64),
    cells=Nonidealities(r_on=10e3, r_off=1e6, faults=Faults(0.15)),
    wires=Wires(word=0.5, bit=0.5, driver=0.5, sense=0.5),
)


def trained(digits: Dataset) -> torch.nn.Module:
    """Return a network that was trained without any hardware."""
    model = build("mlp", digits.shape, len(digits.classes), width=0.25, seed=0)
    Training(model, digits, TrainSettings(epochs=5, batch=32, rate=2e-2)).run()
    return model


# %%
# Four ways to move weights
# -------------------------
# Each knows the map of stuck cells, and sees no image. The last is one step: which row lies where, and with which sign,
# is chosen together, as an assignment problem.

METHODS = {
    "row-flip": "rows negated",
    "neuron-permutation": "units exchanged",
    "row-permutation": "rows exchanged",
    "row-flip+row-permutation": "rows, both",
}


def compared(digits: Dataset) -> Study:
    """Return accuracies and costs of no method and of all on the same chips."""
    return run(trained(digits), digits, HARDWARE, [chain(name) for name in METHODS], seeds=CHIPS)


# %%
# The answer
# ----------
# Units change places for nothing, and bring nothing here. Rows on other lines need a router in front of the array,
# negated ones drivers of both signs. The number that is returned: by how much the last is ahead of none, in standard
# errors of the difference of two counts of right answers.


def main(save: str | None = None) -> float:
    """Draw and print the comparison; return how far exchanged and negated rows are ahead of none."""
    torch.manual_seed(0)
    digits = load("digits").split(validation=287)
    study, labels = compared(digits), ["none", *METHODS.values()]
    for label, row in zip(labels, study.results, strict=True):
        cost = row.records[0].cost
        print(f"{label:16}{100.0 * row.mean:5.1f} %, {cost.router_lines} lines moved, {cost.negated_lines} negated")
    figure, axes = plt.subplots(figsize=(4.5, 2.8), layout="constrained")
    means, spreads = ([100.0 * getattr(row, name) for row in study.results] for name in ("mean", "deviation"))
    axes.barh(labels, means, xerr=spreads, color="#88aacc", edgecolor="black", capsize=3)
    axes.axvline(100.0 * study.ideal, color="black", linestyle="--", label="torch")
    axes.invert_yaxis()
    axes.set(xlabel=f"accuracy of {len(CHIPS)} chips (%)", xlim=(0, 100))
    figure.legend(loc="outside upper right", frameon=False)
    figure.savefig(save, dpi=150) if save else plt.show()
    before, after = means[0] / 100.0, means[-1] / 100.0
    return (after - before) / math.sqrt((before * (1.0 - before) + after * (1.0 - after)) / len(digits.test))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Can stuck cells be dodged without training?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
