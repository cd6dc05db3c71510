"""Training on the device: images go forward through the chip, errors backward in software; few cells are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.descent import batches, check_trained, descend
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.written_cells import WrittenCells
from xbarsim.nn.copies import copied


@dataclass(frozen=True)
class OnDeviceRules:
    """How the chip is trained.

    Attributes
    ----------
    label : str
        The method's name, for messages.
    iterations, batch : int
        Steps, and images of each.
    rate, momentum : float
        Of the steps; the rate falls to 0 as a half cosine.
    threshold : float
        Of a layer's scale: weights that are not farther than this from what is programmed wait.
    interval : int
        Steps from one measurement to the next.
    """

    label: str
    iterations: int
    batch: int
    rate: float
    momentum: float
    threshold: float
    interval: int


class OnDevice:
    """A chip in training.

    Parameters
    ----------
    rules : OnDeviceRules
        How.
    plan : Plan
        Where it starts; BatchNorm is digital.
    bench : Bench
        Of a method that is entitled to labels, to maps and to write the chip.
    """

    def __init__(self, rules: OnDeviceRules, plan: Plan, bench: Bench) -> None:
        self._rules, self._plan, self._bench = rules, plan, bench
        self._model = copied(plan.model).eval().requires_grad_(True)
        network = bench.known_network(plan)
        self._cells = {name: WrittenCells(layer, rules.threshold) for name, layer in network.layers.items()}
        self._names = {name: plan.weight_name(name) for name in network.layers}
        self._arrived: Mapping[str, Tensor] = {}
        self._iteration = self._pulses = 0

    def run(self) -> Plan:
        """Train; returns the plan of what is programmed."""
        rules, bench = self._rules, self._bench
        data = bench.labelled(min(rules.iterations * rules.batch, bench.image_count))
        order = batches(bench.rng, len(data), rules.batch)
        optimizer = torch.optim.SGD(self._model.parameters(), lr=rules.rate, momentum=rules.momentum)
        modules = dict(self._model.named_modules())
        handles = [
            modules.get(name, self._model).register_forward_hook(self._replaced(name)) for name in self._cells
        ]  # fmt: skip
        self._measure()
        try:
            descend(
                optimizer, self._loss, data, order, rules.iterations,
                label=rules.label, falling=True, after_step=self._write,
            )  # fmt: skip
        finally:
            for handle in handles:
                handle.remove()
        if self._iteration % rules.interval:
            self._measure()
        return self._plan

    def _replaced(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        """Return a hook that puts what the chip gave in the place of a layer's outputs; the gradient is software's."""

        def put(module: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> Tensor:
            return outputs + (self._arrived[name] - outputs).detach()

        return put

    def _loss(self, images: Tensor, labels: Tensor) -> Tensor:
        forward = self._bench.forward(self._plan, images)
        if len(set(forward.order)) < len(forward.order):
            raise InputError(
                f"{self._rules.label} has one gradient for what a layer did, and images pass some more than once: take "
                "a network that calls each of its layers once"
            )
        self._arrived = forward.layers
        return functional.cross_entropy(self._model(images), labels)

    def _write(self) -> None:
        """Write the cells of weights that went too far from what is programmed; what is digital follows at once."""
        check_trained(self._model, self._rules.label)
        parameters = dict(self._model.named_parameters())
        numbers = {name: value.detach() for name, value in parameters.items()}
        masks: dict[str, list[NDArray[np.bool_]]] = {}
        plan = self._plan
        for name, cells in self._cells.items():
            weight = parameters[self._names[name]]
            weight.clamp_(-cells.scale, cells.scale)
            masks[name] = cells.follow(weight)
            numbers[self._names[name]] = cells.weight
        plan = plan.with_weights(numbers)
        for name, cells in self._cells.items():
            plan = plan.with_layer(name, headroom=cells.headroom)
        pulses = self._bench.write(plan, {name: mask for name, mask in masks.items() if any(map(np.any, mask))})
        self._pulses += sum(int(plane.sum()) for planes in pulses.values() for plane in planes)
        self._plan = plan
        self._iteration += 1
        if self._iteration % self._rules.interval == 0:
            self._measure()

    def _measure(self) -> None:
        counts = [count for cells in self._cells.values() for count in cells.writes]
        writes, size = sum(int(count.sum()) for count in counts), sum(count.size for count in counts)
        self._bench.note(
            iteration=self._iteration, writes=writes, writes_a_cell=writes / size, pulses=self._pulses,
            most_writes_a_cell=max(int(count.max()) for count in counts),
            chip_validation=self._bench.chip_validation(self._plan),
        )  # fmt: skip
