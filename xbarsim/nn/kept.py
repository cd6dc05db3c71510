"""What follows from weights on a chip and stands until one of them changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from xbarsim.nn.hardware import Hardware
from xbarsim.nn.outside import paused
from xbarsim.nn.tiling import Tile
from xbarsim.nonideal import Chip

Layer = TypeVar("Layer")
Found = TypeVar("Found")

Strip = tuple[slice, list[int], Tensor]
"""Word lines, the arrays that they drive, and those arrays' maps side by side."""


@dataclass
class Kept:
    """What is known, and of what: weights, chip, hardware, and time since programming with its compensation."""

    sources: list[Tensor]
    chip: Chip
    hardware: Hardware
    when: tuple[float | None, float]
    matrices: list[Tensor] | None = None
    parameters: tuple[Tensor, Tensor | None] | None = None
    strips: list[Strip] | None = None
    tiles: list[Tile] = field(default_factory=list)


def kept_for_all(method: Callable[[Layer], Found]) -> Callable[[Layer], Found]:
    """Compute outside of ``torch.inference_mode``: what is kept must serve where gradients are recorded, too."""

    @wraps(method)
    def computed(self: Layer) -> Found:
        with paused():
            if not torch.is_inference_mode_enabled():
                return method(self)
            with torch.inference_mode(False), torch.no_grad():
                return method(self)

    return computed


_BITS = {torch.float32: torch.int32, torch.float64: torch.int64}


def same_numbers(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors hold the same; numpy compares words four times as fast as torch compares floats."""
    if a.dtype != b.dtype or a.device != b.device or a.shape != b.shape:
        return False
    if a.device.type == "cpu" and a.dtype in _BITS and a.is_contiguous() and b.is_contiguous():
        bits = _BITS[a.dtype]
        return np.array_equal(a.view(bits).numpy(), b.view(bits).numpy())
    return torch.equal(a, b)


def equal_numbers(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors are the same numbers in the narrower of their types, on whatever devices."""
    narrow = min(a.dtype, b.dtype, key=lambda kind: kind.itemsize)
    return a.shape == b.shape and torch.equal(a.cpu().to(narrow), b.cpu().to(narrow))
