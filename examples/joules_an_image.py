"""
What does it cost to look at an image?
======================================

Cells draw current for as long as they are read, wires and ends with them, and each column's converter takes its own
joules. Cells of more ohms take less. How many joules is an image, and where does raising resistances stop paying?
"""

import argparse

import matplotlib.pyplot as plt
import torch

from xbarsim.nn import Converter, Hardware, ReadEnergy, Tiles, Wires
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.inference import Inference, infer
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
# What is reckoned with
# ---------------------
# A read of 50 ns at up to 0.2 V, converters of 8 bits of which each conversion takes 1 pJ: put your own numbers there.
# What has no price is counted all the same, and said.

READ, CONVERSION, VOLTS = 50e-9, 1e-12, 0.2  # s, J, V


def hardware(r_on: float) -> Hardware:
    """Return arrays of cells of so many ohms at the least, and a hundred times as many at the most."""
    return Hardware(
        tiles=Tiles(64, 64),
        cells=Nonidealities(r_on=r_on, r_off=100.0 * r_on),
        wires=Wires(word=2.0, bit=2.0, driver=20.0, sense=20.0),
        adc=Converter(8, per="column"),
        energy=ReadEnergy(read=READ, adc=CONVERSION),
    )


def studied(model: torch.nn.Module, digits: Dataset, r_on: float) -> Inference:
    """Return accuracy and energy of a chip; the largest training image's pixel gets the full voltage."""
    return infer(model, digits, hardware(r_on), seeds=[0], batch=512, calibration=len(digits.train))


# %%
# The answer
# ----------
# What sources deliver is taken from the circuit, ``V I`` of all word lines, over the first 64 test images. It falls as
# one over the ohms once wires and ends are small beside cells; conversions stay, and are all that is left. The number
# that is returned: picojoules that the arrays take of an image with cells of 10 kohm.


def main(save: str | None = None) -> float:
    """Draw joules against the cells' least resistance; return picojoules of the arrays at 10 kohm."""
    torch.manual_seed(0)
    digits = load("digits")
    model, ohms = trained(digits), [1e3, 3e3, 10e3, 30e3, 100e3, 300e3]
    results = [studied(model, digits, r_on) for r_on in ohms]
    parts = {name: [1e12 * result.energy.parts[name] for result in results] for name in ("arrays", "adc")}
    for k, r_on in enumerate(ohms):
        print(f"{1e-3 * r_on:5.0f} kohm: {parts['arrays'][k]:7.2f} pJ in arrays, {parts['adc'][k]:.0f} pJ in", end=" ")
        print(f"converters an image, accuracy {100.0 * results[k].mean:.1f} %")
    print(f"counted, and without a price: {', '.join(results[0].energy.unpriced)}")
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    kilohms = [1e-3 * r_on for r_on in ohms]
    for (name, joules), style in zip(parts.items(), ("o-", "s--"), strict=True):
        axes.loglog(kilohms, joules, style, label={"arrays": "arrays", "adc": "conversions"}[name])
    axes.set(xlabel="least resistance of a cell (kohm)", ylabel="energy of an image (pJ)")
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    return parts["arrays"][ohms.index(10e3)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What does it cost to look at an image?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
