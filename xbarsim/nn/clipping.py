"""Weights beyond the scale that was frozen when their chip was programmed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from xbarsim.nn.weights import ProgrammedWeights

_ROUNDING = 1e-6
"""Relative; what a weight in single precision may miss its own scale by."""

_ROWS = 256  # looked at together


class ClippedWarning(UserWarning):
    """Weights are beyond what the largest conductance stands for, and count as that."""


def clipped_share(layer: ProgrammedWeights) -> float:
    """Return the share of a layer's weights that its scale clips, 0 to 1; 0 while there is no chip."""
    if layer.chip is None or layer.hardware.mapping.scale == "dynamic":
        return 0.0
    beyond = whole = 0
    with torch.no_grad():
        for matrix, scale in zip(layer.matrices(), layer.scales(), strict=True):
            # The largest weight itself, rounded to a shorter type, may have come out above its scale.
            limit = scale * (1.0 + max(_ROUNDING, torch.finfo(matrix.dtype).eps))
            beyond += sum(int((rows.abs() > limit).sum()) for rows in torch.split(matrix, _ROWS))
            whole += matrix.numel()
    return beyond / whole


def warn_of_clipping(layer: ProgrammedWeights) -> None:
    """Say once a programming that weights are clipped."""
    if layer.told_of_clipping:
        return
    share = clipped_share(layer)
    if share > 0.0:
        layer.told_of_clipping = True
        warnings.warn(
            f"{share:.3g} of the weights of {layer.label} are beyond the scale that was frozen when its chip was "
            "programmed, and are clipped to it: program again, or take Mapping(scale='dynamic')",
            ClippedWarning,
            stacklevel=2,
        )
