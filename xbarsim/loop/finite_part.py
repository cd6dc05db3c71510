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

_ROUNDING = 1e-13
"""Part of a sum's terms below which it is 0."""


class SingularPencilError(Exception):
    """``s E - A`` is singular for every s."""


@dataclass(frozen=True, eq=False)
class FinitePart:
    """``E_z z' = A_z z``, E_z not singular, and what the unknowns x are by z.

    Attributes
    ----------
    holding, rates : (k, k)
        E_z and A_z.
    whole : tuple of (size, k)
        ``x = whole[0] z + whole[1] z' + ...``: what enforces a constraint depends on derivatives.
    left : (size, k)
        ``left' b`` is what a right-hand side ``b`` of the whole equations is in these; only where E acts.
    """

    holding: Array
    rates: Array
    whole: tuple[Array, ...]
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
        empty = np.zeros((0, 0))
        return FinitePart(empty, empty, (np.zeros((size, 0)),), np.zeros((size, 0)))
    charge = holding[np.ix_(top, first)]
    # z = x_first + back x_second, w = x_second; balances are rows without what they have of the others'.
    back = _divided(charge, holding[np.ix_(top, second)])
    share = _divided(charge.T, holding[np.ix_(low, first)].T).T
    by_z, by_w = moving[:, first], _less(moving[:, second], moving[:, first], back)
    inner = _solved(
        charge, by_z[top], by_w[top], _less(by_z[low], share, by_z[top]), _less(by_w[low], share, by_w[top])
    )
    whole = []
    for part in inner.whole:
        unknowns = np.zeros((size, part.shape[1]))
        unknowns[second] = part[first.size :]
        unknowns[first] = part[: first.size] - back @ part[first.size :]
        whole.append(unknowns)
    left = np.zeros((size, inner.left.shape[1]))
    left[top] = inner.left
    return FinitePart(inner.holding, inner.rates, tuple(whole), left)


def _solved(charge: Array, rates: Array, pushes: Array, balance_z: Array, balance_w: Array) -> FinitePart:
    """Return the finite part of ``charge z' = rates z + pushes w``, ``0 = balance_z z + balance_w w``, x = (z, w)."""
    (rows, columns), (loose_rows, loose) = _split(balance_w)
    pivot = balance_w[np.ix_(rows, columns)]
    # w[columns] = -by_z z - by_w w[loose].
    by_z = _divided(pivot, balance_z[rows])
    by_w = _divided(pivot, balance_w[np.ix_(rows, loose)])
    flow = _less(rates, pushes[:, columns], by_z)

    def unknowns(z: Array, enforcing: Array) -> Array:
        fixed = np.zeros((pushes.shape[1], z.shape[1]))
        fixed[loose] = enforcing
        fixed[columns] = -by_z @ z - by_w @ enforcing
        return np.concatenate([z, fixed])

    count = len(charge)
    if not loose.size:
        return FinitePart(charge, flow, (unknowns(np.eye(count), np.zeros((0, count))),), np.eye(count))
    push = _less(pushes[:, loose], pushes[:, columns], by_w)
    constraint = _less(balance_z[loose_rows], balance_w[np.ix_(loose_rows, columns)], by_z)
    states, forced = _null_space(constraint), _null_space(push.T)
    part = finite_part(_product(forced.T, charge, states), _product(forced.T, flow, states))
    at, _ = _pivots(push)
    # What enforces the constraints is what the equations that it is in leave: push w = charge z' - flow z.
    levels = [states @ z for z in part.whole]
    charges, flows = ([_divided(push[at], side[at] @ z) for z in levels] for side in (charge, flow))
    zero, still = np.zeros_like(charges[0]), np.zeros_like(levels[0])
    whole = tuple(
        unknowns(z, moved - resting)
        for z, moved, resting in zip([*levels, still], [zero, *charges], [*flows, zero], strict=True)
    )
    return FinitePart(part.holding, part.rates, whole, forced @ part.left)


def _divided(matrix: Array, right: Array) -> Array:
    """Return ``matrix^-1 right``."""
    solved: Array = np.linalg.solve(matrix, right).astype(np.float64)
    return solved


def _less(matrix: Array, left: Array, right: Array) -> Array:
    """Return ``matrix - left right`` with 0 where that is rounding."""
    less = matrix - left @ right
    less[np.abs(less) <= _ROUNDING * (np.abs(matrix) + np.abs(left) @ np.abs(right))] = 0.0
    return less


def _product(left: Array, matrix: Array, right: Array) -> Array:
    """Return ``left matrix right`` with 0 where that is rounding."""
    product: Array = left @ matrix @ right
    product[np.abs(product) <= _ROUNDING * (np.abs(left) @ np.abs(matrix) @ np.abs(right))] = 0.0
    return product


def _null_space(matrix: Array) -> Array:
    """Return all x with ``matrix x = 0``, (columns, columns - rows), of full rank; unknowns that are free stay so."""
    rows, pivots = _pivots(matrix)
    if rows.size < matrix.shape[0]:
        raise SingularPencilError
    free = np.setdiff1d(np.arange(matrix.shape[1]), pivots)
    basis = np.zeros((matrix.shape[1], free.size))
    basis[free, np.arange(free.size)] = 1.0
    basis[pivots] = -_divided(matrix[:, pivots], matrix[:, free])
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
