"""
How much accuracy do wires and stuck cells cost?
================================================

A network that was trained in torch is put on crossbars: weights become pairs of conductances, layers become arrays.
Wires take current, and of the cells some are stuck. What is left of the network's accuracy on handwritten digits?
"""

import argparse
import math

import matplotlib.pyplot as plt
import torch

from xbarsim.nn import Hardware, Tiles, Wires
from xbarsim.nn.datasets import load
from xbarsim.nn.inference import infer
from xbarsim.nn.training import Training, TrainSettings, accuracy
from xbarsim.nn.zoo import build
from xbarsim.nonideal import Faults, Nonidealities

# %%
# The network
# -----------
# 64 inputs, 128 hidden units, 10 classes, on the 8 x 8 digits that come with scikit-learn: 1437 images to train on, 360
# to test on.

DIGITS = load("digits")


def trained() -> torch.nn.Module:
    """Return a network that was trained without any hardware."""
    model = build("mlp", DIGITS.shape, len(DIGITS.classes), seed=0)
    Training(model, DIGITS, TrainSettings(epochs=10, batch=32)).run()
    return model


# %%
# The hardware
# ------------
# Arrays of 128 x 128 cells of 2 kohm to 1 Mohm. ``word`` and ``bit`` are the ohms of a segment of wire, ``driver`` and
# ``sense`` those of the lines' ends.


def hardware(ohms: float, stuck: float) -> Hardware:
    """Return arrays of which each segment and end has some ohms, and a share of all cells is stuck."""
    cells = Nonidealities(r_on=2e3, r_off=1e6, faults=Faults(stuck) if stuck else None)
    return Hardware(tiles=Tiles(128, 128), cells=cells, wires=Wires(word=ohms, bit=ohms, driver=ohms, sense=ohms))


# %%
# The answer
# ----------
# Each point is the mean over three chips: where cells are stuck differs from chip to chip. The number that is returned
# is what the worst of these settings costs, in standard errors of the difference of two counts of right answers: below
# 3 or so it might be chance.


def main(save: str | None = None) -> float:
    """Draw accuracy against wire resistance; return what the worst setting costs, in standard errors."""
    torch.manual_seed(0)
    model = trained()
    ideal = accuracy(model, DIGITS, DIGITS.test)
    ohms, shares = [0.0, 1.0, 2.0, 4.0, 8.0], [0.0, 0.02, 0.1]
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.axhline(100.0 * ideal, color="0.4", linewidth=0.9, label="torch")
    for stuck, style in zip(shares, ("o-", "s--", "D:"), strict=True):
        means = [infer(model, DIGITS, hardware(segment, stuck), seeds=range(3)).mean for segment in ohms]
        axes.plot(ohms, [100.0 * mean for mean in means], style, label=f"{100.0 * stuck:g} % stuck")
        print(f"{100.0 * stuck:4g} % stuck: " + ", ".join(f"{100.0 * mean:.1f}" for mean in means))
    axes.set(xlabel="resistance of each segment and end (ohm)", ylabel="accuracy (%)", ylim=(0, 100))
    axes.legend(loc="lower left")
    figure.savefig(save, dpi=150) if save else plt.show()
    worst = means[-1]
    return (ideal - worst) / math.sqrt((ideal * (1.0 - ideal) + worst * (1.0 - worst)) / len(DIGITS.test))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How much accuracy do wires and stuck cells cost?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
