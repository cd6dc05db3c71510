"""
How many bits are worth converting?
===================================

Heat makes noise in every cell and every wire, and cells fluctuate on their own. A converter with more bits than the
currents of a column carry digitises noise. How many bits does a column carry, and how does that depend on how fast it
is read?
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar
from xbarsim.noise import CellNoise, OutputNoise, output_noise

# %%
# The array, and inputs that count
# --------------------------------
# What a column tells depends on the inputs that it is told of: of a sample of input vectors, currents differ by the
# signal. Inputs of 20 mV keep it small enough for noise to matter.

ROWS, COLS = 64, 16
TEMPERATURE = 300.0  # K
CELLS = 10.0 ** np.random.default_rng(1).uniform(-6.0, -4.0, (ROWS, COLS))
INPUTS = np.random.default_rng(2).uniform(0.0, 0.02, (200, ROWS))  # V
ARRAY = Crossbar(CELLS, word_wire=1.0, bit_wire=1.0, driver=100.0, sense=100.0)


# %%
# Noise of all outputs
# --------------------
# The whole circuit makes thermal noise, with no sum over its parts: it is 4 k T times the admittance at the outputs.
# Flicker noise is beside that; its power falls with frequency, and it is there in any band from 1 Hz on.

FLICKER = CellNoise(flicker=1e-6)


def noise(bandwidth: float, cells: CellNoise | None = None) -> OutputNoise:
    """Return the noise of all columns from 1 Hz to a bandwidth."""
    return output_noise(ARRAY, INPUTS, band=(1.0, bandwidth), temperature=TEMPERATURE, cells=cells)


# %%
# The answer
# ----------
# Four times the bandwidth is four times the thermal power: one bit less. Where flicker noise is above it the bandwidth
# hardly matters, and reading slower does not help. The number that is returned: bits of the best column at 1 GHz,
# without flicker noise.


def main(save: str | None = None) -> float:
    """Draw bits against bandwidth; return those of the best column at 1 GHz with thermal noise alone."""
    bandwidths = np.logspace(5, 10, 6)
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    for label, cells, style in (("thermal noise", None, "o-"), ("and flicker noise", FLICKER, "s--")):
        bits = np.array([noise(bandwidth, cells).effective_bits() for bandwidth in bandwidths])
        axes.semilogx(bandwidths, bits.mean(axis=1), style, label=label)
        axes.fill_between(bandwidths, bits.min(axis=1), bits.max(axis=1), color=axes.lines[-1].get_color(), alpha=0.2)
    axes.set(xlabel="bandwidth (Hz)", ylabel="bits of a column (mean, range)", ylim=(0, None))
    axes.legend()
    figure.savefig(save, dpi=150) if save else plt.show()
    answer = noise(1e9)
    print(f"at 1 GHz columns have {answer.rms.mean():.1e} A rms of noise; a converter is worth as many bits as")
    print(", ".join(f"{bits:.0f}" for bits in answer.converter_bits()))
    return float(answer.effective_bits().max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How many bits are worth converting?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
