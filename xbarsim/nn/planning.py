"""What a network on crossbars would take, before it is made: counted from shapes, timed on a few arrays."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from xbarsim import resources
from xbarsim.nn.array_speed import ArraySpeed, TorchSpeed
from xbarsim.nn.binary import is_binary, plain
from xbarsim.nn.calibration import run
from xbarsim.nn.convert import laid_out
from xbarsim.nn.copies import copied
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.footprint import Footprint, LayerFootprint
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layer_vectors import Vectors, vectors_of
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.map_store import MapStorage, checked_storage
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.selection import Digital
from xbarsim.resources import thread_count

_SMALLER: tuple[MapStorage, ...] = ("float32", "recompute")


def plan(
    model: nn.Module,
    hardware: Hardware,
    inputs: Any = None,
    *,
    overrides: Mapping[str, Hardware] | None = None,
    digital: Digital = (),
    map_storage: MapStorage = "weights",
    threads: int | None = None,
    memory: float | None = None,
    measure: bool = True,
) -> Footprint:
    """Say what a network would take: arrays, cells, memory, and time from a short trial on this machine.

    Nothing is converted or programmed but a few arrays of each hardware, for less than a second. Models on the meta
    device, which take no memory themselves, are planned alike.

    Parameters
    ----------
    model : Module
        As ``convert`` takes it.
    hardware, overrides, digital
        As of ``convert``.
    inputs : tensor, tuple or dict, optional
        A batch, for what goes through the arrays: without one neither its memory nor its time is known. Its numbers are
        looked at only where the model has numbers too.
    map_storage : {"weights", "float32", "float64", "recompute"}
        How maps would be stored, as ``CrossbarNetwork.keep_maps`` says.
    threads : int, optional
        Threads for the circuits; None: all.
    memory : float, optional
        Bytes that the process may take in all; None: what it has, and what is free.
    measure : bool
        Whether times, and what gradients keep, are measured.

    Raises
    ------
    InputError
        The model cannot be put on the hardware, or does not take such inputs.
    """
    vectors = None if inputs is None else vectors_of(model, inputs)
    network = _laid_out(model, hardware, digital, overrides).keep_maps(checked_storage(map_storage))
    count = thread_count(threads)
    speeds: dict[Hardware, ArraySpeed] = {}
    if measure:
        kinds = _of_each_kind(network)
        speeds = {layer.hardware: ArraySpeed.measured(layer.hardware, count, map_storage) for layer in kinds}
    batch = 0 if inputs is None else _batch_of(inputs)
    footprint = _counted(network, model, vectors, speeds, memory=memory, batch=batch, threads=count)
    return _timed(footprint, network, speeds, model, inputs) if measure else footprint


def _laid_out(
    model: nn.Module, hardware: Hardware, digital: Digital, overrides: Mapping[str, Hardware] | None = None
) -> CrossbarNetwork:
    bare = copied(model, shapes_only=True)
    binary = is_binary(bare)
    layers = plain(bare) if binary else bare
    return laid_out(layers, hardware, overrides=overrides, digital=digital, fold_batchnorm=not binary)


def _counted(
    network: CrossbarNetwork,
    model: nn.Module,
    vectors: Vectors | None,
    speeds: Mapping[Hardware, ArraySpeed],
    *,
    memory: float | None,
    batch: int,
    threads: int,
) -> Footprint:
    """Return what is known of a network without its times, and what it would take with less of its maps."""
    map_storage = next(iter(network.layers.values())).map_storage
    resident, free = resources.resident_memory(), resources.available_memory()
    process, room = max(0, resident - _bytes(model, present=True)), None if free is None else resident + free
    room = room if memory is None else int(memory)

    def footprint(kind: MapStorage) -> Footprint:
        rows = _rows(network.keep_maps(kind), vectors, speeds)
        return Footprint(rows, kind, batch, threads, process, _bytes(model), room)

    smaller = [] if map_storage == "recompute" else [kind for kind in _SMALLER if kind != map_storage]
    alternatives: dict[str, int] = {kind: footprint(kind).whole for kind in smaller}
    return replace(footprint(map_storage), alternatives=alternatives)


def footprint_of(
    model: nn.Module,
    dataset: Dataset,
    hardware: Hardware,
    *,
    digital: Sequence[str] = (),
    batch: int = 64,
    map_storage: MapStorage = "weights",
    memory: float | None = None,
) -> Footprint:
    """Return what inference on images takes of memory, counted from shapes.

    Parameters
    ----------
    model, dataset, hardware, digital, batch, map_storage
        As for ``inference.infer``.
    memory : float, optional
        As for ``plan``.
    """
    vectors = vectors_of(model, torch.zeros(1, *dataset.shape), times=batch)
    network = _laid_out(model, hardware, tuple(digital)).keep_maps(map_storage)
    return _counted(network, model, vectors, {}, memory=memory, batch=batch, threads=thread_count())


def _rows(
    network: CrossbarNetwork, vectors: Vectors | None, speeds: Mapping[Hardware, ArraySpeed]
) -> tuple[LayerFootprint, ...]:
    rows = []
    for name, layer in network.layers.items():
        speed = speeds.get(layer.hardware)
        gradients = 0.0 if speed is None else speed.array_gradients(layer.hardware)
        rows.append(_driven(LayerFootprint.of(name, layer, array_gradients=gradients), layer, vectors))
    return tuple(rows)


def _of_each_kind(network: CrossbarNetwork) -> list[CrossbarLayer]:
    """Return a layer of each hardware."""
    kinds: dict[Hardware, CrossbarLayer] = {}
    for layer in network.layers.values():
        kinds.setdefault(layer.hardware, layer)
    return list(kinds.values())


def _batch_of(inputs: Any) -> int:
    first = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
    first = first[0] if isinstance(first, tuple | list) else first
    return len(first)


def _bytes(model: nn.Module, *, present: bool = False) -> int:
    """Return the bytes of a model's parameters and buffers; with ``present`` those that are really there."""
    tensors = [tensor for tensor in (*model.parameters(), *model.buffers()) if not (present and tensor.is_meta)]
    return sum(tensor.numel() * tensor.dtype.itemsize for tensor in tensors)


def _driven(row: LayerFootprint, layer: CrossbarLayer, vectors: Vectors | None) -> LayerFootprint:
    """Return a layer's row with what goes through it."""
    count, size = (None, 0) if vectors is None else vectors.get(row.name, (None, 0))
    if count is None:
        return row
    if not layer.direct:
        # Volts of all lines, and currents of all arrays side by side, some of both at a time.
        columns, lines = sum(place.shape[1] for place in layer.places), layer.weight[0].numel() * layer.groups
        size += 4 * (3 * count * lines + 3 * min(count, 4096) * columns)
    return replace(row, vectors=count, activations=size)


def _timed(
    footprint: Footprint, network: CrossbarNetwork, speeds: Mapping[Hardware, ArraySpeed], model: nn.Module, inputs: Any
) -> Footprint:
    """Return a footprint with its times."""
    torch_seconds = None if inputs is None else _torch_seconds(model, inputs)
    torch_speed = TorchSpeed.measured(footprint.map_storage, next(model.parameters()).dtype)
    products = [_products(row, layer) for row, layer in zip(footprint.layers, network.layers.values(), strict=True)]
    layers = []
    for row, layer, count in zip(footprint.layers, network.layers.values(), products, strict=True):
        speed, shapes = speeds[layer.hardware], [place.shape for place in layer.places]
        programming = speed.seconds(shapes)
        running = None
        if row.vectors is not None:
            running = torch_speed.byte * row.copy + speed.reading(shapes, row.vectors)
            running += 0.0 if layer.preparable or not layer.hardware.law.linear else programming
            if layer.direct and torch_seconds is not None:
                running += torch_seconds * count / sum(products)  # in proportion
            elif layer.direct:
                running += torch_speed.product * count + torch_speed.byte * (row.maps + row.passing)
        layers.append(replace(row, program_seconds=programming, run_seconds=running))
    return replace(footprint, layers=tuple(layers), measured=True)


def _products(row: LayerFootprint, layer: CrossbarLayer) -> int:
    return (row.vectors or 0) * layer.weight[0].numel() * (layer.outputs // layer.groups)


def _torch_seconds(model: nn.Module, inputs: Any) -> float | None:
    """Return how long torch takes for the model itself; None where it has no numbers."""
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        return None
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            run(model, inputs)
            start = time.perf_counter()
            run(model, inputs)
            return time.perf_counter() - start
    finally:
        model.train(training)
