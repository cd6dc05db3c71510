"""Free parameter tuning: statistics of BatchNorm taken anew, from unlabelled images through the faulty chip."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.forward_pass import NORMS, forward_pass
from xbarsim.mitigation.inserted_norm import InsertedNorm, Moments, folded
from xbarsim.mitigation.method import OUTPUT_PARTS, Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.feedforward import CrossbarConv
from xbarsim.nn.network import CrossbarNetwork


@dataclass(frozen=True)
class FreeParameterTuning(Method):
    """Update running means and variances of BatchNorm alone, in a few dozen forward passes through the faulty chip.

    G. Jung, M. Fouda, S. Lee, J. Lee, A. Eltawil, F. Kurdahi, "Cost- and Dataset-free Stuck-at Fault Mitigation for
    ReRAM-based Deep Learning Accelerators", section III-B. Patented: US 11,714,727 B2, "Stuck-at fault mitigation
    method for ReRAM-based deep learning accelerators" (UNIST, University of California, KAUST; granted 2023-08-01).

    1. BatchNorm in training mode, every parameter frozen; the statistics start as they were trained.
    2. ``iterations`` batches of unlabelled training images go through the chip. Of each, with its mean mu_b and its
       unbiased variance v_b: ``mean <- (1 - a) mean + a mu_b``, ``var <- (1 - a) var + a v_b``, a the momentum.
       Meanwhile layers normalise by the batch's statistics (or by the running ones).
    3. The norm is a digital gain and shift behind the arrays; what is mapped stays as it is.

    A layer that no BatchNorm follows gets one for this, with the mean m0 and the variance v0 of its outputs in the
    fault-free network on the same images, gamma = sqrt(v0 + eps) and beta = m0: the identity. Then the same, and it is
    folded into the layer's digital gain and shift.

    It costs ``iterations * batch`` forward images and no label or gradient; where a norm had been folded into weights,
    or there was none, one gain and one shift an output. It does not bring back what a stuck cell of one weight takes
    from one input: where most of the errors are of that kind, rows are to be permuted or weights trained.

    Attributes
    ----------
    iterations, batch : int
        Batches, and images in each: at least 1 and 2.
    momentum : float
        a, above 0 and at most 1.
    normalise : {"batch", "running"}
        By which statistics layers normalise while they are taken.
    source : {"chip", "faults"}
        Images go through the chip itself; or the circuit is simulated from a map of its stuck cells.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "fpt"
    paper: ClassVar[str] = (
        "G. Jung et al., Cost- and Dataset-free Stuck-at Fault Mitigation, sec. III-B; US 11,714,727 B2"
    )
    about: ClassVar[str] = "take BatchNorm's statistics anew from unlabelled images through the chip (patented)"
    settles: ClassVar[frozenset[Part]] = frozenset({"batchnorm", "gain"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"gain"})
    relies_on: ClassVar[frozenset[Part]] = OUTPUT_PARTS
    digital_norms: ClassVar[bool] = True

    iterations: int = 32
    batch: int = 32
    momentum: float = 0.1
    normalise: Literal["batch", "running"] = "batch"
    source: Literal["chip", "faults"] = "chip"

    def __post_init__(self) -> None:
        self._count("iterations", 1)
        self._count("batch", 2)
        self._number("momentum", 0.0, 1.0, above=True)
        self._word("normalise", ("batch", "running"))
        self._word("source", ("chip", "faults"))

    @property
    def needs(self) -> Needs:
        """Unlabelled images, and the chip or its fault map."""
        if self.source == "chip":
            return Needs(data="images", chip="forward", whole=True)
        return Needs(data="images", knows="faults", whole=True)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check that there are enough images.

        Parameters
        ----------
        model, network, images
            As of ``Method``.
        """
        super().check(model, network, images)
        if self.iterations * self.batch > images:
            raise InputError(
                f"fpt takes {self.iterations} x {self.batch} = {self.iterations * self.batch} images, and there are "
                f"{images} to train on: give fewer iterations, or a smaller batch"
            )

    @torch.no_grad()
    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with the chip's statistics."""
        norms = _trained_norms(plan.model, self.momentum)
        plan = plan.with_digital_norms()
        batches = torch.split(bench.images(self.iterations * self.batch), self.batch)
        inserted = self._inserted(plan, bench, batches)
        self._tune(plan, bench, batches, {**norms, **inserted})
        layers = bench.ideal_network(plan).layers
        for name, norm in inserted.items():
            plan = folded(plan, name, norm, layers[name].bias)
        parts = ("running_mean", "running_var")
        return plan.with_weights({f"{name}.{part}": getattr(norms[name], part) for name in norms for part in parts})

    def _inserted(self, plan: Plan, bench: Bench, batches: Sequence[Tensor]) -> dict[str, InsertedNorm]:
        """Return norms for the layers that none follows: the identity of the fault-free network's outputs."""
        network = bench.fault_free_network(plan)
        first = forward_pass(network, batches[0][:2])
        # The next that digital numbers come to is another layer, or nothing.
        bare = [
            name for name, after in pairwise((*first.order, "")) if name in first.layers and after not in first.norms
        ]
        for name in bare:
            if first.order.count(name) > 1:
                raise InputError(
                    f"fpt takes one mean and variance of layer {name!r}, which is called several times for an image: "
                    "put a BatchNorm behind it, or take another method"
                )
        dims = {name: 1 if isinstance(network.layers[name], CrossbarConv) else -1 for name in bare}
        moments = {name: Moments() for name in bare}
        for images in batches if bare else ():
            passed = forward_pass(network, images)
            for name in bare:
                moments[name].add(passed.layers[name], dims[name])
        return {name: InsertedNorm(*moments[name].statistics(), dims[name], self.momentum) for name in moments}

    def _tune(self, plan: Plan, bench: Bench, batches: Sequence[Tensor], norms: Mapping[str, nn.Module]) -> None:
        """Send all batches through; norms take their statistics."""
        network = bench.known_network(plan) if self.source == "faults" else None
        by_batch = self.normalise == "batch"
        for images in batches:
            for norm in norms.values():
                norm.train(by_batch)
            if network is None:
                passed = bench.forward(plan, images, norms=norms)
            else:
                passed = forward_pass(network, images, norms=norms)
            if not by_batch:
                for name, norm in norms.items():
                    norm.train()(passed.norms[name] if name in passed.norms else passed.layers[name])


def _trained_norms(model: nn.Module, momentum: float) -> dict[str, nn.Module]:
    """Return copies of a network's norms that have statistics, by name."""
    norms: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        if isinstance(module, NORMS) and module.running_mean is not None:
            norms[name] = norm = copy.deepcopy(module)
            norm.momentum = momentum
    return norms
