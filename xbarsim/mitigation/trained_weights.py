"""All parameters of a network on circuits as they are trained: signs, and weights within a scale that stays."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from xbarsim.mitigation.chip_training import taken_over
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realised_signs import SignsOnCircuit
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork


class TrainedWeights:
    """What is trained of a network that a plan was put on circuits as.

    Weights stay within their layer's scale, and the scale, which a conductance's worth hangs on, stays what it is.
    Where each output has a scale of its own it is always its largest weight: a plan has no number that would keep it.
    Of a binary network the real weights behind the signs are trained.

    Parameters
    ----------
    plan : Plan
        Of which the network is.
    network : CrossbarNetwork
        Programmed; it is changed.

    Attributes
    ----------
    circuit : SignsOnCircuit
        The module to be trained.
    """

    def __init__(self, plan: Plan, network: CrossbarNetwork) -> None:
        self._plan, self._network = plan, network
        for layer in network.layers.values():
            mapping = layer.hardware.mapping
            if mapping.per != "layer":
                layer.hardware = replace(layer.hardware, mapping=replace(mapping, scale="dynamic"))
        self.circuit = SignsOnCircuit.of(plan, network)
        self._bounds = [
            (layer.weight, _bound(layer)) for name, layer in network.layers.items() if name not in self.circuit.latents
        ]

    def parameters(self) -> list[nn.Parameter]:
        """Return what an optimiser is to move."""
        return self.circuit.trained()

    @torch.no_grad()
    def bring_within(self) -> None:
        """Bring what has moved back within its bounds; to be called after each step."""
        self.circuit.clip()
        for weight, limit in self._bounds:
            weight.copy_(torch.minimum(torch.maximum(weight, -limit), limit))

    def plan(self) -> Plan:
        """Return the plan with the parameters as they are now, and the scales."""
        plan = self.circuit.taken_into(taken_over(self._plan, self._network.model))
        return _with_scales(plan, self._network)


def _bound(layer: CrossbarLayer) -> Tensor:
    """Return the largest magnitude that each output's weights may have, so that no cell is asked for more."""
    if layer.scale_moves:
        return torch.full([layer.outputs, *[1] * (layer.weight.dim() - 1)], math.inf)
    scales = torch.cat([scale.expand(1, layer.outputs // layer.groups) for scale in layer.scales()], dim=1)
    return scales.reshape(-1, *[1] * (layer.weight.dim() - 1)).to(layer.weight)


def _with_scales(plan: Plan, network: CrossbarNetwork) -> Plan:
    """Return a plan whose layers keep the scales that they were trained at, though their largest weights are others.

    A stuck cell stands for a share of the scale, and what wires and ends take depends on it.
    """
    for name, layer in network.layers.items():
        if layer.scale_moves:
            continue
        largest = float(layer.weight.detach().abs().max())
        if largest > 0.0:
            plan = plan.with_layer(name, headroom=float(layer.scale.max()) / largest)
    return plan
