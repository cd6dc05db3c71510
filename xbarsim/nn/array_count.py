"""How many arrays a forward pass has reduced, over all layers, for whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from xbarsim.nn.layers import CrossbarLayer


class ArrayCount:
    """While this is entered, layers tell of arrays that they reduce; a layer that is called again is counted again.

    Parameters
    ----------
    layers : sequence of CrossbarLayer
        Those that are expected to reduce theirs.
    tell : callable
        Told how many are done, and of how many.
    """

    def __init__(self, layers: Sequence[CrossbarLayer], tell: Callable[[int, int], None]) -> None:
        self._layers, self._tell = layers, tell
        self._whole = sum(len(layer.places) for layer in layers)
        self._before = self._count = 0
        self._latest: CrossbarLayer | None = None

    def __enter__(self) -> None:
        for layer in self._layers:
            layer.progress = partial(self._add, layer)

    def __exit__(self, *_: Any) -> None:
        for layer in self._layers:
            layer.progress = None

    def _add(self, layer: CrossbarLayer, count: int) -> None:
        """Take that a layer has reduced so many arrays of its present pass."""
        if layer is not self._latest or self._before + count <= self._count:
            self._before, self._latest = self._count, layer
        self._count = self._before + count
        self._whole = max(self._whole, self._count)
        self._tell(self._count, self._whole)
