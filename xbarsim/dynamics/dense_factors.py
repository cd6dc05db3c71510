"""Factors of small equations, made anew so quickly that Newton's method need not keep old ones."""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs

from xbarsim.errors import SolveError
from xbarsim.mna.factors import SINGULAR
from xbarsim.mna.linear_network import Floats, Sparse

MOST = 80
"""Unknowns up to which the full matrix is faster than its sparse factors."""


class DenseFactors:
    """LU factors of a full matrix, rows and columns scaled; they do what ``mna.Factors`` do.

    Parameters
    ----------
    wide : (size, size) sparse, longdouble
        The matrix.

    Raises
    ------
    SolveError
        It is singular.
    """

    def __init__(self, wide: Sparse) -> None:
        table = wide.toarray().astype(np.float64)
        self._row_scale = 1 / np.abs(table).max(axis=1, initial=0.0)
        table *= self._row_scale[:, None]
        self.col_scale: Floats = 1 / np.abs(table).max(axis=0, initial=0.0)
        self._lu, self._pivots, failed = dgetrf(table * self.col_scale, overwrite_a=True)
        if failed or not np.isfinite(self._lu).all():
            raise SolveError(SINGULAR)

    def apply(self, right: Floats) -> Floats:
        """Solve for right-hand sides (size, points)."""
        solved, _ = dgetrs(self._lu, self._pivots, right * self._row_scale[:, None])
        return np.asarray(solved * self.col_scale[:, None])

    def sizes(self, x: Floats) -> Floats:
        """Return the largest unknown at each point, in units that suit the equations."""
        return np.asarray(np.abs(x / self.col_scale[:, None]).max(axis=0, initial=0.0))
