"""Tiles of one shape, written blindly and read all at once: the same numbers as one after another, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.nonideal.faults import Fault
from xbarsim.nonideal.maps import Maps
from xbarsim.nonideal.model import Nonidealities
from xbarsim.nonideal.streams import Draw


@dataclass(frozen=True)
class TileStack:
    """Some of a chip's tiles, which have one shape.

    Attributes
    ----------
    model : Nonidealities
        The chip's; its cells are written blindly.
    seed : int
        The chip.
    tiles : sequence of int
        Which of its arrays.
    maps : sequence of Maps
        What is frozen in each.
    """

    model: Nonidealities
    seed: int
    tiles: Sequence[int]
    maps: Sequence[Maps]

    @property
    def shape(self) -> tuple[int, int]:
        """Word lines and bit lines of each tile."""
        return self.maps[0].shape

    def goals(self, targets: Array) -> Array:
        """Return what a write aims at, (tiles, rows, cols), as ``writing.goals`` does.

        Parameters
        ----------
        targets : (tiles, rows, cols) array
            Siemens.

        Raises
        ------
        InputError
            A target is out of range; the message has its row and column.
        """
        model = self.model
        if not model.holds(targets):
            for target in targets:
                model.checked_target(target, self.shape)
        goals: Array = np.clip(targets, model.g_off, model.g_on)
        return model.levels.quantise(goals, model.g_off, model.g_on) if model.levels else goals

    def after_write(self, goals: Array, write: int) -> Array:
        """Return the siemens that cells have after a write, at t0 of drift.

        Parameters
        ----------
        goals : (tiles, rows, cols) array
            Of ``goals``.
        write : int
            Which programming this is.
        """
        model = self.model
        factor = self._stacked("factor", 1.0)
        g = goals if factor is None else goals * factor
        if model.cycle_variation:
            law = model.cycle_variation
            draws = [law.factor(self.shape, self.seed, tile, draw=Draw.CYCLE, count=write) for tile in self.tiles]
            g = g * np.stack(draws)
        faults = self._faults()
        return g if faults is None else model.stuck(g, faults)

    def read(self, conductance: Array, *, read: int, time: float | None) -> Array:
        """Return what one read sees of written cells, as ``Chip.read`` does.

        Parameters
        ----------
        conductance : (tiles, rows, cols) array
            Siemens that were written.
        read : int
            Which read this is.
        time : float or None
            Seconds since programming; None: t0 of ``Drift``.
        """
        model, g = self.model, conductance
        if model.drift and time is not None:
            g = model.drift.after(g, np.stack([maps.nu for maps in self.maps]), time)
            faults = self._faults()
            g = g if faults is None else model.stuck(g, faults)
        if model.read_noise:
            noise, pairs = model.read_noise, zip(self.tiles, g, strict=True)
            g = np.stack([noise.at(part, model.g_on, self.seed, tile, read) for tile, part in pairs])
        return g

    def slopes(self, goals: Array, conductance: Array, *, time: float | None) -> Array:
        """Return how what a read sees follows the cells' targets, as ``Chip.slope`` does.

        Parameters
        ----------
        goals : (tiles, rows, cols) array
            Siemens that writes aimed at.
        conductance : (tiles, rows, cols) array
            Siemens that were written.
        time : float or None
            Seconds since programming; None: t0 of ``Drift``.
        """
        factor = self._stacked("factor", 1.0)
        slopes = np.ones(goals.shape) if factor is None else factor
        np.divide(conductance, goals, out=slopes, where=goals > 0.0)
        if self.model.drift and time is not None:
            slopes = self.model.drift.after(slopes, np.stack([maps.nu for maps in self.maps]), time)
        faults = self._faults()
        return slopes if faults is None else np.where(faults == Fault.HEALTHY, slopes, 0.0)

    def _stacked(self, name: str, neutral: float) -> NDArray[Any] | None:
        """Return one of the maps of all tiles; None where no cell of any has another number than the neutral one."""
        different: Iterable[NDArray[Any]] = [
            getattr(maps, name) for maps in {id(maps): maps for maps in self.maps}.values()
        ]
        if all(not any(array.strides) and array[0, 0] == neutral for array in different):
            return None
        return np.stack([getattr(maps, name) for maps in self.maps])

    def _faults(self) -> NDArray[np.int8] | None:
        return self._stacked("faults", Fault.HEALTHY)
