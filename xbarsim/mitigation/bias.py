"""One bias a unit, trained with the known chip in the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.chip_training import ChipTraining
from xbarsim.mitigation.forward_pass import forward_pass
from xbarsim.mitigation.method import OUTPUT_PARTS, Part
from xbarsim.mitigation.plan import Plan


@dataclass(frozen=True)
class BiasTraining(ChipTraining):
    """Train a digital shift of each output, and nothing else: ``y = product + b + s``.

    Forward through the chip as it is known; BatchNorm is frozen, with the statistics that it was trained with. Weights
    and what cells hold stay. It is the first of the trainings that FPT is compared with (G. Jung et al., "Cost- and
    Dataset-free Stuck-at Fault Mitigation for ReRAM-based Deep Learning Accelerators", table III). It costs labels, a
    training a chip and one digital number an output. A spread that stuck cells have widened it leaves as it is: where
    there is BatchNorm, ``bn`` does more for the same.

    Attributes
    ----------
    epochs, batch, images, knows
        As of ``ChipTraining``.
    rate : float
        In units of each layer's outputs: their root mean square deviation over a batch of images.
    """

    name: ClassVar[str] = "bias"
    paper: ClassVar[str] = "G. Jung et al., Cost- and Dataset-free Stuck-at Fault Mitigation, table III (bias training)"
    about: ClassVar[str] = "train one digital bias an output through the known chip, nothing else"
    settles: ClassVar[frozenset[Part]] = frozenset({"gain"})
    relies_on: ClassVar[frozenset[Part]] = OUTPUT_PARTS

    rate: float = 0.03

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with trained shifts."""
        data = bench.labelled(self.images)
        network = bench.known_network(plan).requires_grad_(False)
        spreads = {
            name: float(outputs.movedim(1, -1).flatten(0, -2).std(dim=0).square().mean().sqrt())
            for name, outputs in forward_pass(network, data.images[: self.batch]).layers.items()
        }
        groups = []
        shifts = {}
        for name, layer in network.layers.items():
            zero = torch.zeros(layer.outputs)
            shifts[name] = nn.Parameter((zero if layer.shift is None else zero + layer.shift).clone())
            layer.shift = shifts[name]
            groups.append({"params": [shifts[name]], "lr": self.rate * (spreads.get(name) or 1.0)})
        base = {name: shift.detach().clone() for name, shift in shifts.items()}
        self._descend(bench, data, network, groups, network=network)
        for name, shift in shifts.items():
            settled = plan.layer(name).shift
            change = shift.detach() - base[name]
            plan = plan.with_layer(name, shift=change if settled is None else settled + change)
        return plan
