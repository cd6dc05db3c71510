"""All parameters trained with the known chip in the loop."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.chip_training import ChipTraining, taken_over
from xbarsim.mitigation.epoch_training import Group
from xbarsim.mitigation.method import OUTPUT_PARTS, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realised_signs import SignsOnCircuit, has_tables, on_tables
from xbarsim.nn.binary import clip_latent
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork


@dataclass(frozen=True)
class Retraining(ChipTraining):
    """Train weights, biases and BatchNorm, forward through the chip as it is known.

    What a weight's cells represent is what the forward pass multiplies by; the gradient goes straight through healthy
    cells to the weight, and none comes through stuck ones. With wires it is that of the circuit. Weights stay within
    the layer's scale, which stays what it is; a binary network's real weights stay within -1 .. 1, and their signs are
    what is mapped. FPT is compared with it (G. Jung et al., "Cost- and Dataset-free Stuck-at Fault Mitigation for
    ReRAM-based Deep Learning Accelerators", table III; 10 epochs). It costs labels and a training a chip, and needs the
    fault map. For few stuck cells or varied ones ``fpt`` or row methods reach the same for less.

    Attributes
    ----------
    epochs, batch, rate, images, knows
        As of ``ChipTraining``.
    """

    name: ClassVar[str] = "retrain"
    paper: ClassVar[str] = "G. Jung et al., Cost- and Dataset-free Stuck-at Fault Mitigation, table III (retraining)"
    about: ClassVar[str] = "train all parameters through the known chip, straight through healthy cells"
    settles: ClassVar[frozenset[Part]] = frozenset({"weights", "batchnorm", "headroom"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"batchnorm", "targets"})
    relies_on: ClassVar[frozenset[Part]] = OUTPUT_PARTS
    digital_norms: ClassVar[bool] = True

    @property
    def needs(self) -> Needs:
        """Those of ``ChipTraining``, and layers whose weights are the network's own."""
        return replace(super().needs, whole=True)

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with trained parameters."""
        plan = plan.with_digital_norms()
        data = bench.labelled(self.images)
        if has_tables(plan, bench):
            model = on_tables(plan, bench).train().requires_grad_(True)
            self._descend(bench, data, model, [self._group(model.parameters())], lambda: clip_latent(model))
            return taken_over(plan, model)
        network = bench.known_network(plan).train().requires_grad_(True)
        circuit = SignsOnCircuit.of(plan, network)
        bounds = [
            (layer.weight, _bound(layer)) for name, layer in network.layers.items() if name not in circuit.latents
        ]

        def bound() -> None:
            circuit.clip()
            for weight, limit in bounds:
                weight.copy_(torch.minimum(torch.maximum(weight, -limit), limit))

        self._descend(bench, data, circuit, [self._group(circuit.trained())], bound, network=network)
        return _with_scales(circuit.taken_into(taken_over(plan, network.model)), network)

    def _group(self, parameters: Iterable[nn.Parameter]) -> Group:
        return {"params": list(parameters), "lr": self.rate}


def _bound(layer: CrossbarLayer) -> Tensor:
    """Return the largest magnitude that each output's weights may have, so that no cell is asked for more."""
    if layer.scale_moves:
        return torch.full([layer.outputs, *[1] * (layer.weight.dim() - 1)], math.inf)
    scales = torch.cat([scale.expand(1, layer.outputs // layer.groups) for scale in layer.scales()], dim=1)
    return scales.reshape(-1, *[1] * (layer.weight.dim() - 1)).to(layer.weight)


def _with_scales(plan: Plan, network: CrossbarNetwork) -> Plan:
    """Return a plan whose layers keep the scales that they were trained at, though their largest weights are others.

    A stuck cell stands for a share of the scale. Where each output has a scale of its own there is no number for it.
    """
    for name, layer in network.layers.items():
        if layer.scale_moves or layer.hardware.mapping.per != "layer":
            continue
        largest = float(layer.weight.detach().abs().max())
        if largest > 0.0:
            plan = plan.with_layer(name, headroom=float(layer.scale.max()) / largest)
    return plan
