"""
What brings the accuracy back, and at what price?
=================================================

A network on arrays with wires and stuck cells has lost much of its accuracy. There are methods against that: some know
which cells are stuck, some run images through the very chip. Five that train nothing are compared on the same chips,
each with what it takes; none sees the test images.
"""

# sphinx_gallery_thumbnail_path = "validation/results/papers/side_by_side_mlp_1.png"
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
# Network and hardware
# --------------------
# The network for 8 x 8 digits of ``accuracy_falls.py``, on arrays of 64 x 64 cells with 8 ohm in every segment and end
# and one cell in ten stuck. Some training images are set apart for methods to choose by.

HARDWARE = Hardware(
    tiles=Tiles(64, 64),
    cells=Nonidealities(r_on=5e3, r_off=1e6, faults=Faults(0.1)),
    wires=Wires(word=8.0, bit=8.0, driver=8.0, sense=8.0),
)


def trained(digits: Dataset) -> torch.nn.Module:
    """Return a network that was trained without any hardware."""
    model = build("mlp", digits.shape, len(digits.classes), seed=0)
    Training(model, digits, TrainSettings(epochs=10, batch=32)).run()
    return model


# %%
# Five methods
# ------------
# Each is a row of the comparison. Several in a row are a chain, as the fourth: first rows of weights are laid where
# stuck cells harm them least, then a gain and a shift are fitted to each unit from images without labels.

METHODS = {
    "gain": "a gain a layer",
    "prescale": "pairs hold the weight",
    "match-rows:weighting=input": "rows on other lines",
    "match-rows:weighting=input+fpt": "rows, then statistics",
    "output-correction": "stuck cells corrected",
}


def compared(digits: Dataset) -> Study:
    """Return accuracies and costs of all methods on three chips."""
    return run(trained(digits), digits, HARDWARE, [chain(name) for name in METHODS], seeds=range(3))


# %%
# The answer
# ----------
# The number that is returned: by how much the best method is ahead of none, in standard errors of the difference of two
# counts of right answers.


def main(save: str | None = None) -> float:
    """Draw and print the comparison; return how far the best method is ahead of none."""
    torch.manual_seed(0)
    digits = load("digits").split(validation=287)
    study = compared(digits)
    labels = ["none", *METHODS.values()]
    print("accuracy, and cost of a chip")
    for label, row in zip(labels, study.results, strict=True):
        cost = row.records[0].cost
        print(
            f"{label:22}{100.0 * row.mean:6.1f} %, {cost.images} images, {cost.forward_images} through the chip, "
            f"{cost.router_lines} lines moved, {cost.digital_gains} gains, {cost.correction_macs} products an image"
        )
    figure, axes = plt.subplots(figsize=(4.5, 3.0), layout="constrained")
    means, spreads = ([100.0 * getattr(row, name) for row in study.results] for name in ("mean", "deviation"))
    axes.barh(labels, means, xerr=spreads, color="#88aacc", edgecolor="black", capsize=3)
    axes.axvline(100.0 * study.ideal, color="black", linestyle="--", label="torch")
    axes.invert_yaxis()
    axes.set(xlabel="accuracy of 3 chips (%)", xlim=(50, 100))
    figure.legend(loc="outside upper right", frameon=False)
    figure.savefig(save, dpi=150) if save else plt.show()
    before, after = means[0] / 100.0, max(means) / 100.0
    return (after - before) / math.sqrt((before * (1.0 - before) + after * (1.0 - after)) / len(digits.test))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What brings the accuracy back, and at what price?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
