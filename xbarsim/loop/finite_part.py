"""The part of ``E x' = A x`` that moves, whatever E is: what has infinite eigenvalues is solved for, step by step.

Where E has rank k, k unknowns z are told by their derivatives and the others w by balances alone. Balances that do not
fix all of w constrain z instead (two capacitances side by side with a source, inductors that alone meet at a node):
each takes one unknown out of z, and the unknown of w that enforces it takes one equation. What is left is again such a
pencil, and smaller (E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, 1996, ch. VII.1; the pivots are
those of Gaussian elimination, so that unknowns stay what they are).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.loop.dense_system import scales
from xbarsim.loop.loop_equations import Ints

_LEAST_PIVOT = 1e-12
"""Of a matrix whose entries are scaled to 1, below which what is left of it is rounding."""


class SingularPencilError(Exception):
    """``s E - A`` is singular for every s."""


@dataclass(frozen=True, eq=False)
class FinitePart:
    """``E_z z' = A_z z``, E_z not singular, and what the unknowns x are by z.

    Attributes
    ----------
    holding, rates : (k, k)
        E_z and A_z.
    whole : (size, k)
        ``x = whole z``.
    left : (size, k)
        ``left' b`` is what a right-hand side ``b`` of the whole equations is in these; only where E acts.
    """

    holding: Array
    rates: Array
    whole: Array
    left: Array


def finite_part(holding: Array, moving: Array) -> FinitePart:
    """Return the finite part of E and A, (size, size) each.

    Raises
    ------
    SingularPencilError
        The equations do not fix the unknowns.
    """
    size = holding.shape[0]
    (top, first), (low, second) = _split(holding)
    if not top.size:
        if len(_pivots(moving)[0]) < size:
            raise SingularPencilError
        return FinitePart(*np.zeros((2, 0, 0)), *np.zeros((2, size, 0)))
    charge = holding[np.ix_(top, first)]
    # z = x_first + back x_second, w = x_second; balances are rows without what they have of the others'.
    back = np.linalg.solve(charge, holding[np.ix_(top, second)])
    share = np.linalg.solve(charge.T, holding[np.ix_(low, first)].T).T
    by_z, by_w = moving[:, first], moving[:, second] - moving[:, first] @ back
    inner = _solved(charge, by_z[top], by_w[top], by_z[low] - share @ by_z[top], by_w[low] - share @ by_w[top])
    states, fixed = inner.whole[: first.size], inner.whole[first.size :]
    whole, left = np.zeros((2, size, states.shape[1]))
    whole[first], whole[second] = states - back @ fixed, fixed
    left[top] = inner.left
    return FinitePart(inner.holding, inner.rates, whole, left)


def _solved(charge: Array, rates: Array, pushes: Array, balance_z: Array, balance_w: Array) -> FinitePart:
    """Return the finite part of ``charge z' = rates z + pushes w``, ``0 = balance_z z + balance_w w``, x = (z, w)."""
    (rows, columns), (loose_rows, loose) = _split(balance_w)
    pivot = balance_w[np.ix_(rows, columns)]
    # w[columns] = -by_z z - by_w w[loose].
    by_z = np.linalg.solve(pivot, balance_z[rows])
    by_w = np.linalg.solve(pivot, balance_w[np.ix_(rows, loose)])
    flow = rates - pushes[:, columns] @ by_z
    push = pushes[:, loose] - pushes[:, columns] @ by_w
    fixed = np.zeros((pushes.shape[1], rates.shape[1]))
    if not loose.size:
        fixed[columns] = -by_z
        return FinitePart(charge, flow, np.concatenate([np.eye(len(charge)), fixed]), np.eye(len(charge)))
    constraint = balance_z[loose_rows] - balance_w[np.ix_(loose_rows, columns)] @ by_z
    states, forced = _null_space(constraint), _null_space(push.T)
    part = finite_part(forced.T @ charge @ states, forced.T @ flow @ states)
    z = states @ part.whole
    # What enforces the constraints is what the equations it is in leave: with z' = z E_z^-1 A_z.
    missing = charge @ z @ np.linalg.solve(part.holding, part.rates) - flow @ z
    at, _ = _pivots(push)
    enforcing = np.linalg.solve(push[at], missing[at])
    fixed = np.zeros((pushes.shape[1], z.shape[1]))
    fixed[loose] = enforcing
    fixed[columns] = -by_z @ z - by_w @ enforcing
    return FinitePart(part.holding, part.rates, np.concatenate([z, fixed]), forced @ part.left)


def _null_space(matrix: Array) -> Array:
    """Return all x with ``matrix x = 0``, (columns, columns - rows), of full rank; unknowns that are free stay so."""
    rows, pivots = _pivots(matrix)
    if rows.size < matrix.shape[0]:
        raise SingularPencilError
    free = np.setdiff1d(np.arange(matrix.shape[1]), pivots)
    basis = np.zeros((matrix.shape[1], free.size))
    basis[free, np.arange(free.size)] = 1.0
    basis[pivots] = -np.linalg.solve(matrix[:, pivots], matrix[:, free])
    return basis


def _split(matrix: Array) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Return rows and columns of the largest part that is not singular, and the rows and columns that are left."""
    rows, columns = _pivots(matrix)
    left = np.setdiff1d(np.arange(matrix.shape[0]), rows), np.setdiff1d(np.arange(matrix.shape[1]), columns)
    return (rows, columns), left


def _pivots(matrix: Array) -> tuple[Ints, Ints]:
    """Return the rows and columns that Gaussian elimination with the largest pivots takes until nothing is left."""
    by_row, by_column = scales(matrix)
    left = by_row[:, None] * matrix * by_column
    rows: list[int] = []
    columns: list[int] = []
    while left.size and len(rows) < min(left.shape):
        i, j = divmod(int(np.abs(left).argmax()), left.shape[1])
        if not abs(left[i, j]) > _LEAST_PIVOT:
            break
        rows.append(i)
        columns.append(j)
        left -= np.outer(left[:, j] / left[i, j], left[i])
        left[i], left[:, j] = 0.0, 0.0
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)
