"""Dense equations of a loop, scaled and factored, with the sizes of their inverse's entries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from xbarsim.checks import Array
from xbarsim.resources import check_memory, one_blas_thread

SINGULAR = 1e15
"""Condition number from which on a scaled matrix is taken as singular."""

_ROUNDS = 3


class SingularSystemError(Exception):
    """The equations have no unique solution.

    Attributes
    ----------
    mode : (size,)
        The unknowns that they leave free, scaled to the size of each.
    condition : float
        Of the scaled matrix.
    """

    def __init__(self, mode: Array, condition: float) -> None:
        super().__init__(f"condition number {condition:.1e}")
        self.mode, self.condition = mode, condition


@dataclass(frozen=True, eq=False)
class DenseSystem:
    """A matrix that was factored.

    Attributes
    ----------
    rows, columns : (size,)
        What they are multiplied with so that entries are near 1, powers of 2.
    inverse : (size, size)
        Of the scaled matrix.
    condition : float
        Of the scaled matrix, in the norm of its columns' sums.
    """

    rows: Array
    columns: Array
    inverse: Array
    condition: float

    @staticmethod
    def of(matrix: Array) -> DenseSystem:
        """Factor a matrix (size, size).

        Raises
        ------
        SingularSystemError
            It is singular to double precision.
        """
        size = matrix.shape[0]
        check_memory(8.0 * 6 * size * size, f"a loop of {size} unknowns", "take fewer lines")
        rows, columns = scales(matrix)
        scaled = rows[:, None] * matrix * columns
        with one_blas_thread():
            factors, pivots, failed = lapack.dgetrf(scaled)
            inverse, bad = lapack.dgetri(factors, pivots) if failed == 0 else (scaled, 1)
        norm = float(np.abs(scaled).sum(axis=0).max(initial=0.0))
        condition = norm * float(np.abs(inverse).sum(axis=0).max(initial=0.0)) if bad == 0 else np.inf
        if not condition < SINGULAR:
            raise SingularSystemError(_mode(scaled), condition)
        return DenseSystem(rows, columns, inverse, condition)

    def solve(self, right: Array) -> Array:
        """Return the unknowns (size, points) of right-hand sides of the same shape."""
        with one_blas_thread():
            solved: Array = self.columns[:, None] * (self.inverse @ (self.rows[:, None] * right))
        return solved

    def bound(self, gap: Array) -> Array:
        """Return what unknowns (size, points) are off by at most where equations are by ``gap``, >= 0."""
        with one_blas_thread():
            bound: Array = self.columns[:, None] * (self._sizes @ (self.rows[:, None] * gap))
        return bound

    @cached_property
    def _sizes(self) -> Array:
        return np.abs(self.inverse)


def scales(matrix: Array) -> tuple[Array, Array]:
    """Return powers of 2 that bring the largest entries of rows and columns near 1."""
    size = np.abs(matrix)
    rows, columns = np.ones(size.shape[0]), np.ones(size.shape[1])
    for _ in range(_ROUNDS):
        for axis, scale in ((1, rows), (0, columns)):
            largest = (rows[:, None] * size * columns).max(axis=axis, initial=0.0)
            with np.errstate(divide="ignore"):
                scale *= np.where(largest > 0.0, np.exp2(-np.round(np.log2(largest) / 2.0)), 1.0)
    largest = (rows[:, None] * size * columns).max(axis=1, initial=0.0)
    with np.errstate(divide="ignore"):
        rows *= np.where(largest > 0.0, np.exp2(-np.round(np.log2(largest))), 1.0)
    return rows, columns


def _mode(scaled: Array) -> Array:
    """Return the right singular vector of the smallest singular value."""
    mode: Array = np.linalg.svd(scaled)[2][-1]
    return mode
