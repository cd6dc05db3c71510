"""
Can cells be written so that wires do no harm?
==============================================

What wires take of each cell's current is known exactly, if the circuit is. So cells may be asked not for the weights,
but for what makes the circuit with its wires multiply by the weights. That takes conductances beyond those of the
weights: where is the room for them, and how near does it come?
"""

import argparse

import matplotlib.pyplot as plt
import torch

from xbarsim.mitigation import Harness, chain
from xbarsim.nn import CrossbarNetwork, Hardware, Tiles, Wires
from xbarsim.nn.datasets import load
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nn.zoo import build
from xbarsim.nonideal import Nonidealities

# %%
# A network, and wires that take much
# -----------------------------------
# 64 inputs, 16 hidden units, 10 classes. Cells of 2 kohm to 1 Mohm, 4 ohm in every segment and end.

HARDWARE = Hardware(
    tiles=Tiles(64, 64),
    cells=Nonidealities(r_on=2e3, r_off=1e6),
    wires=Wires(word=4.0, bit=4.0, driver=4.0, sense=4.0),
)


def harness() -> Harness:
    """Return what applies methods to a network that was trained without any hardware."""
    torch.manual_seed(0)
    digits = load("digits").split(validation=287)
    model = build("mlp", digits.shape, len(digits.classes), width=0.125, seed=0)
    Training(model, digits, TrainSettings(epochs=5, batch=32, rate=2e-2)).run()
    return Harness(model, digits, HARDWARE)


# %%
# Headroom, and what it is for
# ----------------------------
# With a headroom of 2 the largest weight is half of the largest conductance, and outputs are multiplied by 2 behind the
# arrays. That alone leaves the wires less current to take. ``precompensate`` uses the rest of the range: step by step
# it adds to each weight what the circuit's map lacks of it.

METHODS = {"as trained": "none", "headroom": "headroom:h=2", "precompensated": "precompensate:h=2"}


def networks(trials: Harness) -> dict[str, CrossbarNetwork]:
    """Return the network on a chip, by each method."""
    return {label: trials.apply(chain(name), seed=0).network for label, name in METHODS.items()}


def maps(network: CrossbarNetwork) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first layer's weights as they are meant, and those that its arrays multiply by."""
    layer = network.layers["fc1"]
    return layer.weight.detach(), layer.effective_parameters()[0].detach()


# %%
# The answer
# ----------
# As trained the arrays multiply by less than the weights, the more so the larger a weight is and the farther away its
# cells are. Precompensated all points are on the diagonal. The number that is returned: the error of the first layer's
# map, ``|w_eff - w| / |w|``, as trained, less that after precompensation.


def main(save: str | None = None) -> float:
    """Draw effective weights against weights; return what precompensation takes from their error."""
    trials, errors = harness(), {}
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 4.0), layout="constrained")
    for (label, network), mark in zip(networks(trials).items(), ("^", "s", "D"), strict=True):
        weight, effective = maps(network)
        errors[label] = float((effective - weight).norm() / weight.norm())
        axes.plot(
            weight.ravel(), effective.ravel(), mark, markersize=3, label=f"{label}, {errors[label]:.1%} off", zorder=2
        )
        print(f"{label:15} map {errors[label]:.1e} off, accuracy {100.0 * trials.accuracy(network):.1f} %")
    axes.axline((0.0, 0.0), slope=1.0, color="0.4", linewidth=0.9, zorder=1)
    axes.set(xlabel="weight", ylabel="weight that the arrays multiply by")
    axes.legend(loc="upper left")
    figure.savefig(save, dpi=150) if save else plt.show()
    return errors["as trained"] - errors["precompensated"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Can cells be written so that wires do no harm?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
