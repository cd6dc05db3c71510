"""Factors of small equations, made anew so quickly that Newton's method need not keep old ones."""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs

from xbarsim.errors import SolveError
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
        self._row_scale = 1 / np.abs(table).max(axis=1, initial=0.0)
        table *= self._row_scale[:, None]
        self.col_scale: Floats = 1 / np.abs(table).max(axis=0, initial=0.0)
        table *= self.col_scale
        # LAPACK's columns are the rows here: it factors the transpose, which is solved for as such.
        self._lu, self._pivots, failed = dgetrf(table.T, overwrite_a=True)
        if failed or not np.isfinite(self._lu).all():
            raise SolveError(SINGULAR)

    def apply(self, right: Floats) -> Floats:
        """Solve for right-hand sides (size, points)."""
        solved, _ = dgetrs(self._lu, self._pivots, right * self._row_scale[:, None], trans=1)
        return np.asarray(solved * self.col_scale[:, None])

    def sizes(self, x: Floats) -> Floats:
        """Return the largest unknown at each point, in units that suit the equations."""
        return np.asarray(np.abs(x / self.col_scale[:, None]).max(axis=0, initial=0.0))
