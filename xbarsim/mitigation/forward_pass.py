"""One batch through a network on a chip: outputs, each layer's, and what arrives at each BatchNorm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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
    """

    outputs: Tensor
    layers: Mapping[str, Tensor]
    norms: Mapping[str, Tensor]


@torch.no_grad()
def forward_pass(network: CrossbarNetwork, images: Tensor, *, batch_statistics: bool = False) -> ForwardPass:
    """Send a batch through a network, which is left as it is.

    Parameters
    ----------
    network : CrossbarNetwork
        Programmed.
    images : Tensor
        As the network takes them.
    batch_statistics : bool
        Whether each BatchNorm normalises by the batch's mean and variance, as in training, instead of its running ones.
    """
    layers: dict[str, Tensor] = {}
    norms: dict[str, Tensor] = {}
    handles = [
        layer.register_forward_hook(lambda _, __, out, name=name: layers.__setitem__(name, out.detach()))
        for name, layer in network.layers.items()
    ]
    named_norms = {name: module for name, module in network.model.named_modules() if isinstance(module, NORMS)}
    for name, norm in named_norms.items():
        handles.append(
            norm.register_forward_pre_hook(lambda _, inputs, name=name: norms.__setitem__(name, inputs[0].detach()))
        )
    try:
        with _by_batch(list(named_norms.values()) if batch_statistics else []):
            outputs = network(images)
    finally:
        for handle in handles:
            handle.remove()
    return ForwardPass(outputs, layers, norms)


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
