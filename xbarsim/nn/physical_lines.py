"""What physical word lines of a chip hold, in the weights' unit, when rows of weights are mapped to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.nn.cell_targets import CellTargets
from xbarsim.nn.cells import ArrayState, reference_model
from xbarsim.nn.planes import planes_of, subtracted, unit, zeros
from xbarsim.nn.tile_places import Indices
from xbarsim.nonideal import Nonidealities
from xbarsim.nonideal.writing import goals, settled


@dataclass(frozen=True, eq=False)
class _PlaneCells:
    """Cells of some word lines and outputs in the array of one plane.

    Attributes
    ----------
    plane : int
        Of ``planes_of``.
    worth : float
        What its siemens count.
    factor, faults : (lines, cols)
        As in ``Maps``.
    zero : (lines, 1), or float
        Siemens that are subtracted: of the reference column's cells, or digitally.
    """

    plane: int
    worth: float
    factor: Array
    faults: NDArray[np.int8]
    zero: Array | float


@dataclass(frozen=True, eq=False)
class LineBlock:
    """The cells of some word lines and outputs in arrays of all planes that lie at the same place.

    Attributes
    ----------
    lines, cols : array of int
        Where they are among the lines and outputs of ``PhysicalLines``.
    model : Nonidealities
        Of the chip.
    planes : tuple
        The cells.
    unit : (1, 1) or (1, cols) array
        The weight that a siemens stands for.
    """

    lines: Indices
    cols: Indices
    model: Nonidealities
    planes: tuple[_PlaneCells, ...]
    unit: Array

    def realised(self, siemens: Sequence[Array]) -> Array:
        """Return what the cells hold for goals in each plane, of shapes that broadcast with (lines, cols)."""
        total: Array | float = 0.0
        for cells in self.planes:
            whole = settled(self.model, siemens[cells.plane], cells.factor, cells.faults)
            whole -= cells.zero
            whole *= cells.worth
            total = whole if isinstance(total, float) else np.add(total, whole, out=total)
        return total * self.unit

    def straight(self) -> tuple[Array, Array] | None:
        """Return what ``realised`` is where it is straight in the goals: ``base + sum over planes of slope * goal``.

        Returns
        -------
        base, slope : (lines, cols) and (planes, lines, cols) array, or None
            None: pulses that are verified end at bounds.
        """
        if self.model.looks:
            return None
        base = np.zeros((len(self.lines), len(self.cols)))
        slope = np.empty((len(self.planes), *base.shape))
        for k, cells in enumerate(self.planes):
            start, end = (
                settled(self.model, np.array([[siemens]]), cells.factor, cells.faults) for siemens in (0.0, 1.0)
            )
            base += (start - cells.zero) * cells.worth * self.unit
            slope[k] = (end - start) * cells.worth * self.unit
        return base, slope


class PhysicalLines:
    """Some word lines of a group, on a layer's chip at its present scale, and their cells for some outputs.

    Parameters
    ----------
    state : ArrayState
        The layer.
    group : int
        Of a convolution.
    lines : (lines,) of int
        Numbers of word lines of the group as they physically lie, spare ones included.
    cols : (cols,) of int
        Outputs of the group.

    Attributes
    ----------
    shape : (int, int)
        Lines and outputs.
    blocks : tuple of LineBlock
        Their cells; each is in one.
    """

    def __init__(self, state: ArrayState, group: int, lines: Indices, cols: Indices) -> None:
        self.shape = len(lines), len(cols)
        self._outputs = group * state.matrices[group].shape[1] + cols
        self._hardware, self._model = state.hardware, state.chip.model
        scale = state.scales[group].detach().cpu().numpy()
        self._scale = scale if scale.shape[1] == 1 else scale[:, cols]
        self.blocks = tuple(self._blocks(state, group, lines, cols))

    def goals(self, rows: Array) -> list[Array]:
        """Return the siemens that a write aims at for weights (rows, cols), in each plane."""
        planes = planes_of(torch.from_numpy(rows), torch.from_numpy(self._scale), self._hardware)
        return [goals(self._model, plane.numpy(), rows.shape) for plane in planes]

    def set_goals(self, targets: CellTargets, rows: Indices) -> list[Array]:
        """Return the same for targets that are set instead of weights, of some inputs.

        Parameters
        ----------
        targets : CellTargets
            Siemens, for each plane.
        rows : (count,) array of int
            Which inputs of the group.
        """
        planes = targets.siemens[:, rows[:, None], self._outputs]
        return [goals(self._model, plane, plane.shape) for plane in planes]

    def realised(self, siemens: Sequence[Array]) -> Array:
        """Return what each line holds for each row of goals (rows, cols), in the weights' unit.

        It is what programming makes of the cells when nothing is random in the write, less what stands for 0.

        Parameters
        ----------
        siemens : sequence of (rows, cols) array
            As ``goals`` gives them.

        Returns
        -------
        (rows, lines, cols) array
        """
        matrix = np.empty((len(siemens[0]), *self.shape))
        for block in self.blocks:
            parts = [plane[:, None, block.cols] for plane in siemens]
            matrix[:, block.lines[:, None], block.cols] = block.realised(parts)
        return matrix

    def realised_in_order(self, siemens: Sequence[Array]) -> Array:
        """Return what each line holds for its own row of goals, as ``realised``.

        Parameters
        ----------
        siemens : sequence of (lines, cols) array
            As ``goals`` gives them.

        Returns
        -------
        (lines, cols) array
        """
        matrix = np.empty(self.shape)
        for block in self.blocks:
            cells = np.ix_(block.lines, block.cols)
            matrix[cells] = block.realised([plane[cells] for plane in siemens])
        return matrix

    def _blocks(self, state: ArrayState, group: int, lines: Indices, cols: Indices) -> Iterator[LineBlock]:
        beside: dict[tuple[range, range], list[int]] = {}
        for tile, place in enumerate(state.places):
            if place.group == group:
                beside.setdefault((place.rows, place.cols), []).append(tile)
        for (rows, _), tiles in beside.items():
            inside = np.flatnonzero((lines >= rows.start) & (lines < rows.stop))
            if not inside.size:
                continue
            outputs = state.places[tiles[0]].outputs
            present = np.flatnonzero(np.isin(cols, outputs))
            if not present.size:
                continue
            order = np.argsort(outputs)
            bit_lines = order[np.searchsorted(outputs, cols[present], sorter=order)]
            planes = tuple(_plane_cells(state, tile, lines[inside] - rows.start, bit_lines) for tile in tiles)
            scale = self._scale if self._scale.shape[1] == 1 else self._scale[:, present]
            yield LineBlock(inside, present, self._model, planes, scale / unit(self._hardware))


def _plane_cells(state: ArrayState, tile: int, rows: Indices, cols: Indices) -> _PlaneCells:
    """Return the cells at some word lines and bit lines of an array."""
    place, maps, at = state.places[tile], state.chip.maps(tile), np.ix_(rows, cols)
    zero: Array | float = 0.0
    if place.extra:
        model = reference_model(state)
        goal = goals(model, [[zeros(state.hardware)[place.plane]]], (1, 1))
        zero = settled(model, goal, maps.factor[rows, -1:], maps.faults[rows, -1:])
    elif state.hardware.mapping.kind == "offset":
        zero = subtracted(state.hardware)[place.plane]
    return _PlaneCells(place.plane, place.factor, maps.factor[at], maps.faults[at], zero)
