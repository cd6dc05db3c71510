"""What a circuit that computes gives, beside what it is meant to compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import SolveError
from xbarsim.loop.closed_loop import ClosedLoop

MOST_CONDITION = 1e12
"""Condition number of a matrix from which on a circuit's answer would say more of rounding than of the matrix."""

ROUNDING = 8.0 * float(np.finfo(float).eps)
"""Of linear algebra, times a condition number."""


@dataclass(frozen=True, eq=False, repr=False)
class LoopAnswer:
    """The answer of a circuit.

    Attributes
    ----------
    x : (n,) or (batch, n)
        Volts that the circuit gives.
    ideal : same shape
        Volts by linear algebra, from the cells as they are.
    condition : float
        Condition number of the matrix of the cells.
    circuit : ClosedLoop
        The whole circuit, all its voltages and currents, its poles.
    """

    x: Array
    ideal: Array
    condition: float
    circuit: ClosedLoop

    @property
    def relative_error(self) -> float | Array:
        """Norm of ``x - ideal`` over that of ``ideal``, a number or (batch,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share: Array = np.linalg.norm(self.x - self.ideal, axis=-1) / np.linalg.norm(self.ideal, axis=-1)
        return float(share) if share.ndim == 0 else share

    @property
    def doubt(self) -> float | Array:
        """What ``relative_error`` may be wrong by, a number or (batch,): bounds of both sides' rounding.

        The circuit's is its residual, which is relative to the largest voltage of all its nodes, for each entry;
        linear algebra's is the condition number times rounding.
        """
        largest = np.abs(np.array(list(self.circuit.node_voltages().values()))).max(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            entries = np.sqrt(self.x.shape[-1]) * self.circuit.residual * largest
            doubt: Array = entries / np.linalg.norm(self.ideal, axis=-1) + ROUNDING * self.condition
        return float(doubt) if doubt.ndim == 0 else doubt

    def __repr__(self) -> str:
        worst = float(np.max(self.relative_error))
        shape = " x ".join(map(str, self.x.shape))
        return f"LoopAnswer({shape} volts, relative_error={worst:.1e}, residual={self.circuit.residual:.1e})"


def checked_condition(matrix: Array, way_out: str) -> float:
    """Return a matrix's condition number.

    Raises
    ------
    SolveError
        The matrix is singular, or as good as; the message has the number.
    """
    condition = float(np.linalg.cond(matrix))
    if not condition <= MOST_CONDITION:
        raise SolveError(f"the matrix is singular to its digits, its condition number is {condition:.1e}: {way_out}")
    return condition


def mode_condition(matrix: Array, values: Any, vectors: Any, mode: int) -> float:
    """Return how sensitive an eigenvector is: the norm of what the matrix's changes are multiplied by, times its own.

    To first order a change E moves eigenvector k by ``sum_j x_j (y_j E x_k) / (l_k - l_j)`` of the others (G. H. Golub
    and C. F. Van Loan, Matrix Computations, 7.2).
    """
    gaps = np.delete(values[mode] - values, mode)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        through = np.delete(vectors, mode, axis=1) / gaps @ np.delete(np.linalg.inv(vectors), mode, axis=0)
    if not np.isfinite(through).all():
        return np.inf
    return float(np.linalg.norm(through, 2) * np.linalg.norm(matrix, 2))
