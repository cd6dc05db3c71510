"""The number that brings what arrays multiply by nearest to what is wanted."""

from __future__ import annotations

import torch
from torch import Tensor

from xbarsim.nn.layers import CrossbarLayer


def fitted(ideal: Tensor, real: Tensor, per: str = "layer") -> Tensor:
    """Return ``<ideal, real> / <real, real>``, the gain of least squares; 1 where nothing flows.

    Parameters
    ----------
    ideal, real : (anything, outputs) tensor
        What is wanted, and what is there.
    per : {"layer", "output"}
        One number, or one for each output.
    """
    over, under = (ideal * real).sum(dim=0), (real * real).sum(dim=0)
    if per == "layer":
        over, under = over.sum(), under.sum()
    return torch.where(under > 0.0, over / torch.where(under > 0.0, under, 1.0), 1.0)


def as_matrix(layer: CrossbarLayer, weight: Tensor) -> Tensor:
    """Return a tensor of the weight's shape as (inputs, outputs), outputs of all groups beside each other.

    Parameters
    ----------
    layer : CrossbarLayer
        Whose outputs count.
    weight : Tensor
        Of the shape of the layer's weight.
    """
    return weight.double().reshape(layer.outputs, -1).T


def realised_matrix(layer: CrossbarLayer) -> Tensor:
    """Return what a programmed layer multiplies by, likewise.

    Parameters
    ----------
    layer : CrossbarLayer
        Programmed, of linear cells.
    """
    return torch.cat([matrix.double() for matrix in layer.effective_matrices()], dim=1)
