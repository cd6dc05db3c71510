"""One batch through a network on a chip: outputs, each layer's, and what arrives at each BatchNorm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.network import CrossbarNetwork

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """What can be read where digital numbers pass.

    Attributes
    ----------
    outputs : Tensor
        (images, classes).
    layers, norms : mapping of str to Tensor
        Outputs of each layer on crossbars, and inputs of each BatchNorm that is digital, by name.
    order : tuple of str
        The names of both as they were called.
    inputs : mapping of str to Tensor
        Of each layer on crossbars.
    """

    outputs: Tensor
    layers: Mapping[str, Tensor]
    norms: Mapping[str, Tensor]
    order: tuple[str, ...]
    inputs: Mapping[str, Tensor]


@torch.no_grad()
def forward_pass(
    network: CrossbarNetwork,
    images: Tensor,
    *,
    batch_statistics: bool = False,
    norms: Mapping[str, nn.Module] | None = None,
) -> ForwardPass:
    """Send a batch through a network, which is left as it is.

    Parameters
    ----------
    network : CrossbarNetwork
        Programmed.
    images : Tensor
        As the network takes them.
    batch_statistics : bool
        Whether each BatchNorm normalises by the batch's mean and variance, as in training, instead of its running ones.
    norms : mapping of str to Module, optional
        What the digital numbers go through: by the name of a BatchNorm, in its place; by the name of a layer, right
        behind it.

    Raises
    ------
    InputError
        A name is neither a layer's nor a BatchNorm's.
    """
    named_norms = {name: module for name, module in network.model.named_modules() if isinstance(module, NORMS)}
    places: dict[str, nn.Module] = {**network.layers, **named_norms}
    for name in norms or {}:
        if name not in places:
            raise InputError(f"norms names {name!r}, which is neither a layer on crossbars nor a BatchNorm")
    layer_inputs: dict[str, Tensor] = {}
    layer_outputs: dict[str, Tensor] = {}
    norm_inputs: dict[str, Tensor] = {}
    order: list[str] = []

    def passed(name: str, inputs: Any, outputs: Tensor) -> Tensor | None:
        order.append(name)
        # What comes next may work in place, as an activation behind a layer.
        if name in network.layers:
            layer_inputs[name], numbers = inputs[0].detach().clone(), outputs.detach().clone()
            layer_outputs[name] = numbers
        else:
            norm_inputs[name] = numbers = inputs[0].detach().clone()
        return (norms or {})[name](numbers) if name in (norms or {}) else None

    handles = [
        module.register_forward_hook(lambda _, inputs, outputs, name=name: passed(name, inputs, outputs))
        for name, module in places.items()
    ]
    try:
        with _by_batch(list(named_norms.values()) if batch_statistics else []):
            # A network may work in place.
            outputs = network(images.clone())
    finally:
        for handle in handles:
            handle.remove()
    return ForwardPass(outputs, layer_outputs, norm_inputs, tuple(order), layer_inputs)


@contextmanager
def _by_batch(norms: list[Any]) -> Iterator[None]:
    """Have norms use each batch's statistics, and keep none of them."""
    before = [(norm.training, norm.track_running_stats, norm.running_mean, norm.running_var) for norm in norms]
    for norm in norms:
        norm.running_mean = norm.running_var = None
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm, (training, tracks, mean, variance) in zip(norms, before, strict=True):
            norm.track_running_stats, norm.running_mean, norm.running_var = tracks, mean, variance
            norm.train(training)
