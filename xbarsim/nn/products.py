"""Products through a layer's arrays one array at a time: where converters, pulses or nonlinear cells ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.nn.converters import bit_planes, quantised
from xbarsim.nn.planes import subtracted, unit
from xbarsim.nn.ranges import dac_bits, digitised, full_input
from xbarsim.nn.tiling import assembled

if TYPE_CHECKING:
    from xbarsim.nn.layers import CrossbarLayer


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


def digital(layer: CrossbarLayer, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a layer's inputs, and the input of 1 of a bias row, as the DAC gives them, and the input of full voltage.

    Every element of x is converted once, before anything is made of it: padding is of lines at 0 V.
    """
    full, one = full_input(layer, x), x.new_ones(())
    bits = dac_bits(layer)
    return (x, one, full) if bits is None else (quantised(x, full, bits), quantised(one, full, bits), full)


def drives(layer: CrossbarLayer, x: Tensor) -> Drives:
    """Encode a layer's inputs."""
    held, one, full = digital(layer, x)
    lines = layer.lines(held)
    if layer.bias_row:
        ones = one.expand(lines.shape[0], 1)
        lines = torch.cat([part for own in lines.chunk(layer.groups, dim=1) for part in (own, ones)], dim=1)
    share, bits, height = lines / full, dac_bits(layer), layer.hardware.encoding.volts
    if layer.hardware.encoding.kind == "amplitude" or bits is None:
        return Drives((share * height)[None], [1.0], full)
    pulses, worth = bit_planes(share, bits)
    return Drives(torch.stack(pulses) * height, worth, full)


Reader = Callable[[Tensor], list[Tensor]]
"""Gives what each array carries, (batch, cols) in amperes, for volts (batch, lines)."""


def reader(layer: CrossbarLayer) -> Reader:
    """Return one read of all arrays, for as many vectors as are given to it."""
    return _linear(layer) if layer.hardware.law.kind == "linear" else _nonlinear(layer)


def _linear(layer: CrossbarLayer) -> Reader:
    """Products with all arrays side by side that share their word lines' inputs."""
    strips = layer.strips()

    def read(volts: Tensor) -> list[Tensor]:
        found: dict[int, Tensor] = {}
        for lines, tiles, wide in strips:
            currents = volts[:, lines] @ wide.to(volts)
            widths = [layer.places[tile].shape[1] for tile in tiles]
            found.update(zip(tiles, torch.split(currents, widths, dim=1), strict=True))
        return [found[tile] for tile in range(len(layer.places))]

    return read


def _nonlinear(layer: CrossbarLayer) -> Reader:
    """Newton's method for every input vector; it has no gradient, and says so where one is asked for."""
    tiles = layer.solved_tiles()
    message = (
        f"{layer.label} has cells of law {layer.hardware.law.kind!r}, which have no gradient: "
        "call eval(), or train with law='linear'"
    )
    sources = [layer.weight, *([layer.bias] if layer.bias_row and layer.bias is not None else [])]

    def read(volts: Tensor) -> list[Tensor]:
        if torch.is_grad_enabled() and layer.training and (volts.requires_grad or layer.weight.requires_grad):
            raise InputError(message)
        apply: Any = _WithoutGradient.apply
        return [apply(message, torch.from_numpy(tile.solve(volts)).to(volts), volts, *sources) for tile in tiles]

    return read


class _WithoutGradient(torch.autograd.Function):
    """Numbers that depend on others by a way whose gradient is not known: asking for it is an error, not 0."""

    @staticmethod
    def forward(ctx: Any, message: str, found: Tensor, *sources: Tensor) -> Tensor:
        ctx.message = message
        return found.clone()

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        raise InputError(ctx.message)


def decoded(layer: CrossbarLayer, currents: Sequence[Tensor], given: Drives) -> Tensor:
    """Return outputs (batch, outputs) from what all arrays carry, (pulses * batch, cols) each."""
    hardware, places = layer.hardware, layer.places
    widths = [one.shape[1] for one in currents]
    wide = _weighted(digitised(layer, torch.cat(list(currents), dim=1)), given)
    if layer.compensation != 1.0:
        wide = wide * layer.compensation
    volts = _weighted(given.volts.flatten(0, 1), given)
    parts, zero = [], subtracted(hardware) if hardware.mapping.kind == "offset" else []
    for place, amperes in zip(places, torch.split(wide, widths, dim=1), strict=True):
        part = amperes[:, : len(place.cols)]
        if place.extra:
            part = part - amperes[:, -1:]
        elif hardware.mapping.kind == "offset":
            part = part - (zero[place.plane] * volts[:, place.lines].sum(dim=1, keepdim=True)).to(part)
        parts.append(part)
    per_volt = given.full / (unit(hardware) * hardware.encoding.volts)
    sums = assembled(parts, places, add=True)
    products = [one * (scale.to(one) * per_volt.to(one)) for one, scale in zip(sums, layer.scales(), strict=True)]
    return torch.cat(products, dim=1)


def _weighted(rows: Tensor, given: Drives) -> Tensor:
    """Return the sum over pulses, each times what it is worth, of (pulses * batch, ...)."""
    if len(given.worth) == 1:
        return rows
    whole = rows.reshape(len(given.worth), -1, rows.shape[1])
    found: Tensor = torch.tensordot(whole.new_tensor(given.worth), whole, dims=1)
    return found
