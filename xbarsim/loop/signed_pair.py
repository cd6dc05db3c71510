"""Matrices of both signs on two arrays, one that counts positive and one that counts negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError


@dataclass(frozen=True, eq=False)
class SignedPair:
    """Two crossbars of one shape: ``A = (positive - negative) / unit``, their conductances over a unit.

    Circuits drive the ``negative`` one with inverted voltages, where the same voltages drive the ``positive`` one.

    Parameters
    ----------
    positive, negative : Crossbar
        Each with its own wires and ends.

    Raises
    ------
    InputError
        They are no crossbars, or of different shapes.
    """

    positive: Crossbar
    negative: Crossbar

    def __post_init__(self) -> None:
        for name in ("positive", "negative"):
            if not isinstance(getattr(self, name), Crossbar):
                raise InputError(f"{name} is {type(getattr(self, name)).__name__}: it must be an xbarsim.Crossbar")
        if self.positive.shape != self.negative.shape:
            shapes = " and ".join("{} x {}".format(*array.shape) for array in (self.positive, self.negative))
            raise InputError(f"positive and negative are {shapes}: a pair is of one shape")

    @classmethod
    def of(cls, matrix: ArrayLike, unit: float, **circuit: Any) -> Self:
        """Return the pair of a signed matrix (rows, cols): its parts of each sign, times ``unit`` siemens.

        ``circuit`` is what a ``Crossbar`` takes beside its conductances, the same for both.

        Parameters
        ----------
        matrix : (rows, cols) array
            Numbers of both signs.
        unit : float
            Siemens of 1.
        **circuit
            What a ``Crossbar`` takes beside its conductances, of both arrays.

        Raises
        ------
        InputError
            The matrix has a bad entry, or ``unit`` is not above 0.
        """
        entries = checked_array("matrix", matrix, signed=True)
        siemens = checked_unit(unit)
        return cls(*(Crossbar(np.maximum(sign * entries, 0.0) * siemens, **circuit) for sign in (1.0, -1.0)))

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, cols)``."""
        return self.positive.shape


Matrix = Crossbar | SignedPair
"""What stands for a matrix: one crossbar, or a pair where it has both signs."""


def matrix_of(array: Matrix, unit: float) -> Array:
    """Return the matrix (rows, cols) that an array stands for."""
    if isinstance(array, SignedPair):
        return (array.positive.conductance - array.negative.conductance) / unit
    return array.conductance / unit


def without_wires(array: Matrix) -> Matrix:
    """Return an array of the same cells, with wires and ends of 0 ohm."""
    if isinstance(array, SignedPair):
        return SignedPair(Crossbar(array.positive.conductance), Crossbar(array.negative.conductance))
    return Crossbar(array.conductance)


def checked_matrix(array: object) -> Matrix:
    """Return what stands for a matrix, or raise InputError."""
    if not isinstance(array, Crossbar | SignedPair):
        raise InputError(f"array is {type(array).__name__}: it must be an xbarsim.Crossbar, or a SignedPair of two")
    return array


def checked_unit(unit: float, name: str = "unit") -> float:
    """Return siemens above 0, or raise InputError."""
    value = checked_array(name, unit)
    if value.ndim or not float(value) > 0.0:
        raise InputError(f"{name} is {unit}: it must be one number of siemens above 0")
    return float(value)


def checked_ohms(name: str, ohms: float) -> float:
    """Return ohms above 0, or raise InputError."""
    value = checked_array(name, ohms)
    if value.ndim or not float(value) > 0.0:
        raise InputError(f"{name} is {ohms}: it must be one number of ohms above 0")
    return float(value)


def checked_inputs(name: str, inputs: ArrayLike, lines: int, line: str) -> Array:
    """Return volts (lines,) or (batch, lines), or raise InputError."""
    volts = checked_array(name, inputs, signed=True)
    if volts.ndim not in (1, 2) or volts.shape[-1] != lines:
        raise InputError(
            f"{name} has shape {volts.shape}: it must be ({lines},) or (batch, {lines}), a number for each {line}"
        )
    return volts
