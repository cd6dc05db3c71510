"""
How far can an accuracy of ten chips be trusted?
================================================

No two chips are alike: cells vary as they are written, and fluctuate as they are read. An accuracy of one chip is a
draw; a mean over ten is less of one. How wide is what ten chips leave open?
"""

import argparse
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

from xbarsim.nn import Hardware, Tiles, Wires
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.inference import infer
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nn.zoo import build
from xbarsim.nonideal import Nonidealities, ReadNoise, Variation

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
# The chips
# ---------
# Each cell has a factor of its own, log-normal, drawn once a chip, and 3 % of Gaussian noise in each read. A seed is a
# chip; and the same seed at a larger sigma is the same chip, whose deviations are stretched.

CHIPS, NOISE = 10, 0.03


def hardware(sigma: float) -> Hardware:
    """Return arrays of cells that vary by so much."""
    cells = Nonidealities(r_on=20e3, r_off=2e6, variation=Variation(sigma), read_noise=ReadNoise(NOISE))
    return Hardware(Tiles(64, 64), cells, wires=Wires(1.0, 1.0, 1.0, 1.0))


def accuracies(model: torch.nn.Module, digits: Dataset, sigma: float) -> np.ndarray:
    """Return the accuracy of each chip in percent."""
    return 100.0 * np.array(infer(model, digits, hardware(sigma), seeds=range(CHIPS), batch=512).accuracies)


# %%
# The confidence of a mean
# ------------------------
# The sample deviation s says how chips differ; the mean of n is within ``t s / sqrt(n)`` of that of all chips in 95
# cases of 100, with t of Student's distribution, if accuracies are about normal. For ten chips t is 2.26.


def half_width(sample: np.ndarray) -> float:
    """Return half of the 95 % confidence interval of the mean."""
    return float(stats.t.ppf(0.975, len(sample) - 1) * sample.std(ddof=1) / math.sqrt(len(sample)))


# %%
# The answer
# ----------
# The band is of the mean; single chips are dots. All chips see the same test images: that these are 360 and no more is
# not in the band. The number that is returned: half of the interval at sigma = 0.5, in points of accuracy.


def main(save: str | None = None) -> float:
    """Draw chips, mean and its interval against variation; return half of the interval at the largest."""
    torch.manual_seed(0)
    digits = load("digits")
    model, sigmas = trained(digits), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    samples = [accuracies(model, digits, sigma) for sigma in sigmas]
    means, halves = np.array([sample.mean() for sample in samples]), np.array([half_width(row) for row in samples])
    for sigma, sample, mean, half in zip(sigmas, samples, means, halves, strict=True):
        print(f"sigma {sigma:.1f}: {mean:.1f} +- {half:.1f} %, chips from {sample.min():.1f} to {sample.max():.1f} %")
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.plot(np.repeat(sigmas, CHIPS), np.concatenate(samples), ".", color="0.5", label="a chip")
    (line,) = axes.plot(sigmas, means, "o-", label=f"mean of {CHIPS}")
    axes.fill_between(sigmas, means - halves, means + halves, color=line.get_color(), alpha=0.3, label="its 95 %")
    axes.set(xlabel="variation of cells, sigma of ln G", ylabel="accuracy (%)")
    axes.legend(loc="lower left")
    figure.savefig(save, dpi=150) if save else plt.show()
    return float(halves[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How far can an accuracy of ten chips be trusted?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
