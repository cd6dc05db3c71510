"""Ranges of converters from data, layer by layer, with what really arrives there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.ranges import UNSEEN, wants_data

if TYPE_CHECKING:
    from xbarsim.nn.network import CrossbarNetwork


class _EnoughError(Exception):
    """The layer in question has seen all of a batch."""


def calibrate(network: CrossbarNetwork, batches: Tensor | Iterable[Any]) -> None:
    """Set the ranges of a network's converters; ``CrossbarNetwork.calibrate`` says how.

    Layers are taken in the order in which data reach them. Those before have their ranges already; those after pass
    everything unrounded, and the pass ends where the layer has been called for the last time.
    """
    kept = batches_of(batches)
    layers = list(network.layers.values())
    # Ranges that were set in inference mode could not be used where gradients are recorded.
    with undisturbed(network), torch.inference_mode(False), torch.no_grad():
        for layer in layers:
            layer.input_range.fill_(UNSEEN)
            layer.output_range.fill_(UNSEEN)
            layer.observing = "nothing"
        try:
            calls = _calls(network, layers, next(iter(kept)))
            for layer in sorted(layers, key=lambda one: list(calls).index(one)):
                _calibrate_one(network, layer, kept, calls[layer])
            for layer in layers:
                layer.observing = "inputs" if _wants_volts(layer) else None
            for batch in kept if any(layer.observing for layer in layers) else ():
                run(network, batch)
        finally:
            for layer in layers:
                layer.observing = None


def _calibrate_one(network: CrossbarNetwork, layer: CrossbarLayer, batches: Iterable[Any], calls: int) -> None:
    dac, adc = layer.hardware.dac, layer.hardware.adc
    if dac.range == "calibrated" and not _wants_volts(layer):
        _observe(network, layer, "inputs", batches, calls)
    if adc.range == "calibrated" and adc.bits is not None:
        _observe(network, layer, "outputs", batches, calls)
    layer.observing = None


def _wants_volts(layer: CrossbarLayer) -> bool:
    """Whether a calibrated input range changes no number but volts, so that one pass is enough for all such layers."""
    return layer.hardware.dac.range == "calibrated" and not wants_data(layer.hardware)


def _observe(network: CrossbarNetwork, layer: CrossbarLayer, what: str, batches: Iterable[Any], calls: int) -> None:
    layer.observing = what
    left = 0

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise _EnoughError

    handle = layer.register_forward_hook(count)
    try:
        for batch in batches:
            left = calls
            try:
                run(network, batch)
            except _EnoughError:
                continue
    finally:
        handle.remove()


def _calls(network: CrossbarNetwork, layers: list[CrossbarLayer], batch: Any) -> dict[CrossbarLayer, int]:
    """Return how often each layer is called for a batch, in the order of first calls; 0 for those that are not."""
    found: dict[CrossbarLayer, int] = {}

    def count(layer: CrossbarLayer, *_: Any) -> None:
        found[layer] = found.get(layer, 0) + 1

    handles = [layer.register_forward_hook(count) for layer in layers]
    try:
        run(network, batch)
    finally:
        for handle in handles:
            handle.remove()
    return found | {layer: 0 for layer in layers if layer not in found}


def batches_of(batches: Tensor | Iterable[Any]) -> Iterable[Any]:
    """Return batches that can be gone through more than once.

    Raises
    ------
    InputError
        There is none.
    """
    if isinstance(batches, Tensor | Mapping):
        return [batches]
    if not isinstance(batches, Iterable):
        raise InputError(f"batches is {type(batches).__name__}: give tensors, or a DataLoader")
    kept = list(batches) if isinstance(batches, Iterator) else batches
    if next(iter(kept), None) is None:
        raise InputError("batches is empty: give at least one")
    return kept


def run(network: torch.nn.Module, batch: Any) -> Any:
    """Call a network with a batch: a tensor, a tuple whose first part is the input, or a dictionary of arguments."""
    if isinstance(batch, Mapping):
        return network(**batch)
    return network(batch[0] if isinstance(batch, tuple | list) else batch)


@contextmanager
def undisturbed(network: CrossbarNetwork) -> Iterator[None]:
    """Go through a network in ``eval()``, and leave its mode and the numbers of its reads as they were."""
    modes = {module: module.training for module in network.modules()}
    reads = {layer: layer.reads for layer in network.layers.values()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for layer, count in reads.items():
            layer.reads = count
