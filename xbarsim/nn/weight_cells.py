"""The cells of each weight where it lies, and what they make of any weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nn.cells import ArrayState
from xbarsim.nn.physical_lines import PhysicalLines
from xbarsim.nn.tile_places import Indices, Place


@dataclass(frozen=True, eq=False)
class _Area:
    """Weights that lie on arrays at the same place: their inputs, outputs, signs (inputs, 1) and word lines."""

    inputs: Indices
    outputs: Indices
    signs: Array
    lines: PhysicalLines


class WeightCells:
    """The cells of the weights of a layer's group, on its chip and at its scale when this is made.

    Parameters
    ----------
    state : ArrayState
        The layer.
    group : int
        Of a convolution.
    shape : (int, int)
        Inputs, a row of biases included, and outputs of the group.
    """

    def __init__(self, state: ArrayState, group: int, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._areas = tuple(_area(state, place) for place in state.places if place.group == group and place.plane == 0)

    def represented(self, weights: Array) -> Array:
        """Return t(w): what each weight would be on its cells, all planes of them, were the weights these.

        It is what ``realised`` gives for a row and the word line on which it lies, with its sign.

        Parameters
        ----------
        weights : (inputs, outputs) array
            Beyond the scale they count as that.

        Raises
        ------
        InputError
            The shape is another.
        """
        if weights.shape != self.shape:
            raise InputError(f"weights have shape {weights.shape}: they must be {self.shape}")
        matrix = np.empty(self.shape)
        for area in self._areas:
            cells = np.ix_(area.inputs, area.outputs)
            goals = area.lines.goals(area.signs * weights[cells])
            matrix[cells] = area.signs * area.lines.realised_in_order(goals)
        return matrix


def _area(state: ArrayState, place: Place) -> _Area:
    on = place.driven
    signs = np.ones(len(place.rows)) if place.signs is None else np.array(place.signs, dtype=float)
    lines = PhysicalLines(state, place.group, np.array(place.rows)[on], place.outputs)
    return _Area(place.inputs[on], place.outputs, signs[on, None], lines)
