"""A user's own cell with a state that moves: a law of its current and one of its motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import NO_TABLE, parameter, short
from xbarsim.devices.dynamic import UserDynamics, check_below, check_shapes
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.kernels.law_table import Cells

_HALVINGS = 80
"""Of the way between the bounds: more than a double has digits."""

_STEP = 1e-5
"""Of the way between the bounds, over which a conductance's slope in the state is taken."""

_LOOKS = 33
"""States between the bounds, at which the conductance is asked for whether it goes one way."""


@dataclass(frozen=True, eq=False, repr=False)
class DynamicLaw(UserDynamics):
    """A cell of your own: ``current(V, x, *parameters)`` and ``motion(V, x, *parameters)``, compiled by numba.

    Reads hold the state, which a cell's conductance says: the slope of the current at 0 V must rise or fall with x all
    the way between the bounds, and the current obey what :class:`xbarsim.devices.Law` asks for. The functions are
    called with states between the bounds, and by gradients with such as are 0.2 % of the conductance beyond.

    Parameters
    ----------
    current : callable
        Takes floats: the cell's volts, its state, then the parameters in the order in which they are given; returns
        ``(I, dI/dV, dI/dx)``. Plain Python that numba compiles, or an ``@njit`` function.
    motion : callable
        Takes the same; returns ``(f, df/dV, df/dx)`` of ``dx/dt = f``.
    low, high : array_like, scalar or (rows, cols)
        The state's bounds, ``low < high``.
    **parameters : array_like, scalar or (rows, cols)
        What else the laws need, for all cells or for each.

    Raises
    ------
    InputError
        A parameter is not finite, numba cannot compile a function, or one gives no number, or a current at 0 V.

    Examples
    --------
    >>> def current(v, x, g):
    ...     return g * x * v, g * x, g * v
    >>> def motion(v, x, g):
    ...     return 1e6 * v, 1e6, 0.0
    >>> DynamicLaw(current, motion, low=0.01, high=1.0, g=1e-3)
    DynamicLaw(current, motion, low=0.01, high=1, g=0.001)
    """

    name = "dynamic_law"
    kernel = "COMPILED"
    state_kernel = "COMPILED"
    summary = "your own I(V, x) and dx/dt, Python functions"
    has_twin = False

    current_law: Callable[..., Any]
    motion_law: Callable[..., Any]
    low: Array
    high: Array
    arguments: dict[str, Array] = field(default_factory=dict)

    def __init__(
        self,
        current: Callable[..., Any],
        motion: Callable[..., Any],
        /,
        *,
        low: ArrayLike,
        high: ArrayLike,
        **parameters: ArrayLike,
    ) -> None:
        for name, function in (("current", current), ("motion", motion)):
            if not callable(function):
                raise InputError(
                    f"{name} is {type(function).__name__}: it must be callable, as {name}(v, x, *parameters)"
                )
        object.__setattr__(self, "current_law", current)
        object.__setattr__(self, "motion_law", motion)
        object.__setattr__(self, "low", parameter("low", low))
        object.__setattr__(self, "high", parameter("high", high))
        object.__setattr__(self, "arguments", {name: parameter(name, value) for name, value in parameters.items()})
        check_shapes({"low": self.low, "high": self.high, **self.arguments})
        check_below("low", self.low, "high", self.high)
        self._check_laws()

    def _check_laws(self) -> None:
        """Check that both functions give numbers between the bounds at 0 V, where no current flows."""
        shape = self._shape((1, 1))
        cells = self.dynamics((shape[0], shape[1]))
        for part in (0.0, 0.5, 1.0):
            results = np.empty((6, *shape))
            x = cells.low + part * (cells.high - cells.low)
            cells.evaluate(np.zeros(shape), x, *results)
            for label, function, value in (
                ("current", self.current_law, results[:3]),
                ("motion", self.motion_law, results[3:]),
            ):
                bad = ~np.isfinite(value).all(axis=0)
                if bad.any():
                    state = float(x[tuple(np.argwhere(bad)[0])])
                    raise InputError(f"{label} {_name(function)} gives no number at 0 V and x = {state:g}")
            if results[0].any():
                raise InputError(
                    f"current {_name(self.current_law)} gives {results[0].flat[np.argmax(results[0] != 0.0)]:g} A at "
                    "0 V: a cell without voltage must have none"
                )

    def _shape(self, *shapes: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape to which the parameters broadcast with others."""
        numbers = (self.low, self.high, *self.arguments.values())
        return np.broadcast_shapes(*shapes, *(value.shape for value in numbers))

    def cells(self, conductance: Array) -> Cells:
        """Lay out each cell's conductance, its state, and how far it moves with the conductance.

        Parameters
        ----------
        conductance : array, (rows, cols)
            Siemens at 0 V, which say what the states are; 0 is an open cell.
        """
        from xbarsim.kernels import laws
        from xbarsim.kernels.law_table import Cells

        closed = conductance > 0.0
        shape = (conductance.shape[0], conductance.shape[1])
        x = self.state(np.where(closed, conductance, self._conductance(np.broadcast_to(self.low, shape))))
        low, high = (np.broadcast_to(bound, shape) for bound in self.bounds)
        step = _STEP * (high - low)
        below, above = np.maximum(x - step, low), np.minimum(x + step, high)
        with np.errstate(all="ignore"):
            travel = (above - below) / (self._conductance(above) - self._conductance(below))
        columns = [conductance, conductance, x, np.where(np.isfinite(travel), travel, 0.0), *self.arguments.values()]
        table = np.empty((len(columns), *shape))
        for row, column in zip(table, columns, strict=True):
            row[:] = column
        law = _at_rest(self.current_law, len(self.arguments))
        return Cells(laws.COMPILED, law.address, table, NO_TABLE, owner=law)

    def _conductance(self, state: Array) -> Array:
        shape = self._shape(np.shape(state))
        x = np.array(np.broadcast_to(state, self._shape((1, 1), shape)), dtype=np.float64)
        results = np.empty((6, *x.shape))
        self.dynamics((x.shape[0], x.shape[1])).evaluate(np.zeros(x.shape), x, *results)
        siemens: Array = results[1].reshape(shape)
        return siemens

    def _state(self, conductance: Array) -> Array:
        shape = self._shape(conductance.shape)
        low, high = (np.broadcast_to(bound, shape).copy() for bound in self.bounds)
        least, most = self._conductance(low), self._conductance(high)
        rising = most > least
        looks = np.stack([self._conductance(low + part * (high - low)) for part in np.linspace(0.0, 1.0, _LOOKS)])
        if not ((np.diff(looks, axis=0) > 0.0) == rising).all():
            raise InputError(
                f"current {_name(self.current_law)} gives no state for a conductance: its slope at 0 V must go up or "
                "down with x all the way"
            )
        inside = (conductance >= np.minimum(least, most)) & (conductance <= np.maximum(least, most))
        for _ in range(_HALVINGS):
            middle = low + 0.5 * (high - low)
            beyond = (self._conductance(middle) > conductance) == rising
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        # A bound is a state too: halving stops a rounding short of the upper one.
        x = np.where(conductance == most, np.broadcast_to(self.high, shape), low)
        return np.where(inside, x, np.nan)

    def _state_code(self) -> tuple[int, int, object]:
        count = len(self.arguments) + 1
        current, motion = _compiled(self.current_law, count), _compiled(self.motion_law, count)
        return current.address, motion.address, (current, motion)

    def _twin_parameters(self) -> dict[str, Any]:
        raise InputError(f"{self!r} is two Python functions: it cannot be written as a netlist")

    def subcircuit_in_time(self) -> str:
        """Raise an InputError: Python functions have no twin."""
        raise InputError(f"{self!r} is two Python functions: it cannot be written as a netlist")

    def __repr__(self) -> str:
        parts = [_name(self.current_law), _name(self.motion_law)]
        numbers = {"low": self.low, "high": self.high, **self.arguments}
        return f"DynamicLaw({', '.join(parts + [f'{name}={short(value)}' for name, value in numbers.items()])})"


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "function")


@lru_cache(maxsize=256)
def _compiled(function: Callable[..., Any], count: int) -> Any:
    """Compile once."""
    from xbarsim.kernels.compiled import UncompilableError, compile_state_law

    try:
        return compile_state_law(function, count)
    except UncompilableError as error:
        raise InputError(
            f"{_name(function)} could not be compiled as a law (v, x, ...) -> (value, d/dv, d/dx): {error}"
        ) from error


@lru_cache(maxsize=256)
def _at_rest(function: Callable[..., Any], count: int) -> Any:
    """Compile the current of a cell whose state stands still, as a law of voltage and conductance.

    It takes the conductance, the one that belongs to the state x, x, and dx/dG: so its slope in the conductance is
    that along the states.
    """
    from xbarsim.kernels.compiled import compile_law, jitted

    law = jitted(function)

    def at_rest(v, g, anchor, x, travel, *parameters):  # type: ignore[no-untyped-def]
        i, slope, _ = law(v, x + (g - anchor) * travel, *parameters)
        return i, slope

    return compile_law(at_rest, count + 4)
