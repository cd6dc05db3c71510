"""A signed matrix on pairs of crossbars, used as numpy uses a matrix: ``x @ core``, ``core @ x``, ``core.T``.

The interface is that of CrossSim's ``AnalogCore`` (Sandia, ``simulator/cores/analog_core.py``); the numbers are those
of the exact circuit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from xbarsim.checks import Array, Locked, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.nonideal import Chip, Nonidealities
from xbarsim.solvers.map_batch import effective_conductances

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


@dataclass(frozen=True)
class CorePair:
    """The two arrays of one part of a matrix.

    Attributes
    ----------
    row, col : int
        The first row and column of the matrix that they hold.
    positive, negative : Crossbar
        Their currents' difference is the part's product.
    """

    row: int
    col: int
    positive: Crossbar
    negative: Crossbar


@dataclass(frozen=True, eq=False, repr=False)
class MatrixCore(Locked):
    """A matrix held by differential pairs of crossbars.

    A weight w is ``1/r_off + max(w, 0)/scale (1/r_on - 1/r_off)`` siemens in the positive array and the same of -w in
    the negative one. ``x @ core`` drives word lines with x and takes the difference of bit lines' currents, in units of
    the matrix. ``core @ x`` drives the same arrays' bit lines, through ``sense``, and reads word lines through
    ``driver``: a circuit of resistors is reciprocal, so that is the transposed map, exactly.

    Parameters
    ----------
    matrix : array_like, (rows, cols)
        The numbers, of either sign.
    cells : Nonidealities, optional
        The cells' two states and what becomes of them when they are programmed; default 1 kohm and 1 Mohm, nothing
        else.
    seed : int
        The chip: what its variation, its faults and its broken lines are drawn from.
    word_wire, bit_wire, driver, sense : float
        Ohms, as those of ``Crossbar``.
    tile : (rows, cols), optional
        The largest array; a larger matrix is cut. Default: one pair holds it all.
    scale : float, optional
        The weight that is ``1/r_on``; default the largest magnitude in the matrix.

    Raises
    ------
    InputError
        An argument is bad, a weight is beyond ``scale``, or ``cells`` have read noise: products would be no linear map.
    """

    matrix: Array
    cells: Nonidealities = field(default_factory=Nonidealities)
    seed: int = 0
    word_wire: float = 0.0
    bit_wire: float = 0.0
    driver: float = 0.0
    sense: float = 0.0
    tile: tuple[int, int] | None = None
    scale: float = 0.0

    __array_ufunc__ = None
    """Arrays leave ``x @ core`` to the core."""

    def __init__(
        self,
        matrix: ArrayLike,
        *,
        cells: Nonidealities | None = None,
        seed: int = 0,
        word_wire: float = 0.0,
        bit_wire: float = 0.0,
        driver: float = 0.0,
        sense: float = 0.0,
        tile: tuple[int, int] | None = None,
        scale: float | None = None,
    ) -> None:
        weights = checked_array("matrix", matrix, signed=True)
        if weights.ndim != 2 or weights.size == 0:
            raise InputError(f"matrix has shape {weights.shape}: it must be (rows, cols), at least 1 x 1")
        if tile is not None and not (len(tile) == 2 and all(isinstance(n, int) and n > 0 for n in tile)):
            raise InputError(f"tile is {tile!r}: it must be (rows, cols), whole numbers above 0")
        cells = cells or Nonidealities()
        if cells.read_noise is not None:
            raise InputError("cells have read noise, and a core is one linear map: solve core.pairs read by read")
        largest = float(np.abs(weights).max())
        bound = largest or 1.0 if scale is None else float(checked_array("scale", scale))
        if not bound > 0.0:
            raise InputError(f"scale is {bound:g}: it must be above 0")
        if largest > bound:
            i, j = (int(k) for k in np.unravel_index(int(np.argmax(np.abs(weights))), weights.shape))
            raise InputError(
                f"matrix[{i}, {j}] is {weights[i, j]:g}, beyond scale {bound:g}: give a larger scale, or clip it"
            )
        weights = weights.copy()
        weights.setflags(write=False)
        values = {
            "matrix": weights, "cells": cells, "seed": seed, "word_wire": word_wire, "bit_wire": bit_wire,
            "driver": driver, "sense": sense, "tile": tile, "scale": bound,
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, cols)`` of the matrix."""
        rows, cols = self.matrix.shape
        return rows, cols

    @property
    def ndim(self) -> int:
        """2: it is a matrix."""
        return 2

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """Of the products with real vectors."""
        return np.dtype(np.float64)

    @cached_property
    def pairs(self) -> tuple[CorePair, ...]:
        """The arrays, with their cells as they came to be: any solver can check them."""
        rows, cols = self.shape
        height, width = self.tile or self.shape
        places = [(i, j) for i in range(0, rows, height) for j in range(0, cols, width)]
        blocks = [self.matrix[i : i + height, j : j + width] for i, j in places]
        chip = Chip(self.cells, self.seed, [block.shape for block in blocks for _ in range(2)])
        low, high = 1.0 / self.cells.r_off, 1.0 / self.cells.r_on
        pairs = []
        for k, ((i, j), block) in enumerate(zip(places, blocks, strict=True)):
            arrays = []
            for tile, weights in ((2 * k, block), (2 * k + 1, -block)):
                target = low + np.maximum(weights, 0.0) / self.scale * (high - low)
                arrays.append(self._array(chip, tile, np.minimum(target, high)))
            pairs.append(CorePair(i, j, *arrays))
        return tuple(pairs)

    @cached_property
    def effective(self) -> Array:
        """The matrix that the circuits really multiply by, (rows, cols), in units of ``matrix``; each map verified."""
        maps = effective_conductances([array for pair in self.pairs for array in (pair.positive, pair.negative)])
        unit = self.scale / (1.0 / self.cells.r_on - 1.0 / self.cells.r_off)
        effective = np.zeros(self.shape)
        for k, pair in enumerate(self.pairs):
            rows, cols = pair.positive.shape
            block = (maps[2 * k] - maps[2 * k + 1]) * unit
            effective[pair.row : pair.row + rows, pair.col : pair.col + cols] = block
        effective.setflags(write=False)
        return effective

    @property
    def T(self) -> TransposedCore:  # noqa: N802
        """The same arrays, driven from their bit lines."""
        return TransposedCore(self)

    def with_matrix(self, matrix: ArrayLike) -> MatrixCore:
        """Return the same chip with another matrix programmed, at its own scale.

        Parameters
        ----------
        matrix : (rows, cols) array
            Numbers of the core's own shape.

        Raises
        ------
        InputError
            As the constructor, or the shape is another.
        """
        weights = checked_array("matrix", matrix, signed=True)
        if weights.shape != self.shape:
            raise InputError(f"matrix has shape {weights.shape}: the core is {self.shape}")
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "scale"}
        return MatrixCore(**(values | {"matrix": weights}))

    def linear_operator(self) -> LinearOperator:
        """Return scipy's LinearOperator of ``core @ x``, for its iterative solvers."""
        from scipy.sparse.linalg import aslinearoperator

        return aslinearoperator(self.effective)

    def __matmul__(self, x: ArrayLike) -> NDArray[np.inexact]:
        vectors = _checked_operand(x, self.shape[1], 0, "core @ x", self.shape)
        return np.asarray(self.effective @ vectors)

    def __rmatmul__(self, x: ArrayLike) -> NDArray[np.inexact]:
        vectors = _checked_operand(x, self.shape[0], -1, "x @ core", self.shape)
        return np.asarray(vectors @ self.effective)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return ``effective``, for those that take a matrix for an array: pandas, say."""
        return np.array(self.effective, dtype) if copy else np.asarray(self.effective, dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        rows, cols = self.shape
        return f"MatrixCore({rows} x {cols}, {2 * len(self.pairs)} arrays, scale={self.scale:g}, seed={self.seed})"

    def _array(self, chip: Chip, tile: int, target: Array) -> Crossbar:
        """Return an array of the chip with its cells programmed."""
        wires = {name: getattr(self, name) for name in ("word_wire", "bit_wire", "driver", "sense")}
        blank = chip.crossbar(Crossbar(target, **wires), tile)
        circuit = blank if self.cells.programming else None
        programmed = chip.apply(target, tile, circuit=circuit)
        return replace(blank, conductance=chip.read(programmed))


@dataclass(frozen=True, eq=False, repr=False)
class TransposedCore:
    """A core seen from its bit lines; ``.T`` gives the core back."""

    core: MatrixCore

    __array_ufunc__ = None

    @property
    def shape(self) -> tuple[int, int]:
        """``(cols, rows)`` of the core."""
        rows, cols = self.core.shape
        return cols, rows

    @property
    def ndim(self) -> int:
        """2: it is a matrix."""
        return 2

    @property
    def T(self) -> MatrixCore:  # noqa: N802
        """The core itself."""
        return self.core

    def linear_operator(self) -> LinearOperator:
        """Return scipy's LinearOperator of ``core.T @ x``."""
        return self.core.linear_operator().T

    def __matmul__(self, x: ArrayLike) -> NDArray[np.inexact]:
        vectors = _checked_operand(x, self.shape[1], 0, "core.T @ x", self.shape)
        return np.asarray(self.core.effective.T @ vectors)

    def __rmatmul__(self, x: ArrayLike) -> NDArray[np.inexact]:
        vectors = _checked_operand(x, self.shape[0], -1, "x @ core.T", self.shape)
        return np.asarray(vectors @ self.core.effective.T)

    def __repr__(self) -> str:
        return f"{self.core!r}.T"


def _checked_operand(x: ArrayLike, size: int, axis: int, product: str, shape: tuple[int, int]) -> NDArray[np.inexact]:
    """Return x as an array of real or complex numbers whose ``axis`` fits."""
    vectors = np.asarray(x)
    if vectors.dtype.kind not in "biufc":
        raise InputError(f"{product}: x must be numbers, not {vectors.dtype}")
    if vectors.ndim == 0 or vectors.ndim > (2 if axis == 0 else vectors.ndim) or vectors.shape[axis] != size:
        expected = f"({size},) or ({size}, k)" if axis == 0 else f"(..., {size})"
        raise InputError(f"{product}: x has shape {vectors.shape} and the matrix {shape}: x must be {expected}")
    if not np.isfinite(vectors).all():
        raise InputError(f"{product}: x has an entry that is not finite")
    return vectors
