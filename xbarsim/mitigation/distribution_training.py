"""Training for a kind of chip: each step is made on other chips, drawn by the hardware's own statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.mitigation.bench import VALIDATION_CHIPS, Bench
from xbarsim.mitigation.chip_training import taken_over
from xbarsim.mitigation.epoch_training import EpochTraining
from xbarsim.mitigation.method import Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realisation import add_digital
from xbarsim.mitigation.realised_signs import SignsOnCircuit
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.network import CrossbarNetwork

ScoreLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of scores (images, classes), images and labels."""


@dataclass(frozen=True)
class DistributionTraining(EpochTraining):
    """Base of trainings on simulated chips of the kind, of which none is tested.

    With C a chip with all that the hardware draws (stuck cells, factors, noise of writes and reads, broken lines), and
    f(x; w, C) the network on it, circuit included where fidelity is accurate::

        minimise over w   E_C E_(x, y) L(f(x; w, C), y)

    Each step draws ``chips`` of them, programs the weights as they are now on each, and sends the batch through all;
    the gradient is the mean of the exact ones: that of the circuit by the adjoint, straight through levels, none
    through stuck cells. After ``every`` steps other chips are drawn.

    The scale is always the largest weight as it is, and the gradient goes through it: a cell stuck at LRS stands for a
    whole scale, so that the largest weights are drawn in.

    Attributes
    ----------
    epochs, batch, rate, images
        As of ``EpochTraining``.
    chips : int
        How many a step goes through.
    every : int
        For how many steps they stay; 1: each step has chips of its own.
    """

    settles: ClassVar[frozenset[Part]] = frozenset({"weights"})
    undoes: ClassVar[frozenset[Part]] = frozenset(
        {"weights", "batchnorm", "rows", "flips", "targets", "gain", "correction", "sram"}
    )
    relies_on: ClassVar[frozenset[Part]] = frozenset({"writing"})
    digital_norms: ClassVar[bool] = True

    epochs: int = 6
    rate: float = 5e-3
    chips: int = 1
    every: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._count("chips", 1)
        self._count("every", 1)

    @property
    def needs(self) -> Needs:
        """Labels, cells that let gradients pass, and layers whose weights are the network's own."""
        return Needs(data="labels", gradient=True, whole=True)

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with trained weights, biases and BatchNorms."""
        plan = plan.with_digital_norms()
        data = bench.labelled(self.images)
        network = bench.ideal_network(plan)
        add_digital(network, plan)
        for layer in network.layers.values():
            kind = self._hardware(layer.hardware, plan)
            # Each programming takes the scale of the weights as they are: it is a part of the loss.
            layer.hardware = replace(kind, mapping=replace(kind.mapping, scale="dynamic"))
        circuit = SignsOnCircuit.of(plan, network.train().requires_grad_(True))
        module = _DrawnChips(circuit, plan, bench, self.chips, self.every)
        scored = self._score_loss(plan)

        def loss(images: Tensor, labels: Tensor) -> Tensor:
            return torch.stack([scored(scores, images, labels) for scores in module(images)]).mean()

        groups = [{"params": circuit.trained(), "lr": self.rate}]
        self._descend(bench, data, module, groups, circuit.clip, loss)
        return self._with_final_weights(circuit.taken_into(taken_over(plan, network.model)), network, bench)

    def _hardware(self, hardware: Hardware, plan: Plan) -> Hardware:
        """Return the hardware that a layer is trained on."""
        return hardware

    def _score_loss(self, plan: Plan) -> ScoreLoss:
        """Return the loss of one chip."""
        return lambda scores, _, labels: functional.cross_entropy(scores, labels)

    def _with_final_weights(self, plan: Plan, network: CrossbarNetwork, bench: Bench) -> Plan:
        """Return the plan of a network that is trained."""
        return plan


class _DrawnChips(nn.Module):
    """A network that is programmed on other chips of its kind as steps go on."""

    def __init__(self, circuit: SignsOnCircuit, plan: Plan, bench: Bench, chips: int, every: int) -> None:
        super().__init__()
        self.circuit = circuit
        self._plan, self._bench, self._chips, self._every = plan, bench, chips, every
        self._steps = count()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return scores (images, classes) of each chip of the next step."""
        first = VALIDATION_CHIPS + next(self._steps) // self._every * self._chips
        self.circuit.put_signs()
        scores = []
        for number in range(first, first + self._chips):
            self._bench.reprogram(self.circuit.network, self._plan, number)
            # A network may work in place.
            scores.append(self.circuit.network(images.clone()))
        return scores
