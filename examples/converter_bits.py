"""
How many bits does a network's converter need?
==============================================

Behind each column stands an analogue-to-digital converter, and each bit more costs area and energy. The currents that
it rounds are those of an array with wires, and its range is what calibration saw. How many bits until the network is as
good as its arrays are?
"""

import argparse

import matplotlib.pyplot as plt
import torch

from xbarsim.nn import Converter, Hardware, Tiles, Wires
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.inference import infer
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nn.zoo import build
from xbarsim.nonideal import Nonidealities

# %%
# The network
# -----------
# 64 inputs, 16 hidden units, 10 classes, trained in torch on the 8 x 8 digits that come with scikit-learn.


def trained(digits: Dataset) -> torch.nn.Module:
    """Return a network that was trained without any hardware."""
    model = build("mlp", digits.shape, len(digits.classes), width=0.125, seed=0)
    Training(model, digits, TrainSettings(epochs=5, batch=32, rate=2e-2)).run()
    return model


# %%
# The hardware
# ------------
# Each layer is one pair of arrays, of 5 kohm to 1 Mohm, with 1 ohm in each segment and end. A converter of b bits has
# 2^(b - 1) - 1 steps either way. ``per`` says who shares a range: all columns of a layer, or each has its own.


def hardware(bits: int | None, per: str = "column") -> Hardware:
    """Return arrays with converters of so many bits; None: exact ones."""
    cells = Nonidealities(r_on=5e3, r_off=1e6)
    return Hardware(Tiles(64, 64), cells, wires=Wires(1.0, 1.0, 1.0, 1.0), adc=Converter(bits, per=per))


def accuracy(model: torch.nn.Module, digits: Dataset, settings: Hardware) -> float:
    """Return the share of test images whose class is found; ranges are those of all training images."""
    return infer(model, digits, settings, seeds=[0], batch=512, calibration=len(digits.train)).mean


# %%
# The answer
# ----------
# A range that a layer shares is that of its largest column, and smaller columns use few of its steps. The number that
# is returned is the accuracy with 4 bits and a range for each column.


def main(save: str | None = None) -> float:
    """Draw accuracy against bits; return that of 4 bits with a range a column."""
    torch.manual_seed(0)
    digits = load("digits")
    model = trained(digits)
    exact = accuracy(model, digits, hardware(None))
    bits = [2, 3, 4, 5, 6, 7, 8]
    found = {per: [accuracy(model, digits, hardware(count, per)) for count in bits] for per in ("layer", "column")}
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.axhline(100.0 * exact, color="0.4", linewidth=0.9, label="without converters")
    for (per, shares), style in zip(found.items(), ("s--", "o-"), strict=True):
        axes.plot(bits, [100.0 * share for share in shares], style, label=f"a range for each {per}")
        enough = [count for count, share in zip(bits, shares, strict=True) if share >= exact - 0.01]
        print(f"a range for each {per}: {', '.join(f'{100.0 * share:.1f}' for share in shares)} %,", end=" ")
        print(f"within a point of {100.0 * exact:.1f} % with {min(enough)} bits" if enough else "never enough")
    axes.set(xlabel="bits of each converter", ylabel="accuracy (%)", ylim=(0, 100))
    axes.legend(loc="lower right")
    figure.savefig(save, dpi=150) if save else plt.show()
    return found["column"][bits.index(4)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How many bits does a network's converter need?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
