"""Expressions of parameters that differ between instances: one value for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.language import Expression, Sampler, UserFunction, evaluate
from xbarsim.netlist.reading.expressions import number_of

Floats = NDArray[np.float64]

_IN_COLUMNS = {"number", "name", "+", "-", "*", "/", "-x"}
"""Steps that are the same for whole columns."""


def evaluate_columns(
    expression: Expression,
    values: Mapping[str, float | Floats],
    functions: Mapping[str, UserFunction | Sampler],
) -> Floats:
    """Return an expression's value for each row of its parameters' columns: whole columns at once where that works.

    Parameters
    ----------
    expression : Expression
        What is evaluated.
    values : mapping of str to float or (rows,) array
        Its parameters.
    functions : mapping of str to function
        Those that it may call.

    Raises
    ------
    CardError
        A row has no finite real value.
    """
    if _IN_COLUMNS.issuperset(operation for operation, _ in expression.code.steps):
        with np.errstate(all="ignore"), suppress(FloatingPointError):
            return evaluate(expression, _Columns(values), {})
    columns = {name: value.tolist() for name, value in values.items() if isinstance(value, np.ndarray)}
    scope: dict[str, Any] = dict(values)
    results: dict[tuple[float, ...], float] = {}
    rows = list(zip(*columns.values(), strict=True))
    for row in rows:
        if row not in results:
            scope.update(zip(columns, row, strict=True))
            results[row] = number_of(expression, scope.__getitem__, functions)
    return np.array([results[row] for row in rows])


class _Columns:
    """Columns and numbers under the four operations."""

    chooses = False

    def __init__(self, values: Mapping[str, float | Floats]) -> None:
        self.values = values

    def leaves(self, expression: Expression, arguments: object) -> tuple[list[Floats], list[Floats]]:
        """Return an expression's numbers."""
        return [np.asarray(number) for number in expression.literals], []

    def name(self, name: str) -> Floats:
        """Return a parameter's column or number."""
        return np.asarray(self.values[name])

    def apply(
        self, law: Callable[..., Floats], name: str, operands: Sequence[Floats], expression: Expression
    ) -> Floats:
        """Return a column, or raise FloatingPointError where it is not finite."""
        value = law(*operands)
        if not np.isfinite(value).all():
            raise FloatingPointError
        return value
