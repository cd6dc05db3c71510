"""Weights as conductances: the planes of cells whose currents, weighted and summed, are a layer's outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from xbarsim.nn.hardware import Hardware


def largest(matrices: Sequence[Tensor], hardware: Hardware) -> Tensor:
    """Return the weight that the largest conductance stands for: (1,), or (outputs,); 1 where all weights are 0.

    Parameters
    ----------
    matrices : sequence of (inputs, outputs) tensor
        Weights of all groups.
    hardware : Hardware
        Whose mapping says of what it is the largest.
    """
    magnitudes = torch.cat([matrix.abs().amax(dim=0) for matrix in matrices])
    magnitudes = magnitudes.detach() if hardware.mapping.scale == "frozen" else magnitudes
    magnitudes = magnitudes if hardware.mapping.per == "column" else magnitudes.amax().reshape(1)
    return torch.where(magnitudes > 0, magnitudes, torch.ones_like(magnitudes))


def planes_of(matrix: Tensor, scale: Tensor, hardware: Hardware) -> list[Tensor]:
    """Map weights (inputs, outputs) to planes of siemens; their sum, by ``factors``, is ``weight * unit / scale``.

    With ``g`` between g_off and g_on, and w the weight over ``scale``, clipped to -1 .. 1::

        differential   g+ - g- = (g_on - g_off) w,   g+ = g_off + (g_on - g_off) max(w, 0),   g- likewise of -w
        reference, offset      g = zero + w unit

    ``zero`` is the middle of g_off and g_on; where cells have levels, the level nearest to it, and ``unit`` is what is
    left to the nearer end. Of an even number of equal steps the highest level is then not used, and as many lie on
    either side of zero. Slices are the digits of |w| (or of the offset weight) in base ``2**slice_bits``, each with
    arrays of its own; offset weights are whole numbers from 0 to the even ``2 half``, of which ``half`` is zero.

    Parameters
    ----------
    matrix : (inputs, outputs) Tensor
        Weights of a group.
    scale : (1, 1) or (1, outputs) Tensor
        The weight that the largest conductance stands for.
    hardware : Hardware
        Whose mapping and conductances count.
    """
    cells, mapping = hardware.cells, hardware.mapping
    span = cells.g_on - cells.g_off
    w = (matrix / scale).clamp(-1.0, 1.0)
    if mapping.kind != "differential":
        if mapping.slices == 1:
            return [_zero(hardware) + unit(hardware) * w]
        half = _half(hardware)
        digits = _digits(half * (w + 1.0), half + torch.round(half * w), hardware)
        return [cells.g_off + span * digit for digit in digits]
    # Halves of |w| have the gradient 1/2 each where w is 0; two clamps would count a weight of 0 twice.
    shares = [0.5 * (w.abs() + w), 0.5 * (w.abs() - w)]
    if mapping.slices > 1:
        top = _top(hardware)
        shares = [digit for share in shares for digit in _digits(top * share, torch.round(top * share), hardware)]
    return [cells.g_off + span * share for share in shares]


def factors(hardware: Hardware) -> list[float]:
    """Return the planes' factors, in the order of ``planes_of``; those of one sign add up to 1."""
    mapping = hardware.mapping
    base = 2**mapping.slice_bits
    top = base**mapping.slices - 1
    worth = [base ** (mapping.slices - 1 - k) * (base - 1) / top for k in range(mapping.slices)]
    if mapping.slices == 1:
        worth = [1.0]
    return [*worth, *(-factor for factor in worth)] if mapping.kind == "differential" else worth


def unit(hardware: Hardware) -> float:
    """Siemens that stand for a weight of ``scale``."""
    cells, mapping = hardware.cells, hardware.mapping
    if mapping.kind == "differential":
        return cells.g_on - cells.g_off
    if mapping.slices > 1:
        return (cells.g_on - cells.g_off) * _half(hardware) / _top(hardware)
    zero = _zero(hardware)
    return min(cells.g_on - zero, zero - cells.g_off)


def zeros(hardware: Hardware) -> list[float]:
    """Siemens that a weight of 0 is to have in each plane where weights are offset; those of a reference cell."""
    cells, mapping = hardware.cells, hardware.mapping
    if mapping.slices == 1:
        return [_zero(hardware)]
    half = torch.tensor(float(_half(hardware)), dtype=torch.float64)
    return [cells.g_off + (cells.g_on - cells.g_off) * float(digit) for digit in _digits(half, half, hardware)]


def subtracted(hardware: Hardware) -> list[float]:
    """Siemens that are subtracted digitally in each plane: those of a cell of a weight of 0 that is as it should be."""
    cells, siemens = hardware.cells, zeros(hardware)
    if cells.levels is None or is_between(hardware):
        return siemens
    levels: list[float] = cells.levels.quantise(siemens, cells.g_off, cells.g_on).tolist()
    return levels


def is_between(hardware: Hardware) -> bool:
    """Whether zero is on no level: a cell of two levels is +1 or -1."""
    levels = hardware.cells.levels
    return levels is not None and levels.count == 2 and hardware.mapping.slices == 1


def _zero(hardware: Hardware) -> float:
    cells = hardware.cells
    if cells.levels is None or is_between(hardware):
        return 0.5 * (cells.g_on + cells.g_off)
    return cells.levels.centre(cells.g_off, cells.g_on)


def _top(hardware: Hardware) -> int:
    """Return the largest number that a weight's slices hold."""
    return (1 << hardware.mapping.slices * hardware.mapping.slice_bits) - 1


def _half(hardware: Hardware) -> int:
    return _top(hardware) // 2


def _digits(value: Tensor, whole: Tensor, hardware: Hardware) -> list[Tensor]:
    """Return digits, each over the largest, of whole numbers; gradients reach the values in equal shares."""
    slices, base = hardware.mapping.slices, 1 << hardware.mapping.slice_bits
    digits = []
    for k in range(slices):
        weight = base ** (slices - 1 - k)
        digit = torch.floor(whole.detach() / weight) % base / (base - 1)
        digits.append(digit + (value - value.detach()) / (slices * weight * (base - 1)))
    return digits
