"""One digital number a layer that makes up for its cells' drift."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from xbarsim.errors import InputError
from xbarsim.nn import cells
from xbarsim.nonideal import Bridged, Chip
from xbarsim.solvers.solve import solve

if TYPE_CHECKING:
    from xbarsim.nn.weights import ProgrammedWeights


def drift_scale(layer: ProgrammedWeights) -> float:
    """Return ``sum I(t0) / sum I(t)`` over all columns of all arrays, every word line at full voltage.

    Joshi et al., Nature Communications 11, 2473, 2020 ("global drift compensation"). Both sums are taken without read
    noise: as means over so many reads that it does not count.

    Raises
    ------
    InputError
        Nothing conducts any more.
    """
    with torch.inference_mode(False), torch.no_grad():
        before, now = _whole_current(layer, None), _whole_current(layer, layer.time)
    if not now > 0.0:
        raise InputError(f"{layer.label} carries no current after {layer.time:g} s: its drift cannot be made up for")
    return before / now


def _whole_current(layer: ProgrammedWeights, time: float | None) -> float:
    """Return the sum of all columns' currents in amperes."""
    known, hardware = layer.chip, layer.hardware
    assert known is not None
    maps = {tile: known.maps(tile) for tile in range(len(known.shapes))}
    chip = Chip(replace(known.model, read_noise=None), known.seed, known.shapes, maps)
    conductances = layer.cells_at(chip, time)
    volts = hardware.encoding.volts
    if hardware.law.kind == "linear":
        found = cells.maps(conductances, hardware, chip, layer.threads, keep=False)
        return volts * sum(float(one.sum()) for one in found)
    whole = 0.0
    for tile, g in enumerate(conductances):
        one = cells.circuit(g.numpy(), tile, hardware, chip)
        drive = np.full(g.shape[0], volts)
        if isinstance(one, Bridged):
            whole += float(one.outputs(solve(one.crossbar, one.inputs(drive)).currents).sum())
        else:
            whole += float(solve(one, drive).currents.sum())
    return whole
