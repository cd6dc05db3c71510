"""Cells programmed so that, with what is known of them, they realise the weights: no training, no data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.planes import unit, zeros
from xbarsim.nonideal import Fault, Nonidealities
from xbarsim.nonideal.writing import goals, settled

_ROUNDING = 1e-9
"""Of g_on - g_off; a weight that is missed by no more is reached."""

_MOST_LEVELS = 256


@dataclass(frozen=True)
class Prescale(Method):
    """Choose both cells of each pair so that together they hold the weight, as far as they reach.

    A healthy cell of factor f that is asked for T holds f T, T between g_off and g_on; a stuck one holds what it holds.
    With ``d = w (g_on - g_off) / scale`` wanted of a pair whose cells reach from a to b::

        g- = clip(a+ - d, a-, b-),   g+ = clip(d + g-, a+, b+)

    which misses d by the least there is, and of all such pairs conducts the least. The partner of a stuck cell makes up
    for it; a pair of two stuck cells stays what it is. With a reference column or a digital offset the one cell is
    ``clip(d + zero, a, b)``, zero being what the reference cell of the line really holds. Where cells have levels, the
    best of all their pairs is taken; under write-verify cells are asked for g itself.

    It is in none of the papers: the baseline that has the knowledge of those that train, and no training. It costs
    nothing but the map of the chip. Wires are not looked at, and noise of writing stays. Currents grow where factors
    are small. The share of weights that no choice reaches is noted for each layer, as ``unreachable``.
    """

    name: ClassVar[str] = "prescale"
    paper: ClassVar[str] = "none: the baseline of all that know a chip's maps"
    about: ClassVar[str] = "program both cells of a pair so that, with their factors and faults, they hold the weight"
    settles: ClassVar[frozenset[Part]] = frozenset({"targets"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"targets"})
    relies_on: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "flips", "headroom", "writing"})

    @property
    def needs(self) -> Needs:
        """All that is frozen in the chip."""
        return Needs(knows="maps")

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse weights in slices, and more levels than can be tried, besides what ``Method.check`` refuses."""
        super().check(model, network, images)
        hardware = network.hardware
        if hardware.mapping.slices > 1:
            raise InputError(
                f"prescale chooses one cell or one pair a weight, and mapping.slices is {hardware.mapping.slices}: "
                "take mapping.slices=1"
            )
        levels = hardware.cells.levels
        if levels is not None and levels.count > _MOST_LEVELS:
            raise InputError(
                f"prescale tries all levels, at most {_MOST_LEVELS}, and cells.levels.count is {levels.count}: "
                "take fewer, or cells.levels=null"
            )

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with the conductances of all cells set."""
        for name, layer in bench.known_network(plan).layers.items():
            targets, reached = _targets(layer)
            plan = plan.with_layer(name, targets=targets)
            bench.note(unreachable=float((~reached).mean()))
        return plan


@dataclass(frozen=True, eq=False)
class _Reach:
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
    def of(model: Nonidealities, faults: NDArray[np.int8], factor: Array) -> _Reach:
        low, high = (settled(model, np.array(bound), factor, faults) for bound in (model.g_off, model.g_on))
        return _Reach(model, faults, factor, low, high)

    def siemens(self, target: Array) -> Array:
        """Return what the cells hold when they are asked for targets, in siemens."""
        return settled(self.model, target, self.factor, self.faults)

    def target(self, conductance: Array) -> Array:
        """Return what to ask for, to have conductances in reach; of a stuck cell as near as can be to what it has."""
        blind = self.model.write_verify is None
        target = conductance / self.factor if blind else conductance
        target = np.where(self.faults == Fault.HEALTHY, target, self.low)
        return np.clip(target, self.model.g_off, self.model.g_on)

    def level(self, conductance: Array, levels: Array) -> Array:
        """Return the level with which the cells come nearest to conductances: of the two around it the better."""
        above = np.clip(np.searchsorted(levels, self.target(conductance)), 1, len(levels) - 1)
        low, high = levels[above - 1], levels[above]
        low_is_nearer = np.abs(self.siemens(low) - conductance) <= np.abs(self.siemens(high) - conductance)
        return np.where(low_is_nearer, low, high)


def _targets(layer: CrossbarLayer) -> tuple[tuple[Array, ...], NDArray[np.bool_]]:
    """Return siemens to ask for, one array (inputs, outputs) a plane, and which weights they reach, levels aside."""
    hardware, model = layer.hardware, layer.checked_chip().model
    weights = np.concatenate([matrix.detach().cpu().double().numpy() for matrix in layer.matrices()], axis=1)
    worth = unit(hardware) / _scales(layer, weights.shape[1])
    signs = _signs(layer, weights.shape)
    goal = signs * weights * worth
    cells = [_Reach.of(model, faults, factor) for faults, factor in layer.known()]
    levels = None if model.levels is None else model.levels.values(model.g_off, model.g_on)
    margin = _ROUNDING * (model.g_on - model.g_off)
    if len(cells) == 2:
        positive, negative = cells
        upper, lower = _pair(goal, positive, negative)
        reached = np.abs(upper - lower - goal) <= margin
        if levels is not None:
            return _pair_of_levels(goal, positive, negative, levels, margin), reached
        return (positive.target(upper), negative.target(lower)), reached
    (cell,) = cells
    goal += _zero(layer, cell, signs * worth)
    conductance = np.clip(goal, cell.low, cell.high)
    reached = np.abs(conductance - goal) <= margin
    return (cell.target(conductance) if levels is None else cell.level(conductance, levels),), reached


def _pair(goal: Array, positive: _Reach, negative: _Reach) -> tuple[Array, Array]:
    lower = np.clip(positive.low - goal, negative.low, negative.high)
    return np.clip(goal + lower, positive.low, positive.high), lower


def _pair_of_levels(
    goal: Array, positive: _Reach, negative: _Reach, levels: Array, margin: float
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


def _zero(layer: CrossbarLayer, cells: _Reach, worth: Array) -> Array:
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
