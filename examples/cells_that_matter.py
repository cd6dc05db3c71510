"""
Which cells does an output depend on?
=====================================

On paper an output is a product of its own column of weights with the inputs, and no other weight has a part in it. On
an array columns share word lines and drivers: a cell in another column takes current, and what it takes is missing
here. Which cells does one output really depend on, and how much?
"""

import argparse

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import LogNorm

from xbarsim.nn import CrossbarLinear, Hardware, Tiles, Wires
from xbarsim.nonideal import Nonidealities

# %%
# The layer
# ---------
# 24 inputs and 12 outputs; each weight is a pair of cells, in two arrays. Two ohms a segment and 50 ohm in each driver.

INPUTS, OUTPUTS, LOOKED_AT = 24, 12, 5
HARDWARE = Hardware(
    tiles=Tiles(INPUTS, OUTPUTS),
    cells=Nonidealities(r_on=5e3, r_off=1e6),
    wires=Wires(word=2.0, bit=2.0, driver=50.0, sense=10.0),
)


def layer() -> CrossbarLinear:
    """Return a layer of random weights, programmed; in double precision."""
    linear = torch.nn.Linear(INPUTS, OUTPUTS, bias=False, dtype=torch.float64)
    generator = torch.Generator().manual_seed(4)
    linear.weight.data = torch.empty_like(linear.weight).normal_(generator=generator)
    return CrossbarLinear.of(linear, HARDWARE).program(0)


def inputs() -> torch.Tensor:
    """Return one input vector."""
    generator = torch.Generator().manual_seed(5)
    return torch.empty(1, INPUTS, dtype=torch.float64).uniform_(0.2, 1.0, generator=generator)


# %%
# One output, and back
# --------------------
# ``backward`` goes through the circuit as through any layer of torch, by the adjoint of the exact solution: one pass
# tells of all weights. Without wires the gradient would be the input itself in the output's own column, and elsewhere
# 0.


def saliency() -> torch.Tensor:
    """Return the gradient of one output by all weights, over what the input alone would make it: (inputs, outputs)."""
    crossbars, x = layer(), inputs()
    crossbars(x)[0, LOOKED_AT].backward()
    return crossbars.weight.grad.T / x.T


def draw(share: torch.Tensor) -> plt.Figure:
    """Draw magnitudes of the gradient, a column of weights a column."""
    figure, axes = plt.subplots(figsize=(4.2, 4.6), layout="constrained")
    image = axes.imshow(share.abs().numpy(), norm=LogNorm(vmin=1e-6, vmax=1.0), cmap="cividis", aspect="auto")
    axes.set(xlabel="output that a weight is of", ylabel="input that a weight is of")
    figure.colorbar(image, label=f"|gradient of output {LOOKED_AT}|, over the input")
    return figure


# %%
# The answer
# ----------
# The output's own column is bright, though not quite 1: a cell's current lowers its own volts. All others are there
# too, of the other sign but for a few of the faintest: what they draw, the output's cells in their rows have not. The
# number that is returned: the magnitudes of all that should not be there, in shares of those that should.


def main(save: str | None = None) -> float:
    """Draw the gradient; return what weights of other outputs have of it, against those of the output itself."""
    share = saliency()
    figure = draw(share)
    figure.savefig(save, dpi=150) if save else plt.show()
    magnitudes = share.abs().sum(dim=0)
    crosstalk = magnitudes.sum() / magnitudes[LOOKED_AT] - 1.0
    print(f"a weight of output {LOOKED_AT} has {share[:, LOOKED_AT].mean():.3f} of the gradient that it has on paper")
    print(f"weights of all others together have {100.0 * crosstalk:.1f} % of what those have")
    return float(crosstalk)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Which cells does an output depend on?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
