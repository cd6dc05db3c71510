"""BatchNorm as part of the layer before it."""

from __future__ import annotations

from torch import nn

from xbarsim.nn.selection import Selection


def fold(model: nn.Module, left: Selection) -> None:
    """Fold in place what can be told to follow a layer."""
