"""How far from their weights columns of a group would be, were they laid where other outputs lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from xbarsim.checks import Array
from xbarsim.kernels import row_errors
from xbarsim.nn.cells import ArrayState
from xbarsim.nn.physical_lines import LineBlock, PhysicalLines
from xbarsim.nn.planes import planes_of
from xbarsim.nn.tile_places import Indices, Place
from xbarsim.nonideal.writing import goals


@dataclass(frozen=True, eq=False)
class _Part:
    """Weights of all outputs on some word lines, and the cells of some outputs there.

    Attributes
    ----------
    outputs : (places,) array of int
        Whose cells they are.
    weights : (inputs, outputs)
        Over the outputs' scales, and as they are stored.
    siemens : (planes, inputs, outputs)
        That a write aims at for them.
    factor : (inputs,)
        What errors are multiplied with.
    block : LineBlock
        The cells, at the scales of the outputs that they have.
    scale : (1, 1) or (1, places)
        Those scales.
    """

    outputs: Indices
    weights: Array
    siemens: Array
    factor: Array
    block: LineBlock
    scale: Array

    def costs(self, power: int) -> Array:
        """Return the sums over its inputs, (outputs, places)."""
        straight = self.block.straight()
        if straight is None:
            return self._output_by_output(power)
        base, slope = straight
        factor = self.factor[:, None]
        costs = np.zeros((self.weights.shape[1], len(self.outputs)))
        row_errors.add_distances(
            costs,
            np.ascontiguousarray((self.weights * factor).T),
            np.ascontiguousarray((base / self.scale * factor).T),
            np.ascontiguousarray((slope / self.scale * factor).transpose(0, 2, 1)),
            np.ascontiguousarray(self.siemens.transpose(0, 2, 1)),
            power == 2,
        )
        return costs

    def _output_by_output(self, power: int) -> Array:
        costs = np.empty((self.weights.shape[1], len(self.outputs)))
        for output, weights in enumerate(self.weights.T):
            real = self.block.realised([plane[:, output, None] for plane in self.siemens]) / self.scale
            apart = np.abs(weights[:, None] - real) * self.factor[:, None]
            costs[output] = (apart**power).sum(axis=0)
        return costs


def column_distances(state: ArrayState, group: int, weighting: Array, power: int) -> Array:
    """Return ``sum_p (u_p |w_pj - t_pk(w_pj)|)^power`` for all outputs j and k of a group.

    Parameters
    ----------
    state : ArrayState
        The layer, with rows where they lie.
    group : int
        Of a convolution.
    weighting : (inputs,) array
        u.
    power : int
        1 or 2.

    Returns
    -------
    (outputs, outputs) array
        Row j: as a column on the cells that output k has.
    """
    matrix = state.matrices[group].detach().cpu().double().numpy()
    scale = np.broadcast_to(state.scales[group].detach().cpu().double().numpy(), (1, matrix.shape[1]))
    costs = np.zeros((matrix.shape[1],) * 2)
    for place in state.places:
        if place.group == group and place.plane == 0:
            for part in _parts(state, place, matrix / scale, scale, weighting):
                costs[:, part.outputs] += part.costs(power)
    costs *= scale.T**power
    return costs


def _parts(state: ArrayState, place: Place, shares: Array, scale: Array, weighting: Array) -> Iterator[_Part]:
    on = place.driven
    inputs, model = place.inputs[on], state.chip.model
    signs = np.ones(len(on)) if place.signs is None else np.array(place.signs, dtype=float)
    weights = signs[on, None] * shares[inputs]
    planes = planes_of(torch.from_numpy(weights), torch.ones((1, 1), dtype=torch.float64), state.hardware)
    siemens = np.stack([goals(model, plane.numpy(), (weights.shape[0], weights.shape[1])) for plane in planes])
    for block in PhysicalLines(state, place.group, np.array(place.rows)[on], place.outputs).blocks:
        outputs, lines = place.outputs[block.cols], block.lines
        factor = weighting[inputs[lines]]
        yield _Part(outputs, weights[lines], siemens[:, lines], factor, block, scale[:, outputs])
