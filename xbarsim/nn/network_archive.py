"""All chips of a network in one file, with the scales and ranges that go with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.cell_state import CellState
from xbarsim.nn.gain import DIGITAL
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nonideal import Chip
from xbarsim.nonideal.archive import check_members, description
from xbarsim.nonideal.array_files import read_arrays

FORMAT, VERSION = "xbarsim chips", 3
"""Version 2 has an arrangement or written cells, version 3 headroom, targets or an addend; files are of the least."""

_FROZEN = ("scale", "input_range", "output_range")


def save_chips(layers: Mapping[str, CrossbarLayer], path: str | Path, seed: int | None = None) -> None:
    """Write the chips of layers by name, whole or not at all, with the seed that they are of.

    Parameters
    ----------
    layers : mapping of str to CrossbarLayer
        By name, all of them programmed.
    path : str or Path
        Where to; a file that is there is replaced.
    seed : int, optional
        Of all chips, where they are of one.

    Raises
    ------
    InputError
        A layer is not programmed, or the path cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for number, layer in enumerate(layers.values()):
        if layer.chip is None:
            raise InputError(f"{layer.label} has no chip to save: call program(seed) first")
        names = [*_FROZEN, *(name for name in DIGITAL if getattr(layer, name) is not None)]
        parts = layer.chip.packed() | {name: getattr(layer, name).detach().cpu().numpy() for name in names}
        parts |= {} if layer.targets is None else {"targets": np.array(layer.targets)}
        parts |= {} if layer.cell_state is None else layer.cell_state.packed()
        arrays |= {f"{number}:{name}": array for name, array in parts.items()}
    about = {
        "format": FORMAT, "version": max(map(_version, layers.values())), "seed": seed, "members": sorted(arrays),
        "layers": [_record(name, layer) for name, layer in layers.items()],
    }  # fmt: skip
    arrays["about"] = np.array(json.dumps(about))
    with written_whole(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load_chips(layers: Mapping[str, CrossbarLayer], path: str | Path) -> int | None:
    """Put the weights of layers by name on saved chips; return the seed that they are of.

    Parameters
    ----------
    layers : mapping of str to CrossbarLayer
        By name; they are changed.
    path : str or Path
        What ``save_chips`` wrote.

    Raises
    ------
    InputError
        The file is missing, damaged, of a later version, or of another model or hardware.
    """
    arrays = read_arrays(path, "chips")
    about = description(path, arrays, FORMAT, VERSION)
    _check_fit(path, about["layers"], [_record(name, layer) for name, layer in layers.items()])
    ready = []
    for number, (layer, record) in enumerate(zip(layers.values(), about["layers"], strict=True)):
        parts = {name.split(":", 1)[1]: array for name, array in arrays.items() if name.startswith(f"{number}:")}
        arrangement, shapes = _arrangement(path, layer, record.get("arrangement"))
        chip = Chip.unpacked(path, parts, layer.hardware.cells, shapes)
        cells = None if record.get("follows_weights", True) else _cells(path, parts, chip, layer)
        digital = {name: _digital(path, parts, name, layer, record) for name in DIGITAL}
        columns = {"output_range": (sum(cols for _, cols in shapes),)}
        frozen = {name: _frozen(path, parts, name, layer, columns.get(name)) for name in _FROZEN}
        headroom = _headroom(path, layer, record)
        targets = _targets(path, parts, layer)
        ready.append((layer, arrangement, chip, cells, frozen, digital, headroom, targets, record))
    check_members(path, "chips are", about, arrays)
    for layer, arrangement, chip, cells, frozen, digital, headroom, targets, record in ready:
        layer.follows_weights, layer.targets = True, None
        layer.arrange(arrangement)
        layer.program(chip=chip, time=record.get("time"), headroom=headroom)
        layer.targets, layer.scale = targets, frozen["scale"]
        layer.input_converter.range, layer.output_converter.range = frozen["input_range"], frozen["output_range"]
        for name, tensor in digital.items():
            _set_digital(layer, name, tensor)
        layer.reads, layer.writes = int(record["reads"]), int(record.get("writes", 0))
        layer.compensation = float(record.get("compensation", 1.0))
        if cells is not None:
            layer.take_cells(cells)
        layer.warn_if_clipped()
    seed: int | None = about["seed"]
    return seed


def _version(layer: CrossbarLayer) -> int:
    """Return the first version that holds all that a layer has."""
    if layer.headroom != 1.0 or layer.targets is not None or layer.addend is not None:
        return VERSION
    return 1 if layer.arrangement is None and layer.cell_state is None else 2


def _record(name: str, layer: CrossbarLayer) -> dict[str, Any]:
    """Return what a chip must fit; it is JSON."""
    headroom = {} if layer.headroom == 1.0 else {"headroom": layer.headroom}
    return headroom | {
        "name": name, "kind": type(layer).__name__, "shape": list(layer.weight.shape), "groups": layer.groups,
        "bias_row": layer.bias_row, "hardware": layer.hardware.to_dict(), "reads": layer.reads,
        "writes": layer.writes, "time": layer.time, "compensation": layer.compensation,
        "arrangement": None if layer.arrangement is None else layer.arrangement.to_dict(),
        "follows_weights": layer.cell_state is None,
        "trained": [name for name in DIGITAL if isinstance(getattr(layer, name), torch.nn.Parameter)],
    }  # fmt: skip


def _check_fit(path: str | Path, saved: list[dict[str, Any]], present: list[dict[str, Any]]) -> None:
    if [_layer(record) for record in saved] != [_layer(record) for record in present]:
        raise InputError(
            f"{path}: the chips are of another model, with {_listed(saved)}; this one has {_listed(present)}"
        )
    for a, b in zip(saved, present, strict=True):
        theirs, ours = _flat(a["hardware"]), _flat(b["hardware"])
        names = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
        if names:
            raise InputError(
                f"{path}: the chip of layer {a['name']!r} is of hardware with {_settings(theirs, names)}; "
                f"this layer's has {_settings(ours, names)}"
            )


def _layer(record: Mapping[str, Any]) -> str:
    size = "x".join(str(size) for size in record["shape"])
    groups = f" in {record['groups']} groups" if record["groups"] > 1 else ""
    return f"{record['name']} ({record['kind']} {size}{groups}{', bias row' if record['bias_row'] else ''})"


def _listed(records: list[dict[str, Any]]) -> str:
    words = [_layer(record) for record in records]
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")


def _settings(flat: Mapping[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name}={_value(flat, name)}" for name in names[:4])


def _value(flat: Mapping[str, Any], name: str) -> str:
    """Return a setting's value in words; one that is left out among others of its part has its default."""
    part = name.rpartition(".")[0]
    default = name not in flat and any(path.startswith(f"{part}.") for path in flat)
    return "(default)" if default else repr(flat.get(name))


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _arrangement(
    path: str | Path, layer: CrossbarLayer, record: Mapping[str, Any] | None
) -> tuple[Arrangement | None, tuple[tuple[int, int], ...]]:
    """Return a layer's arrangement, and the shapes that its arrays have in it."""
    try:
        arrangement = None if record is None else Arrangement.from_dict(record)
        return arrangement, tuple(place.shape for place in layer.places_for(arrangement))
    except (TypeError, InputError) as error:
        raise InputError(f"{path}: the chips are damaged: lines of {layer.label} ({error})") from None


def _targets(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], layer: CrossbarLayer
) -> list[NDArray[np.float64]] | None:
    """Return the targets that were set in a layer's cells."""
    if "targets" not in arrays:
        return None
    try:
        return list(layer.checked_targets(arrays["targets"]).siemens)
    except InputError as error:
        raise InputError(f"{path}: the chips are damaged: {error}") from None


def _headroom(path: str | Path, layer: CrossbarLayer, record: Mapping[str, Any]) -> float:
    try:
        return layer.checked_headroom(record.get("headroom", 1.0))
    except InputError as error:
        raise InputError(f"{path}: the chips are damaged: {error}") from None


def _cells(path: str | Path, arrays: Mapping[str, NDArray[Any]], chip: Chip, layer: CrossbarLayer) -> CellState:
    """Return what was written into a layer's cells."""
    try:
        return CellState.on_chip(chip, arrays)
    except (KeyError, ValueError):
        raise InputError(f"{path}: the chips are damaged: cells of {layer.label} are missing, or do not fit") from None


def _frozen(
    path: str | Path,
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    layer: CrossbarLayer,
    shape: tuple[int, ...] | None = None,
) -> torch.Tensor:
    """Return a scale or range of a file; None: its shape is the layer's."""
    present: torch.Tensor = getattr(layer, name)
    array = arrays.get(name)
    if array is None or array.shape != (tuple(present.shape) if shape is None else shape) or not _finite(array):
        raise InputError(f"{path}: the chips are damaged: {name} of {layer.label} is missing, or does not fit")
    return torch.from_numpy(np.array(array)).to(present)


def _finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind == "f" and bool(np.isfinite(array).all())


def _digital(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], name: str, layer: CrossbarLayer, record: Mapping[str, Any]
) -> torch.Tensor | None:
    """Return a layer's gain, shift or addend, fixed or trained as it was; None if it had none."""
    array = arrays.get(name)
    if array is None:
        return None
    if array.shape not in layer.digital_shapes(name) or not _finite(array):
        raise InputError(f"{path}: the chips are damaged: {name} of {layer.label} does not fit")
    value = torch.from_numpy(np.array(array)).to(layer.weight)
    return torch.nn.Parameter(value) if name in record.get("trained", ()) else value


def _set_digital(layer: CrossbarLayer, name: str, value: torch.Tensor | None) -> None:
    """Set a gain, a shift or an addend; one that is trained stays the parameter that an optimiser may hold."""
    present = getattr(layer, name)
    trained = isinstance(value, torch.nn.Parameter) and isinstance(present, torch.nn.Parameter)
    if trained and value is not None and present.shape == value.shape:
        with torch.no_grad():
            present.copy_(value)
    else:
        setattr(layer, name, value)
