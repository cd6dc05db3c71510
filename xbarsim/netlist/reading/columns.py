"""Expressions of parameters that differ between instances: one value for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.language.evaluation import Sampler, UserFunction, evaluate
from xbarsim.netlist.language.parser import Expression
from xbarsim.netlist.reading.expressions import number_of

Floats = NDArray[np.float64]

_IN_COLUMNS = {"number", "name", "+", "-", "*", "/", "-x"}
"""Steps that are the same for whole columns."""


def evaluate_columns(
    expression: Expression,
    scalars: Mapping[str, float],
    columns: Mapping[str, Floats],
    functions: Mapping[str, UserFunction | Sampler],
) -> Floats:
    """Return an expression's value for each row of its parameters' columns: whole columns at once where that works.

    Raises
    ------
    CardError
        A row has no finite real value.
    """
    if _IN_COLUMNS.issuperset(operation for operation, _ in expression.code.steps):
        with np.errstate(all="ignore"), suppress(FloatingPointError):
            return evaluate(expression, _Columns({**scalars, **columns}), {})
    names = tuple(columns)
    scope = dict(scalars)
    values: dict[tuple[float, ...], float] = {}
    result = []
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        if row not in values:
            scope.update(zip(names, row, strict=True))
            values[row] = number_of(expression, scope.__getitem__, functions)
        result.append(values[row])
    return np.array(result)


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
