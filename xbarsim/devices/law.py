"""A user's own law of current and voltage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device, parameter, short
from xbarsim.devices.option import Option
from xbarsim.errors import InputError
from xbarsim.quantities import parse
from xbarsim.unread import unread

if TYPE_CHECKING:
    from xbarsim.kernels.law_table import Cells

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
    kernel = "COMPILED"
    summary = "your own I(V, G), a Python function"
    options = (
        Option("function", "your own law, f(v, g, *parameters) -> (I, dI/dV)", metavar="FILE.py:NAME"),
        Option("parameters", "the law's parameters", "", metavar="NAME=NUMBER,..."),
    )
    has_twin = False

    function: Callable[..., Any]
    arguments: dict[str, Array] = field(default_factory=dict)

    def __init__(self, function: Callable[..., Any], /, **parameters: ArrayLike) -> None:
        if not callable(function):
            raise InputError(f"function is {type(function).__name__}: it must be callable, as f(v, g, *parameters)")
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "arguments", {name: parameter(name, value) for name, value in parameters.items()})
        self._address()

    @classmethod
    def from_options(cls, **values: Any) -> Device:
        """Return the law of a ``function`` in a file with its ``parameters``; a model made of a law has its own."""
        options = cls.filled(values)
        if "function" not in options:
            return super().from_options(**values)
        return cls(function_of(options["function"]), **numbers_of(options["parameters"]))

    @classmethod
    def portable(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a made model's options; a function is no data."""
        if any(option.name == "function" for option in cls.options):
            raise InputError(
                "a Python function is no setting that a file holds: give the law a name, by "
                "xbarsim.devices.register or an entry point of the group xbarsim.devices"
            )
        return super().portable(values)

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Device:
        """Return cells of ``I = G V + k V |V|``, k from 1 uA to 1 mA / V^2; of a made model, one of the defaults."""
        if cls is not Law:
            return cls.from_options()
        return cls(quadratic, k=10 ** rng.uniform(-6, -3, shape))

    @property
    def parameters(self) -> dict[str, Array]:
        """As they were passed."""
        return self.arguments

    def cells(self, conductance: Array) -> Cells:
        """Lay out the parameters, and check that no cell has a current at 0 V."""
        law = _compiled(self.function, len(self.arguments) + 1)
        cells = replace(super().cells(conductance), address=law.address, owner=law)
        check_at_rest(cells)
        return cells

    def _address(self) -> int:
        try:
            hash(self.function)
        except TypeError:
            raise InputError(f"function is {type(self.function).__name__}: it must be a Python function") from None
        address: int = _compiled(self.function, len(self.arguments) + 1).address
        return address

    def __repr__(self) -> str:
        parts = [f"{name}={short(value)}" for name, value in self.arguments.items()]
        if len(parts) > _LISTED:
            parts = [f"{len(parts)} parameters"]
        return f"Law({', '.join([getattr(self.function, '__name__', 'function'), *parts])})"


def quadratic(v: float, g: float, k: float) -> tuple[float, float]:
    """Return current and slope of ``g v + k v |v|``."""
    return g * v + k * v * abs(v), g + 2.0 * k * abs(v)


def check_at_rest(cells: Cells) -> None:
    """Check that no cell has a current at 0 V.

    Raises
    ------
    InputError
        One has, or no number.
    """
    shape = cells.siemens.shape
    zero = np.zeros(shape)
    amperes, *slopes = np.empty((3, *shape))
    cells.evaluate(zero, zero, zero, amperes, *slopes)
    bad = np.isnan(amperes) | (amperes != 0.0)
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        raise InputError(
            f"device gives cell [{i}, {j}] a current of {amperes[i, j]:g} A at 0 V: "
            "a cell without voltage must have none"
        )


def function_of(text: str) -> Callable[..., Any]:
    """Return the function that ``FILE.py:NAME`` names; the file is run.

    Raises
    ------
    InputError
        There is no such file or function, or the file fails.
    """
    path, _, name = str(text).rpartition(":")
    if path.endswith(".py") and not Path(path).is_file():
        raise unread(path, FileNotFoundError(), "function")
    spec = spec_from_file_location("xbarsim_law", path) if path and Path(path).is_file() else None
    if spec is None or spec.loader is None:
        raise InputError(f"function is {text!r}: it must be FILE.py:NAME, a function in a Python file")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file does
        raise InputError(f"{path}: {type(error).__name__}: {error}") from None
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"{path}: it has no function {name!r}")
    law: Callable[..., Any] = function
    return law


def numbers_of(text: str) -> dict[str, float]:
    """Return the parameters that ``NAME=NUMBER,...`` gives; numbers take scales, ``2m``.

    Raises
    ------
    InputError
        A part is no name with a number.
    """
    parts = [part.partition("=") for part in text.split(",")] if text.strip() else []
    for name, _, _ in parts:
        if not name.strip().isidentifier():
            raise InputError(f"parameters is {text!r}: it must be NAME=NUMBER,...")
    return {name.strip(): parse(number) for name, _, number in parts}


@lru_cache(maxsize=256)
def _compiled(function: Callable[..., Any], count: int) -> Any:
    """Compile once."""
    from xbarsim.kernels.compiled import UncompilableError, compile_law

    try:
        return compile_law(function, count)
    except UncompilableError as error:
        name = getattr(function, "__name__", "function")
        arguments = "(v, g, ...)" if count > 1 else "(v, g)"
        raise InputError(f"{name} could not be compiled as a law {arguments} -> (current, slope): {error}") from error
