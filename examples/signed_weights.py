"""
Which mapping of signed weights bears wires best?
=================================================

No cell conducts less than nothing, so that signed weights take a trick: two cells a weight whose currents are
subtracted, or one around a middle that a column of its own, or an adder behind the converters, takes off again. And a
weight's bits may be cut into slices for cells of few levels. On paper all come to the same. On wires?
"""

import argparse

import matplotlib.pyplot as plt
import torch

from xbarsim.nn import CrossbarLinear, Hardware, Mapping, Tiles, Wires
from xbarsim.nonideal import Nonidealities

# %%
# One layer
# ---------
# 64 inputs, 16 outputs, normally distributed weights: most are small. ``weight`` is (outputs, inputs), as torch has it.

INPUTS, OUTPUTS = 64, 16
WEIGHT = torch.empty(OUTPUTS, INPUTS, dtype=torch.float64).normal_(generator=torch.Generator().manual_seed(1))
VECTORS = torch.empty(50, INPUTS, dtype=torch.float64).uniform_(generator=torch.Generator().manual_seed(2))
R_ON, R_OFF = 5e3, 1e6  # ohm

# %%
# Five mappings
# -------------
# ``differential``: pairs. ``reference``: the middle has a column of cells beside the weights. ``offset``: it is
# computed from the inputs, as if there were no wires. Two slices of 4 bits take twice the arrays, of cells that hold 16
# values.

MAPPINGS = {
    "differential": Mapping("differential"),
    "differential, 2 slices": Mapping("differential", slices=2, slice_bits=4),
    "reference": Mapping("reference"),
    "reference, 2 slices": Mapping("reference", slices=2, slice_bits=4),
    "offset": Mapping("offset"),
}


def error(mapping: Mapping, ohms: float) -> float:
    """Return how far the layer's outputs are from those of torch, ``|y - y0| / |y0|``, with ohms in each segment."""
    linear = torch.nn.Linear(INPUTS, OUTPUTS, bias=False, dtype=torch.float64)
    linear.weight.data = WEIGHT.clone()
    hardware = Hardware(
        tiles=Tiles(INPUTS, OUTPUTS + 1),
        cells=Nonidealities(r_on=R_ON, r_off=R_OFF),
        wires=Wires(word=ohms, bit=ohms, driver=ohms, sense=ohms),
        mapping=mapping,
    )
    with torch.no_grad():
        outputs, ideal = CrossbarLinear.of(linear, hardware).program(0)(VECTORS), VECTORS @ WEIGHT.T
    return float((outputs - ideal).norm() / ideal.norm())


# %%
# The answer
# ----------
# A pair's weight of 0 is two cells in their high-resistance state. Around a middle it conducts half of the most, and
# wires take far more. The reference column loses as well and takes a part of the error with it; an adder takes off what
# never arrived. Slices round each weight to 8 bits, and cells of low digits conduct half of the most on average,
# however small weights are. The number that is returned: times that ``reference`` errs more than pairs at 1 ohm.


def main(save: str | None = None) -> float:
    """Draw errors against ohms; return that of ``reference`` at 1 ohm over that of ``differential``."""
    ohms = [0.1, 0.3, 1.0, 3.0, 10.0]
    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(4.5, 3.8), layout="constrained")
    errors = {}
    for (name, mapping), style in zip(MAPPINGS.items(), ("o-", "o:", "s--", "s:", "D-."), strict=True):
        errors[name] = [error(mapping, segment) for segment in ohms]
        axes.loglog(ohms, [100.0 * part for part in errors[name]], style, label=name)
        print(f"{name:24}" + ", ".join(f"{100.0 * part:6.2f} %" for part in errors[name]))
    axes.set(xlabel="resistance of each segment and end (ohm)", ylabel="error of a layer's outputs (%)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(save, dpi=150) if save else plt.show()
    at = ohms.index(1.0)
    return errors["reference"][at] / errors["differential"][at]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Which mapping of signed weights bears wires best?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
