"""A matrix in extended precision, factored in double precision, and solutions refined until they hold."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.mna.network import Floats, Sparse

SINGULAR = (
    "the circuit's equations are singular: some voltage or current is not determined "
    "(controlled sources that cancel a resistance, or sources that depend on each other)"
)

_REFINEMENTS = 5

_MOST_REFINED = 1e-6
"""Relative size of a last refinement past which a solution is none."""

_SMALLEST = float(np.finfo(np.float64).tiny)


class UntrustedError(ConvergenceError):
    """A solution that does not hold, worst in unknown or equation number ``unknown``; ``nodes`` is where that is."""

    def __init__(self, message: str, unknown: int) -> None:
        super().__init__(message)
        self.unknown = unknown
        self.nodes: list[int] = []


class Factors:
    """LU factors of a matrix, rows and columns scaled.

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
        self.wide = wide
        self.matrix = sp.csc_array(wide.astype(np.float64))
        self.size = self.matrix.shape[0]
        # Conductances of 1e-12 S stand beside 1s of branch laws: equilibrate rows, then columns.
        magnitude = abs(self.matrix)
        self.row_scale = _power_below(_largest(magnitude, 1))
        self.col_scale = _power_below(_largest(sp.diags_array(self.row_scale) @ magnitude, 0))
        scaled = sp.diags_array(self.row_scale) @ self.matrix @ sp.diags_array(self.col_scale)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Networks are nearly symmetric; COLAMD squares the rows of lines that hundreds of elements meet.
                self._lu = splu(sp.csc_array(scaled), permc_spec="MMD_AT_PLUS_A")
        except RuntimeError:
            raise SolveError(SINGULAR) from None

    def solve(self, right: Floats) -> Floats:
        """Solve for right-hand sides (size, points), refined with residuals in extended precision.

        Raises
        ------
        UntrustedError
            Refinement does not settle.
        """
        x = self.apply(right)
        step, moved = x, 0.0
        for _ in range(_REFINEMENTS):
            gap = (right - self.wide @ x.astype(np.longdouble)).astype(np.float64)
            step = self.apply(gap)
            x = x + step
            moved = float(np.max(self.sizes(step) / np.maximum(self.sizes(x), _SMALLEST), initial=0.0))
            if moved <= 1e-16:
                break
        if not moved <= _MOST_REFINED:
            raise UntrustedError(
                f"the network's solution still moves by {moved:.1e} of itself when it is refined: "
                "look for resistances or gains many decades apart, or feedback that cancels a resistance",
                int(np.abs(step / self.col_scale[:, None]).max(axis=1).argmax()),
            )
        return x

    def apply(self, right: Floats) -> Floats:
        """Solve once, without refinement."""
        solved: Floats = self._lu.solve(right * self.row_scale[:, None])
        return solved * self.col_scale[:, None]

    def sizes(self, x: Floats) -> Floats:
        """Largest unknown at each point, volts and amperes in units that suit the equations."""
        sizes: Floats = np.abs(x / self.col_scale[:, None]).max(axis=0, initial=0.0)
        return sizes


def _largest(matrix: Sparse, axis: int) -> Floats:
    """Largest entry of each row (1) or column (0) of a sparse matrix."""
    return np.asarray(matrix.max(axis=axis).todense(), dtype=np.float64).ravel()


def _power_below(size: Floats) -> Floats:
    """Return powers of two that bring sizes to about 1: they round nothing, so that 1 - 1 stays 0 where it is."""
    _, exponent = np.frexp(np.where(np.isfinite(size) & (size > 0), size, 1.0))
    return np.asarray(np.ldexp(1.0, np.clip(1 - exponent, -1000, 1000)))
