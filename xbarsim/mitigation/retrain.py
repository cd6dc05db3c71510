"""All parameters trained with the known chip in the loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import nn

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.chip_training import ChipTraining, taken_over
from xbarsim.mitigation.epoch_training import Group
from xbarsim.mitigation.method import OUTPUT_PARTS, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realised_signs import has_tables, on_tables
from xbarsim.mitigation.trained_weights import TrainedWeights
from xbarsim.nn.binary import clip_latent


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
        weights = TrainedWeights(plan, network)
        groups = [self._group(weights.parameters())]
        self._descend(bench, data, weights.circuit, groups, weights.bring_within, network=network)
        return weights.plan()

    def _group(self, parameters: Iterable[nn.Parameter]) -> Group:
        return {"params": list(parameters), "lr": self.rate}
