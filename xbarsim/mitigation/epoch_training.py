"""Training over epochs of labelled images: options, checks and steps that methods share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.bench_images import Labelled
from xbarsim.mitigation.descent import batches, check_trained, descend
from xbarsim.mitigation.method import Method
from xbarsim.nn.network import CrossbarNetwork

Group = dict[str, Any]
"""Parameters with their rate, as torch's optimisers take them."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""Of images and labels, a batch of each."""


@dataclass(frozen=True)
class EpochTraining(Method):
    """Base of trainings with AdamW over epochs.

    Attributes
    ----------
    epochs, batch : int
        Passes over the images, and how many make a step.
    rate : float
        The first learning rate, which falls to 0 as a half cosine.
    images : int or None
        How many training images are used; None: all.
    """

    epochs: int = 10
    batch: int = 128
    rate: float = 2e-3
    images: int | None = None

    def __post_init__(self) -> None:
        self._count("epochs", 1)
        self._count("batch", 2)
        self._number("rate", 0.0, math.inf, above=True)
        if self.images is not None:
            self._count("images", 1)

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
        loss: Loss | None = None,
        *,
        network: CrossbarNetwork | None = None,
    ) -> None:
        """Train groups of parameters of a module, and note each epoch's loss; None: the module's cross entropy.

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

        def noted(images: Tensor, labels: Tensor) -> Tensor:
            if values and len(values) % steps == 0 and network is not None:
                bench.recalibrate(network)
            value = functional.cross_entropy(module(images), labels) if loss is None else loss(images, labels)
            values.append(float(value.detach()))
            if len(values) % steps == 0:
                bench.note(loss=sum(values[-steps:]) / steps)
            return value

        descend(
            optimizer, noted, data, order, self.epochs * steps, label=self.name, falling=True, after_step=after_step
        )  # fmt: skip
        check_trained(module, self.name)
