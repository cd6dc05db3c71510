"""What every cell model has: checked parameters, a compiled law, and a twin for SPICE."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, Locked, broadcast, checked_array
from xbarsim.errors import InputError
from xbarsim.kernels import laws
from xbarsim.kernels.newton_steps import Cells

NO_TABLE = np.empty((0, 6))


class Device(Locked, ABC):
    """A cell between its word-line and its bit-line node: frozen, with parameters for all cells or for each.

    Attributes
    ----------
    name : str
        The model's name, that of its twin ``spice_models/<name>.sub`` too.
    kind : int
        The law's number in :mod:`xbarsim.kernels.laws`.
    """

    name: ClassVar[str]
    kind: ClassVar[int]

    @property
    def span(self) -> tuple[float, float] | None:
        """Volts between which the law is known; None where it has no bounds."""
        return None

    @property
    def refuses_beyond(self) -> bool:
        """Whether a solution with a cell beyond ``span`` is an error, not a warning."""
        return False

    @property
    @abstractmethod
    def parameters(self) -> dict[str, Array]:
        """The model's parameters in the order of the law's, each a scalar or one number a cell."""

    def check(self, shape: tuple[int, int]) -> None:
        """See that the parameters fit an array of ``(rows, cols)``.

        Raises
        ------
        InputError
            A parameter neither is a scalar nor broadcasts to ``shape``.
        """
        for name, value in self.parameters.items():
            broadcast(f"device.{name}", value, shape)

    def cells(self, conductance: Array) -> Cells:
        """Lay out the law's parameters for the cells of ``conductance`` (rows, cols)."""
        shape = conductance.shape
        given = [conductance, *self.parameters.values()]
        table = np.empty((*shape, len(given)))
        for k, value in enumerate(given):
            table[..., k] = value
        return Cells(self.kind, self._address(), table, NO_TABLE)

    def current(self, conductance: ArrayLike, word: ArrayLike, bit: ArrayLike = 0.0) -> Array:
        """Cell currents from word to bit line.

        Parameters
        ----------
        conductance : array_like, (rows, cols)
            Siemens.
        word, bit : array_like
            Volts at the cells' two nodes; they broadcast to ``(..., rows, cols)``.

        Returns
        -------
        array, (..., rows, cols)
            Amperes; NaN where a voltage is.
        """
        g = np.atleast_2d(np.asarray(conductance, dtype=np.float64))
        self.check((g.shape[0], g.shape[1]))
        cells = self.cells(g)
        shape = np.broadcast_shapes(np.shape(word), np.shape(bit), g.shape)
        v, u = (np.array(np.broadcast_to(volts, shape), dtype=np.float64) for volts in (word, bit))
        result = np.empty(shape)
        many = (-1, *g.shape)
        for one, other, amperes in zip(v.reshape(many), u.reshape(many), result.reshape(many), strict=True):
            laws.currents(cells.kind, cells.address, one, other, cells.parameters, cells.shared, amperes)
        return result

    def subcircuit(self) -> str:
        """Return the model as a SPICE subcircuit, ports ``TE BE`` (word-line side, bit-line side)."""
        return files("xbarsim.spice_models").joinpath(f"{self.name}.sub").read_text("utf-8")

    def instance(self, conductance: Array) -> dict[str, Array]:
        """Return the subcircuit's parameters for each cell, (rows, cols)."""
        shape = conductance.shape
        named: Mapping[str, Array] = {"g": conductance, **self.parameters}
        return {name: np.broadcast_to(value, shape) for name, value in named.items()}

    def _address(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = [f"{name}={short(value)}" for name, value in self.parameters.items()]
        return f"{type(self).__name__}({', '.join(parts)})"


def parameter(name: str, value: ArrayLike, *, above: float | None = None, least: float | None = None) -> Array:
    """Return a parameter as a read-only float64 array of at most two dimensions.

    Parameters
    ----------
    name : str
        What messages call it.
    value : array_like
        A scalar, or numbers that broadcast to (rows, cols).
    above, least : float, optional
        The bound that every entry must exceed, or reach.

    Raises
    ------
    InputError
        It has an entry that is not finite or out of bounds, or more than two dimensions.
    """
    array = checked_array(name, value, signed=True)
    if array.ndim > 2:
        raise InputError(f"{name} has shape {array.shape}: give a scalar, or numbers that broadcast to (rows, cols)")
    bad = np.zeros(array.shape, bool)
    if above is not None:
        bad |= array <= above
    if least is not None:
        bad |= array < least
    if bad.any():
        index = tuple(int(k) for k in np.unravel_index(int(np.argmax(bad)), array.shape))
        where = f"{name}[{', '.join(map(str, index))}]" if index else name
        bound = f"> {above:g}" if above is not None else f">= {least:g}"
        raise InputError(f"{where} is {float(array[index])}: it must be {bound}")
    array = array.copy()
    array.setflags(write=False)
    return array


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def short(value: Array) -> str:
    """Return a parameter in few words: its value, or its range."""
    if value.size == 0:
        return "[]"
    low, high = float(value.min()), float(value.max())
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"
