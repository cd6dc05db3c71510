"""A user's own laws, compiled to functions that kernels call by their addresses.

With ``NUMBA_DISABLE_JIT=1`` it stays a Python function, and the address is that of a callback to it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import UNCOMPILED, announce

_REAL = ctypes.c_double
_LAW = ctypes.CFUNCTYPE(None, _REAL, *[ctypes.POINTER(_REAL)] * 3)
_STATE_LAW = ctypes.CFUNCTYPE(None, _REAL, *[ctypes.POINTER(_REAL)] * 2)

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
    if UNCOMPILED:
        return _Callback(function, count, _LAW, _receiving)
    return _compiled(function, count, _receiving, results=2)


def compile_state_law(function: Callable[..., Any], count: int) -> Any:
    """Compile ``function(v, *q) -> (value, d/dv, d/dx)`` of ``count`` numbers q, the first of which is the state x.

    The result has an ``address``; what it gives where the function raises is no number.

    Raises
    ------
    UncompilableError
        As ``compile_law``.
    """
    if UNCOMPILED:
        return _Callback(function, count, _STATE_LAW, _receiving_three)
    return _compiled(function, count, _receiving_three, results=1)


def jitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as compiled ones call it; without a compiler it is itself."""
    if UNCOMPILED:
        return function
    import numba
    from numba.core.dispatcher import Dispatcher

    if isinstance(function, Dispatcher):
        return function
    law: Callable[..., Any] = numba.njit(error_model="numpy")(function)
    return law


def _compiled(function: Callable[..., Any], count: int, receiving: Callable[[Any], Any], results: int) -> Any:
    """Compile what ``receiving`` makes of a function: ``void f(double, double *q, ...)`` with pointers to results."""
    announce()
    import numba
    from numba.core.errors import NumbaError
    from numba.np.unsafe import ndarray

    # None has types that a checker could follow.
    types: Any = numba.types
    cfunc: Any = numba.cfunc
    carray: Any = getattr(numba, "carray")  # noqa: B009 - it is there, and not among the exports
    to_fixed_tuple: Any = ndarray.to_fixed_tuple
    pointer = types.CPointer(types.float64)

    try:
        law = jitted(function)

        @numba.njit
        def call(x, q):  # type: ignore[no-untyped-def]
            return law(x, *to_fixed_tuple(carray(q, (count,)), count))

        return cfunc(types.void(types.float64, pointer, *[pointer] * results))(receiving(call))
    except NumbaError as error:
        raise UncompilableError(_cause(str(error))) from error
    except AssertionError as error:
        raise UncompilableError("numba takes no **keywords: name the parameters") from error
    except TypeError as error:
        raise UncompilableError("numba compiles Python functions only: write a def") from error


def _receiving(call: Any) -> Callable[..., None]:
    """Return ``f(x, q, i, slope)`` that fills the last two from ``call(x, q)``."""

    def receive(x, q, i, slope):  # type: ignore[no-untyped-def]
        # No number where the law raises: out of a loop numba hands exceptions past the clause below.
        i[0] = slope[0] = np.nan
        try:
            # x sqrt(|x|) at 0: a current, and 0 times infinity for a slope that has a limit, right beside.
            beside, tries = 0.0, 0
            while True:
                flow = call(x + beside, q)
                if tries == 0:
                    i[0] = flow[0]
                slope[0] = flow[1]
                good = np.isfinite(flow[0])
                if (good and np.isfinite(flow[1])) or tries == 2 or (tries == 0 and not good):
                    break
                beside = max(_BESIDE, _ULPS * abs(x)) if tries == 0 else -beside
                tries += 1
        except Exception:  # a compiled function can hand on none: no number says so
            i[0] = np.nan
            slope[0] = np.nan

    return receive


def _receiving_three(call: Any) -> Callable[..., None]:
    """Return ``f(v, q, out)`` that fills three numbers from ``call(v, q)``."""

    def receive(v, q, out):  # type: ignore[no-untyped-def]
        out[0] = out[1] = out[2] = np.nan
        try:
            value, slope_v, slope_x = call(v, q)
            out[0] = value
            out[1] = slope_v
            out[2] = slope_x
        except Exception:  # a compiled function can hand on none: no number says so
            out[0] = np.nan

    return receive


class _Callback:
    """A law in Python, with the address that a compiled one would have."""

    def __init__(
        self, function: Callable[..., Any], count: int, form: Callable[[Any], Any], receiving: Callable[[Any], Any]
    ) -> None:
        def call(x: float, q: Any) -> Any:
            with np.errstate(all="ignore"):
                return function(*np.array([x, *q[:count]]))

        self._law = form(receiving(call))
        self.address = ctypes.cast(self._law, ctypes.c_void_p).value


def call_compiled(address: int, x: float, q: NDArray[np.float64]) -> tuple[float, float]:
    """``(i, slope)`` of the law at an address, called from Python."""
    current, slope = _REAL(), _REAL()
    _LAW(address)(x, q.ctypes.data_as(ctypes.POINTER(_REAL)), current, slope)
    return current.value, slope.value


def call_compiled_state_law(address: int, v: float, q: NDArray[np.float64]) -> tuple[float, float, float]:
    """``(value, d/dv, d/dx)`` of the law at an address, called from Python; q begins with x."""
    out = (_REAL * 3)()
    _STATE_LAW(address)(v, q.ctypes.data_as(ctypes.POINTER(_REAL)), out)
    return out[0], out[1], out[2]


def _cause(text: str) -> str:
    """Return the line of a compiler's message that says what was wrong."""
    lines = [line.strip(" -*>\t") for line in text.splitlines()]
    idle = ("Failed in", "During:", "File ", "There are", "Overload", "Known signatures", "This error", "[", "<source")
    reasons = [line for line in lines if len(line) > 3 and not line.startswith(idle) and " Pass " not in line]
    return reasons[0] if reasons else "no reason given"
