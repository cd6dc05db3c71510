"""Random sparse adaptation: a few weights get a digital addend, which is trained with the chip in the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.epoch_training import EpochTraining
from xbarsim.mitigation.loop_network import LoopNetwork, with_addends
from xbarsim.mitigation.method import OUTPUT_PARTS, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.network import CrossbarNetwork

_AT_ONCE = 250  # images


@dataclass(frozen=True)
class SparseAdaptation(EpochTraining):
    """Add ``a x`` to the products of the arrays, a sparse and in a digital memory, and train a alone.

    1. The plan is programmed once; arrays stay as they are from then on.
    2. ``share`` of all weights of the network are picked: at random (A. Mohanty et al., IEDM 2017), or those of the
       largest ``|dL/dw|``, L the loss on the chip of ``pick_images`` labelled images (G. Charan et al., DAC 2020).
    3. Adam on the picked a, from 0, for the cross entropy of ``y = product + bias + a x``.

    With ``source=chip`` the forward pass is the very chip's: of each layer its outputs are read, and inputs of the next
    are made of them. The backward pass is in software, through the weights that were wanted and a, as nothing is known
    of the cells; the gradient of a from a layer's outputs is exact, since x and a are digital. With ``faults`` or
    ``maps`` the circuit is simulated from the known map, and gradients are those of it.

    Source: G. Charan et al., "Accurate Inference With Inaccurate RRAM Devices", IEEE JXCDC 6, 2020 (abstract). It costs
    labels, ``epochs`` times the images through the chip, a memory of ``share`` of the weights, and their digital
    products at each inference; no cell is written. Where more than some per cent of the weights are needed it does
    digitally what arrays were to do.

    Attributes
    ----------
    epochs, batch, images
        As of ``EpochTraining``.
    rate : float
        In units of each layer's root mean square weight.
    share : float
        Of all weights of the network, above 0 and at most 1; at least one weight is picked.
    pick : {"random", "importance"}
        By what.
    pick_images : int
        Labelled images whose gradient says what is important.
    source : {"chip", "faults", "maps"}
        Images go through the chip itself; or the circuit is simulated, from its stuck cells or from all its maps.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "rsa"
    paper: ClassVar[str] = "A. Mohanty et al., IEDM 2017; G. Charan et al., DAC 2020 and IEEE JXCDC 6, 2020"
    about: ClassVar[str] = "train a sparse digital addend of weights with the chip in the loop"
    settles: ClassVar[frozenset[Part]] = frozenset({"sram"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"sram"})
    relies_on: ClassVar[frozenset[Part]] = OUTPUT_PARTS | {"weights"}

    epochs: int = 2
    rate: float = 0.05
    share: float = 0.05
    pick: Literal["random", "importance"] = "random"
    pick_images: int = 2000
    source: Literal["chip", "faults", "maps"] = "chip"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number("share", 0.0, 1.0, above=True)
        self._word("pick", ("random", "importance"))
        self._count("pick_images", 1)
        self._word("source", ("chip", "faults", "maps"))

    @property
    def needs(self) -> Needs:
        """Labels, and the chip, or what is known of it and cells that let gradients pass."""
        if self.source == "chip":
            return Needs(data="labels", chip="forward", whole=True)
        return Needs(data="labels", knows=self.source, gradient=True, whole=True)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse more images to pick by than there are, besides what is refused by ``EpochTraining``.

        Parameters
        ----------
        model, network, images
            As of ``Method``.
        """
        super().check(model, network, images)
        if self.pick == "importance" and self.pick_images > images:
            raise InputError(
                f"{self.name}:pick_images is {self.pick_images}, and there are {images} images to train on: "
                f"give pick_images={images} or less"
            )

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with a trained addend."""
        data = bench.labelled(self.images)
        network = LoopNetwork(plan, bench, on_chip=self.source == "chip", label=self.name)
        picks = self._picks(network, bench)
        bench.note(picked=sum(len(places) for places in picks.values()))
        weights = {name: layer.weight.detach() for name, layer in network.layers.items()}
        values = {name: nn.Parameter(weights[name].new_zeros(len(places))) for name, places in picks.items()}

        def addends() -> dict[str, Tensor]:
            flat = {name: weights[name].new_zeros(weights[name].numel()) for name in weights}
            return {
                name: flat[name].index_put((picks[name],), values[name]).reshape(weights[name].shape) for name in flat
            }

        def loss(images: Tensor, labels: Tensor) -> Tensor:
            return functional.cross_entropy(network(images, addends()), labels)

        groups = [{"params": [value], "lr": self.rate * _size(weights[name])} for name, value in values.items()]
        self._descend(bench, data, nn.ParameterList(values.values()), groups, loss=loss)
        return with_addends(plan, addends())

    def _picks(self, network: LoopNetwork, bench: Bench) -> dict[str, Tensor]:
        """Return the places of picked weights in each layer's, in their order."""
        sizes = {name: layer.weight.numel() for name, layer in network.layers.items()}
        count = max(1, round(self.share * sum(sizes.values())))
        if self.pick == "random":
            numbers = torch.from_numpy(bench.rng.permutation(sum(sizes.values())))
        else:
            scores = torch.cat([part.flatten() for part in self._importance(network, bench)])
            numbers = scores.argsort(descending=True, stable=True)
        picked = torch.zeros(len(numbers), dtype=torch.bool).index_fill(0, numbers[:count], True)
        parts = torch.split(picked, list(sizes.values()))
        return {name: part.nonzero()[:, 0] for name, part in zip(sizes, parts, strict=True)}

    def _importance(self, network: LoopNetwork, bench: Bench) -> list[Tensor]:
        """Return ``|dL/dw|`` of each layer, L the whole cross entropy on the chip; no optimiser makes a step of it."""
        data = bench.labelled(self.pick_images)
        weights = {name: torch.zeros_like(layer.weight, requires_grad=True) for name, layer in network.layers.items()}
        totals = [torch.zeros_like(weight) for weight in weights.values()]
        parts = zip(torch.split(data.images, _AT_ONCE), torch.split(data.labels, _AT_ONCE), strict=True)
        for images, labels in parts:
            value = functional.cross_entropy(network(images, weights), labels, reduction="sum")
            for total, gradient in zip(totals, torch.autograd.grad(value, list(weights.values())), strict=True):
                total += gradient
        return [total.abs() for total in totals]


def _size(weight: Tensor) -> float:
    """Return the root mean square of weights; 1 of none but zeros."""
    return float(weight.detach().square().mean().sqrt()) or 1.0
