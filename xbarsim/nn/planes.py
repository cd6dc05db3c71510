"""Weights as conductances: the planes of cells whose currents, weighted and summed, are a layer's outputs."""

from __future__ import annotations

import torch
from torch import Tensor

from xbarsim.nn.hardware import Hardware


def largest(matrix: Tensor, hardware: Hardware) -> Tensor:
    """Return the weight that the largest conductance stands for: (1, 1), or (1, outputs); 1 where all weights are 0."""
    size = matrix.detach().abs() if hardware.mapping.scale == "frozen" else matrix.abs()
    found = size.amax(dim=0, keepdim=True) if hardware.mapping.per == "column" else size.amax().reshape(1, 1)
    return torch.where(found > 0, found, torch.ones_like(found))


def planes_of(matrix: Tensor, scale: Tensor, hardware: Hardware) -> list[Tensor]:
    """Map weights (inputs, outputs) to planes of siemens; their sum, by ``factors``, is ``weight * unit / scale``.

    With ``g`` between g_off and g_on, and w the weight over ``scale``, clipped to -1 .. 1::

        differential   g+ - g- = (g_on - g_off) w,   g+ = g_off + (g_on - g_off) max(w, 0),   g- likewise of -w
        reference, offset      g = (g_on + g_off) / 2 + w (g_on - g_off) / 2

    Slices are the digits of |w| (or of the offset weight) in base ``2**slice_bits``, each with arrays of its own.
    """
    cells, mapping = hardware.cells, hardware.mapping
    span = cells.g_on - cells.g_off
    w = (matrix / scale).clamp(-1.0, 1.0)
    if mapping.kind == "differential":
        # Halves of |w| have the gradient 1/2 each where w is 0; two clamps would count a weight of 0 twice.
        shares = [0.5 * (w.abs() + w), 0.5 * (w.abs() - w)]
    else:
        shares = [0.5 * (w + 1.0)]
    digits = [digit for share in shares for digit in _digits(share, mapping.slices, mapping.slice_bits)]
    return [cells.g_off + span * digit for digit in digits]


def factors(hardware: Hardware) -> list[float]:
    """Return the planes' factors, in the order of ``planes_of``; those of one sign add up to 1."""
    mapping = hardware.mapping
    base = 2**mapping.slice_bits
    top = base**mapping.slices - 1
    worth = [base ** (mapping.slices - 1 - k) * (base - 1) / top for k in range(mapping.slices)]
    if mapping.slices == 1:
        worth = [1.0]
    return [*worth, *(-one for one in worth)] if mapping.kind == "differential" else worth


def unit(hardware: Hardware) -> float:
    """Siemens that stand for a weight of ``scale``."""
    span = hardware.cells.g_on - hardware.cells.g_off
    return span if hardware.mapping.kind == "differential" else 0.5 * span


def middle(hardware: Hardware) -> float:
    """Siemens of a weight of 0 where weights are offset; those of a reference cell."""
    return 0.5 * (hardware.cells.g_on + hardware.cells.g_off)


def _digits(share: Tensor, slices: int, bits: int) -> list[Tensor]:
    """Return digits in 0 .. 1 of numbers in 0 .. 1; gradients pass straight through the rounding, in equal shares."""
    if slices == 1:
        return [share]
    base = 2**bits
    top = base**slices - 1
    whole = torch.round(share.detach() * top)
    found = []
    for k in range(slices):
        weight = base ** (slices - 1 - k)
        digit = torch.floor(whole / weight) % base / (base - 1)
        found.append(digit + (share - share.detach()) * top / (slices * weight * (base - 1)))
    return found
