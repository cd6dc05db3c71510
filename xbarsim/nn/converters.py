"""Converters between numbers and volts or amperes, with gradients straight through their rounding."""

from __future__ import annotations

import torch
from torch import Tensor


def quantised(x: Tensor, full: Tensor | float, bits: int) -> Tensor:
    """Round to the nearest of the steps ``-top .. top`` of ``full / top``, ``top = 2**(bits - 1) - 1``; clip beyond.

    One bit keeps the sign alone. Gradients pass straight through the rounding, and are 0 where it clips.
    """
    if bits == 1:
        hard = torch.where(x >= 0, 1.0, -1.0) * full
        soft = torch.minimum(torch.maximum(x, -torch.as_tensor(full)), torch.as_tensor(full))
        return soft + (hard - soft).detach()
    top = (1 << bits - 1) - 1
    full = torch.as_tensor(full, dtype=x.dtype, device=x.device)
    clipped = torch.minimum(torch.maximum(x, -full), full)
    step = full / top
    return clipped + (torch.round(clipped / step) * step - clipped).detach()


def bit_planes(x: Tensor, full: Tensor | float, bits: int) -> tuple[list[Tensor], list[float]]:
    """Return the pulses of bit-serial inputs, -1, 0 or 1, the least significant first, and what each is worth.

    A number is its sign and ``bits - 1`` bits of its magnitude; ``sum(worth * pulse) = quantised(x) / full``. Gradients
    reach x through the planes in equal shares. One bit keeps the sign alone.
    """
    count = max(bits - 1, 1)
    top = 2**count - 1
    share = (x / full).clamp(-1.0, 1.0)
    whole = torch.round(share.detach().abs() * top) if bits > 1 else torch.ones_like(share)
    sign = torch.where(share.detach() >= 0, 1.0, -1.0).to(share)
    planes, worth = [], []
    for k in range(count):
        weight = 2**k / top
        pulse = sign * (torch.floor(whole / 2**k) % 2)
        planes.append(pulse + (share - share.detach()) / (count * weight))
        worth.append(weight)
    return planes, worth
