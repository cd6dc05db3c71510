"""What a chip makes of a layer's weights: conductances, circuits and their maps, with gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.nn.approximate_wires import approximate
from xbarsim.nn.array_maps import effective
from xbarsim.nn.cell_targets import CellTargets
from xbarsim.nn.closed_form import divided
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.planes import factors, is_between, planes_of, zeros
from xbarsim.nn.source_sums import SourceSums
from xbarsim.nn.tile_places import Place
from xbarsim.nn.tiling import cut
from xbarsim.nonideal import Bridged, Chip, Nonidealities
from xbarsim.nonideal.writing import Mask, Programmed
from xbarsim.solvers.map_batch import effective_maps

TOGETHER = 1 << 19
"""Cells whose circuits are reduced at a time, about 30 MB with all that it takes."""


@dataclass(frozen=True)
class ArrayState:
    """All that the arrays of a layer are a function of, at one read.

    Attributes
    ----------
    matrices, scales : sequence of Tensor
        Weights (inputs, outputs) of each group, and what the largest conductance stands for.
    output_scales : sequence of Tensor
        The same again, by which outputs are multiplied: of dynamic scales another branch of the gradient.
    places : sequence of Place
        What each array holds.
    hardware, chip : Hardware and Chip
        What they are on.
    write, read : int
        Which programming, and which read, where those have noise.
    time : float or None
        Seconds since programming; None: before any drift.
    compensation : float
        What currents are multiplied with digitally.
    threads : int or None
        Threads for the circuits; None: all.
    progress : callable or None
        Told how many arrays are ready.
    cells : sequence of Programmed or None
        What was written, where the arrays do not follow the weights.
    siemens : CellTargets or None
        Conductances that cells are to have instead of those of the weights.
    kind : dtype or None
        Of the maps; None: of the weights.
    sums : SourceSums or None
        Receives what the sources of arrays see, of those whose maps are made without gradients.
    """

    matrices: Sequence[Tensor]
    scales: Sequence[Tensor]
    output_scales: Sequence[Tensor]
    places: Sequence[Place]
    hardware: Hardware
    chip: Chip
    write: int = 0
    read: int = 0
    time: float | None = None
    compensation: float = 1.0
    threads: int | None = None
    progress: Callable[[int], None] | None = None
    cells: Sequence[Programmed] | None = None
    siemens: CellTargets | None = None
    kind: torch.dtype | None = None
    sums: SourceSums | None = None

    @property
    def map_type(self) -> torch.dtype:
        """The type of the maps."""
        return self.matrices[0].dtype if self.kind is None else self.kind


def targets(state: ArrayState) -> Iterator[dict[int, Tensor]]:
    """Yield the siemens that cells are to have, of arrays by their number: all planes of some that share word lines."""
    hardware, places = state.hardware, state.places
    width = strip_width(hardware)
    numbers: dict[tuple[int, int, int], list[int]] = {}
    for tile, place in enumerate(places):
        numbers.setdefault((place.group, place.rows.start, place.cols.start // width), []).append(tile)
    zero = zeros(hardware)
    if state.siemens is not None:
        for tiles in numbers.values():
            yield {tile: _set_target(state.siemens, places[tile], hardware, zero) for tile in tiles}
        return
    if places[0].row_order is not None:
        for (group, *_), tiles in numbers.items():
            yield _arranged_targets(tiles, state.matrices[group], state.scales[group], places, hardware)
        return
    for group, (matrix, scale) in enumerate(zip(state.matrices, state.scales, strict=True)):
        for k, rows in enumerate(torch.split(matrix, hardware.tiles.rows)):
            scales = torch.split(scale, width, dim=1) if scale.shape[1] > 1 else [scale] * -(-rows.shape[1] // width)
            for n, (block, part_scale) in enumerate(zip(torch.split(rows, width, dim=1), scales, strict=True)):
                planes = planes_of(block.double(), part_scale, hardware)
                parts = [part for plane in planes for part in cut(plane, hardware)]
                tiles = numbers[group, k * hardware.tiles.rows, n]
                yield {tile: _with_reference(part, places[tile], zero) for tile, part in zip(tiles, parts, strict=True)}


def strip_width(hardware: Hardware) -> int:
    """Return how many outputs of arrays with the same word lines are programmed together."""
    tiles = hardware.tiles
    arrays = TOGETHER // (tiles.rows * tiles.cols * len(factors(hardware)))
    return max(1, arrays) * (tiles.cols - (hardware.mapping.kind == "reference"))


def _arranged_targets(
    tiles: Sequence[int], matrix: Tensor, scale: Tensor, places: Sequence[Place], hardware: Hardware
) -> dict[int, Tensor]:
    """Return the targets of arrays at the same word lines; lines that are off are left in HRS."""
    zero = zeros(hardware)
    strip: dict[int, Tensor] = {}
    for tile in tiles:
        if tile in strip:
            continue
        place = places[tile]
        rows, cols = (torch.from_numpy(index).to(matrix.device) for index in (place.inputs, place.outputs))
        signs = torch.tensor(place.signs, device=matrix.device)[:, None]
        part = matrix[rows.clamp(min=0)][:, cols] * signs.to(matrix)
        planes = planes_of(part.double(), scale if scale.shape[1] == 1 else scale[:, cols], hardware)
        beside = [number for number in tiles if places[number].cols == place.cols]
        for partner, plane in zip(beside, planes, strict=True):
            whole = _with_reference(plane, places[partner], zero)
            strip[partner] = _without_lines_off(whole, rows >= 0, hardware)
    return strip


def _set_target(siemens: CellTargets, place: Place, hardware: Hardware, zero: Sequence[float]) -> Tensor:
    """Return an array's targets as they were set; flips change nothing in them."""
    whole = _with_reference(torch.from_numpy(siemens.part(place)), place, zero)
    return _without_lines_off(whole, torch.from_numpy(place.driven), hardware)


def _without_lines_off(target: Tensor, driven: Tensor, hardware: Hardware) -> Tensor:
    """Return targets with all cells of word lines that are off in HRS."""
    return torch.where(driven[:, None], target, torch.full_like(target, hardware.cells.g_off))


def _with_reference(target: Tensor, place: Place, zero: Sequence[float]) -> Tensor:
    """Return an array's targets with its reference column, where it has one."""
    if not place.extra:
        return target
    return torch.cat([target, target.new_full((place.shape[0], 1), zero[place.plane])], dim=1)


def conductances(state: ArrayState) -> Iterator[dict[int, Tensor]]:
    """Yield the siemens that a read sees, in float64, as ``targets`` does, as functions of the weights."""
    for strip in targets(state):
        together: dict[tuple[int, ...], list[int]] = {}
        cells: dict[int, Tensor] = {}
        for tile, target in strip.items():
            if _written_alone(tile, state):
                cells[tile] = _conductance(target.cpu(), tile, state)
            else:
                together.setdefault(tuple(target.shape), []).append(tile)
        for tiles in together.values():
            stack = torch.stack([strip[tile].cpu() for tile in tiles])
            cells |= zip(tiles, _stacked_conductance(stack, tiles, state), strict=True)
        yield cells


def _written_alone(tile: int, state: ArrayState) -> bool:
    """Whether an array's writing depends on what it holds, or its reference column is written by other rules."""
    model = state.chip.model
    by_rules = state.places[tile].extra > 0 and reference_model(state) is not model
    return state.cells is not None or model.looks or by_rules


def all_conductances(state: ArrayState) -> list[Tensor]:
    """Return the conductances of all arrays, in their order."""
    cells: dict[int, Tensor] = {}
    for strip in conductances(state):
        cells |= strip
    return [cells[tile] for tile in range(len(state.places))]


def together(parts: Iterator[dict[int, Tensor]], cells: float) -> Iterator[dict[int, Tensor]]:
    """Yield parts put together until they hold a number of cells, so that threads have enough to share.

    Parameters
    ----------
    parts : iterator of dict of int to Tensor
        Arrays by their number, (rows, cols) each.
    cells : float
        How many a part has at least, but the last one.
    """
    whole: dict[int, Tensor] = {}
    count = 0
    for part in parts:
        whole |= part
        count += sum(tensor.numel() for tensor in part.values())
        if count >= cells:
            yield whole
            whole, count = {}, 0
    if whole:
        yield whole


def programmed(target: Array, tile: int, state: ArrayState, mask: Mask | None = None) -> Programmed:
    """Return what a blind or verified programming makes of an array's targets.

    Parameters
    ----------
    target : (rows, cols)
        Siemens.
    tile : int
        Which array.
    state : ArrayState
        Its ``cells`` are what the array holds before, if that is known.
    mask : (rows, cols) of bool, optional
        Which cells to write; None: all.
    """
    chip, write = state.chip, state.write
    start = None if state.cells is None else state.cells[tile]
    circuit = _circuit(target.shape, state) if chip.model.programming else None
    array = chip.apply(target, tile, write=write, start=start, cells=mask, circuit=circuit)
    if not state.places[tile].extra or reference_model(state) is chip.model:
        return array
    free = Chip(reference_model(state), chip.seed, chip.shapes, {tile: chip.maps(tile)})
    return _with_last_column(array, free.apply(target, tile, write=write, start=start, cells=mask, circuit=circuit))


def _circuit(shape: tuple[int, ...], state: ArrayState) -> Crossbar:
    """Return the wires and ends that pulses go through; none of ideal hardware."""
    wires = state.hardware.wires
    if state.hardware.fidelity == "ideal":
        return Crossbar(np.zeros(shape))
    word, bit = _segments(state.hardware)
    return Crossbar(np.zeros(shape), word_wire=word, bit_wire=bit, driver=wires.driver, sense=wires.sense)


def reference_model(state: ArrayState) -> Nonidealities:
    """Return by which model a reference column is written: one between two levels is on none."""
    model = state.chip.model
    return replace(model, levels=None) if is_between(state.hardware) else model


def _with_last_column(array: Programmed, reference: Programmed) -> Programmed:
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(array, name)[:, :-1], getattr(reference, name)[:, -1:]], axis=1)
        for name in ("conductance", "target", "pulses", "unconverged")
    }
    return replace(array, **joined)


def _conductance(target: Tensor, tile: int, state: ArrayState) -> Tensor:
    """Return what a read of an array sees; gradients pass levels straight, and stop at stuck cells."""
    chip, time = state.chip, state.time
    array = state.cells[tile] if state.cells else programmed(target.detach().numpy(), tile, state)
    g = torch.from_numpy(np.array(chip.read(array, read=state.read, time=time)))
    if not target.requires_grad:
        return g
    slope = torch.from_numpy(chip.slope(array, time=time))
    return g + slope * (target - target.detach())


def _stacked_conductance(targets: Tensor, tiles: Sequence[int], state: ArrayState) -> Tensor:
    """Return the same of arrays of one shape, (arrays, rows, cols), that are written blindly."""
    stack, time = state.chip.stack(tiles), state.time
    goals = stack.goals(targets.detach().numpy())
    siemens = stack.after_write(goals, state.write)
    g = torch.from_numpy(stack.read(siemens, read=state.read, time=time))
    if not targets.requires_grad:
        return g
    slopes = torch.from_numpy(stack.slopes(goals, siemens, time=time))
    return g + slopes * (targets - targets.detach())


def circuit(conductance: Array, tile: int, state: ArrayState) -> Crossbar | Bridged:
    """Return an array with its wires, ends and broken or shorted lines, as far as the fidelity has them.

    Ideal: its cells alone. Closed: those with their ends, of which the closed form is an approximation. Of the other
    approximations: all but broken and shorted lines.

    Parameters
    ----------
    conductance : (rows, cols) array
        Siemens.
    tile : int
        The array's number on the chip.
    state : ArrayState
        Whose hardware and chip count.
    """
    return _circuits([conductance], [tile], state)[0]


def _circuits(conductances: Sequence[Array], tiles: Sequence[int], state: ArrayState) -> list[Crossbar | Bridged]:
    """Return the same of several arrays; those that have the same lines are laid out once."""
    laid_out: dict[tuple[tuple[int, int], bytes | None], Crossbar] = {}
    circuits: list[Crossbar | Bridged] = []
    for g, tile in zip(conductances, tiles, strict=True):
        place, chip = state.places[tile], state.chip
        kind = place.shape, None if place.row_order is None else place.driven.tobytes()
        if kind not in laid_out:
            laid_out[kind] = _laid_out(g, place, state.hardware)
        crossbar = laid_out[kind].with_cells(g)
        if state.hardware.fidelity != "accurate":
            circuits.append(crossbar)
        else:
            circuits.append(chip.bridged(crossbar, tile) if chip.maps(tile).shorted else chip.crossbar(crossbar, tile))
    return circuits


def _laid_out(conductance: Array, place: Place, hardware: Hardware) -> Crossbar:
    law, wires = hardware.law.device(), hardware.wires
    if hardware.fidelity == "ideal":
        # A line that is off gets 0 V, and without wires that is what it has when it is open.
        return Crossbar(conductance, device=law)
    driver = wires.driver if place.row_order is None else np.where(place.driven, wires.driver, np.inf)
    word, bit = _segments(hardware)
    return Crossbar(conductance, word_wire=word, bit_wire=bit, driver=driver, sense=wires.sense, device=law)


def _segments(hardware: Hardware) -> tuple[float, float]:
    """Return the ohms of a segment of word and of bit lines; the closed form has ends alone."""
    return (0.0, 0.0) if hardware.fidelity == "closed" else (hardware.wires.word, hardware.wires.bit)


def maps(cells: Sequence[Tensor], state: ArrayState, tiles: Sequence[int]) -> list[Tensor]:
    """Return the effective conductances (rows, cols) of arrays by their numbers, as functions of their cells.

    Parameters
    ----------
    cells : sequence of (rows, cols) Tensor
        Siemens, an array each.
    state : ArrayState
        Whose hardware and chip count.
    tiles : sequence of int
        Their numbers on the chip.
    """
    if state.hardware.fidelity == "ideal":
        if state.sums is not None:
            state.sums.add_cells(tiles, cells)
        return list(cells)
    fidelity, wires = state.hardware.fidelity, state.hardware.wires
    if fidelity != "accurate":
        sources = [torch.from_numpy(np.where(state.places[tile].driven, wires.driver, np.inf)) for tile in tiles]
        pairs = list(zip(cells, sources, strict=True))
        if fidelity == "closed":
            return [divided(g, source, wires.sense) for g, source in pairs]
        return [approximate(fidelity, g, source, wires.word, wires.bit, wires.sense) for g, source in pairs]
    circuits = _circuits([g.detach().numpy() for g in cells], tiles, state)
    grown = [_grown(g, wired) for g, wired in zip(cells, circuits, strict=True)]
    crossbars = [wired.crossbar if isinstance(wired, Bridged) else wired for wired in circuits]
    if state.sums is not None and not any(g.requires_grad for g in grown):
        maps_and_sources = effective_maps(crossbars, threads=state.threads, admittances=True)
        state.sums.add(tiles, maps_and_sources.admittances or [], circuits)
        return [
            _without_shorts(torch.from_numpy(g), wired)
            for g, wired in zip(maps_and_sources.matrices, circuits, strict=True)
        ]
    wholes = effective(grown, crossbars, state.threads)
    return [_without_shorts(whole, wired) for whole, wired in zip(wholes, circuits, strict=True)]


def _grown(g: Tensor, wired: Crossbar | Bridged) -> Tensor:
    """Return the cells with those that stand for shorts."""
    if isinstance(wired, Crossbar):
        return g
    return torch.from_numpy(np.array(wired.crossbar.conductance)).index_put(_lines(wired), g)


def _without_shorts(whole: Tensor, wired: Crossbar | Bridged) -> Tensor:
    return whole if isinstance(wired, Crossbar) else whole[_lines(wired)]


def _lines(bridged: Bridged) -> tuple[Tensor, Tensor]:
    """Return which of a bridged circuit's lines are the array's."""
    return torch.from_numpy(np.array(bridged.rows))[:, None], torch.from_numpy(np.array(bridged.cols))[None, :]


def ideal(hardware: Hardware) -> Hardware:
    """Return the same hardware without wires and ends."""
    return replace(hardware, fidelity="ideal")
