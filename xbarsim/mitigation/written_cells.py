"""Cells of a layer that follow its weights in strides: which of them a change of the weights writes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.planes import planes_of


class WrittenCells:
    """What is programmed of a layer while its weights are trained.

    A weight that is more than ``threshold`` of the scale from what is programmed is written: those of its cells, in
    whatever plane, whose target is another than before. Cells that are known to be stuck are not.

    Parameters
    ----------
    layer : CrossbarLayer
        On the chip as it is known, with the weights that are programmed at first.
    threshold : float
        Of the scale.

    Attributes
    ----------
    weight : Tensor
        The weights that are programmed, in torch's shape.
    scale : float
        The weight of the largest conductance.
    writes : list of (inputs, outputs) array of int
        How often each cell was written, by plane.
    """

    def __init__(self, layer: CrossbarLayer, threshold: float) -> None:
        self._threshold, self._hardware, self._groups = threshold, layer.hardware, layer.groups
        self.weight = layer.weight.detach().clone()
        self.scale = float(layer.scales()[0].detach().max())
        self._healthy = [faults == 0 for faults, _ in layer.known()]
        self._signs = line_signs(layer)
        self._targets = self._siemens(self.weight)
        self.writes = [np.zeros(target.shape, dtype=np.int64) for target in self._targets]

    @property
    def headroom(self) -> float:
        """What keeps the scale, whatever the largest programmed weight is."""
        largest = float(self.weight.abs().max())
        return self.scale / largest if largest else self.scale

    def follow(self, weight: Tensor) -> list[NDArray[np.bool_]]:
        """Take weights, within the scale, where they have gone too far; returns which cells that writes, by plane."""
        far = (weight.detach() - self.weight).abs() > self._threshold * self.scale
        self.weight = torch.where(far, weight.detach(), self.weight)
        targets = self._siemens(self.weight)
        masks = [
            healthy & (new != old) for healthy, new, old in zip(self._healthy, targets, self._targets, strict=True)
        ]
        for count, mask in zip(self.writes, masks, strict=True):
            count += mask
        self._targets = targets
        return masks

    def _siemens(self, weight: Tensor) -> list[Array]:
        """Return the targets of all cells, by plane (inputs, outputs)."""
        matrix = weight.reshape(weight.shape[0], -1).T.double() * self._signs
        scale = torch.full((1, 1), self.scale, dtype=torch.float64)
        planes = [plane.numpy() for plane in planes_of(matrix, scale, self._hardware)]
        cells = self._hardware.cells
        if cells.levels is None:
            return planes
        return [cells.levels.quantise(plane, cells.g_off, cells.g_on) for plane in planes]


def line_signs(layer: CrossbarLayer) -> Tensor:
    """Return 1, or -1 where a weight is stored and driven negated, (inputs, outputs of all groups)."""
    signs = torch.ones(layer.weight[0].numel(), layer.outputs, dtype=torch.float64)
    for place in layer.places:
        if place.signs is not None and place.plane == 0:
            on, cols = place.driven, place.first_output + place.outputs
            signs[np.ix_(place.inputs[on], cols)] = torch.tensor(place.signs, dtype=torch.float64)[on, None]
    return signs
