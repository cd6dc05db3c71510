"""Maps of a programmed network as bytes, so that another process need not reduce its arrays again."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.map_store import MAP_TYPES, Digest
from xbarsim.nn.ranges import wants_data

MapForm = Literal["matrices", "strips"]
"""Effective matrices in the weights' unit, or siemens of arrays side by side, whose currents go to converters."""

FORMAT = "xbarsim maps 1"
_CONVERTERS = ("encoding", "dac", "adc", "energy")


def map_forms(hardware: Hardware) -> tuple[MapForm, ...]:
    """Return the forms of maps that inference on a hardware multiplies by.

    Behind arrays without an ADC only the passes that calibrate see currents.
    """
    if hardware.adc.bits is not None:
        return ("strips",)
    return ("matrices", "strips") if wants_data(hardware) else ("matrices",)


def map_bytes(layers: Mapping[str, CrossbarLayer], forms: Sequence[MapForm]) -> int:
    """Return how many bytes the maps of layers take.

    Parameters
    ----------
    layers : mapping of str to CrossbarLayer
        By name.
    forms : sequence of str
        Which of ``map_forms`` are stored.
    """
    total = 0
    for layer in layers.values():
        kind = MAP_TYPES.get(layer.map_storage, layer.weight.dtype)
        if "matrices" in forms:
            total += sum(matrix.numel() for matrix in layer.matrices()) * kind.itemsize
        if "strips" in forms:
            wide = torch.promote_types(kind, torch.float32)
            total += sum(math.prod(place.shape) for place in layer.places) * wide.itemsize
    return total


def save_maps(layers: Mapping[str, CrossbarLayer], forms: Sequence[MapForm]) -> bytes:
    """Return the maps of programmed layers by name, which are made if they are not there.

    Parameters
    ----------
    layers : mapping of str to CrossbarLayer
        On chips of a seed, as ``program`` leaves them.
    forms : sequence of {"matrices", "strips"}
        As ``map_forms`` gives them.

    Raises
    ------
    InputError
        A form is unknown, or a layer has no maps that stay: it is of nonlinear or noisy cells, recomputes them, or its
        cells were arranged, written or aged since.
    """
    if not set(forms) <= set(get_args(MapForm)):
        raise InputError(f"forms are {list(forms)}: there are {', '.join(get_args(MapForm))}")
    parts = {}
    with torch.no_grad():
        for name, layer in layers.items():
            part = {"of": _origin(layer)}
            arrays = layer.arrays()
            for form in forms:
                part[form] = _plain(form, arrays.strips() if form == "strips" else arrays.matrices())
            parts[name] = part
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "layers": parts}, buffer)
    return buffer.getvalue()


def load_maps(layers: Mapping[str, CrossbarLayer], content: bytes) -> None:
    """Give programmed layers the maps that ``save_maps`` returned, to the bit.

    Parameters
    ----------
    layers : mapping of str to CrossbarLayer
        With the same weights, on the same chips.
    content : bytes
        The maps.

    Raises
    ------
    InputError
        It is damaged, or of other weights, chips or hardware; no layer has changed then.
    """
    try:
        record = torch.load(io.BytesIO(content), weights_only=True)
        parts = record["layers"] if record["format"] == FORMAT else {}
    except Exception as error:  # torch raises whatever its readers of archives and pickles do
        raise InputError(f"the maps are damaged ({type(error).__name__}): make them again with save_maps") from None
    if list(parts) != list(layers):
        raise InputError("the maps are of another model, or version of xbarsim: make them again with save_maps")
    for name, layer in layers.items():
        if parts[name]["of"] != _origin(layer):
            raise InputError(
                f"the maps of {layer.label} are of other weights, or of another chip or hardware: program the seed "
                "that they are of, or make them again with save_maps"
            )
    for name, layer in layers.items():
        with torch.no_grad():
            values = layer.arrays().values
        values |= {form: _as_stored(form, part) for form, part in parts[name].items() if form != "of"}


def _plain(form: MapForm, maps: Any) -> Any:
    """Return maps as lists of tensors and whole numbers; tensors keep the order in which their numbers lie."""
    if form == "matrices":
        return [matrix.detach() for matrix in maps]
    return [(lines.start, lines.stop, tiles, wide.detach()) for lines, tiles, wide in maps]


def _as_stored(form: str, maps: Any) -> Any:
    if form == "matrices":
        return list(maps)
    return [(slice(start, stop), list(tiles), wide) for start, stop, tiles, wide in maps]


def _origin(layer: CrossbarLayer) -> dict[str, Any]:
    """Return what a layer's maps are of: all that decides them.

    Raises
    ------
    InputError
        There are none that stay, or more decides them than a seed and weights.
    """
    chip = layer.checked_chip()
    changed = layer.arrangement is not None or layer.cell_state is not None or layer.targets is not None
    if not layer.preparable or changed or layer.time is not None:
        raise InputError(
            f"{layer.label} has no maps to keep: they are kept of linear cells without read noise, as program(seed) "
            "leaves them, and not of map_storage 'recompute'"
        )
    hardware = {part: value for part, value in layer.hardware.to_dict().items() if part not in _CONVERTERS}
    return {
        "hardware": hardware, "chip": chip.seed, "write": layer.writes, "kind": layer.map_storage,
        "bias_row": layer.bias_row, "groups": layer.groups,
        "weights": [_digest(tensor) for tensor in (layer.weight, *layer.scales(), *_row(layer))],
    }  # fmt: skip


def _row(layer: CrossbarLayer) -> list[Tensor]:
    return [layer.bias] if layer.bias_row and layer.bias is not None else []


def _digest(tensor: Tensor) -> tuple[list[int], str, str]:
    digest = Digest.of(tensor)
    return list(digest.shape), str(digest.kind), digest.code.hex()
