"""A network on chips: its accuracy on each, and where on the way the numbers go wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.binary import is_binary, plain
from xbarsim.nn.chip_spread import varies
from xbarsim.nn.convert import convert
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.inference_result import ChipResult as ChipResult
from xbarsim.nn.inference_result import Inference as Inference
from xbarsim.nn.inference_result import LayerError as LayerError
from xbarsim.nn.inference_result import Moment as Moment
from xbarsim.nn.layer_energy import LayerEnergy
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.map_archive import load_maps
from xbarsim.nn.map_store import MapStorage
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.planning import footprint_of
from xbarsim.nn.ranges import wants_data
from xbarsim.nn.stage_lines import ImagePasses, Progress, array_rate, silent
from xbarsim.nn.summary import SummaryRow
from xbarsim.nn.training import inputs, predictions, spaced_inputs

_COMPARED = 64  # images on which layers' outputs are compared, and whose energy is told


def on_hardware(model: nn.Module, hardware: Hardware, *, digital: Sequence[str] = ()) -> CrossbarNetwork:
    """Convert a network for inference.

    Where weights are signs their batch normalisation stays digital: as a part of them it would make every cell another.

    Parameters
    ----------
    model : torch module
        It stays as it is.
    hardware : Hardware
        What its layers run on.
    digital : sequence of str
        Layers that stay torch's, by name.
    """
    binary = is_binary(model)
    ordinary = plain(model) if binary else model
    return convert(ordinary, hardware, digital=tuple(digital), fold_batchnorm=not binary).eval()


def infer(
    model: nn.Module,
    dataset: Dataset,
    hardware: Hardware,
    *,
    seeds: Sequence[int] = range(5),
    digital: Sequence[str] = (),
    batch: int = 64,
    calibration: int = 128,
    times: Sequence[float] = (),
    compensate: bool = False,
    map_storage: MapStorage = "weights",
    maps: Mapping[int, bytes] | None = None,
    memory: float | None = None,
    progress: Progress = silent,
    report: Callable[[ChipResult], None] | None = None,
) -> Inference:
    """Run test images through torch, and through chips; where nothing differs from chip to chip one stands for all.

    Parameters
    ----------
    model : nn.Module
        As torch has it.
    dataset : Dataset
        Its test images are run; converters are calibrated on training images.
    hardware : Hardware
        What chips are made.
    seeds : sequence of int
        The chips.
    digital : sequence of str
        Layers that stay in torch.
    batch : int
        Images at a time.
    calibration : int
        Training images, evenly spaced, for the ranges of converters.
    times : sequence of float
        Seconds after programming at which all images are run, where cells drift. Converters are calibrated once, right
        after programming.
    compensate : bool
        Whether each layer makes up for drift by one digital number, as ``CrossbarNetwork.at`` says.
    map_storage : {"weights", "float32", "float64", "recompute"}
        How maps are stored, as ``CrossbarNetwork.keep_maps`` says.
    maps : mapping of int to bytes, optional
        Of chips by seed what ``map_archive.save_maps`` returned of them, so that their arrays are not reduced again.
    memory : float, optional
        Bytes that the process may take in all; None: what it has, and what is free.
    progress, report : callable, optional
        Told of what is being done, and of each chip when it is over.

    Raises
    ------
    InputError
        There are no seeds, or a count is below 1, or the model cannot be put on the hardware, or cells drift and no
        time is given, or the other way round.
    TooLargeError
        There is not enough memory for it.
    """
    if not seeds or batch < 1 or calibration < 1:
        raise InputError(f"seeds are {list(seeds)}, batch {batch}, calibration {calibration}: each must be at least 1")
    times = checked_times(hardware, times, compensate)
    footprint_of(model, dataset, hardware, digital=digital, batch=batch, map_storage=map_storage, memory=memory).check()
    model = model.eval()
    labels = torch.from_numpy(dataset.test.labels)
    progress("torch")
    expected = predictions(model, dataset, dataset.test, batch)
    network = on_hardware(model, hardware, digital=digital).keep_maps(map_storage)
    reference = network.to_torch().eval()
    sample = spaced_inputs(dataset, calibration)
    looked = inputs(dataset, dataset.test, slice(0, _COMPARED))
    chips: list[ChipResult] = []
    errors, rows = [], []
    first: Tensor | None = None
    alike = True
    for number, seed in enumerate(seeds, 1):
        if chips and not varies(hardware):
            chips.append(replace(chips[0], seed=seed, seconds=0.0))
            continue
        start = time.perf_counter()
        where = f"chip {number} of {len(seeds)}"
        progress(f"{where}: programming")
        network.program(seed, time=hardware.cells.drift.t0 if hardware.cells.drift else None)
        if maps and seed in maps:
            load_maps(network.layers, maps[seed])
        if not times:
            network.prepare(array_rate(progress, f"{where}: programming"))
        if wants_data(hardware) or (hardware.energy is not None and hardware.dac.range == "calibrated"):
            progress(f"{where}: calibrating")
            network.calibrate([sample[k : k + batch] for k in range(0, len(sample), batch)])
        moments = []
        for moment in times or (None,):
            place = where if moment is None else f"{where}, {moment:g} s"
            if moment is not None:
                network.at(moment, compensate=compensate).prepare(array_rate(progress, f"{place}: reading"))
            passes = ImagePasses(progress, place, len(labels), batch)
            network.progress = passes.reduced
            predicted = predictions(network, dataset, dataset.test, batch, passes.passed)
            network.progress = None
            right, agreed = _share(predicted, labels), _share(predicted, expected)
            if moment is not None:
                moments.append(Moment(moment, right, agreed))
        seconds = time.perf_counter() - start
        first = predicted if first is None else first
        alike = alike and bool((predicted == first).all())
        chips.append(ChipResult(seed, right, agreed, seconds, tuple(moments)))
        if report is not None:
            report(chips[-1])
        progress(f"{where}: errors of layers")
        errors.append(layer_errors(network, reference, looked))
        rows.append(network.summary(looked).rows)
    layers = [
        LayerError(
            _mean_row([part[k] for part in rows]),
            float(np.mean([part[row.name][0] for part in errors])),
            float(np.mean([part[row.name][1] for part in errors])),
        )
        for k, row in enumerate(rows[0])
    ]
    return Inference(_share(expected, labels), tuple(chips), tuple(layers), alike)


def checked_times(hardware: Hardware, times: Sequence[float], compensate: bool = False) -> list[float]:
    """Return times after programming in their order, each once.

    Parameters
    ----------
    hardware : Hardware
        Whose cells drift, or do not.
    times : sequence of float
        Seconds since programming.
    compensate : bool
        Whether a digital scale is to make up for drift.

    Raises
    ------
    InputError
        Cells drift and there is no time, or they do not and there is one, or a time is before t0.
    """
    drift = hardware.cells.drift
    if drift is None:
        if times or compensate:
            raise InputError("the cells do not drift, so that time changes nothing: give cells.drift.nu, or no time")
        return []
    if not times:
        raise InputError(
            "the cells drift and no time is given: give times in seconds after programming "
            f"(t0, {drift.t0:g} s, or later)"
        )
    return sorted({drift.checked_time(seconds) for seconds in times})


def layer_errors(network: CrossbarNetwork, reference: nn.Module, images: Tensor) -> dict[str, tuple[float, float]]:
    """Return each layer's own and total error on some images; NaN where torch has no layer of that name.

    Parameters
    ----------
    network : CrossbarNetwork
        Programmed.
    reference : nn.Module
        Its ``to_torch()``.
    images : Tensor
        Inputs.
    """
    modules = dict(reference.named_modules())
    pairs = {name: (layer, modules.get("" if name == "model" else name)) for name, layer in network.layers.items()}
    truth: dict[str, list[Tensor]] = {}
    sums: dict[str, list[float]] = {name: [0.0] * 4 for name in pairs}
    handles = []
    for name, (_, plain_layer) in pairs.items():
        if plain_layer is not None and not isinstance(plain_layer, CrossbarLayer):
            handles.append(plain_layer.register_forward_hook(_keeper(truth.setdefault(name, []))))
    with torch.no_grad():
        try:
            reference(images)
        finally:
            _remove(handles)
        handles = [
            layer.register_forward_hook(_comparer(plain_layer, truth[name], sums[name]))
            for name, (layer, plain_layer) in pairs.items()
            if plain_layer is not None and name in truth
        ]
        try:
            network(images)
        finally:
            _remove(handles)
    return {name: (_relative(sizes[0], sizes[1]), _relative(sizes[2], sizes[3])) for name, sizes in sums.items()}


def _keeper(outputs: list[Tensor]) -> Any:
    return lambda module, inputs, out: outputs.append(out)


def _comparer(plain_layer: nn.Module, truth: list[Tensor], sums: list[float]) -> Any:
    calls = iter(list(truth))

    def compare(module: CrossbarLayer, inputs: tuple[Any, ...], out: Tensor) -> None:
        for k, expected in ((0, plain_layer(*inputs)), (2, next(calls, None))):
            if expected is not None:
                expected = module.normalised(expected)
                sums[k] += float((out - expected).double().square().sum())
                sums[k + 1] += float(expected.double().square().sum())

    return compare


def _remove(handles: Sequence[Any]) -> None:
    for handle in handles:
        handle.remove()


def _relative(apart: float, size: float) -> float:
    return math.sqrt(apart / size) if size > 0.0 else math.nan


def _mean_row(rows: Sequence[SummaryRow]) -> SummaryRow:
    first = rows[0]
    energies = [row.energy for row in rows if row.energy is not None]
    energy = LayerEnergy.mean(energies) if energies else None
    return replace(first, ir_drop_error=float(np.mean([row.ir_drop_error for row in rows])), energy=energy)


def _share(predicted: Tensor, truth: Tensor) -> float:
    return float((predicted == truth).double().mean())
