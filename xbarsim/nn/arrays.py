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
from xbarsim.nn import cells, current_noise
from xbarsim.nn.array_maps import recomputed
from xbarsim.nn.cells import ArrayState
from xbarsim.nn.outside import paused
from xbarsim.nn.planes import subtracted, unit
from xbarsim.nn.source_sums import SourceForm, SourceSums
from xbarsim.nn.tile_places import Place
from xbarsim.nn.tiling import Tile, arranged_matrix, assembled
from xbarsim.nonideal import Bridged

Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")

Strip = tuple[slice, list[int], Tensor]
"""Word lines, the arrays that they drive, and those arrays' maps side by side."""


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
    metered : bool
        Whether what the sources see is kept with the maps, as of hardware whose energy is asked for.

    Attributes
    ----------
    applied : (weight, bias) or None
        What is multiplied by, with gain and shift in it, while several calls are one read.
    """

    applied: tuple[Tensor, Tensor | None] | None = None

    def __init__(
        self,
        state: Callable[[], ArrayState],
        values: dict[str, Any] | None = None,
        *,
        recompute: bool = False,
        metered: bool = False,
    ) -> None:
        self._make_state = state
        self._ready: ArrayState | None = None
        self._recompute, self._metered = recompute, metered
        self._differentiable: dict[str, list[Tensor]] = {}
        self.values = {} if values is None else values

    def tiles(self) -> list[Tile]:
        """Return the arrays' circuits."""
        tiles: list[Tile] = self._value("tiles", circuits)
        return tiles

    @for_gradients_too
    def cells(self) -> list[Tensor]:
        """Return the conductances of the arrays of ``tiles``, in float64, as functions of the weights."""
        if "cells" not in self._differentiable:
            state = self._state()
            self._differentiable["cells"] = siemens = cells.all_conductances(state)
            if "tiles" not in self.values:
                self.values["tiles"] = _tiles(siemens, state)
        return self._differentiable["cells"]

    @for_gradients_too
    def strips(self) -> list[Strip]:
        """Return the maps of arrays with the same inputs side by side, in the weights' type, or in single precision."""
        strips: list[Strip] = self._value("strips", lambda state: list(side_by_side(state)))
        tensors = self._with_gradient("strips", [wide for _, _, wide in strips], _wide)
        return [(lines, tiles, wide) for (lines, tiles, _), wide in zip(strips, tensors, strict=True)]

    @for_gradients_too
    def matrices(self) -> list[Tensor]:
        """Return what the layer really multiplies by, (inputs, outputs) for each group, in the weights' unit."""
        return self._with_gradient("matrices", self._value("matrices", effective_matrices), effective_matrices)

    def source_forms(self) -> list[SourceForm]:
        """Return what the sources of arrays with the same word lines see together; no gradient is recorded."""
        with torch.no_grad():
            forms: list[SourceForm] = self._value("source_forms", source_forms)
        return forms

    def blocks(self) -> Iterator[tuple[int, slice, slice, Tensor]]:
        """Yield ``matrices`` in blocks, as ``matrix_blocks`` does, and keep none; no gradient is recorded."""
        yield from matrix_blocks(self._state())

    def passing_strips(self) -> Iterator[Strip]:
        """Yield ``strips``, and keep none; no gradient is recorded."""
        yield from side_by_side(self._state())

    def noise_roots(self) -> list[Array]:
        """Return a square root (cols, cols) of the covariance of each array's own noise of currents, in amperes."""

        def make(state: ArrayState) -> list[Array]:
            return current_noise.roots(self.tiles(), state.chip.model.circuit_noise, state.threads)

        roots: list[Array] = self._value("noise_roots", make)
        return roots

    def parameters(self, shape: torch.Size, bias_row: bool) -> tuple[Tensor, Tensor | None]:
        """Return ``matrices`` as a weight of torch's shape, and the bias if it is a row.

        Parameters
        ----------
        shape : torch.Size
            Of the torch layer's weight.
        bias_row : bool
            Whether the last row of each group's matrix is its bias.
        """
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
            sums = SourceSums(state.places) if self._metered and "source_forms" not in self.values else None
            with torch.no_grad() if self._recompute else nullcontext():
                self.values[name] = make(state if sums is None else replace(state, sums=sums))
            if sums is not None and sums.complete:
                self.values["source_forms"] = sums.forms()
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


def source_forms(state: ArrayState) -> list[SourceForm]:
    """Return what the sources of arrays with the same word lines see together.

    Parameters
    ----------
    state : ArrayState
        What the arrays hold, of linear cells.
    """
    sums = SourceSums(state.places)
    for _ in maps_by_tile(replace(state, sums=sums, progress=None)):
        pass
    return sums.forms()


def circuits(state: ArrayState) -> list[Tile]:
    """Return the arrays with their wires.

    Parameters
    ----------
    state : ArrayState
        What the arrays hold.
    """
    with torch.no_grad():
        return _tiles(cells.all_conductances(state), state)


def _tiles(conductances: Sequence[Tensor], state: ArrayState) -> list[Tile]:
    return [_tile(g.detach().numpy(), tile, state) for tile, g in enumerate(conductances)]


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

    Parameters
    ----------
    state : ArrayState
        What the arrays hold, and which read it is.
    """
    whole = torch.is_grad_enabled()
    count = 0
    for strip in cells.together(cells.conductances(state), math.inf if whole else cells.TOGETHER):
        tiles = sorted(strip)
        maps = cells.maps([strip[tile] for tile in tiles], state, tiles)
        count += len(tiles)
        if state.progress is not None:
            state.progress(count)
        yield dict(zip(tiles, maps, strict=True))


def _by_lines(state: ArrayState) -> Iterator[tuple[list[int], list[Tensor]]]:
    """Yield the numbers and maps of arrays with the same word lines.

    How many there are side by side depends on the layer alone: gradients are those of the strips that are stored.
    """
    width = cells.strip_width(state.hardware)
    for strip in maps_by_tile(state):
        beside: dict[tuple[int, int, int], list[int]] = {}
        for tile in strip:
            place = state.places[tile]
            lines = place.lines
            beside.setdefault((lines.start, lines.stop, place.cols.start // width), []).append(tile)
        for tiles in beside.values():
            yield tiles, [strip[tile] for tile in tiles]


def side_by_side(state: ArrayState) -> Iterator[Strip]:
    """Yield the maps of arrays with the same inputs side by side."""
    # Siemens of a cell are beyond the range of half precision.
    device, kind = state.matrices[0].device, torch.promote_types(state.map_type, torch.float32)
    for tiles, maps in _by_lines(state):
        yield state.places[tiles[0]].lines, tiles, torch.cat(maps, dim=1).to(device, kind)


def _wide(state: ArrayState) -> list[Tensor]:
    return [wide for _, _, wide in side_by_side(state)]


def matrix_blocks(state: ArrayState) -> Iterator[tuple[int, slice, slice, Tensor]]:
    """Yield what a layer multiplies by, in the weights' unit, in blocks: group, inputs, outputs, and (inputs, outputs).

    No block is there twice, and numbers are in double precision; lines are not arranged.

    Parameters
    ----------
    state : ArrayState
        What the arrays hold, and which read it is.
    """
    zero, scales = _subtracted(state), _unit_scales(state)
    for tiles, maps in _by_lines(state):
        beside = [state.places[tile] for tile in tiles]
        group, rows, cols = beside[0].group, beside[0].rows, slice(beside[0].cols.start, beside[-1].cols.stop)
        parts = [_in_use(whole, place, zero, state) for whole, place in zip(maps, beside, strict=True)]
        (matrix,) = assembled(parts, beside)
        scale = scales[group] if scales[group].shape[1] == 1 else scales[group][:, cols]
        yield group, slice(rows.start, rows.stop), cols, matrix.to(scale.device) * scale


def _unit_scales(state: ArrayState) -> list[Tensor]:
    """Return what a siemens is worth in each group, in the weights' unit."""
    return [scale / unit(state.hardware) for scale in state.output_scales]


def _subtracted(state: ArrayState) -> list[float]:
    return subtracted(state.hardware) if state.hardware.mapping.kind == "offset" else []


def effective_matrices(state: ArrayState) -> list[Tensor]:
    """Return what a layer multiplies by, (inputs, outputs) for each group, in the weights' unit.

    Parameters
    ----------
    state : ArrayState
        What the arrays hold, and which read it is.
    """
    if state.places[0].row_order is not None:
        return _arranged_matrices(state)
    sources, kind = state.matrices, state.map_type
    # Either way numbers lie as torch's weights do, (outputs, inputs): torch is faster so, and rounds alike.
    if not torch.is_grad_enabled():
        # Filled in place: neither parts nor copies of the whole are ever held.
        wholes = [matrix.new_empty(matrix.shape[::-1], dtype=kind).T for matrix in sources]
        for group, inputs, outputs, block in matrix_blocks(state):
            wholes[group][inputs, outputs] = block
        return wholes
    rows: list[dict[int, list[Tensor]]] = [{} for _ in sources]
    for group, inputs, _, block in matrix_blocks(state):
        rows[group].setdefault(inputs.start, []).append(block.T.to(sources[0].device, kind))
    return [torch.cat([torch.cat(blocks) for blocks in group.values()], dim=1).T for group in rows]


def _arranged_matrices(state: ArrayState) -> list[Tensor]:
    zero, scales = _subtracted(state), _unit_scales(state)
    wholes = [torch.zeros(matrix.shape, dtype=torch.float64) for matrix in state.matrices]
    for strip in maps_by_tile(state):
        for tile, whole in strip.items():
            place = state.places[tile]
            arranged_matrix(wholes[place.group], _in_use(whole, place, zero, state), place)
    pairs = zip(wholes, scales, strict=True)
    device, kind = state.matrices[0].device, state.map_type
    return [(whole.to(scale.device) * scale).to(device, kind) for whole, scale in pairs]


class CellMatrices:
    """A layer's effective matrix as a function of what the cells of its weights hold, in double precision.

    All else is as the layer is now: reference columns, lines that are off, wires, ends and broken lines.

    Parameters
    ----------
    state : ArrayState
        The layer.
    """

    def __init__(self, state: ArrayState) -> None:
        self._state = state
        with torch.no_grad():
            self._present = cells.all_conductances(state)

    def __call__(self, planes: Sequence[Tensor]) -> Tensor:
        """Return the matrix (inputs, outputs of all groups) in the weights' unit; gradients reach the planes.

        Parameters
        ----------
        planes : sequence of (inputs, outputs of all groups) tensor, float64
            Siemens that the cells of each plane hold, as ``CrossbarLayer.programmed`` has them.
        """
        state = self._state
        conductances = [self._with_cells(planes, tile) for tile in range(len(state.places))]
        wholes = cells.maps(conductances, state, range(len(conductances)))
        matrices = [torch.zeros(matrix.shape, dtype=torch.float64) for matrix in state.matrices]
        zero, scales = _subtracted(state), _unit_scales(state)
        for whole, place in zip(wholes, state.places, strict=True):
            arranged_matrix(matrices[place.group], _in_use(whole, place, zero, state), place)
        pairs = zip(matrices, scales, strict=True)
        return torch.cat([matrix * scale.detach().cpu() for matrix, scale in pairs], dim=1)

    def _with_cells(self, planes: Sequence[Tensor], tile: int) -> Tensor:
        place = self._state.places[tile]
        on = torch.from_numpy(place.driven)
        lines, rows = on.nonzero(), torch.from_numpy(place.inputs)[on]
        part = planes[place.plane][rows][:, torch.from_numpy(place.first_output + place.outputs)]
        return self._present[tile].index_put((lines, torch.arange(len(place.cols))[None]), part)


def _in_use(whole: Tensor, place: Place, zero: Sequence[float], state: ArrayState) -> Tensor:
    """Return an array's columns less what stands for a weight of 0: its reference column, or a digital number."""
    whole = whole * state.compensation if state.compensation != 1.0 else whole
    part = whole[:, : len(place.cols)]
    if place.extra:
        return part - whole[:, -1:]
    return part - zero[place.plane] if zero else part
