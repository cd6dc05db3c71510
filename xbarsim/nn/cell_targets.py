"""Conductances that a layer's cells are to have, set directly instead of by its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from xbarsim.checks import Array, Locked
from xbarsim.errors import InputError
from xbarsim.nn.tile_places import Place
from xbarsim.nonideal import Nonidealities


@dataclass(frozen=True, eq=False)
class CellTargets(Locked):
    """One conductance for each weight in each plane.

    Attributes
    ----------
    siemens : (planes, inputs, outputs) array
        Outputs of all groups beside each other.
    """

    siemens: Array

    def __post_init__(self) -> None:
        self.siemens.setflags(write=False)

    @staticmethod
    def checked(value: Any, shape: tuple[int, int, int], model: Nonidealities, label: str) -> CellTargets:
        """Return targets from one array for each plane.

        Parameters
        ----------
        value : sequence of (inputs, outputs) array_like
            Siemens.
        shape : (planes, inputs, outputs)
            What they must be.
        model : Nonidealities
            Whose range they must be in.
        label : str
            What messages call the layer.

        Raises
        ------
        InputError
            The shape is another, or a target is not finite or out of range.
        """
        planes, *size = shape
        try:
            arrays = [np.asarray(plane.detach().cpu() if isinstance(plane, Tensor) else plane) for plane in value]
        except (TypeError, ValueError):
            raise InputError(f"targets are no arrays: {label} takes one of siemens for each plane") from None
        if len(arrays) != planes or any(list(plane.shape) != size for plane in arrays):
            shapes = ", ".join(str(plane.shape) for plane in arrays[:3])
            raise InputError(
                f"targets have shapes {shapes}: {label} takes {planes} of shape {tuple(size)} in siemens, one a plane"
            )
        names = [f"targets of {label}, plane {k}, cell" for k in range(planes)]
        pairs = zip(arrays, names, strict=True)
        return CellTargets(np.stack([model.checked_target(plane, (size[0], size[1]), name) for plane, name in pairs]))

    def part(self, place: Place) -> Array:
        """Return the siemens of an array's cells but its reference column; on lines that are off, of any input.

        Parameters
        ----------
        place : Place
            Which part of which plane the array holds.
        """
        rows, cols = np.maximum(place.inputs, 0), place.first_output + place.outputs
        part: Array = self.siemens[place.plane][np.ix_(rows, cols)]
        return part
