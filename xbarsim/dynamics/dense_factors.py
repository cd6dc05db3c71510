"""Factors of small equations, made anew so quickly that Newton's method need not keep old ones."""

from __future__ import annotations

import numpy as np

from xbarsim.errors import SolveError
from xbarsim.kernels import full_matrices
from xbarsim.mna.factors import SINGULAR
from xbarsim.mna.linear_network import Floats


class DenseFactors:
    """LU factors of a full matrix, rows and columns scaled; they do what ``mna.Factors`` do.

    Parameters
    ----------
    table : (size, size)
        The matrix; it is overwritten.

    Raises
    ------
    SolveError
        It is singular.
    """

    def __init__(self, table: Floats) -> None:
        size = table.shape[0]
        self._lu, self._row_scale, self._pivots = table, np.empty(size), np.empty(size, np.int64)
        self.col_scale: Floats = np.empty(size)
        if not full_matrices.factor(table, self._row_scale, self.col_scale, self._pivots):
            raise SolveError(SINGULAR)

    def apply(self, right: Floats) -> Floats:
        """Solve for a right-hand side (size, 1).

        Parameters
        ----------
        right : (size, 1) array
            In the equations' units.
        """
        x = np.empty_like(right)
        full_matrices.solve(self._lu, self._row_scale, self.col_scale, self._pivots, right[:, 0], x[:, 0])
        return x

    def sizes(self, x: Floats) -> Floats:
        """Return the largest of the unknowns (size, 1), in units that suit the equations: (1,)."""
        return np.array([full_matrices.largest(x[:, 0], self.col_scale)])
