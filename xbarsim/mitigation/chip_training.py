"""Training with the known chip in the loop: what its three kinds share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench, Labelled
from xbarsim.mitigation.descent import batches, descend
from xbarsim.mitigation.forward_pass import NORMS
from xbarsim.mitigation.method import Method
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.training import DivergedError

Group = dict[str, Any]
"""Parameters with their rate, as torch's optimisers take them."""


@dataclass(frozen=True)
class ChipTraining(Method):
    """Base of trainings whose forward pass goes through the known chip: AdamW on the cross entropy.

    Attributes
    ----------
    epochs, batch : int
        Passes over the images, and how many make a step.
    rate : float
        The first learning rate, which falls to 0 as a half cosine.
    images : int or None
        How many training images are used; None: all.
    knows : {"faults", "maps"}
        Whether stuck cells alone are known, or all that is frozen in the chip.
    """

    epochs: int = 10
    batch: int = 128
    rate: float = 2e-3
    images: int | None = None
    knows: Literal["faults", "maps"] = "faults"

    def __post_init__(self) -> None:
        self._count("epochs", 1)
        self._count("batch", 2)
        self._number("rate", 0.0, math.inf, above=True)
        if self.images is not None:
            self._count("images", 1)
        self._word("knows", ("faults", "maps"))

    @property
    def needs(self) -> Needs:
        """Labels, what is known of the chip, and no converters, which gradients do not pass."""
        return Needs(data="labels", knows=self.knows, gradient=True)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check, too, that there are as many images as are asked for, and that they fill a batch.

        Parameters
        ----------
        model, network, images
            As of ``Method``.
        """
        super().check(model, network, images)
        if self.images is not None and self.images > images:
            raise InputError(f"{self.name}:images is {self.images}, and there are {images} to train on: ask for fewer")
        if self.batch > (self.images or images):
            raise InputError(
                f"{self.name}:batch is {self.batch}, and there are {self.images or images} images: give a smaller batch"
            )

    def _descend(
        self,
        bench: Bench,
        data: Labelled,
        module: nn.Module,
        groups: Sequence[Group],
        after_step: Callable[[], Any] | None = None,
        *,
        network: CrossbarNetwork | None = None,
    ) -> None:
        """Train groups of parameters of a module, and note each epoch's loss.

        What volts the cells of a ``network`` get follows, epoch by epoch, what has been trained; where they are not
        linear that counts.

        Raises
        ------
        DivergedError
            The loss, or a parameter, is no number any more.
        """
        optimizer = torch.optim.AdamW(list(groups), lr=self.rate, weight_decay=0.0)
        steps = len(data) // self.batch
        order = batches(bench.rng, len(data), self.batch)
        values: list[float] = []

        def loss(images: Tensor, labels: Tensor) -> Tensor:
            if values and len(values) % steps == 0 and network is not None:
                bench.recalibrate(network)
            value = functional.cross_entropy(module(images), labels)
            values.append(float(value.detach()))
            if len(values) % steps == 0:
                bench.note(loss=sum(values[-steps:]) / steps)
            return value

        descend(
            optimizer, loss, data, order, self.epochs * steps, label=self.name, falling=True, after_step=after_step
        )  # fmt: skip
        # The last step is seen by no loss.
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                raise DivergedError(f"{self.name}: {name} is not finite after the last step: give a smaller rate")


def norms_of(module: nn.Module) -> list[nn.Module]:
    """Return the BatchNorms that are digital."""
    return [part for part in module.modules() if isinstance(part, NORMS)]


def taken_over(plan: Plan, module: nn.Module) -> Plan:
    """Return a plan with all numbers of a trained module that the plan's model has under the same name."""
    state = plan.model.state_dict()
    values = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return plan.with_weights({name: values[name].detach() for name in state if name in values})
