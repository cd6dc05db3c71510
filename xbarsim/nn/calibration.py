"""Ranges of converters from data, layer by layer, with what really arrives there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.converters import InputConverter, OutputConverter
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.ranges import wants_volts


class _EnoughError(Exception):
    """The layer in question has seen all of a batch."""


def calibrate(model: nn.Module, layers: Sequence[CrossbarLayer], batches: Tensor | Iterable[Any]) -> None:
    """Set the ranges of the converters of a model's layers; ``CrossbarNetwork.calibrate`` says how.

    Layers are taken in the order in which data reach them. Those before have their ranges already; those after pass
    everything unrounded, and the pass ends where the layer has been called for the last time.

    Parameters
    ----------
    model : torch module
        With the layers in it, on chips.
    layers : sequence of CrossbarLayer
        Whose converters are set.
    batches : Tensor or iterable of batches
        Inputs, as ``run`` takes them.
    """
    source = batches_of(batches)
    # Ranges that were set in inference mode could not be used where gradients are recorded.
    with undisturbed(model, layers), torch.inference_mode(False), torch.no_grad():
        for layer in layers:
            for converter in layer.converters:
                converter.reset()
        if all(_only_volts(layer) for layer in layers):
            _watch_inputs(model, layers, source)
            return
        for layer in layers:
            for converter in layer.converters:
                converter.rounding = False
        try:
            calls = _calls(model, layers, next(iter(source)))
            for layer in sorted(layers, key=list(calls).index):
                _calibrate_layer(model, layer, source, calls[layer])
            _find_volts(model, layers, source)
        finally:
            for layer in layers:
                for converter in layer.converters:
                    converter.rounding = True
                    converter.observer.disable()


def _only_volts(layer: CrossbarLayer) -> bool:
    """Whether a layer has no converter that rounds, so that its products are its effective matrix's."""
    return wants_volts(layer.hardware) and layer.hardware.adc.bits is None and layer.hardware.dac.bits is None


def _watch_inputs(model: nn.Module, layers: Sequence[CrossbarLayer], batches: Iterable[Any]) -> None:
    """Find the ranges of inputs that change no number but volts, without the currents of single arrays."""

    def watch(layer: CrossbarLayer, args: tuple[Tensor, ...], _: Any) -> None:
        layer.input_converter.full(args[0])

    handles = [layer.register_forward_hook(watch) for layer in layers]
    try:
        for layer in layers:
            layer.input_converter.observer.enable()
        for batch in batches:
            run(model, batch)
        for layer in layers:
            layer.input_converter.take_range()
    finally:
        for handle in handles:
            handle.remove()
        for layer in layers:
            layer.input_converter.observer.disable()


def _calibrate_layer(model: nn.Module, layer: CrossbarLayer, batches: Iterable[Any], calls: int) -> None:
    dac, adc = layer.hardware.dac, layer.hardware.adc
    if dac.range == "calibrated" and not wants_volts(layer.hardware):
        _observe(model, layer, layer.input_converter, batches, calls)
    layer.input_converter.rounding = True
    if adc.range == "calibrated" and adc.bits is not None:
        _observe(model, layer, layer.output_converter, batches, calls)
    layer.output_converter.rounding = True


def _find_volts(model: nn.Module, layers: Sequence[CrossbarLayer], batches: Iterable[Any]) -> None:
    """Find the ranges that change no number but volts, in one pass for all of them."""
    pending = [layer for layer in layers if wants_volts(layer.hardware)]
    for layer in pending:
        layer.input_converter.rounding = layer.output_converter.rounding = False
        layer.input_converter.observer.enable()
    for batch in batches if pending else ():
        run(model, batch)
    for layer in pending:
        layer.input_converter.take_range()


def _observe(
    model: nn.Module,
    layer: CrossbarLayer,
    converter: InputConverter | OutputConverter,
    batches: Iterable[Any],
    calls: int,
) -> None:
    """Find a converter's range, up to the layer's last call for each batch."""
    left = 0

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise _EnoughError

    converter.observer.enable()
    handle = layer.register_forward_hook(count)
    try:
        for batch in batches:
            left = calls
            try:
                run(model, batch)
            except _EnoughError:
                continue
    finally:
        handle.remove()
    converter.take_range()


def _calls(model: nn.Module, layers: Sequence[CrossbarLayer], batch: Any) -> dict[CrossbarLayer, int]:
    """Return how often each layer is called for a batch, in the order of first calls; 0 for those that are not."""
    counts: dict[CrossbarLayer, int] = {}

    def count(layer: CrossbarLayer, *_: Any) -> None:
        counts[layer] = counts.get(layer, 0) + 1

    handles = [layer.register_forward_hook(count) for layer in layers]
    try:
        run(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    return counts | {layer: 0 for layer in layers if layer not in counts}


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
    listed = list(batches) if isinstance(batches, Iterator) else batches
    if next(iter(listed), None) is None:
        raise InputError("batches is empty: give at least one")
    return listed


def run(model: nn.Module, batch: Any) -> Any:
    """Call a model with a batch: a tensor, a tuple whose first part is the input, or a dictionary of arguments.

    Parameters
    ----------
    model : torch module
        What is called.
    batch : Tensor, tuple or mapping
        Of a tuple the first part is the input, what else is in it, as labels, is not used.
    """
    if isinstance(batch, Mapping):
        return model(**batch)
    return model(batch[0] if isinstance(batch, tuple | list) else batch)


@contextmanager
def undisturbed(model: nn.Module, layers: Iterable[CrossbarLayer]) -> Iterator[None]:
    """Go through a model in ``eval()``, and leave its mode and the numbers of its layers' reads as they were.

    Parameters
    ----------
    model : torch module
        In evaluation mode meanwhile.
    layers : iterable of CrossbarLayer
        Whose reads are counted as before, afterwards.
    """
    modes = {module: module.training for module in model.modules()}
    reads = {layer: layer.reads for layer in layers}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for layer, count in reads.items():
            layer.reads = count
