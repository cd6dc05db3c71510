"""One digital number a layer that makes up for its cells' drift."""

from __future__ import annotations

from dataclasses import replace

import torch

from xbarsim.errors import InputError
from xbarsim.nn import cells
from xbarsim.nn.cells import ArrayState
from xbarsim.nonideal import Bridged
from xbarsim.solvers.solve import solve


def drift_scale(state: ArrayState, label: str) -> float:
    """Return ``sum I(t0) / sum I(t)`` over all columns of all arrays, every word line at full voltage.

    Joshi et al., Nature Communications 11, 2473, 2020 ("global drift compensation"). Both sums are taken without read
    noise: as means over so many reads that it does not count.

    Parameters
    ----------
    state : ArrayState
        The arrays at time t.
    label : str
        What messages call the layer.

    Raises
    ------
    InputError
        Nothing conducts any more.
    """
    chip = state.chip
    quiet = replace(state, chip=chip.of_kind(replace(chip.model, read_noise=None)))
    with torch.inference_mode(False), torch.no_grad():
        before, after = _whole_current(replace(quiet, time=None)), _whole_current(quiet)
    if not after > 0.0:
        raise InputError(f"{label} carries no current after {state.time:g} s: its drift cannot be made up for")
    return before / after


def _whole_current(state: ArrayState) -> float:
    """Return the sum of all columns' currents in amperes."""
    hardware, volts = state.hardware, state.hardware.encoding.volts
    whole = 0.0
    if hardware.law.linear:
        for strip in cells.together(cells.conductances(state), cells.TOGETHER):
            tiles = list(strip)
            for tile, matrix in zip(tiles, cells.maps(list(strip.values()), state, tiles), strict=True):
                whole += float(matrix[torch.from_numpy(state.places[tile].driven)].sum())
        return volts * whole
    for tile, g in enumerate(cells.all_conductances(state)):
        circuit = cells.circuit(g.numpy(), tile, state)
        drive = volts * state.places[tile].driven
        if isinstance(circuit, Bridged):
            whole += float(circuit.outputs(solve(circuit.crossbar, circuit.inputs(drive)).currents).sum())
        else:
            whole += float(solve(circuit, drive).currents.sum())
    return whole
