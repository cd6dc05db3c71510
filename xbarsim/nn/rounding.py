"""Rounding between numbers and volts or amperes, with gradients straight through."""

from __future__ import annotations

import torch
from torch import Tensor


def quantised(x: Tensor, full: Tensor | float, bits: int) -> Tensor:
    """Round to the nearest of the steps ``-top .. top`` of ``full / top``, ``top = 2**(bits - 1) - 1``; clip beyond.

    Half-way the even step is taken. One bit keeps the sign alone, that of 0 is +. Where ``full`` is 0 so is what comes
    out. Gradients pass straight through the rounding, and are 0 where it clips.

    Parameters
    ----------
    x : Tensor
        What is rounded.
    full : Tensor or float
        Full scale, at least 0, in the unit of ``x``.
    bits : int
        With the sign's.
    """
    full = torch.as_tensor(full, dtype=x.dtype, device=x.device)
    # Of what is at full scale itself the gradient is 1; torch.minimum would halve it.
    clipped = torch.clamp(x, -full, full)
    with torch.no_grad():
        if bits == 1:
            hard = torch.where(x >= 0, full, torch.where(x < 0, -full, x))
        else:
            step = full / ((1 << bits - 1) - 1)
            hard = torch.round(clipped / torch.where(step > 0, step, torch.ones_like(step))) * step
    return hard + (clipped - clipped.detach()) if clipped.requires_grad else hard


def bit_planes(share: Tensor, bits: int) -> tuple[list[Tensor], list[float]]:
    """Return the pulses of bit-serial inputs, -1, 0 or 1, the least significant first, and what each is worth.

    ``share`` is what ``quantised`` gave over its full scale, -1 to 1, or 0 where no converter drives the line:
    ``sum(worth * pulse) = share``. A number is its sign and ``bits - 1`` bits of its magnitude, at least one. Gradients
    reach it through the planes in equal shares.

    Parameters
    ----------
    share : Tensor
        -1 to 1.
    bits : int
        With the sign's.
    """
    count = max(bits - 1, 1)
    top = 2**count - 1
    whole = torch.round(share.detach().abs() * top)
    sign = torch.sign(share.detach())
    planes, worth = [], []
    for k in range(count):
        weight = 2**k / top
        pulse = sign * (torch.floor(whole / 2**k) % 2)
        planes.append(pulse + (share - share.detach()) / (count * weight))
        worth.append(weight)
    return planes, worth
