"""What the tests of layers share."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from xbarsim import solve
from xbarsim.nn import Converter, Encoding, Hardware, Mapping, Tiles, Wires

# Arrays and batches are small: threads would only wait for each other, the more so beside other tests.
torch.set_num_threads(1)

IDEAL = Hardware(fidelity="ideal")
MAPPINGS = ("differential", "reference", "offset")


def hardware(mapping="differential", rows=7, cols=5, *, encoding="amplitude", dac=None, adc=None, **more):
    """Small unsymmetric arrays with unsymmetric wires."""
    # Where volts count a range is needed, and 1 needs no data.
    exact = Converter(range="full") if adc is not None or "law" in more else Converter()
    settings = ("scale", "per", "slices", "slice_bits", "reference_faults")
    names = {name: more.pop(name) for name in settings if name in more}
    return Hardware(
        tiles=Tiles(rows, cols),
        wires=Wires(word=1.5, bit=0.7, driver=2.0, sense=0.4),
        mapping=Mapping(mapping, **names),
        encoding=Encoding(encoding),
        dac=dac or Converter(bits=6, range="batch") if encoding == "bit-serial" else dac or exact,
        adc=adc or Converter(),
        **more,
    )


def ideal(one):
    return replace(one, fidelity="ideal")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def numbers(*shape, seed=1, dtype=torch.float64):
    return torch.randn(*shape, generator=seeded(seed), dtype=dtype)


def made(kind, *args, seed=0, dtype=torch.float64, **more):
    """A torch module with weights of a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return kind(*args, **more).to(dtype).eval()


def solved(layer, x):
    """A layer's outputs (batch, outputs) by ``xbarsim.solve`` on its tiles, array by array."""
    volts = layer.encode(x).detach()
    flat = volts.reshape(-1, volts.shape[-1]).double().numpy()
    currents = []
    for tile in layer.tiles:
        drive = np.ascontiguousarray(flat[:, tile.rows.start : tile.rows.stop])
        if tile.bridged is None:
            found = solve(tile.crossbar, drive).currents
        else:
            found = tile.bridged.outputs(solve(tile.crossbar, tile.bridged.inputs(drive)).currents)
        currents.append(found.reshape(*volts.shape[:-1], -1))
    return layer.decode(currents)


def flat(y, features=-1):
    """Outputs as (batch, outputs), as ``decode`` gives them; of convolutions ``features`` is 1."""
    return y.movedim(features, -1).reshape(-1, y.shape[features])


def apart(a, b):
    """Largest difference, relative to the largest magnitude."""
    a, b = a.detach().double(), b.detach().double()
    assert a.shape == b.shape
    return float((a - b).abs().max() / b.abs().max())


class Small(nn.Module):
    """Convolutions, grouped too, with norms, and linear layers; of 3 x 8 x 8 images."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, groups=2)
        self.head = nn.Sequential(nn.Linear(8 * 9, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 4))

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.head(torch.relu(self.conv2(x)).flatten(1))


def small(dtype=torch.float64):
    """A Small whose norms have statistics of their own."""
    model = made(Small, dtype=dtype)
    for k, norm in enumerate((model.bn1, model.head[1])):
        for name in ("running_mean", "weight", "bias"):
            getattr(norm, name).data.copy_(numbers(norm.num_features, seed=10 + k))
        norm.running_var.copy_(numbers(norm.num_features, seed=20 + k) ** 2 + 0.1)
    return model
