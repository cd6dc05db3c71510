"""BatchNorm alone, trained with the known chip in the loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.chip_training import ChipTraining, norms_of, taken_over
from xbarsim.mitigation.method import OUTPUT_PARTS, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.network import CrossbarNetwork


@dataclass(frozen=True)
class BatchNormTraining(ChipTraining):
    """Train gamma and beta of BatchNorm, whose running statistics become the chip's meanwhile.

    ``y = gamma (x - mean) / sqrt(var + eps) + beta`` with each batch's statistics in the forward pass through the chip
    as it is known, and running ones at the end. Weights and what cells hold stay; the norm is digital. It is the second
    of the trainings that FPT is compared with (G. Jung et al., "Cost- and Dataset-free Stuck-at Fault Mitigation for
    ReRAM-based Deep Learning Accelerators", table III). It costs labels and a training a chip. Without labels ``fpt``
    does most of it; where weights themselves are wrong, ``retrain`` does more.

    Attributes
    ----------
    epochs, batch, rate, images, knows
        As of ``ChipTraining``.
    """

    name: ClassVar[str] = "bn"
    paper: ClassVar[str] = "G. Jung et al., Cost- and Dataset-free Stuck-at Fault Mitigation, table III (BN training)"
    about: ClassVar[str] = "train BatchNorm alone through the known chip"
    settles: ClassVar[frozenset[Part]] = frozenset({"batchnorm"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"batchnorm"})
    relies_on: ClassVar[frozenset[Part]] = OUTPUT_PARTS
    digital_norms: ClassVar[bool] = True

    rate: float = 0.01

    @property
    def needs(self) -> Needs:
        """A network with BatchNorm."""
        return replace(super().needs, batchnorm=True)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check, too, that some BatchNorm has what can be trained.

        Parameters
        ----------
        model, network, images
            As of ``Method``.
        """
        super().check(model, network, images)
        if not any(True for norm in norms_of(model) for _ in norm.parameters()):
            raise InputError(f"{self.name} trains gamma and beta, and no BatchNorm of the network has them: take fpt")

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with trained norms."""
        plan = plan.with_digital_norms()
        data = bench.labelled(self.images)
        network = bench.known_network(plan).requires_grad_(False)
        norms = norms_of(network)
        for norm in norms:
            norm.train().requires_grad_(True)
        parameters = [parameter for norm in norms for parameter in norm.parameters()]
        self._descend(bench, data, network, [{"params": parameters, "lr": self.rate}], network=network)
        return taken_over(plan, network.model)
