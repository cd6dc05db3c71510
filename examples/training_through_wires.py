"""
Is it worth training through the exact circuit?
===============================================

Networks for analogue hardware are often trained with Gaussian noise on their weights, in the hope that they then bear
whatever the hardware does. Wires are no noise: each cell loses a part of its current that depends on where it is and on
all other cells. With the circuit's own map and gradient a network can be trained for just that.
"""

# sphinx_gallery_thumbnail_path = "docs/results/training_through_the_circuit/accuracy.png"
import argparse
import math

import matplotlib.pyplot as plt
import torch

from xbarsim.mitigation import Study, chain, run
from xbarsim.nn import Hardware, Tiles, Wires
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nn.zoo import build
from xbarsim.nonideal import Nonidealities, Variation

# %%
# The hardware
# ------------
# Arrays of 128 x 128 cells of 1 kohm to 1 Mohm that vary by 10 %. The first layer fits one array, and its wires take
# much.


def hardware(ohms: float) -> Hardware:
    """Return arrays with so many ohms in every segment and end."""
    cells = Nonidealities(variation=Variation(0.1, kind="gaussian"))
    return Hardware(tiles=Tiles(128, 128), cells=cells, wires=Wires(word=ohms, bit=ohms, driver=ohms, sense=ohms))


def trained(digits: Dataset) -> torch.nn.Module:
    """Return a network that was trained without any hardware."""
    model = build("mlp", digits.shape, len(digits.classes), seed=0)
    Training(model, digits, TrainSettings(epochs=10, batch=32)).run()
    return model


# %%
# Two trainings
# -------------
# Both go on from the same weights for as many steps, on chips that are drawn anew at each, and both end with a digital
# gain a layer. ``noise`` sees cells that vary, without wires. ``technology-exact`` reduces the whole circuit at each
# step, and carries gradients back through it. Neither knows the chips that are tested.

METHODS = {
    "gain": "a gain a layer, no training",
    "noise:epochs=4,batch=32,circuit=ideal+gain": "Gaussian noise, then a gain",
    "technology-exact:epochs=4,batch=32": "exact circuit",
}


def compared(model: torch.nn.Module, digits: Dataset, ohms: float) -> Study:
    """Return accuracies of no method and of the three, on two chips."""
    return run(model, digits, hardware(ohms), [chain(name) for name in METHODS], seeds=range(2))


# %%
# The answer
# ----------
# The number that is returned: by how much the exact training is ahead of that on noise at 6 ohm, in standard errors of
# the difference of two counts of right answers.


def main(save: str | None = None) -> float:
    """Draw accuracy against wire resistance; return how far exact training is ahead, in standard errors."""
    torch.manual_seed(0)
    digits = load("digits").split(validation=287)
    model = trained(digits)
    ohms = [1.0, 3.0, 6.0]
    studies = [compared(model, digits, segment) for segment in ohms]
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    print("accuracy at " + ", ".join(f"{segment:g} ohm" for segment in ohms))
    for k, (label, style) in enumerate(zip(["as trained", *METHODS.values()], ("^:", "D-.", "s--", "o-"), strict=True)):
        means = [study.results[k].mean for study in studies]
        axes.plot(ohms, [100.0 * mean for mean in means], style, label=label)
        print(f"{label:28}" + ", ".join(f"{100.0 * mean:.1f} %" for mean in means))
    axes.axhline(100.0 * studies[0].ideal, color="0.4", linewidth=0.9, label="torch")
    axes.set(xlabel="resistance of each segment and end (ohm)", ylabel="accuracy (%)", ylim=(0, 100))
    axes.legend(loc="lower left")
    figure.savefig(save, dpi=150) if save else plt.show()
    noise, exact = (row.mean for row in studies[-1].results[2:])
    return (exact - noise) / math.sqrt((noise * (1 - noise) + exact * (1 - exact)) / len(digits.test))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Is it worth training through the exact circuit?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
