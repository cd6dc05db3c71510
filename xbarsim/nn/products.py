"""Products through a layer's arrays one array at a time: where converters, pulses or nonlinear cells ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.converters import bit_planes, quantised
from xbarsim.nn.planes import middle, unit
from xbarsim.solver import solve

if TYPE_CHECKING:
    from xbarsim.nn.layers import CrossbarLayer


def by_tiles(layer: CrossbarLayer, x: Tensor, group: int) -> Tensor:
    """Return the products (batch, outputs) of inputs (batch, inputs) with a group's weights, converters and all."""
    full = layer.full_input(x)
    height = layer.hardware.encoding.volts
    bits = layer.hardware.dac.bits
    if layer.hardware.encoding.kind == "bit-serial":
        assert bits is not None
        pulses, worth = bit_planes(x, full, bits)
        drives = [(pulse * height, value) for pulse, value in zip(pulses, worth, strict=True)]
    else:
        drives = [((x if bits is None else quantised(x, full, bits)) / full * height, 1.0)]
    total = x.new_zeros(())
    for volts, value in drives:
        currents = tile_currents(layer, volts, group)
        total = total + value * decode(layer, currents, volts, group)
    return (total * full).to(x.dtype)


def tile_currents(layer: CrossbarLayer, volts: Tensor, group: int) -> list[Tensor]:
    """Return what each array of a group carries, (batch, cols) in amperes, for volts (batch, inputs); digitised."""
    if layer.hardware.law.kind == "linear":
        found = _linear(layer, volts, group)
    else:
        found = _nonlinear(layer, volts, group)
    return layer.digitised(found, group)


def _linear(layer: CrossbarLayer, volts: Tensor, group: int) -> list[Tensor]:
    """Products with all arrays side by side that share their word lines' inputs."""
    places = layer.places(group)
    maps = layer.maps()
    blocks: dict[int, list[int]] = {}
    for tile, rows, _, _ in places:
        blocks.setdefault(rows.start, []).append(tile)
    found: dict[int, Tensor] = {}
    rows_of = {tile: rows for tile, rows, _, _ in places}
    for tiles in blocks.values():
        rows = rows_of[tiles[0]]
        wide = torch.cat([maps[tile] for tile in tiles], dim=1).to(volts)
        currents = volts[:, rows.start : rows.stop] @ wide
        found.update(zip(tiles, torch.split(currents, [maps[t].shape[1] for t in tiles], dim=1), strict=True))
    return [found[tile] for tile, *_ in places]


def _nonlinear(layer: CrossbarLayer, volts: Tensor, group: int) -> list[Tensor]:
    """Newton's method for every input vector; it has no gradient."""
    if torch.is_grad_enabled() and (volts.requires_grad or layer.weight.requires_grad) and layer.training:
        raise InputError(
            f"cells of law {layer.hardware.law.kind!r} have no gradient: call eval(), or train with law='linear'"
        )
    arrays = layer.tiles
    drive = volts.detach().cpu().double().numpy()
    found = []
    for tile, rows, _, _ in layer.places(group):
        solution = solve(arrays[tile].crossbar, np.ascontiguousarray(drive[:, rows.start : rows.stop]))
        found.append(torch.from_numpy(np.array(solution.currents)).to(volts))
    return found


def decode(layer: CrossbarLayer, currents: list[Tensor], volts: Tensor | None, group: int) -> Tensor:
    """Return outputs (batch, outputs) over the largest input, from what a group's arrays carry."""
    mapping = layer.hardware.mapping
    places = layer.places(group)
    outputs = max(cols.stop for _, _, cols, _ in places)
    total = currents[0].new_zeros((currents[0].shape[0], outputs))
    for (_, rows, cols, factor), amperes in zip(places, currents, strict=True):
        part = amperes[:, : len(cols)]
        if mapping.kind == "reference":
            part = part - amperes[:, -1:]
        elif mapping.kind == "offset":
            if volts is None:
                raise InputError("mapping is 'offset': decode needs the inputs' volts, whose sum it subtracts")
            part = part - middle(layer.hardware) * volts[:, rows.start : rows.stop].sum(dim=1, keepdim=True)
        total = total + nn.functional.pad(factor * part, (cols.start, outputs - cols.stop))
    scale = layer.scales()[group].to(total)
    return total * (scale / (unit(layer.hardware) * layer.hardware.encoding.volts))
