"""A user's own law, compiled to a function that kernels call by its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError
from numba.np.unsafe import ndarray

# None has types that a checker could follow.
_types: Any = numba.types
_cfunc: Any = numba.cfunc
_carray: Any = getattr(numba, "carray")  # noqa: B009 - it is there, and not among the exports
_to_fixed_tuple: Any = ndarray.to_fixed_tuple

_BESIDE = 1e-20
"""Volts from a point where a law has no finite slope to where one is looked for."""

_ULPS = 8 * float(np.finfo(np.float64).eps)


class UncompilableError(Exception):
    """The compiler's reason, in a line."""


def compile_law(function: Callable[..., Any], count: int) -> Any:
    """Compile ``function(x, *parameters) -> (i, slope)`` of ``count`` parameters; the result has an ``address``.

    Raises
    ------
    UncompilableError
        numba cannot, or the function takes or returns something else.
    """
    pointer = _types.CPointer(_types.float64)

    try:
        law = function if isinstance(function, Dispatcher) else njit(error_model="numpy")(function)

        @njit
        def call(x, q):  # type: ignore[no-untyped-def]
            return law(x, *_to_fixed_tuple(_carray(q, (count,)), count))

        def compiled(x, q, i, slope):  # type: ignore[no-untyped-def]
            # No number where the law raises: out of a loop numba hands exceptions past the clause below.
            i[0] = slope[0] = np.nan
            try:
                # x sqrt(|x|) at 0: a current, and 0 times infinity for a slope that has a limit, right beside.
                beside, tries = 0.0, 0
                while True:
                    found = call(x + beside, q)
                    if tries == 0:
                        i[0] = found[0]
                    slope[0] = found[1]
                    good = np.isfinite(found[0])
                    if (good and np.isfinite(found[1])) or tries == 2 or (tries == 0 and not good):
                        break
                    beside = max(_BESIDE, _ULPS * abs(x)) if tries == 0 else -beside
                    tries += 1
            except Exception:  # a compiled function can hand on none: no number says so
                i[0] = np.nan
                slope[0] = np.nan

        return _cfunc(_types.void(_types.float64, pointer, pointer, pointer))(compiled)
    except NumbaError as error:
        raise UncompilableError(_cause(str(error))) from error
    except AssertionError as error:
        raise UncompilableError("numba takes no **keywords: name the parameters") from error
    except TypeError as error:
        raise UncompilableError("numba compiles Python functions only: write a def") from error


def _cause(text: str) -> str:
    """Return the line of a compiler's message that says what was wrong."""
    lines = [line.strip(" -*>\t") for line in text.splitlines()]
    idle = ("Failed in", "During:", "File ", "There are", "Overload", "Known signatures", "This error", "[", "<source")
    said = [line for line in lines if len(line) > 3 and not line.startswith(idle) and " Pass " not in line]
    return said[0] if said else "no reason given"
