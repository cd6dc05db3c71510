"""Observers of what passes a converter, as those of torch.ao.quantization: on while data run, and off in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

UNSEEN = -1.0
"""What a range holds before calibration."""


def unseen(shape: Sequence[int], device: torch.device) -> Tensor:
    """Return a range of a converter that has seen nothing; gradients can be recorded with it, whatever the mode now.

    Parameters
    ----------
    shape : sequence of int
        Of the range: one number, or one for each column.
    device : torch.device
        Where it is.
    """
    with torch.inference_mode(False):
        return torch.full(tuple(shape), UNSEEN, dtype=torch.float64, device=device)


class DoubleBuffers(nn.Module):
    """A module of which some buffers keep their type: scales and ranges stay double, amperes vanish in a half."""

    wide_buffers: tuple[str, ...] = ()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move to another device or type."""
        doubles = {name: self._buffers[name] for name in self.wide_buffers}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, buffer in doubles.items():
            moved = self._buffers[name]
            self._buffers[name] = buffer if buffer is None or moved is None else buffer.to(moved.device)
        return self


class Observer(DoubleBuffers):
    """Keeps the largest magnitudes of what passes while it is enabled.

    Parameters
    ----------
    shape : tuple of int
        ``()``: one number for all; ``(columns,)``: one for each column of (batch, columns).
    device : torch.device
        Where it is kept.

    Attributes
    ----------
    enabled : bool
        Whether it looks.
    largest : Tensor
        What it saw; ``UNSEEN`` where nothing has passed.
    """

    wide_buffers = ("largest",)
    largest: Tensor

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        super().__init__()
        self.enabled = False
        self.register_buffer("largest", unseen(shape, device), persistent=False)

    def enable(self) -> None:
        """Look from now on, at the first numbers again."""
        self.enabled = True
        self.largest = unseen(self.largest.shape, self.largest.device)

    def disable(self) -> None:
        """Look no more; what was seen stays."""
        self.enabled = False

    def forward(self, magnitudes: Tensor) -> None:
        """Take magnitudes of the observer's shape into account."""
        if self.enabled:
            self.largest = torch.maximum(self.largest, magnitudes.to(self.largest))
