"""Variation-aware training: scores are held apart by what variation may add to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.bench_images import Labelled
from xbarsim.mitigation.descent import batches, descend
from xbarsim.mitigation.forward_pass import NORMS
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.binary import is_binary
from xbarsim.nn.copies import copied
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nonideal import Variation

_SMALL = 1e-12  # under the root, whose slope at 0 has no end
_WIDER = 8  # gammas beyond the grid
_STRIPS = 20_001


@dataclass(frozen=True)
class Vat(Method):
    """Train one layer against the spread that variation gives its scores; the chip itself is not known.

    With scores z_j, the true class y, and what a factor e^theta a weight adds to z_j in the root mean square::

        z'_j = z_j + s_j gamma k r_j,   s_y = -1,  s_j = +1 else
        r_j = sqrt(sum_i x_i^2 w_ij^2),   k = std(e^theta - 1) = e^(sigma^2/2) sqrt(e^(sigma^2) - 1)

    and the cross entropy of z' is minimised: the true class is to win by ``gamma`` standard deviations. Of several
    gammas that stays which is best on validation images, over three simulated chips of this kind; where that is the
    largest, it is doubled until it is not, and where it is the least, halved; 0 is the end. Of gaussian variation k is
    likewise the standard deviation of its factors; without variation all gammas are alike.

    Source: B. Liu et al., Vortex, DAC 2015, as L. Chen et al., DATE 2017, tell of it: one global gamma stands for the
    variation, several are tried, the best is kept. The formula is this package's. It costs labels and a training a
    gamma, once for all chips of a kind. It does not help against what is known of a chip, which mapping and
    ``reduce-fix`` make use of, nor against stuck cells.

    Attributes
    ----------
    gammas : tuple of float
        Those that are tried, 0 or more, rising.
    epochs, batch : int
        Of each training, which starts with the weights as they are.
    rate : float
        Of AdamW, falling to 0 as a half cosine.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "vat"
    paper: ClassVar[str] = "B. Liu et al., DAC 2015 (Vortex), as L. Chen et al., DATE 2017, tell of it"
    about: ClassVar[str] = "train one layer such that classes win by more than variation adds"
    settles: ClassVar[frozenset[Part]] = frozenset({"weights"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "flips", "targets", "gain", "correction"})

    gammas: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.4)
    epochs: int = 3
    batch: int = 256
    rate: float = 0.002

    def __post_init__(self) -> None:
        gammas = self.gammas if isinstance(self.gammas, tuple | list) else (self.gammas,)
        numbers = all(isinstance(value, float | int) and not isinstance(value, bool) for value in gammas)
        if not gammas or not numbers or not all(0.0 <= value < math.inf for value in gammas):
            raise InputError(f"Vat.gammas is {self.gammas!r}: they must be numbers, at least 0, as 0/0.1/0.2")
        if any(later <= earlier for earlier, later in pairwise(gammas)):
            raise InputError(f"Vat.gammas is {self.gammas!r}: each must be larger than the one before it")
        object.__setattr__(self, "gammas", tuple(map(float, gammas)))
        self._count("epochs", 1)
        self._count("batch", 1)
        self._number("rate", 0.0, math.inf, above=True)

    @property
    def needs(self) -> Needs:
        """Labels; of the chip only its kind."""
        return Needs(data="labels", layers="single")

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check, too, that scores are what the layer gives, and that images fill a batch."""
        super().check(model, network, images)
        if is_binary(model):
            raise InputError(f"{self.name} trains real weights, and the network's are +1 or -1: take linear of the zoo")
        if any(isinstance(module, NORMS) for module in model.modules()):
            raise InputError(f"{self.name} takes one layer without BatchNorm: take linear of the zoo")
        if images < self.batch:
            raise InputError(f"{self.name}:batch is {self.batch}, and there are {images} images: give a smaller batch")

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with the weights of the best gamma."""
        spread = relative_spread(bench.hardware.cells.variation)
        data, seed = bench.labelled(), int(bench.rng.integers(1 << 62))

        def candidate(gamma: float) -> tuple[float, float, Plan]:
            trained = self._trained(plan, data, gamma * spread, np.random.default_rng(seed))
            level = bench.validation(trained)
            bench.note(gamma=gamma, validation=level)
            return level, gamma, trained

        candidates = [candidate(gamma) for gamma in (self.gammas if spread else (0.0,))]
        best = max(candidates, key=itemgetter(0))
        while (gamma := _beyond(best[1], [entry[1] for entry in candidates])) is not None:
            if len(candidates) == len(self.gammas) + _WIDER:
                break
            candidates.append(candidate(gamma))
            best = max(candidates, key=itemgetter(0))
        return best[2]

    def _trained(self, plan: Plan, data: Labelled, width: float, rng: np.random.Generator) -> Plan:
        """Return the plan with weights that were trained with ``width = gamma k``."""
        model = copied(plan.model).eval().requires_grad_(True)
        layer = _dense_layer(model)
        arrived: list[Tensor] = []
        handle = layer.register_forward_pre_hook(lambda _, inputs: arrived.append(inputs[0]))

        def loss(images: Tensor, labels: Tensor) -> Tensor:
            scores = model(images)
            return functional.cross_entropy(held_apart(scores, arrived.pop(), layer.weight, labels, width), labels)

        steps = self.epochs * (len(data) // self.batch)
        order = batches(rng, len(data), self.batch)
        optimizer = torch.optim.AdamW(model.parameters(), lr=self.rate, weight_decay=0.0)
        try:
            descend(optimizer, loss, data, order, steps, label=self.name, falling=True)
        finally:
            handle.remove()
        return plan.with_weights({name: value.detach() for name, value in model.named_parameters()})


def held_apart(scores: Tensor, arriving: Tensor, weight: Tensor, labels: Tensor, width: float) -> Tensor:
    """Return ``z_j + s_j width r_j``, (images, classes).

    Parameters
    ----------
    scores : (images, classes) tensor
        z.
    arriving : (images, inputs) tensor
        x.
    weight : (classes, inputs) tensor
        w.
    labels : (images,) tensor
        The true classes.
    width : float
        gamma k.
    """
    if width == 0.0:
        return scores
    spreads = torch.sqrt(functional.linear(arriving.square(), weight.square()) + _SMALL)
    signs = 1.0 - 2.0 * functional.one_hot(labels, scores.shape[1]).to(scores)
    return scores + width * signs * spreads


def relative_spread(variation: Variation | None) -> float:
    """Return k, the standard deviation of a factor: of lognormal ones ``e^(s^2/2) sqrt(e^(s^2) - 1)``; 0 of none.

    Parameters
    ----------
    variation : Variation or None
        With its sigma, of lognormal or normal factors.
    """
    if variation is None or variation.sigma == 0.0:
        return 0.0
    square = variation.sigma**2
    if variation.kind == "lognormal":
        return math.sqrt(math.exp(square) * math.expm1(square))
    # A Gaussian cut at both sides, by a sum over narrow strips.
    deviations = np.linspace(-1.0, 1.0, _STRIPS) * (1.0 - variation.floor)
    density = np.exp(-0.5 * deviations**2 / square)
    factors = 1.0 + deviations if variation.of == "conductance" else 1.0 / (1.0 + deviations)
    mean = np.average(factors, weights=density)
    return math.sqrt(np.average((factors - mean) ** 2, weights=density))


def _beyond(gamma: float, grid: Sequence[float]) -> float | None:
    """Return what widens a grid whose end was chosen; None where it was not, or is 0."""
    if gamma == 0.0:
        return None
    if gamma == max(grid):
        return 2.0 * gamma
    return 0.5 * gamma if gamma == min(grid) else None


def _dense_layer(model: nn.Module) -> nn.Linear:
    return next(module for module in model.modules() if isinstance(module, nn.Linear))
