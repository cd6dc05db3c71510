"""All chips of a network in one file, with the scales and ranges that go with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nn.clipping import warn_of_clipping
from xbarsim.nn.gain import DIGITAL
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nonideal import Chip
from xbarsim.nonideal.archive import check_members, read_arrays

if TYPE_CHECKING:
    from xbarsim.nn.network import CrossbarNetwork

FORMAT, VERSION = "xbarsim chips", 1

_FROZEN = ("scale", "input_range", "output_range")


def save_chips(network: CrossbarNetwork, path: str | Path) -> None:
    """Write a network's chips, whole or not at all.

    Raises
    ------
    InputError
        The network is not programmed, or the path cannot be written.
    """
    layers = network.layers
    arrays: dict[str, NDArray[Any]] = {}
    for number, layer in enumerate(layers.values()):
        if layer.chip is None:
            raise InputError(f"{layer.label} has no chip to save: call program(seed) first")
        names = [*_FROZEN, *(name for name in DIGITAL if getattr(layer, name) is not None)]
        own = layer.chip.packed() | {name: getattr(layer, name).detach().cpu().numpy() for name in names}
        arrays |= {f"{number}:{name}": array for name, array in own.items()}
    about = {
        "format": FORMAT, "version": VERSION, "seed": network.seed, "members": sorted(arrays),
        "layers": [_record(name, layer) for name, layer in layers.items()],
    }  # fmt: skip
    arrays["about"] = np.array(json.dumps(about))
    with written_whole(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load_chips(network: CrossbarNetwork, path: str | Path) -> None:
    """Put a network's weights on saved chips.

    Raises
    ------
    InputError
        The file is missing, damaged, of a later version, or of another model or hardware.
    """
    arrays = read_arrays(path, "chips")
    about = _about(path, arrays)
    layers = network.layers
    _see_same(path, about["layers"], [_record(name, layer) for name, layer in layers.items()])
    ready = []
    for place, (layer, record) in enumerate(zip(layers.values(), about["layers"], strict=True)):
        own = {name.split(":", 1)[1]: one for name, one in arrays.items() if name.startswith(f"{place}:")}
        shapes = tuple(place.shape for place in layer.places)
        chip = Chip.unpacked(path, own, layer.hardware.cells, shapes)
        digital = {name: _digital(path, own, name, layer, record) for name in DIGITAL}
        ready.append((layer, chip, [_frozen(path, own, name, layer) for name in _FROZEN], digital, record))
    check_members(path, "chips are", about, arrays)
    for layer, chip, frozen, digital, record in ready:
        layer.program(chip=chip, time=record.get("time"))
        for name, value in zip(_FROZEN, frozen, strict=True):
            setattr(layer, name, value)
        for name, number in digital.items():
            _set_digital(layer, name, number)
        layer.reads, layer.writes = int(record["reads"]), int(record.get("writes", 0))
        layer.compensation = float(record.get("compensation", 1.0))
        warn_of_clipping(layer)
    network.seed = about["seed"]


def _record(name: str, layer: CrossbarLayer) -> dict[str, Any]:
    """Return what a chip must fit; it is JSON."""
    return {
        "name": name, "kind": type(layer).__name__, "shape": list(layer.weight.shape), "groups": layer.groups,
        "bias_row": layer.bias_row, "hardware": layer.hardware.to_dict(), "reads": layer.reads,
        "writes": layer.writes, "time": layer.time, "compensation": layer.compensation,
        "trained": [name for name in DIGITAL if isinstance(getattr(layer, name), torch.nn.Parameter)],
    }  # fmt: skip


def _about(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    try:
        about = json.loads(str(arrays["about"]))
        found, version = about["format"], about["version"]
    except (KeyError, TypeError, ValueError):
        found, version = None, None
    if found != FORMAT or not isinstance(version, int):
        raise InputError(f"{path}: these are no chips that xbarsim saved")
    if version > VERSION:
        raise InputError(f"{path}: the chips have version {version}, this xbarsim reads up to {VERSION}: update it")
    return dict(about)


def _see_same(path: str | Path, theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    if [_layer(one) for one in theirs] != [_layer(one) for one in ours]:
        raise InputError(
            f"{path}: the chips are of another model, with {_listed(theirs)}; this one has {_listed(ours)}"
        )
    for a, b in zip(theirs, ours, strict=True):
        one, other = _flat(a["hardware"]), _flat(b["hardware"])
        names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
        if names:
            raise InputError(
                f"{path}: the chip of layer {a['name']!r} is of hardware with {_settings(one, names)}; "
                f"this layer's has {_settings(other, names)}"
            )


def _layer(record: Mapping[str, Any]) -> str:
    size = "x".join(str(size) for size in record["shape"])
    groups = f" in {record['groups']} groups" if record["groups"] > 1 else ""
    return f"{record['name']} ({record['kind']} {size}{groups}{', bias row' if record['bias_row'] else ''})"


def _listed(records: list[dict[str, Any]]) -> str:
    words = [_layer(one) for one in records]
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")


def _settings(flat: Mapping[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name}={flat.get(name)!r}" for name in names[:4])


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _frozen(path: str | Path, arrays: Mapping[str, NDArray[Any]], name: str, layer: CrossbarLayer) -> torch.Tensor:
    like: torch.Tensor = getattr(layer, name)
    found = arrays.get(name)
    if found is None or found.shape != tuple(like.shape) or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise InputError(f"{path}: the chips are damaged: {name} of {layer.label} is missing, or does not fit")
    return torch.from_numpy(np.array(found)).to(like)


def _digital(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], name: str, layer: CrossbarLayer, record: Mapping[str, Any]
) -> torch.Tensor | None:
    """Return a layer's gain or shift, fixed or trained as it was; None if it had none."""
    found = arrays.get(name)
    if found is None:
        return None
    if found.shape not in ((), (1,), (layer.outputs,)) or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise InputError(f"{path}: the chips are damaged: {name} of {layer.label} does not fit")
    value = torch.from_numpy(np.array(found)).to(layer.weight)
    return torch.nn.Parameter(value) if name in record.get("trained", ()) else value


def _set_digital(layer: CrossbarLayer, name: str, value: torch.Tensor | None) -> None:
    """Set a gain or a shift; one that is trained stays the parameter that an optimiser may hold."""
    held = getattr(layer, name)
    if isinstance(value, torch.nn.Parameter) and isinstance(held, torch.nn.Parameter) and held.shape == value.shape:
        with torch.no_grad():
            held.copy_(value)
    else:
        setattr(layer, name, value)
