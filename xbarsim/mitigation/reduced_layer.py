"""A layer whose weights are reduced and fixed, some at a time, while all others are trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.mitigation.independence import Neighbourhood
from xbarsim.nn.binary import is_binary
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork


@dataclass(frozen=True)
class ReductionRule:
    """How weights are reduced: divided by ``t``, each at most ``bound`` times; ``hold`` fixes those with stuck cells.

    With ``literal`` what counts is what a weight represents, ``|T w|``, instead of its error ``|t(w) - w|``.
    """

    t: float
    bound: int
    hold: bool
    literal: bool = False


def check_reducible(method: str, model: nn.Module, network: CrossbarNetwork) -> None:
    """Check that a network's weights can be divided and fixed, layer by layer, on its cells.

    Parameters
    ----------
    method : str
        Its name, for messages.
    model : Module
        What is on crossbars.
    network : CrossbarNetwork
        It there.

    Raises
    ------
    InputError
        Weights have signs alone, a layer has several scales, or two layers share a weight.
    """
    if is_binary(model):
        raise InputError(f"{method} divides weights, and those of a binary network are +1 or -1: take retrain")
    if network.hardware.mapping.per != "layer":
        raise InputError(f"{method} keeps a layer's scale: take hardware with mapping.per=layer")
    if len({id(layer.weight) for layer in network.layers.values()}) < len(network.layers):
        raise InputError(f"{method} fixes a layer's weights on its cells, and two layers share a weight: untie them")


class ReducedLayer:
    """The weights of a layer in training, on the cells of a known chip.

    Parameters
    ----------
    weight : (outputs, inputs) Tensor
        Of the network that is trained; here it is changed in place. Of a convolution it is a view of the parameter, its
        inputs those of a group: channels and the places of the kernel.
    layer : CrossbarLayer
        The same layer on the known chip.
    rule : ReductionRule
        How weights are reduced.
    neighbourhood : Neighbourhood
        Which of its weights depend on each other.

    Attributes
    ----------
    scale : float
        The weight of the largest conductance; no weight that is trained gets beyond it.
    fixed : (outputs, inputs) tensor of bool
        Which weights training leaves alone: F = 0.
    stuck : (outputs, inputs) tensor of bool
        Which of them are held at what their stuck cells make of them.
    counts : (outputs, inputs) array of int
        How often each was reduced.
    """

    def __init__(self, weight: Tensor, layer: CrossbarLayer, rule: ReductionRule, neighbourhood: Neighbourhood) -> None:
        self.weight, self.rule, self.neighbourhood = weight, rule, neighbourhood
        self.scale = float(layer.scales()[0].detach().max())
        self._cells = [layer.weight_cells(group) for group in range(layer.groups)]
        self._mapped = weight.detach().clone()
        faults = np.logical_or.reduce([plane[0] != 0 for plane in layer.known()])
        self.stuck = torch.from_numpy(faults.T.copy()) if rule.hold else torch.zeros(weight.shape, dtype=torch.bool)
        self.fixed = self.stuck.clone()
        self.counts = np.zeros(tuple(weight.shape), dtype=np.int64)
        self._values = torch.where(self.stuck, torch.from_numpy(self.represented()).to(weight), self._mapped)
        self.restore()

    def represented(self) -> Array:
        """Return t(w) of the present weights, (outputs, inputs)."""
        parts = np.split(self.weight.detach().double().numpy(), len(self._cells))
        groups = zip(self._cells, parts, strict=True)
        return np.concatenate([cells.represented(part.T).T for cells, part in groups])

    def on_cells(self) -> Tensor:
        """Return what the weights are on the chip, (outputs, inputs): t(w), or what they are held at."""
        return torch.where(self.stuck, self._values, torch.from_numpy(self.represented()).to(self._values))

    def variations(self) -> Array:
        """Return how far each weight is from what it represents, (outputs, inputs); 0 where it is not to be reduced."""
        represented = self.represented()
        weights = 0.0 if self.rule.literal else self.weight.detach().double().numpy()
        variations: Array = np.abs(represented - weights)
        variations[self.stuck.numpy() | (self.counts >= self.rule.bound)] = 0.0
        return variations

    @torch.no_grad()
    def reduce(self, output: int, place: int) -> float:
        """Divide a weight by t and fix it there; returns what it was.

        Parameters
        ----------
        output, place : int
            Which weight: its output, and its place among that output's inputs.
        """
        before = float(self.weight[output, place])
        self._values[output, place] = self.weight[output, place] / self.rule.t
        self.weight[output, place] = self._values[output, place]
        self.fixed[output, place] = True
        self.counts[output, place] += 1
        return before

    @torch.no_grad()
    def restore(self) -> None:
        """Put fixed weights back, bit for bit, and others within the scale: to be called after each step."""
        self.weight.clamp_(-self.scale, self.scale)
        self.weight.copy_(torch.where(self.fixed, self._values, self.weight))

    def mapped(self) -> Tensor:
        """Return the weights that are to be programmed, (outputs, inputs): where cells are stuck, those of before."""
        return torch.where(self.stuck, self._mapped, self.weight.detach())
