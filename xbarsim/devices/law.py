"""A user's own law of current and voltage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device, parameter
from xbarsim.errors import InputError
from xbarsim.kernels import laws
from xbarsim.kernels.compiled import UncompilableError, compile_law
from xbarsim.kernels.newton_steps import Cells

_LISTED = 4


@dataclass(frozen=True, eq=False, repr=False)
class Law(Device):
    """A cell that follows ``function(V, G, *parameters) -> (I, dI/dV)``, compiled by numba.

    The law starts at the origin, never falls, and gives current in the direction of the voltage; a solve that meets
    a point where it does not names the cell. Where it gives a current and no finite slope, as ``v sqrt(|v|)`` written
    by the rules of calculus does at 0 V, the slope right beside counts.

    Parameters
    ----------
    function : callable
        Takes floats: the cell's volts, its conductance, then the parameters in the order in which they are given;
        returns amperes and siemens. Plain Python that numba compiles, or an ``@njit`` function.
    **parameters : array_like, scalar or (rows, cols)
        What else the law needs, for all cells or for each.

    Raises
    ------
    InputError
        A parameter is not finite, numba cannot compile the function, or it gives a current at 0 V.

    Examples
    --------
    >>> def quadratic(v, g, k):
    ...     return g * v + k * v * abs(v), g + 2.0 * k * abs(v)
    >>> Law(quadratic, k=1e-5)
    Law(quadratic, k=1e-05)
    """

    name = "law"
    kind = laws.COMPILED

    function: Callable[..., Any]
    given: dict[str, Array] = field(default_factory=dict)

    def __init__(self, function: Callable[..., Any], /, **parameters: ArrayLike) -> None:
        if not callable(function):
            raise InputError(f"function is {type(function).__name__}: it must be callable, as f(v, g, *parameters)")
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "given", {name: parameter(name, value) for name, value in parameters.items()})
        self._address()

    @property
    def parameters(self) -> dict[str, Array]:
        """As given."""
        return self.given

    def cells(self, conductance: Array) -> Cells:
        """Lay out the parameters, and see that no cell has a current at 0 V."""
        cells = super().cells(conductance)
        zero = np.zeros(conductance.shape)
        amperes = np.empty(conductance.shape)
        laws.currents(cells.kind, cells.address, zero, zero, cells.parameters, cells.shared, amperes)
        bad = np.isnan(amperes) | (amperes != 0.0)
        if bad.any():
            i, j = (int(k) for k in np.argwhere(bad)[0])
            raise InputError(
                f"device gives cell [{i}, {j}] a current of {amperes[i, j]:g} A at 0 V: "
                "a cell without voltage must have none"
            )
        return cells

    def subcircuit(self) -> str:
        """Refuse: a Python function has no twin in SPICE.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(f"{self!r} is a Python function: it cannot be written as a netlist")

    def _address(self) -> int:
        try:
            hash(self.function)
        except TypeError:
            raise InputError(f"function is {type(self.function).__name__}: it must be a Python function") from None
        address: int = _compiled(self.function, len(self.given) + 1).address
        return address

    def __repr__(self) -> str:
        inner = super().__repr__().removeprefix("Law(").removesuffix(")")
        if len(self.given) > _LISTED:
            inner = f"{len(self.given)} parameters"
        name = getattr(self.function, "__name__", "function")
        return f"Law({name}{', ' if inner else ''}{inner})"


@lru_cache(maxsize=256)
def _compiled(function: Callable[..., Any], count: int) -> Any:
    """Compile once; what is kept here keeps the code at its address alive."""
    try:
        return compile_law(function, count)
    except UncompilableError as error:
        name = getattr(function, "__name__", "function")
        arguments = "(v, g, ...)" if count > 1 else "(v, g)"
        raise InputError(f"{name} could not be compiled as a law {arguments} -> (current, slope): {error}") from error
