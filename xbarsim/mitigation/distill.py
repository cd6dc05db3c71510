"""Distillation: a student of few bits learns on drawn chips what the exact network says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.distribution_training import DistributionTraining, ScoreLoss
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.binary import is_binary
from xbarsim.nn.copies import copied
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nonideal import Levels, Nonidealities

_BITS = 4


@dataclass(frozen=True)
class Distillation(DistributionTraining):
    """Train on drawn chips against what the exact network, the teacher, says of the same images.

    With student scores s on a drawn chip, teacher scores t, and labels y::

        L = a CE(s, y) + (1 - a) T^2 KL(softmax(t / T) || softmax(s / T))

    T^2 keeps the sizes of both terms (G. Hinton et al., arXiv:1503.02531). The teacher is the network as it was before,
    in torch; the student begins as the same, its cells on levels, through which gradients go straight. Where the
    hardware has levels (``cells.levels``, or slices of weights) they are the student's. Where it has none cells are
    trained on ``2**bits`` levels, 16 of 4 bits, and the weights that come out are on these.

    Source: G. Charan et al., "Accurate Inference With Inaccurate RRAM Devices", IEEE JXCDC 6, 2020, of which only the
    abstract was at hand: T, a and bits are of a secondary source. It costs what ``noise`` costs, and a pass of the
    teacher. On MNIST it gained nothing over ``noise``, which is to be tried first.

    Attributes
    ----------
    epochs, batch, rate, images, chips, every
        As of ``DistributionTraining``.
    temperature : float
        T, above 0.
    alpha : float
        a, the share of the labels' loss, 0 to 1.
    bits : int or None
        Of the student's cells, 1 to 20, where the hardware has no levels; None: 4 there.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "distill"
    paper: ClassVar[str] = "G. Charan et al., Accurate Inference With Inaccurate RRAM Devices, IEEE JXCDC 6, 2020"
    about: ClassVar[str] = "train a student of few bits on drawn chips against what the exact network says"

    temperature: float = 2.0
    alpha: float = 0.1
    bits: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number("temperature", 0.0, float("inf"), above=True)
        self._number("alpha", 0.0, 1.0)
        if self.bits is not None:
            self._count("bits", 1, 20)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse bits where weights have levels already, besides what is refused by ``EpochTraining``.

        Parameters
        ----------
        model, network, images
            As of ``Method``.
        """
        super().check(model, network, images)
        if self.bits is None:
            return
        if is_binary(model):
            raise InputError(f"{self.name}:bits is {self.bits}, and the network's weights are +1 or -1: leave it out")
        if _quantised(network.hardware):
            raise InputError(
                f"{self.name}:bits is {self.bits}, and the hardware has levels of its own, which are the student's: "
                "leave it out, or take cells.levels=null and one slice"
            )

    def _levels(self) -> Levels:
        return Levels(2 ** (self.bits or _BITS))

    def _hardware(self, hardware: Hardware, plan: Plan) -> Hardware:
        """Return the hardware with levels."""
        if _quantised(hardware) or is_binary(plan.model):
            return hardware
        return replace(hardware, cells=replace(hardware.cells, levels=self._levels()))

    def _score_loss(self, plan: Plan) -> ScoreLoss:
        """Return L of one chip."""
        teacher = copied(plan.model).eval().requires_grad_(False)

        def loss(scores: Tensor, images: Tensor, labels: Tensor) -> Tensor:
            # A network may work in place.
            return distilled(scores, teacher(images.clone()), labels, self.temperature, self.alpha)

        return loss

    @torch.no_grad()
    def _with_final_weights(self, plan: Plan, network: CrossbarNetwork, bench: Bench) -> Plan:
        """Return the plan with weights on the levels, where the hardware itself brings none there."""
        if is_binary(plan.model) or _quantised(bench.hardware):
            return plan
        weights = {}
        for name, layer in network.layers.items():
            cells = layer.hardware.cells
            layer.hardware = replace(
                layer.hardware,
                cells=Nonidealities(r_on=cells.r_on, r_off=cells.r_off, levels=self._levels()),
                fidelity="ideal",
            )
            layer.program(headroom=layer.headroom)
            weights[plan.weight_name(name)] = layer.effective_parameters()[0]
        return plan.with_weights(weights)


def distilled(scores: Tensor, teacher_scores: Tensor, labels: Tensor, temperature: float, alpha: float) -> Tensor:
    """Return ``a CE(s, y) + (1 - a) T^2 KL(softmax(t / T) || softmax(s / T))``, the mean over images.

    Parameters
    ----------
    scores, teacher_scores : (images, classes) tensor
        s and t.
    labels : (images,) tensor
        y.
    temperature, alpha : float
        T and a.
    """
    soft = functional.kl_div(
        functional.log_softmax(scores / temperature, dim=1),
        functional.log_softmax(teacher_scores / temperature, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return alpha * functional.cross_entropy(scores, labels) + (1.0 - alpha) * temperature**2 * soft


def _quantised(hardware: Hardware) -> bool:
    """Return whether hardware brings weights to levels."""
    return hardware.cells.levels is not None or hardware.mapping.slices > 1
