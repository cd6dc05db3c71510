"""Products through a layer's arrays one array at a time: where converters, pulses or nonlinear cells ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from xbarsim.nn.array_currents import array_currents
from xbarsim.nn.arrays import Strip
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.planes import subtracted, unit
from xbarsim.nn.rounding import bit_planes
from xbarsim.nn.tile_places import Place
from xbarsim.nn.tiling import Tile, arranged_outputs, assembled

KEPT_BYTES = 256e6
"""Of a layer's cell voltages that are kept until a gradient is asked for."""


@dataclass(frozen=True)
class Drives:
    """What a layer's word lines get.

    Attributes
    ----------
    volts : (pulses, batch, lines)
        Volts; one pulse where inputs are amplitudes.
    worth : list of float
        What each pulse's currents count.
    full : ()
        The input that gets the full voltage.
    """

    volts: Tensor
    worth: list[float]
    full: Tensor

    def parts(self, count: int) -> list[Drives]:
        """Return the same drives, at most ``count`` of the batch in each."""
        if self.volts.shape[1] <= count:
            return [self]
        return [Drives(volts, self.worth, self.full) for volts in torch.split(self.volts, count, dim=1)]

    def weighted(self, rows: Tensor) -> Tensor:
        """Return the sum over pulses, each times what it is worth, of (pulses * batch, ...)."""
        if len(self.worth) == 1:
            return rows
        pulses = rows.reshape(len(self.worth), -1, rows.shape[1])
        total: Tensor = torch.tensordot(pulses.new_tensor(self.worth), pulses, dims=1)
        return total


def drives(lines: Tensor, full: Tensor, bits: int | None, hardware: Hardware) -> Drives:
    """Encode what word lines stand for, (batch, lines), with an input of full voltage.

    Parameters
    ----------
    lines : (batch, lines) Tensor
        In the inputs' unit.
    full : Tensor
        The input that gets the full voltage.
    bits : int or None
        The DAC's; None: it does not round.
    hardware : Hardware
        Whose encoding counts.
    """
    share, height = lines / full, hardware.encoding.volts
    if hardware.encoding.kind == "amplitude" or bits is None:
        return Drives((share * height)[None], [1.0], full)
    pulses, worth = bit_planes(share, bits)
    return Drives(torch.stack(pulses) * height, worth, full)


Reader = Callable[[Tensor], list[Tensor]]
"""Gives what each array carries, (batch, cols) in amperes, for volts (batch, lines)."""


def linear_reader(strips: Iterable[Strip], places: Sequence[Place]) -> Reader:
    """Return products with all arrays side by side that share their word lines' inputs.

    Parameters
    ----------
    strips : iterable of Strip
        Word lines, array numbers, and their maps (lines, columns) side by side in siemens.
    places : sequence of Place
        Of all arrays, whose widths count.
    """

    def read(volts: Tensor) -> list[Tensor]:
        amperes: dict[int, Tensor] = {}
        for lines, tiles, wide in strips:
            currents = volts[:, lines] @ wide.to(volts)
            widths = [places[tile].shape[1] for tile in tiles]
            amperes.update(zip(tiles, torch.split(currents, widths, dim=1), strict=True))
        return [amperes[tile] for tile in range(len(places))]

    return read


def nonlinear_reader(
    tiles: Sequence[Tile], cells: Sequence[Tensor] | None, vectors: int, *, training: bool, threads: int | None
) -> Reader:
    """Return Newton's method for every input vector, with gradients by volts and cells where they are recorded.

    Parameters
    ----------
    tiles : sequence of Tile
        The circuits.
    cells : sequence of Tensor or None
        Their conductances as functions of the weights; None: no gradient is to reach those.
    vectors : int
        How many there are in all.
    training : bool
        Whether gradients are likely to be asked for: if so, and if they are no more than ``KEPT_BYTES``, the cells'
        voltages are kept until then. Otherwise vectors are solved once more.
    threads : int or None
        Threads for the circuits; None: all.
    """
    keep = training and 8 * vectors * sum(tile.crossbar.conductance.size for tile in tiles) <= KEPT_BYTES

    def read(volts: Tensor) -> list[Tensor]:
        if not (torch.is_grad_enabled() and (volts.requires_grad or cells is not None)):
            return [torch.from_numpy(tile.solve(volts)).to(volts) for tile in tiles]
        return [
            array_currents(volts[:, tile.lines], g, tile.crossbar, keep=keep, threads=threads).to(volts)
            for tile, g in zip(tiles, cells or repeat(None, len(tiles)), strict=True)
        ]

    return read


def decoded(
    currents: Tensor,
    driven: Drives,
    hardware: Hardware,
    places: Sequence[Place],
    scales: Sequence[Tensor],
    outputs: int,
) -> Tensor:
    """Return outputs (batch, outputs) from the currents of all arrays side by side, (batch, columns).

    ``outputs`` is how many a group has.

    Parameters
    ----------
    currents : (batch, columns) Tensor
        Amperes, all arrays side by side.
    driven : Drives
        What the word lines got.
    hardware : Hardware
        Whose mapping counts.
    places : sequence of Place
        Of all arrays.
    scales : sequence of (1, 1) or (1, outputs) Tensor
        Of each group.
    outputs : int
        How many a group has.
    """
    volts = driven.weighted(driven.volts.flatten(0, 1))
    zero = subtracted(hardware) if hardware.mapping.kind == "offset" else []
    parts = []
    for place, amperes in zip(places, torch.split(currents, [place.shape[1] for place in places], dim=1), strict=True):
        part = amperes[:, : len(place.cols)]
        if place.extra:
            part = part - amperes[:, -1:]
        elif zero:
            part = part - (zero[place.plane] * volts[:, place.lines].sum(dim=1, keepdim=True)).to(part)
        parts.append(part)
    per_volt = driven.full / (unit(hardware) * hardware.encoding.volts)
    arranged = places[0].row_order is not None
    sums = arranged_outputs(parts, places, outputs) if arranged else assembled(parts, places, add=True)
    products = [total * (scale.to(total) * per_volt.to(total)) for total, scale in zip(sums, scales, strict=True)]
    return torch.cat(products, dim=1)
