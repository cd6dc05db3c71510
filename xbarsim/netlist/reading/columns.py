"""Expressions of parameters that differ between instances: one value for each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.reading.expressions import Expression, Sampler, UserFunction

Floats = NDArray[np.float64]

_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


def evaluate_columns(
    expression: Expression,
    scalars: Mapping[str, float],
    columns: Mapping[str, Floats],
    functions: Mapping[str, UserFunction | Sampler],
) -> Floats:
    """Return an expression's value for each row of its parameters' columns.

    Raises
    ------
    CardError
        A row has no finite real value.
    """
    fast = _arithmetic(expression, scalars, columns)
    if fast is not None:
        return fast
    names = tuple(columns)
    known = dict(scalars)
    values: dict[tuple[float, ...], float] = {}
    result = []
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        if row not in values:
            known.update(zip(names, row, strict=True))
            values[row] = expression.evaluate(known.__getitem__, functions)
        result.append(values[row])
    return np.array(result)


def _arithmetic(expression: Expression, scalars: Mapping[str, float], columns: Mapping[str, Floats]) -> Floats | None:
    """Return whole columns at once, or None for what needs more than the four operations or has no finite value."""
    stack: list[float | Floats] = []
    with np.errstate(all="ignore"):
        for operation, operand in expression.code:
            if operation == "number":
                stack.append(np.float64(operand))  # type: ignore[arg-type]
            elif operation == "name":
                name = str(operand)
                stack.append(columns[name] if name in columns else np.float64(scalars[name]))
            elif operation == "sign":
                stack.append(-stack.pop())
            elif operation in _ARITHMETIC:
                right = stack.pop()
                stack[-1] = _ARITHMETIC[operation](stack[-1], right)
                if not np.isfinite(stack[-1]).all():
                    return None
            else:
                return None
    result = stack[0]
    return result if isinstance(result, np.ndarray) else None
