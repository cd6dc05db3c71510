"""Training off the device: layer after layer is laid on a known chip, and what comes behind learns to live with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.bench_images import Labelled
from xbarsim.mitigation.descent import batches, descend
from xbarsim.mitigation.forward_pass import forward_pass
from xbarsim.mitigation.independence import Neighbourhood, independent
from xbarsim.mitigation.line_costs import arrangement_by, line_costs, measured_weights, rearranged
from xbarsim.mitigation.match_rows import matched
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.reduced_layer import ReducedLayer, ReductionRule
from xbarsim.nn.copies import copied
from xbarsim.nn.feedforward import CrossbarConv
from xbarsim.nn.layers import CrossbarLayer


@dataclass(frozen=True)
class OffDeviceRules:
    """How layers are laid out and reduced.

    Attributes
    ----------
    label : str
        The method's name, for messages.
    mapping : {"match", "none"}
        Whether rows are matched with word lines.
    images : int
        How many unlabelled images inputs' weights are from.
    rounds, patience : int
        Rounds of reductions a layer at most, and without a rise until the next layer's turn.
    share : float
        Of a layer's weights, reduced in a round.
    reduction : ReductionRule
        How they are.
    forward : {"cells", "weights"}
        Whether training sees what cells make of the layer's weights, or the weights themselves.
    steps, batch : int
        Of gradient descent after each round, and images of each.
    rate : float
        Of these steps.
    graded : int
        Labelled images that the slope of the loss is from.
    """

    label: str
    mapping: Literal["match", "none"]
    images: int
    rounds: int
    patience: int
    share: float
    reduction: ReductionRule
    forward: Literal["cells", "weights"]
    steps: int
    batch: int
    rate: float
    graded: int


class OffDevice:
    """A network on its way onto a known chip, layer by layer from the input.

    Layers that are laid out compute with what the chip makes of them, those behind them in software.

    Parameters
    ----------
    rules : OffDeviceRules
        How.
    plan : Plan
        Where it starts; BatchNorm is digital.
    bench : Bench
        Of a method that is entitled to maps, and to labels if there are rounds.
    """

    def __init__(self, rules: OffDeviceRules, plan: Plan, bench: Bench) -> None:
        self._rules, self._plan, self._bench = rules, plan, bench
        self._model = copied(plan.model).eval().requires_grad_(True)
        for parameter in self._model.parameters():
            # A layer is reduced in a view of its weights, (outputs, inputs): channels_last has none.
            parameter.data = parameter.data.contiguous()

    def run(self) -> Plan:
        """Lay out all layers; returns the plan."""
        rules, data = self._rules, None
        if rules.rounds:
            data = self._bench.labelled()
            order = batches(self._bench.rng, len(data), rules.batch)
        for number, name in enumerate(self._in_order()):
            if rules.mapping == "match":
                self._match(name)
            if data is not None:
                self._reduce(number, name, data, order)
            self._freeze(name)
        return self._plan

    def _in_order(self) -> list[str]:
        """Return the layers as images come to them."""
        network = self._bench.known_network(self._plan)
        names = [name for name in forward_pass(network, self._images()[:1]).order if name in network.layers]
        for name in names:
            if names.count(name) > 1:
                raise InputError(
                    f"{self._rules.label} lays out one layer after the other, and images pass {name!r} more than once: "
                    "take a network that calls each of its layers once"
                )
        return names

    def _images(self) -> Tensor:
        return self._bench.images(min(self._rules.images, self._bench.image_count))

    def _match(self, name: str) -> None:
        """Lay the rows of a layer where they do least harm to what the layers before it make of images."""
        layer = self._on_chip(self._plan, name)
        watched = {name: _module(self._model, name)}
        u = measured_weights({name: layer}, self._model, watched, self._images())[name]
        arrangement = arrangement_by(layer, "layer", self._rules.label)
        rows, flips = [], []
        for costs in line_costs(layer, "layer", self._rules.label, negated=False):
            rows.append(matched(costs.present, costs, u[costs.group][costs.inputs]))
            flips.append(costs.flips)
        self._plan = rearranged(self._plan, name, arrangement, rows, flips)

    def _reduce(self, number: int, name: str, data: Labelled, order: Iterator[Tensor]) -> None:
        """Reduce and fix weights of a layer by rounds, while the others and the layers behind are trained."""
        rules = self._rules
        reduced = self._reduced(number, name)
        count = math.ceil(rules.share * reduced.weight.numel())
        parameters = [value for value in self._model.parameters() if value.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=rules.rate)
        best = self._state(name, reduced)
        imperfect = self._imperfect(best, name)
        level, since = self._measured(imperfect, number, 0), 0
        for turn in range(1, rules.rounds + 1):
            harm = reduced.variations() * self._slopes(imperfect, name, data)
            picks = independent(harm, count, reduced.neighbourhood)
            for pick in picks:
                reduced.reduce(*pick)
            loss = partial(self._loss, name, reduced)
            descend(optimizer, loss, data, order, rules.steps, label=rules.label, after_step=reduced.restore)
            state = self._state(name, reduced)
            imperfect = self._imperfect(state, name)
            accuracy, since = self._measured(imperfect, number, turn), since + 1
            if accuracy > level:
                best, level, since = state, accuracy, 0
            if since == rules.patience:
                break
        self._plan = best
        self._model.load_state_dict({**best.model.state_dict(), **self._frozen()})

    def _reduced(self, number: int, name: str) -> ReducedLayer:
        """Return a layer whose weights, those of the network in training, are to be reduced."""
        layer = self._on_chip(self._plan, name)
        weight = self._parameter(self._model, name).detach().flatten(1)
        if isinstance(layer, CrossbarConv):
            kernel = (1, *layer.kernel_size)[-2:]
            neighbourhood = Neighbourhood(weight.shape[1], kernel)
        else:
            neighbourhood = Neighbourhood.of_images(weight.shape[1], self._bench.shape if number == 0 else None)
        return ReducedLayer(weight, layer, self._rules.reduction, neighbourhood)

    def _loss(self, name: str, reduced: ReducedLayer, images: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch; where it is of cells their errors have no gradient of their own."""
        numbers = {}
        if self._rules.forward == "cells":
            weight = self._parameter(self._model, name)
            errors = (reduced.on_cells() - reduced.weight).reshape(weight.shape)
            numbers[self._plan.weight_name(name)] = weight + errors
        outputs: Tensor = torch.func.functional_call(self._model, numbers, (images,))
        return functional.cross_entropy(outputs, labels)

    def _slopes(self, imperfect: nn.Module, name: str, data: Labelled) -> Array:
        """Return |dL/dw| of a layer's weights, (outputs, inputs)."""
        count = min(self._rules.graded, len(data))
        # A network may work in place.
        loss = functional.cross_entropy(imperfect(data.images[:count].clone()), data.labels[:count])
        (slope,) = torch.autograd.grad(loss, self._parameter(imperfect, name))
        slopes: Array = slope.flatten(1).abs().double().numpy()
        return slopes

    def _measured(self, imperfect: nn.Module, number: int, turn: int) -> float:
        level = self._bench.validation(imperfect)
        self._bench.note(layer=number, round=turn, validation=level)
        return level

    def _state(self, name: str, reduced: ReducedLayer) -> Plan:
        """Return the plan with the present numbers of a layer and of those behind it, at the layer's scale."""
        frozen, weight = self._frozen(), self._plan.weight_name(name)
        numbers = {key: value.detach() for key, value in self._model.named_parameters() if key not in frozen}
        numbers[weight] = reduced.mapped().reshape(numbers[weight].shape)
        largest = float(numbers[weight].abs().max())
        headroom = reduced.scale / largest if largest else reduced.scale
        return self._plan.with_weights(numbers).with_layer(name, headroom=headroom)

    def _frozen(self) -> dict[str, Tensor]:
        """Return the parameters that stand for what the chip makes of layers."""
        return {key: value.detach() for key, value in self._model.named_parameters() if not value.requires_grad}

    def _imperfect(self, plan: Plan, name: str) -> nn.Module:
        """Return the network in training with one more layer as the chip makes it."""
        network = copied(self._model)
        self._put(network, plan, name)
        return network

    def _freeze(self, name: str) -> None:
        """Have a layer compute, from now on, with what the chip makes of it."""
        self._put(self._model, self._plan, name)
        for parameter in _module(self._model, name).parameters(recurse=False):
            parameter.requires_grad_(False)

    @torch.no_grad()
    def _put(self, network: nn.Module, plan: Plan, name: str) -> None:
        """Give a layer of a torch network the numbers that the chip makes of a plan's."""
        weight, bias = self._on_chip(plan, name).whole_parameters()
        module = _module(network, name)
        self._parameter(network, name).copy_(weight)
        if bias is not None:
            module.get_parameter("bias").copy_(bias)

    def _on_chip(self, plan: Plan, name: str) -> CrossbarLayer:
        return self._bench.known_network(plan).layers[name]

    def _parameter(self, network: nn.Module, name: str) -> nn.Parameter:
        return network.get_parameter(self._plan.weight_name(name))


def _module(network: nn.Module, name: str) -> nn.Module:
    """Return the module of a layer; the network itself is the layer ``model``, unless it has one of this name."""
    modules: dict[str, nn.Module] = dict(network.named_modules())
    return modules.get(name, network)
