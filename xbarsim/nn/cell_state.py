"""What has been written into a layer's cells, and how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xbarsim.nn import cells
from xbarsim.nn.cells import ArrayState
from xbarsim.nonideal import Chip
from xbarsim.nonideal.writing import Mask, Programmed

Counts = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class CellState:
    """The cells of all arrays as they were written, and what that took.

    Attributes
    ----------
    cells : tuple of Programmed
        Of each array.
    writes, pulses : tuple of (rows, cols) array of int32
        How often each cell was written, and with how many pulses in all, from the first of these writes on.
    """

    cells: tuple[Programmed, ...]
    writes: tuple[Counts, ...]
    pulses: tuple[Counts, ...]

    @staticmethod
    def of(state: ArrayState) -> CellState:
        """Return what programming all arrays makes of them."""
        arrays = _programmed(state, None)
        writes = tuple(np.ones(array.faults.shape, dtype=np.int32) for array in arrays)
        return CellState(arrays, writes, tuple(array.pulses.copy() for array in arrays))

    def rewritten(self, state: ArrayState, masks: Sequence[Mask] | None) -> CellState:
        """Return the cells after another write: of those that masks name, or of all.

        Parameters
        ----------
        state : ArrayState
            The weights, or targets, that are written now.
        masks : sequence of (rows, cols) array of bool, or None
            Which cells, array by array; None: all.
        """
        arrays = _programmed(replace(state, cells=self.cells), masks)
        counted = [array.pulses * 0 + (1 if masks is None else masks[k]) for k, array in enumerate(arrays)]
        return CellState(
            arrays,
            tuple(count + more.astype(np.int32) for count, more in zip(self.writes, counted, strict=True)),
            tuple(count + array.pulses for count, array in zip(self.pulses, arrays, strict=True)),
        )

    def packed(self) -> dict[str, NDArray[Any]]:
        """Return arrays for a file."""
        arrays: dict[str, NDArray[Any]] = {}
        for k, array in enumerate(self.cells):
            for name in _KINDS:
                arrays[f"cell_{name}_{k}"] = getattr(array, name)
            arrays[f"cell_writes_{k}"], arrays[f"cell_total_{k}"] = self.writes[k], self.pulses[k]
        return arrays

    @staticmethod
    def on_chip(chip: Chip, arrays: Mapping[str, NDArray[Any]]) -> CellState:
        """Return what ``packed`` made arrays of, on the same chip.

        Parameters
        ----------
        chip : Chip
            On which the cells were written.
        arrays : mapping of str to array
            By the names that ``packed`` gave them.

        Raises
        ------
        KeyError, ValueError
            One is missing, or does not fit.
        """
        arrays_and_counts = []
        for k, shape in enumerate(chip.shapes):
            parts: dict[str, Any] = {name: arrays[f"cell_{name}_{k}"] for name in _KINDS}
            counts = arrays[f"cell_writes_{k}"], arrays[f"cell_total_{k}"]
            kinds = [*_KINDS.values(), np.int32, np.int32]
            for array, kind in zip((*parts.values(), *counts), kinds, strict=True):
                if array.shape != shape or array.dtype != kind or not np.isfinite(array).all():
                    raise ValueError(f"cells of array {k} have another shape or kind")
            arrays_and_counts.append((Programmed(**parts, faults=chip.maps(k).faults, tile=k), *counts))
        programmed, writes, pulses = zip(*arrays_and_counts, strict=True)
        return CellState(programmed, writes, pulses)


_KINDS = {"conductance": np.float64, "target": np.float64, "pulses": np.int32, "unconverged": np.bool_}


@torch.no_grad()
def _programmed(state: ArrayState, masks: Sequence[Mask] | None) -> tuple[Programmed, ...]:
    arrays: dict[int, Programmed] = {}
    for strip in cells.targets(state):
        for tile, target in strip.items():
            mask = None if masks is None else masks[tile]
            if mask is not None and state.cells is not None and not mask.any():
                # Of writes of few cells most arrays have none.
                arrays[tile] = replace(state.cells[tile], pulses=np.zeros(mask.shape, dtype=np.int32))
            else:
                arrays[tile] = cells.programmed(target.cpu().numpy(), tile, state, mask)
    return tuple(arrays[tile] for tile in range(len(state.places)))
