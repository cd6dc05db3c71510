"""A layer of another simulator as crossbars: what its arrays' currents are multiplied with, and what is taken off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.solvers.solve import solve


@dataclass(frozen=True, eq=False)
class ForeignPart:
    """An array, or a pair, that computes a part of a layer's matrix: a tile, a slice of its bits, a significance.

    Its outputs are ``unit (I_positive - I_negative - offset sum(x))``; with a unit column, the array's first column is
    taken off the rest.

    Attributes
    ----------
    row, col : int
        The first input and output of the layer that it has.
    positive : Crossbar
        Rows are inputs, columns outputs.
    negative : Crossbar or None
        Whose currents are taken off; None: there is no such array.
    unit : (outputs,) array
        What currents, in amperes for inputs in volts, are multiplied with.
    offset : float
        Siemens: a conductance that is taken off in digital, from all cells alike.
    unit_column : bool
        Whether the first column holds zero points instead of weights.
    """

    row: int
    col: int
    positive: Crossbar
    negative: Crossbar | None
    unit: Array
    offset: float = 0.0
    unit_column: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """``(inputs, outputs)`` of the part."""
        rows, cols = self.positive.shape
        return rows, cols - self.unit_column

    @property
    def weights(self) -> Array:
        """What the part multiplies by if its wires are ideal, (inputs, outputs)."""
        g = self.positive.conductance
        if self.negative is not None:
            g = g - self.negative.conductance
        if self.unit_column:
            g = g[:, 1:] - g[:, :1]
        return np.asarray((g - self.offset) * self.unit)

    def outputs(self, volts: Array) -> Array:
        """Return what the part adds to its outputs, (..., outputs), for its inputs in volts, (..., inputs)."""
        currents = solve(self.positive, volts).currents
        if self.negative is not None:
            currents = currents - solve(self.negative, volts).currents
        if self.unit_column:
            currents = currents[..., 1:] - currents[..., :1]
        return np.asarray((currents - self.offset * volts.sum(axis=-1, keepdims=True)) * self.unit)


@dataclass(frozen=True, eq=False)
class ForeignArrays:
    """The arrays of a model's layer.

    Attributes
    ----------
    parts : tuple of ForeignPart
        Their outputs add up.
    shape : (inputs, outputs)
        Of the layer's matrix, without a bias.
    bias : (outputs,) array or None
        Numbers that are added to outputs in digital.
    constant : float
        Where the arrays have one row more than the layer has inputs, its bias: the volts of that row.
    """

    parts: tuple[ForeignPart, ...]
    shape: tuple[int, int]
    bias: Array | None = None
    constant: float = 1.0

    @property
    def weights(self) -> Array:
        """What the arrays multiply by if wires are ideal, (inputs, outputs), and a last row for an analog bias."""
        rows = max(part.row + part.shape[0] for part in self.parts)
        total = np.zeros((rows, self.shape[1]))
        for part in self.parts:
            inputs, outputs = part.shape
            total[part.row : part.row + inputs, part.col : part.col + outputs] += part.weights
        return total

    def outputs(self, inputs: ArrayLike) -> Array:
        """Return the layer's outputs by exact solves of its circuits, with its bias, (outputs,) or (batch, outputs).

        The layer's converters and its noise at each read are not there.

        Parameters
        ----------
        inputs : array_like, (inputs,) or (batch, inputs)
            The layer's inputs, taken as volts.

        Raises
        ------
        InputError, SolveError
            As ``xbarsim.solve``.
        """
        x = checked_array("inputs", inputs, signed=True)
        if x.ndim not in (1, 2) or x.shape[-1] != self.shape[0]:
            raise InputError(f"inputs has shape {x.shape}: it must be ({self.shape[0]},) or (batch, {self.shape[0]})")
        driven = np.concatenate([x, np.full((*x.shape[:-1], 1), self.constant)], axis=-1)
        total = np.zeros((*x.shape[:-1], self.shape[1]))
        for part in self.parts:
            rows, cols = part.shape
            total[..., part.col : part.col + cols] += part.outputs(driven[..., part.row : part.row + rows])
        return total if self.bias is None else total + self.bias


def attribute(thing: Any, path: str, name: str) -> Any:
    """Return an attribute of an attribute, or say which is missing.

    Raises
    ------
    InputError
        There is none.
    """
    for part in path.split("."):
        if not hasattr(thing, part):
            kind = type(thing).__name__
            raise InputError(f"{name} is a {kind}, without {part!r}: it is of another kind or version than this reads")
        thing = getattr(thing, part)
    return thing


def numbers(tensor: Any) -> Array:
    """Return a tensor, wherever it is, whatever its precision and whatever follows its gradient, as an array."""
    for step in ("detach", "cpu", "double"):
        tensor = getattr(tensor, step, lambda tensor=tensor: tensor)()
    return np.asarray(tensor, dtype=np.float64)
