"""Gradient descent that methods share: batches in an order of their own randomness, and steps of torch's optimisers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench_images import Labelled
from xbarsim.nn.training import DivergedError


def batches(rng: np.random.Generator, count: int, size: int) -> Iterator[Tensor]:
    """Yield numbers of ``size`` images out of ``count``, without end: all of them in a new order, and again.

    What is left over at the end of an order is too few for a batch, and is not used in it.

    Parameters
    ----------
    rng : Generator
        Of the method's own seed.
    count : int
        How many images there are.
    size : int
        How many of them a batch has.

    Raises
    ------
    InputError
        There are fewer images than a batch takes.
    """
    if count < size:
        raise InputError(f"a batch takes {size} images, and there are {count}: give a smaller batch, or more images")
    while True:
        order: NDArray[np.int64] = rng.permutation(count)
        for first in range(0, count - size + 1, size):
            yield torch.from_numpy(order[first : first + size])


def descend(
    optimizer: torch.optim.Optimizer,
    loss: Callable[[Tensor, Tensor], Tensor],
    data: Labelled,
    order: Iterator[Tensor],
    steps: int,
    *,
    label: str,
    falling: bool = False,
    after_step: Callable[[], Any] | None = None,
) -> float:
    """Make steps of an optimiser; returns the mean loss.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Of the parameters.
    loss : callable
        Of images and labels, a batch of each.
    data : Labelled
        All of them.
    order : iterator of (batch,) tensor
        Numbers of images, as ``batches`` yields them.
    steps : int
        At least 1.
    label : str
        The method's name, for messages.
    falling : bool
        Whether rates fall to 0 as a half cosine over the steps; else they stay.
    after_step : callable, optional
        Called after each step, without gradients: to put masked weights back, for example.

    Raises
    ------
    DivergedError
        The loss is no number any more.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    total = 0.0
    for step in range(steps):
        if falling:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = 0.5 * rate * (1.0 + math.cos(math.pi * step / steps))
        numbers = next(order)
        optimizer.zero_grad()
        value = loss(data.images.index_select(0, numbers), data.labels.index_select(0, numbers))
        if not math.isfinite(number := float(value.detach())):
            raise DivergedError(f"{label}: the loss is {number} at step {step + 1}: give a smaller rate")
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if after_step is not None:
            with torch.no_grad():
                after_step()
        total += number
    return total / steps


def check_trained(module: nn.Module, label: str) -> None:
    """Raise DivergedError where a trained module has numbers that are not finite: the last step is seen by no loss.

    Parameters
    ----------
    module : torch module
        What was trained.
    label : str
        The method's name, for messages.
    """
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise DivergedError(f"{label}: {name} is not finite after the last step: give a smaller rate")
