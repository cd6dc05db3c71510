"""What a layer multiplies by: the maps of its arrays, put together, for one state of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.nn import cells
from xbarsim.nn.array_maps import recomputed
from xbarsim.nn.cells import ArrayState
from xbarsim.nn.outside import paused
from xbarsim.nn.planes import subtracted, unit
from xbarsim.nn.tile_places import Place
from xbarsim.nn.tiling import Tile, arranged_matrix, assembled
from xbarsim.nonideal import Bridged

Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")

Strip = tuple[slice, list[int], Tensor]
"""Word lines, the arrays that they drive, and those arrays' maps side by side."""

_TOGETHER = 1 << 19
"""Cells whose circuits are reduced at a time, about 30 MB with all that it takes."""


def for_gradients_too(method: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Compute outside of ``torch.inference_mode``: what is stored must serve where gradients are recorded, too."""

    @wraps(method)
    def computed(*args: Arguments.args, **more: Arguments.kwargs) -> Value:
        with paused():
            if not torch.is_inference_mode_enabled():
                return method(*args, **more)
            with torch.inference_mode(False), torch.no_grad():
                return method(*args, **more)

    return computed


class ArrayMaps:
    """The maps of arrays in one state, each made when it is first asked for.

    Parameters
    ----------
    state : callable
        Gives the state, if something is to be made.
    values : dict, optional
        What is ready, by name; what is made joins it.
    recompute : bool
        Whether a gradient, if one is asked for, computes the maps anew, instead of keeping all circuits until then.

    Attributes
    ----------
    applied : (weight, bias) or None
        What is multiplied by, with gain and shift in it, while several calls are one read.
    """

    applied: tuple[Tensor, Tensor | None] | None = None

    def __init__(
        self, state: Callable[[], ArrayState], values: dict[str, Any] | None = None, *, recompute: bool = False
    ) -> None:
        self._make_state = state
        self._ready: ArrayState | None = None
        self._recompute = recompute
        self._differentiable: dict[str, list[Tensor]] = {}
        self.values = {} if values is None else values

    def tiles(self) -> list[Tile]:
        """Return the arrays' circuits."""
        tiles: list[Tile] = self._value("tiles", circuits)
        return tiles

    @for_gradients_too
    def strips(self) -> list[Strip]:
        """Return the maps of arrays with the same inputs side by side, in the weights' type, or in single precision."""
        strips: list[Strip] = self._value("strips", side_by_side)
        tensors = self._with_gradient("strips", [wide for _, _, wide in strips], _wide)
        return [(lines, tiles, wide) for (lines, tiles, _), wide in zip(strips, tensors, strict=True)]

    @for_gradients_too
    def matrices(self) -> list[Tensor]:
        """Return what the layer really multiplies by, (inputs, outputs) for each group, in the weights' unit."""
        return self._with_gradient("matrices", self._value("matrices", effective_matrices), effective_matrices)

    def parameters(self, shape: torch.Size, bias_row: bool) -> tuple[Tensor, Tensor | None]:
        """Return ``matrices`` as a weight of torch's shape, and the bias if it is a row."""
        pair: tuple[Tensor, Tensor | None] | None = None if self._recompute else self.values.get("parameters")
        return self._shaped(shape, bias_row) if pair is None else pair

    @for_gradients_too
    def _shaped(self, shape: torch.Size, bias_row: bool) -> tuple[Tensor, Tensor | None]:
        matrices, inputs = self.matrices(), math.prod(shape[1:])
        turned = [matrix[:inputs].T for matrix in matrices]
        # One matrix is used as it is: a second one of its size would double what is stored.
        weight = (turned[0] if len(turned) == 1 else torch.cat(turned)).reshape(shape)
        pair = weight, torch.cat([matrix[-1] for matrix in matrices]) if bias_row else None
        if not self._recompute:
            self.values["parameters"] = pair
        return pair

    def _state(self) -> ArrayState:
        if self._ready is None:
            self._ready = self._make_state()
        return self._ready

    @for_gradients_too
    def _value(self, name: str, make: Callable[[ArrayState], Any]) -> Any:
        if name not in self.values:
            state = self._state()  # with the gradients that what is computed again has
            with torch.no_grad() if self._recompute else nullcontext():
                self.values[name] = make(state)
        return self.values[name]

    def _with_gradient(
        self, name: str, values: list[Tensor], make: Callable[[ArrayState], list[Tensor]]
    ) -> list[Tensor]:
        if not self._recompute:
            return values
        if name not in self._differentiable:
            state = replace(self._state(), progress=None)

            def again(sources: list[Tensor]) -> list[Tensor]:
                return make(replace(state, matrices=sources))

            self._differentiable[name] = recomputed(again, values, state.matrices)
        return self._differentiable[name]


def circuits(state: ArrayState) -> list[Tile]:
    """Return the arrays with their wires."""
    with torch.no_grad():
        return [_tile(g.numpy(), tile, state) for tile, g in enumerate(cells.all_conductances(state))]


def _tile(conductance: Array, tile: int, state: ArrayState) -> Tile:
    place = state.places[tile]
    circuit = cells.circuit(conductance, tile, state)
    bridged = circuit if isinstance(circuit, Bridged) else None
    outputs = range(place.first_output + place.cols.start, place.first_output + place.cols.stop)
    lines = range(place.lines.start, place.lines.stop)
    return Tile(circuit.crossbar if isinstance(circuit, Bridged) else circuit, lines, outputs, place.factor, bridged)


def maps_by_tile(state: ArrayState) -> Iterator[dict[int, Tensor]]:
    """Yield the maps (rows, cols), in siemens, of one read of all arrays by their number, a few strips at a time.

    Where no gradient is recorded nothing else is held meanwhile: neither targets nor cells of the whole layer.
    """
    whole = torch.is_grad_enabled()
    count = 0
    for strip in cells.together(cells.conductances(state), math.inf if whole else _TOGETHER):
        tiles = sorted(strip)
        maps = cells.maps([strip[tile] for tile in tiles], state, tiles)
        count += len(tiles)
        if state.progress is not None:
            state.progress(count)
        yield dict(zip(tiles, maps, strict=True))


def _by_lines(state: ArrayState) -> Iterator[tuple[list[int], list[Tensor]]]:
    """Yield the numbers and maps of arrays with the same word lines."""
    for strip in maps_by_tile(state):
        beside: dict[tuple[int, int], list[int]] = {}
        for tile in strip:
            lines = state.places[tile].lines
            beside.setdefault((lines.start, lines.stop), []).append(tile)
        for tiles in beside.values():
            yield tiles, [strip[tile] for tile in tiles]


def side_by_side(state: ArrayState) -> list[Strip]:
    """Return the maps of arrays with the same inputs side by side."""
    weight = state.matrices[0]
    # Siemens of a cell are beyond the range of half precision.
    kind = torch.promote_types(weight.dtype, torch.float32)
    return [
        (state.places[tiles[0]].lines, tiles, torch.cat(maps, dim=1).to(weight.device, kind))
        for tiles, maps in _by_lines(state)
    ]


def _wide(state: ArrayState) -> list[Tensor]:
    return [wide for _, _, wide in side_by_side(state)]


def effective_matrices(state: ArrayState) -> list[Tensor]:
    """Return what a layer multiplies by, (inputs, outputs) for each group, in the weights' unit."""
    hardware, places = state.hardware, state.places
    zero = subtracted(hardware) if hardware.mapping.kind == "offset" else []
    scales = [scale / unit(hardware) for scale in state.output_scales]
    if places[0].row_order is not None:
        wholes = [torch.zeros(matrix.shape, dtype=torch.float64) for matrix in state.matrices]
        for strip in maps_by_tile(state):
            for tile, whole in strip.items():
                place = places[tile]
                arranged_matrix(wholes[place.group], _in_use(whole, place, zero, state), place)
        pairs = zip(wholes, scales, strict=True)
        return [(whole.to(scale.device) * scale).to(state.matrices[0]) for whole, scale in pairs]
    rows: list[list[Tensor]] = [[] for _ in scales]
    for tiles, maps in _by_lines(state):
        beside = [places[tile] for tile in tiles]
        parts = [_in_use(whole, place, zero, state) for whole, place in zip(maps, beside, strict=True)]
        scale = scales[beside[0].group]
        (matrix,) = assembled(parts, beside)
        rows[beside[0].group].append((matrix.to(scale.device) * scale).to(state.matrices[0]))
    return [group[0] if len(group) == 1 else torch.cat(group) for group in rows]


def _in_use(whole: Tensor, place: Place, zero: Sequence[float], state: ArrayState) -> Tensor:
    """Return an array's columns less what stands for a weight of 0: its reference column, or a digital number."""
    whole = whole * state.compensation if state.compensation != 1.0 else whole
    part = whole[:, : len(place.cols)]
    if place.extra:
        return part - whole[:, -1:]
    return part - zero[place.plane] if zero else part
