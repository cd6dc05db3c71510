"""Weights whose cells are far off are reduced and fixed, a few at a time, while the network heals around them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.descent import batches, descend
from xbarsim.mitigation.independence import Neighbourhood, independent
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.reduced_layer import ReducedLayer, ReductionRule, check_reducible
from xbarsim.nn.copies import copied
from xbarsim.nn.network import CrossbarNetwork

_Pick = tuple[str, int, int]
"""Layer, output, input."""


@dataclass(frozen=True)
class ReduceFix(Method):
    """Reduce the weights with the largest error on the known chip, fix them, and train the others.

    With t(w) what the cells of a weight make of it, F = 1 and all weights in training::

        stuck pairs: w = t(w), F = 0              the network learns to live with them
        repeat:  S = |w - t(w)|                   0 where stuck, or reduced ``bound`` times
                 the N largest S that are independent:  w <- w / t,  F <- 0
                 ``steps`` steps:  w <- w - rate * F * dL/dw,  |w| <= scale,  through the ideal weights

    Two weights depend on each other if they are of the same output and their inputs nearer than 2 in the image (of
    later layers: in their order). Every ``interval`` reductions the accuracy on the chip as it is known is measured on
    validation images; the best state stays, and the end is where nothing rose for ``patience`` reductions. Of several
    layers S counts over each layer's scale. A pair with a stuck cell is programmed with the weight that it had before:
    that is what t was found for. The scale stays what it was, by headroom.

    Source: L. Chen et al., DATE 2017, section IV and algorithm 1, in which T and S of a stuck cell, the number of steps
    and the end are left open. It costs labels, some thousand steps, and a map of the chip. Where nothing is
    stuck ``prescale`` does better from the same map, without any training. S is of cells alone: what wires take is seen
    in validation only.

    Attributes
    ----------
    N : int
        Weights that are reduced before the others are trained again.
    t : float
        What a weight is divided by, above 1.
    bound : int
        How often at most.
    steps, batch : int
        Steps of gradient descent after each reduction, and images of each.
    rate : float
        Of these steps, which have no momentum.
    stuck : {"hold", "reduce"}
        Whether weights with a stuck cell are held at what they represent, or reduced as all others.
    literal_T : bool
        Whether S is what a weight represents, ``|e^theta w|`` as algorithm 1 has it, instead of its error.
    interval, patience, reductions : int
        Reductions from one measurement to the next, without a rise until the end, and in all.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "reduce-fix"
    paper: ClassVar[str] = "L. Chen et al., DATE 2017, sec. IV, algorithm 1"
    about: ClassVar[str] = "reduce and fix the weights whose cells are far off, and train the others"
    settles: ClassVar[frozenset[Part]] = frozenset({"weights", "headroom"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"gain", "targets", "correction"})
    relies_on: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "flips", "headroom", "targets", "writing"})
    digital_norms: ClassVar[bool] = True

    N: int = 10
    t: float = 2.0
    bound: int = 6
    steps: int = 3
    rate: float = 0.05
    batch: int = 256
    stuck: Literal["hold", "reduce"] = "hold"
    literal_T: bool = False  # noqa: N815
    interval: int = 200
    patience: int = 3000
    reductions: int = 14000

    def __post_init__(self) -> None:
        for option in ("N", "bound", "steps", "batch", "interval", "patience", "reductions"):
            self._count(option, 1)
        self._number("t", 1.0, float("inf"), above=True)
        self._number("rate", 0.0, float("inf"), above=True)
        self._word("stuck", ("hold", "reduce"))
        if not isinstance(self.literal_T, bool):
            raise InputError(f"ReduceFix.literal_T is {self.literal_T!r}: it must be true or false")

    @property
    def needs(self) -> Needs:
        """Labels, and the chip's maps."""
        return Needs(data="labels", knows="maps", layers="dense")

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check, too, that weights have sizes, that a layer has one scale, and that images fill a batch."""
        super().check(model, network, images)
        check_reducible(self.name, model, network)
        if images < self.batch:
            raise InputError(f"{self.name}:batch is {self.batch}, and there are {images} images: give a smaller batch")

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with the weights of the best state."""
        return _Reduction(self, plan.with_digital_norms(), bench).run()


class _Reduction:
    """A network on its way."""

    def __init__(self, method: ReduceFix, plan: Plan, bench: Bench) -> None:
        self._method, self._plan, self._bench = method, plan, bench
        self._model = copied(plan.model).eval().requires_grad_(True)
        parameters = dict(self._model.named_parameters())
        rule = ReductionRule(method.t, method.bound, method.stuck == "hold", method.literal_T)
        network = bench.known_network(plan)
        first = next(iter(network.layers))
        self._layers = {
            name: ReducedLayer(
                parameters[plan.weight_name(name)],
                layer,
                rule,
                Neighbourhood.of_images(layer.weight.shape[1], bench.shape if name == first else None),
            )
            for name, layer in network.layers.items()
        }
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=method.rate)
        self._data = bench.labelled()
        self._order = batches(bench.rng, len(self._data), method.batch)

    def run(self) -> Plan:
        """Go on to the end, and return the best state."""
        method, reductions, best_at, iterations = self._method, 0, 0, 0
        picks: list[tuple[int, _Pick, float]] = []
        best = self._state()
        accuracy = self._measured(best, 0)
        for iterations in count(1):
            latest = self._picks()
            picks += [(iterations, pick, self._layers[pick[0]].reduce(*pick[1:])) for pick in latest]
            before, reductions = reductions, reductions + len(latest)
            if latest:
                self._train()
            last = not latest or reductions >= method.reductions
            if last or reductions // method.interval > before // method.interval:
                state = self._state()
                level = self._measured(state, reductions)
                if level > accuracy:
                    best, accuracy, best_at = state, level, reductions
                if last or reductions - best_at >= method.patience:
                    break
        self._note(picks, iterations, best_at)
        return best

    def _picks(self) -> list[_Pick]:
        """Return what is reduced next: the largest S over its layer's scale, of all layers."""
        method = self._method
        picks: list[tuple[float, _Pick]] = []
        for name, layer in self._layers.items():
            variations = layer.variations() / layer.scale
            cells = independent(variations, method.N, layer.neighbourhood)
            picks += [(-variations[cell], (name, *cell)) for cell in cells]
        return [pick for _, pick in sorted(picks, key=lambda entry: entry[0])[: method.N]]

    def _train(self) -> None:
        descend(
            self._optimizer, self._loss, self._data, self._order, self._method.steps,
            label=self._method.name, after_step=self._restore,
        )  # fmt: skip

    def _loss(self, images: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(self._model(images), labels)

    def _restore(self) -> None:
        for layer in self._layers.values():
            layer.restore()

    def _state(self) -> Plan:
        """Return the plan of the present weights, at the scales of before."""
        weights = {name: value.detach() for name, value in self._model.named_parameters()}
        plan = self._plan
        for name, layer in self._layers.items():
            weights[plan.weight_name(name)] = layer.mapped()
        plan = plan.with_weights(weights)
        for name, layer in self._layers.items():
            largest = float(layer.mapped().abs().max())
            plan = plan.with_layer(name, headroom=layer.scale / largest if largest else layer.scale)
        return plan

    def _measured(self, plan: Plan, reductions: int) -> float:
        level = self._bench.validation(plan)
        self._bench.note(reductions=reductions, validation=level)
        return level

    def _note(self, picks: list[tuple[int, _Pick, float]], iterations: int, best_at: int) -> None:
        """Tell of what led to the best state: each pick's iteration, its place in its layer, and what it was before."""
        self._bench.note(iterations=iterations, best_at=best_at)
        numbers = {name: float(k) for k, name in enumerate(self._layers)}
        for iteration, (name, output, place), before in picks[:best_at]:
            self._bench.note(
                pick_iteration=iteration, pick_layer=numbers[name], pick_output=output, pick_input=place,
                pick_weight=before,
            )  # fmt: skip
