"""Where a layer's maps are stored, and what they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xbarsim.nn.cell_state import CellState
from xbarsim.nn.hardware import Hardware
from xbarsim.nonideal import Chip


@dataclass
class StoredMaps:
    """All that follows from weights, chip, hardware, and time since programming with its compensation.

    Attributes
    ----------
    sources : list of Tensor
        Copies of weights, scales and biases.
    chip, hardware, cells, moment
        The rest; ``cells`` are what was written, if that does not follow from the weights.
    values : dict
        What has been made of them so far, as ``ArrayMaps`` calls it.
    """

    sources: list[Tensor]
    chip: Chip
    hardware: Hardware
    cells: CellState | None
    moment: tuple[float | None, float]
    values: dict[str, Any] = field(default_factory=dict)

    def are_on(self, chip: Chip, hardware: Hardware, cells: CellState | None) -> bool:
        """Whether they are of this chip and hardware, and of what was written."""
        return self.chip is chip and self.hardware is hardware and self.cells is cells

    def stand_for(
        self,
        sources: Sequence[Tensor],
        chip: Chip,
        hardware: Hardware,
        cells: CellState | None,
        moment: tuple[float | None, float],
    ) -> bool:
        """Whether nothing has changed."""
        return (
            self.are_on(chip, hardware, cells)
            and self.moment == moment
            and all(map(same_numbers, sources, self.sources))
        )


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
