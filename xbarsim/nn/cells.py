"""What a chip makes of a layer's weights: conductances, circuits and their maps, with gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.nn.array_maps import effective
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.planes import is_between, planes_of, zeros
from xbarsim.nn.tiling import Place, cut
from xbarsim.nonideal import Bridged, Chip, Fault

if TYPE_CHECKING:
    Circuit = Crossbar | Bridged


def conductances(
    matrices: Sequence[Tensor],
    scales: Sequence[Tensor],
    places: Sequence[Place],
    hardware: Hardware,
    chip: Chip,
    read: int,
    time: float | None = None,
    write: int = 0,
) -> list[Tensor]:
    """Return each array's conductances, siemens in float64, as functions of the weights (inputs, outputs).

    ``time`` is in seconds since programming; None: before any drift.
    """
    cells: dict[int, Tensor] = {}
    for strip in strips(matrices, scales, places, hardware, chip, read, time, write):
        cells |= strip
    return [cells[tile] for tile in range(len(places))]


def strips(
    matrices: Sequence[Tensor],
    scales: Sequence[Tensor],
    places: Sequence[Place],
    hardware: Hardware,
    chip: Chip,
    read: int,
    time: float | None,
    write: int,
) -> Iterator[dict[int, Tensor]]:
    """Yield the conductances of arrays by their number, those that share word lines at a time, as ``conductances``."""
    numbers: dict[tuple[int, int], list[int]] = {}
    for tile, place in enumerate(places):
        numbers.setdefault((place.group, place.rows.start), []).append(tile)
    zero = zeros(hardware)
    for group, (matrix, scale) in enumerate(zip(matrices, scales, strict=True)):
        for k, rows in enumerate(torch.split(matrix, hardware.tiles.rows)):
            targets = [part for plane in planes_of(rows.double(), scale, hardware) for part in cut(plane, hardware)]
            tiles = numbers[group, k * hardware.tiles.rows]
            yield {
                tile: _array(target, tile, places[tile], zero, hardware, chip, read, time, write)
                for tile, target in zip(tiles, targets, strict=True)
            }


def together(parts: Iterator[dict[int, Tensor]], cells: float) -> Iterator[dict[int, Tensor]]:
    """Yield parts put together until they hold a number of cells, so that threads have enough to share."""
    found: dict[int, Tensor] = {}
    count = 0
    for part in parts:
        found |= part
        count += sum(one.numel() for one in part.values())
        if count >= cells:
            yield found
            found, count = {}, 0
    if found:
        yield found


def _array(
    target: Tensor,
    tile: int,
    place: Place,
    zero: Sequence[float],
    hardware: Hardware,
    chip: Chip,
    read: int,
    time: float | None,
    write: int,
) -> Tensor:
    """Return the conductances of one array, with its reference column."""
    if place.extra:
        target = torch.cat([target, target.new_full((place.shape[0], 1), zero[place.plane])], dim=1)
    g = _programmed(target, tile, chip, read, time, write)
    if place.extra and is_between(hardware):
        free = Chip(replace(chip.model, levels=None), chip.seed, chip.shapes, {tile: chip.maps(tile)})
        reference = _programmed(target.detach(), tile, free, read, time, write)[:, -1:]
        g = torch.cat([g[:, :-1], reference], dim=1)
    return g


def _programmed(target: Tensor, tile: int, chip: Chip, read: int, time: float | None, write: int) -> Tensor:
    """Return what the chip makes of targets; gradients pass levels straight, and stop at stuck cells."""
    still = target.cpu()
    written = chip.apply(still.detach().numpy(), tile, write=write)
    g = torch.from_numpy(np.array(chip.read(written, read=read, time=time)))
    if not target.requires_grad:
        return g
    factor = np.ones_like(written.conductance)
    if not chip.model.write_verify:
        # A blind write scales its target; one of 0 siemens leaves no ratio to see that by, but has the chip's factor.
        factor = np.array(chip.maps(tile).factor)
        np.divide(written.conductance, written.target, out=factor, where=written.target > 0.0)
    if chip.model.drift and time is not None:
        factor = chip.model.drift.after(factor, chip.maps(tile).nu, time)
    slope = torch.from_numpy(np.where(written.faults == Fault.HEALTHY, factor, 0.0))
    return g + slope * (still - still.detach())


def circuit(conductance: Array, tile: int, hardware: Hardware, chip: Chip) -> Crossbar | Bridged:
    """Return an array with its wires, ends and broken or shorted lines; its cells alone where fidelity is ideal."""
    law = hardware.law.device()
    if hardware.fidelity == "ideal":
        return Crossbar(conductance, device=law)
    wires = hardware.wires
    crossbar = Crossbar(
        conductance, word_wire=wires.word, bit_wire=wires.bit, driver=wires.driver, sense=wires.sense, device=law
    )
    return chip.bridged(crossbar, tile) if chip.maps(tile).shorted else chip.crossbar(crossbar, tile)


def maps(
    cells: Sequence[Tensor],
    hardware: Hardware,
    chip: Chip,
    threads: int | None,
    *,
    keep: bool,
    tiles: Sequence[int] | None = None,
) -> list[Tensor]:
    """Return each array's effective conductance, (rows, cols), as a function of its cells.

    Parameters
    ----------
    cells : sequence of (rows, cols) tensor
        Siemens.
    hardware, chip : Hardware and Chip
        What they are on.
    threads : int, optional
        Threads to use.
    keep : bool
        Whether what the gradient needs is kept, or is computed again if it is asked for.
    tiles : sequence of int, optional
        The arrays' numbers on the chip; None: from 0 on.
    """
    if hardware.fidelity == "ideal":
        return list(cells)
    numbers = range(len(cells)) if tiles is None else tiles
    circuits = [circuit(g.detach().numpy(), tile, hardware, chip) for tile, g in zip(numbers, cells, strict=True)]
    grown = [_grown(g, one) for g, one in zip(cells, circuits, strict=True)]
    crossbars = [one.crossbar if isinstance(one, Bridged) else one for one in circuits]
    found = effective(grown, crossbars, threads, keep=keep)
    return [_own(whole, one) for whole, one in zip(found, circuits, strict=True)]


def _grown(g: Tensor, one: Crossbar | Bridged) -> Tensor:
    """Return the cells with those that stand for shorts."""
    if isinstance(one, Crossbar):
        return g
    return torch.from_numpy(np.array(one.crossbar.conductance)).index_put(_where(one), g)


def _own(whole: Tensor, one: Crossbar | Bridged) -> Tensor:
    return whole if isinstance(one, Crossbar) else whole[_where(one)]


def _where(one: Bridged) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(np.array(one.rows))[:, None], torch.from_numpy(np.array(one.cols))[None, :]


def ideal(hardware: Hardware) -> Hardware:
    """Return the same hardware without wires and ends."""
    return replace(hardware, fidelity="ideal")
