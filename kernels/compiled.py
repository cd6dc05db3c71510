"""A user's own law, compiled to a function that kernels call by its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba import njit
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError
from numba.np.unsafe import ndarray

# None has types that a checker could follow.
_types: Any = numba.types
_cfunc: Any = numba.cfunc
_carray: Any = getattr(numba, "carray")  # noqa: B009 - it is there, and not among the exports
_to_fixed_tuple: Any = ndarray.to_fixed_tuple


class UncompilableError(Exception):
    """The compiler's reason, in a line."""


def compile_law(function: Callable[..., Any], count: int) -> Any:
    """Compile ``function(x, *parameters) -> (i, slope)`` of ``count`` parameters; the result has an ``address``.

    Raises
    ------
    UncompilableError
        numba cannot, or the function takes or returns something else.
    """
    law = function if isinstance(function, Dispatcher) else njit(function)
    pointer = _types.CPointer(_types.float64)

    def compiled(x, q, i, slope):  # type: ignore[no-untyped-def]
        found = law(x, *_to_fixed_tuple(_carray(q, (count,)), count))
        i[0] = found[0]
        slope[0] = found[1]

    try:
        return _cfunc(_types.void(_types.float64, pointer, pointer, pointer))(compiled)
    except NumbaError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise UncompilableError(lines[-1] if lines else "no reason given") from error
