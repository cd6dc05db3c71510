"""What tests of rows' places share: what a plan's cells hold, and layers small enough to try all orders."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import torch
from mitigation_tools import HARDWARE, network
from torch import nn

from xbarsim.mitigation import Plan, realise
from xbarsim.nn import Arrangement, Hardware, Tiles
from xbarsim.nonideal import Faults, Nonidealities, Variation

CELLS = Nonidealities(r_on=1e4, r_off=1e6, faults=Faults(0.15, ocr=3.0), variation=Variation(0.6))
"""Cells without noise of writes, so that what is known of a chip is what it holds."""

CHIPS = replace(HARDWARE, cells=CELLS)
CLEAN = replace(HARDWARE, cells=Nonidealities(r_on=1e4, r_off=1e6))
SMALL = replace(CHIPS, tiles=Tiles(16, 16))
"""Arrays that hold a whole layer of six inputs."""


def small(inputs: int = 6, outputs: int = 5, seed: int = 0) -> nn.Module:
    """Return one layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(inputs, outputs)).eval()


def grouped() -> nn.Module:
    """Return convolutions, one of them in groups, for the digits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(),
            nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(6), nn.ReLU(),
            nn.Flatten(), nn.Linear(96, 10),
        ).eval()  # fmt: skip


def any_network(kind: str) -> nn.Module:
    """Return a network for the digits."""
    return grouped() if kind == "grouped" else network(kind)


def distance(plan: Plan, hardware: Hardware = CHIPS, chip: int = 0, u=None, power: int = 1) -> float:
    """Return the mean of |w - t|^power over all layers, of what cells hold; u: of each input of the only layer."""
    total, count = 0.0, 0
    for layer in realise(plan, hardware, seed=chip).layers.values():
        for real, weights in zip(layer.effective_matrices(), layer.matrices(), strict=True):
            apart = (real - weights).detach().abs().double() ** power
            total += float((apart if u is None else apart * torch.as_tensor(u)[:, None]).sum())
            count += apart.numel()
    return total / count


def placements(rows: int, lines: int):
    """Yield all orders of rows on lines, -1 where one is off."""
    for places in itertools.permutations(range(lines), rows):
        order = np.full(lines, -1)
        order[list(places)] = np.arange(rows)
        yield order


def all_distances(plan: Plan, rows: int, hardware: Hardware, chip: int, u=None, signs=((),), power=1) -> list[float]:
    """Return the distances of a small layer's plan with its rows in each possible order, and with each of some signs.

    ``u`` is of each input; signs are of lines, True where they are negated.
    """
    layer = realise(plan, hardware, seed=chip).layers["0"]
    spare = layer.arrangement.spare if layer.arrangement else 0
    weights = np.ones(rows) if u is None else u
    values = []
    for order in placements(rows, rows + spare):
        for flips in signs:
            layer.arrange(Arrangement(rows=[order], flips=[np.array(flips)] if flips else None, spare=spare))
            apart = np.abs((layer.effective_matrices()[0] - layer.matrices()[0]).detach().numpy()) ** power
            values.append(float((apart * weights[:, None]).mean()))
    return values
