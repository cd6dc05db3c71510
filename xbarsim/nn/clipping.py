"""Weights beyond the scale of their layer."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

_ROUNDING = 1e-6
"""Relative; what a weight in single precision may miss its own scale by."""

_ROWS = 256  # looked at together


class ClippedWarning(UserWarning):
    """Weights are beyond what the largest conductance stands for, and count as that."""


@torch.no_grad()
def clipped_share(matrices: Sequence[Tensor], scales: Sequence[Tensor]) -> float:
    """Return the share of weights (inputs, outputs), of each group, that its scale clips, 0 to 1.

    Parameters
    ----------
    matrices : sequence of (inputs, outputs) Tensor
        Weights, one matrix a group.
    scales : sequence of (1, 1) or (1, outputs) Tensor
        The weight that the largest conductance stands for, a group each.
    """
    beyond = whole = 0
    for matrix, scale in zip(matrices, scales, strict=True):
        # The largest weight itself, rounded to a shorter type, may have come out above its scale.
        limit = scale * (1.0 + max(_ROUNDING, torch.finfo(matrix.dtype).eps))
        whole += matrix.numel()
        least, most = matrix.aminmax()
        if bool(torch.maximum(-least, most) <= limit.min()):
            continue
        beyond += sum(int((rows.abs() > limit).sum()) for rows in torch.split(matrix, _ROWS))
    return beyond / whole


def warn_of_clipping(label: str, share: float, headroom: float = 1.0) -> None:
    """Say that a share of a layer's weights is clipped.

    Parameters
    ----------
    label : str
        The layer's, for the message.
    share : float
        0 to 1.
    headroom : float
        What the scale was multiplied with; below 1 it is what clips.
    """
    if headroom < 1.0:
        cause = f"beyond the scale, which headroom={headroom:g} makes less than the largest of them, and are clipped"
        way_out = "program with headroom=1 or more"
    else:
        cause = "beyond the scale that was frozen when its chip was programmed, and are clipped"
        way_out = "program again, or take Mapping(scale='dynamic')"
    warnings.warn(f"{share:.3g} of the weights of {label} are {cause} to it: {way_out}", ClippedWarning, stacklevel=3)
