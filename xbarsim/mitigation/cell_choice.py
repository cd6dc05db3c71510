"""Which conductances cells of a known chip are to be asked for, so that pairs hold weights as nearly as they can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.planes import unit, zeros
from xbarsim.nonideal import Fault, Nonidealities
from xbarsim.nonideal.writing import goals, settled

_ROUNDING = 1e-9
"""Of g_on - g_off; a weight that is missed by no more is reached."""

_MOST_LEVELS = 256


def check_choosable(label: str, hardware: Hardware) -> None:
    """Raise InputError where weights have slices, or cells more levels than can be tried.

    Parameters
    ----------
    label : str
        The method's name, for messages.
    hardware : Hardware
        What the cells are of.
    """
    if hardware.mapping.slices > 1:
        raise InputError(
            f"{label} chooses one cell or one pair a weight, and mapping.slices is {hardware.mapping.slices}: "
            "take mapping.slices=1"
        )
    levels = hardware.cells.levels
    if levels is not None and levels.count > _MOST_LEVELS:
        raise InputError(
            f"{label} tries all levels, at most {_MOST_LEVELS}, and cells.levels.count is {levels.count}: "
            "take fewer, or cells.levels=null"
        )


@dataclass(frozen=True, eq=False)
class CellReach:
    """Cells and what they can hold.

    Attributes
    ----------
    model : Nonidealities
        Of the chip.
    faults, factor : (inputs, outputs)
        As of ``CrossbarLayer.known``.
    low, high : (inputs, outputs)
        Siemens.
    """

    model: Nonidealities
    faults: NDArray[np.int8]
    factor: Array
    low: Array
    high: Array

    @staticmethod
    def of(model: Nonidealities, faults: NDArray[np.int8], factor: Array) -> CellReach:
        """Return cells of a model, with what is frozen in them.

        Parameters
        ----------
        model : Nonidealities
            The kind of chip.
        faults : array of int8
            ``Fault`` of each cell.
        factor : array
            What variation multiplies each cell's conductance with, of the same shape.
        """
        low, high = (settled(model, np.array(bound), factor, faults) for bound in (model.g_off, model.g_on))
        return CellReach(model, faults, factor, low, high)

    def siemens(self, target: Array) -> Array:
        """Return what the cells hold when they are asked for targets, in siemens.

        Parameters
        ----------
        target : array
            Siemens that are asked for, of a shape that broadcasts with the cells'.
        """
        return settled(self.model, target, self.factor, self.faults)

    def target(self, conductance: Array) -> Array:
        """Return what to ask for, to have conductances in reach; of a stuck cell as near as can be to what it has.

        Parameters
        ----------
        conductance : array
            Siemens that cells are to hold.
        """
        blind = self.model.write_verify is None
        target = conductance / self.factor if blind else conductance
        target = np.where(self.faults == Fault.HEALTHY, target, self.low)
        return np.clip(target, self.model.g_off, self.model.g_on)

    def level(self, conductance: Array, levels: Array) -> Array:
        """Return the level with which the cells come nearest to conductances: of the two around it the better.

        Parameters
        ----------
        conductance : array
            Siemens that cells are to hold.
        levels : (count,) array
            Siemens that can be asked for, two or more, in order.
        """
        above = np.clip(np.searchsorted(levels, self.target(conductance)), 1, len(levels) - 1)
        low, high = levels[above - 1], levels[above]
        low_is_nearer = np.abs(self.siemens(low) - conductance) <= np.abs(self.siemens(high) - conductance)
        return np.where(low_is_nearer, low, high)


@dataclass(frozen=True, eq=False)
class CellChoice:
    """All cells of a layer on its chip, one or two a weight, and which to ask for what.

    A healthy cell of factor f that is asked for T holds f T, T between g_off and g_on; a stuck one holds what it holds.
    With ``d = w (g_on - g_off) / scale`` wanted of a pair whose cells reach from a to b::

        g- = clip(a+ - d, a-, b-),   g+ = clip(d + g-, a+, b+)

    which misses d by the least there is, and of all such pairs conducts the least. With a reference column or a digital
    offset the one cell is ``clip(d + zero, a, b)``, zero being what the reference cell of the line really holds. Where
    cells have levels, the best of all their pairs is taken; under write-verify cells are asked for g itself.

    Attributes
    ----------
    cells : tuple of CellReach
        Of each plane.
    worth : (inputs, outputs)
        Siemens that stand for a weight of 1, negative on lines that are driven negated.
    zero : (inputs, outputs) or float
        Siemens of a single cell that stand for 0.
    levels : array or None
        Siemens of the cells' levels.
    """

    cells: tuple[CellReach, ...]
    worth: Array
    zero: Array | float
    levels: Array | None

    @staticmethod
    def of(layer: CrossbarLayer) -> CellChoice:
        """Return the cells of a layer on its chip, at its scale as it is now."""
        model, shapes = layer.checked_chip().model, list(_shapes(layer))
        shape = shapes[0][1][0], sum(size[1] for _, size in shapes)
        worth = unit(layer.hardware) / _scales(layer, shape[1])
        signed = _signs(layer, shape) * worth
        cells = tuple(CellReach.of(model, faults, factor) for faults, factor in layer.known())
        zero = 0.0 if len(cells) == 2 else _zero(layer, cells[0], signed)
        levels = None if model.levels is None else model.levels.values(model.g_off, model.g_on)
        return CellChoice(cells, signed, zero, levels)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The least and the largest weight of each place, (inputs, outputs), that its cells can hold."""
        if len(self.cells) == 2:
            positive, negative = self.cells
            ends = positive.low - negative.high, positive.high - negative.low
        else:
            ends = self.cells[0].low - self.zero, self.cells[0].high - self.zero
        first, second = ends[0] / self.worth, ends[1] / self.worth
        return np.minimum(first, second), np.maximum(first, second)

    def targets(self, weights: Array) -> tuple[tuple[Array, ...], NDArray[np.bool_]]:
        """Return what to ask cells for, for weights (inputs, outputs).

        Parameters
        ----------
        weights : (inputs, outputs) array
            In the layer's unit.

        Returns
        -------
        targets : tuple of (inputs, outputs) array
            Siemens of each plane.
        reached : (inputs, outputs) of bool
            Which weights cells can hold, levels aside.
        """
        goal = weights * self.worth + self.zero
        model = self.cells[0].model
        margin = _ROUNDING * (model.g_on - model.g_off)
        if len(self.cells) == 2:
            positive, negative = self.cells
            upper, lower = _pair(goal, positive, negative)
            reached = np.abs(upper - lower - goal) <= margin
            if self.levels is not None:
                return _pair_of_levels(goal, positive, negative, self.levels, margin), reached
            return (positive.target(upper), negative.target(lower)), reached
        (cell,) = self.cells
        conductance = np.clip(goal, cell.low, cell.high)
        reached = np.abs(conductance - goal) <= margin
        return (cell.target(conductance) if self.levels is None else cell.level(conductance, self.levels),), reached

    def siemens(self, targets: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return what the cells hold, plane by plane, when they are asked for targets.

        Parameters
        ----------
        targets : tuple of (inputs, outputs) array
            Siemens that each plane is asked for.
        """
        return tuple(cells.siemens(target) for cells, target in zip(self.cells, targets, strict=True))

    def slopes(self, weights: Array) -> tuple[Array, ...]:
        """Return how what each plane's cells hold moves with weights, levels aside, in siemens.

        Parameters
        ----------
        weights : (inputs, outputs) array
            In the layer's unit.
        """
        free = [np.where(cells.low < cells.high, self.worth, 0.0) for cells in self.cells]
        if len(free) == 1:
            return (free[0],)
        positive, negative = self.cells
        lower = positive.low - weights * self.worth
        falling = (lower > negative.low) & (lower < negative.high)
        return np.where(falling, 0.0, free[0]), np.where(falling, -free[1], 0.0)


def _pair(goal: Array, positive: CellReach, negative: CellReach) -> tuple[Array, Array]:
    lower = np.clip(positive.low - goal, negative.low, negative.high)
    return np.clip(goal + lower, positive.low, positive.high), lower


def _pair_of_levels(
    goal: Array, positive: CellReach, negative: CellReach, levels: Array, margin: float
) -> tuple[Array, Array]:
    """Return the levels whose pair is nearest; of pairs that are as near, the one that conducts the least."""
    best = np.full(goal.shape, np.inf)
    targets = np.empty(goal.shape), np.empty(goal.shape)
    for level in levels:
        lower = negative.siemens(np.full(goal.shape, level))
        upper = positive.level(goal + lower, levels)
        apart = np.abs(positive.siemens(upper) - lower - goal)
        nearer = apart < best - margin
        best = np.where(nearer, apart, best)
        targets[0][nearer], targets[1][nearer] = upper[nearer], level
    return targets


def _zero(layer: CrossbarLayer, cells: CellReach, worth: Array) -> Array:
    """Return the siemens that are subtracted from each cell: of its line's reference cell, or digitally.

    That is what the cell would hold for a weight of 0, less what that would then count.
    """
    middle = goals(cells.model, [zeros(layer.hardware)], (1, 1))
    parts = [layer.weight_cells(group).represented(np.zeros(shape)) for group, shape in _shapes(layer)]
    return cells.siemens(middle) - np.concatenate(parts, axis=1) * worth


def _shapes(layer: CrossbarLayer) -> Iterator[tuple[int, tuple[int, int]]]:
    for group, matrix in enumerate(layer.matrices()):
        yield group, (matrix.shape[0], matrix.shape[1])


def _scales(layer: CrossbarLayer, outputs: int) -> Array:
    """Return the weight that the largest conductance stands for, (1, outputs of all groups)."""
    parts = [
        scale.detach().cpu().double().expand(1, shape[1])
        for scale, (_, shape) in zip(layer.scales(), _shapes(layer), strict=True)
    ]
    return torch.cat(parts, dim=1).numpy().reshape(1, outputs)


def _signs(layer: CrossbarLayer, shape: tuple[int, ...]) -> Array:
    """Return -1 for weights whose word line is flipped, 1 for others, (inputs, outputs)."""
    signs = np.ones(shape)
    for place in layer.places:
        if place.signs is not None:
            on = place.driven
            signs[np.ix_(place.inputs[on], place.first_output + place.outputs)] = np.array(place.signs)[on, None]
    return signs
