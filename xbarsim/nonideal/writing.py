"""A tile's cells brought to their targets, blindly or by write-verify, with what the chip has frozen in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, Locked
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.nonideal.faults import Fault, FaultMap
from xbarsim.nonideal.maps import Maps
from xbarsim.nonideal.model import Nonidealities
from xbarsim.nonideal.streams import Draw, Stream
from xbarsim.nonideal.writeverify import PulsedCells, WriteVerify

Mask = NDArray[np.bool_]
Writing = tuple[Array, NDArray[np.int32], Mask]
"""Conductance, pulses, and which cells were left outside the tolerance."""


@dataclass(frozen=True, eq=False)
class Programmed(Locked):
    """What programming made of a tile; all arrays are (rows, cols).

    Attributes
    ----------
    conductance : (rows, cols) array
        Siemens that the cells have, at t0 of drift and without read noise.
    target : (rows, cols) array
        Siemens that were asked for, on the nearest level.
    pulses : array of int32
        Pulses of this programming; 0 where a cell was left alone.
    unconverged : array of bool
        Cells that write-verify, or programming by pulses, left outside its tolerance; none without them.
    faults : array of int8
        ``Fault`` of each cell.
    tile : int
        Which array of the chip.
    """

    conductance: Array
    target: Array
    pulses: NDArray[np.int32]
    unconverged: Mask
    faults: FaultMap
    tile: int = 0

    def __post_init__(self) -> None:
        for array in (self.conductance, self.target, self.pulses, self.unconverged):
            array.setflags(write=False)


def program(
    model: Nonidealities,
    maps: Maps,
    seed: int,
    tile: int,
    target: ArrayLike,
    write: int,
    start: Programmed | None,
    cells: ArrayLike | None,
    circuit: Crossbar | None = None,
) -> Programmed:
    """Program a tile; ``Chip.apply`` says what each argument is.

    Raises
    ------
    InputError
        A target is out of range, or an argument does not fit the tile.
    """
    goal = goals(model, target, maps.shape)
    mask = _checked_cells(maps.shape, tile, start, cells)
    before = start.conductance if start else model.stuck(model.g_off * maps.factor, maps.faults)
    if model.write_verify:
        pulse = Stream.of(seed, Draw.PULSE, tile, write)
        reached, pulses, failed = _verified(model, model.write_verify, maps, goal, before, mask, pulse)
    elif model.programming:
        reached, counts, failed = model.programming.write(
            circuit or Crossbar(before), before, goal, _bounds(model, maps.factor), maps.faults != Fault.HEALTHY, mask
        )
        pulses = counts.astype(np.int32)
        before = reached  # what pulses for others did to the rest stays
    else:
        reached, pulses, failed = (
            _reached(model, goal, maps.factor),
            mask.astype(np.int32),
            np.zeros(maps.shape, dtype=bool),
        )
        if model.cycle_variation:
            reached *= model.cycle_variation.factor(maps.shape, seed, tile, draw=Draw.CYCLE, count=write)
    conductance = model.stuck(np.where(mask, reached, before), maps.faults)
    if start:
        goal, failed = np.where(mask, goal, start.target), np.where(mask, failed, start.unconverged)
    return Programmed(conductance, goal, pulses, failed, maps.faults, tile)


def goals(model: Nonidealities, target: ArrayLike, shape: tuple[int, int]) -> Array:
    """Return what a write aims at, (rows, cols) in siemens: targets within the cells' range, on the nearest level.

    Parameters
    ----------
    model : Nonidealities
        The cells' range and levels.
    target : (rows, cols) array_like
        Siemens.
    shape : (rows, cols)
        Of the tile.

    Raises
    ------
    InputError
        The shape is another, or a target is out of range.
    """
    goal = model.checked_target(target, shape)
    return model.levels.quantise(goal, model.g_off, model.g_on) if model.levels else goal


def settled(model: Nonidealities, goal: Array, factor: Array, faults: FaultMap) -> Array:
    """Return the siemens that cells have after one write without any noise, at t0 of drift.

    A blind write is without ``cycle_variation``; one that is verified ends on its goal, or at the bound of the cell's
    own range that is nearest to it.

    Parameters
    ----------
    goal, factor, faults : array
        Of ``goals`` and ``Maps``, of shapes that broadcast.
    """
    return model.stuck(_reached(model, goal, factor), faults)


def _reached(model: Nonidealities, goal: Array, factor: Array) -> Array:
    """Return what a write without noise makes of cells that are not stuck."""
    if model.looks:
        return np.clip(goal, *_bounds(model, factor))
    return goal * factor


def _bounds(model: Nonidealities, factor: Array) -> tuple[Array, Array]:
    """Return the least and the largest conductance that pulses bring a cell to."""
    return factor * model.g_off, factor * model.g_on


def _checked_cells(shape: tuple[int, int], tile: int, start: Programmed | None, cells: ArrayLike | None) -> Mask:
    if start is not None and (start.tile != tile or start.conductance.shape != shape):
        raise InputError(f"start is of tile {start.tile}, {start.conductance.shape}: this is tile {tile}, {shape}")
    if cells is None:
        return np.ones(shape, dtype=bool)
    if start is None:
        raise InputError("cells without start: what the other cells hold is not known, give start=")
    mask = np.asarray(cells)
    if mask.dtype != bool or mask.shape != shape:
        raise InputError(f"cells is {mask.dtype} of shape {mask.shape}: it must be bool of shape {shape}")
    return mask


def _verified(
    model: Nonidealities, law: WriteVerify, maps: Maps, goal: Array, before: Array, mask: Mask, pulse: Stream
) -> Writing:
    """Write and verify; pulses on a stuck cell are spent in vain."""
    span = model.g_on - model.g_off
    failed = mask & ~law.accepts(before, goal, span)
    conductance, pulses = before.copy(), np.where(failed, law.max_pulses, 0).astype(np.int32)
    free = mask & (maps.faults == Fault.HEALTHY)
    rows, cols = np.nonzero(free)
    cells = PulsedCells(rows, cols, *_bounds(model, maps.factor[free]), before[free], goal[free])
    conductance[free], pulses[free], accepted = law.program(cells, span, pulse)
    failed[free] = ~accepted
    return conductance, pulses, failed
