"""Cells with a state that moves: what every such model has beside the law that reads see."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import fields
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, broadcast, checked_array
from xbarsim.devices.base import Device, parameter, short
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.kernels.state_cells import DynamicCells

_NEAR = 1e-9
"""Of the way between its bounds, by which rounding may put a state beyond one."""


class DynamicDevice(Device):
    """A cell with a state x: a current ``I(V, x)`` and a motion ``dx/dt = f(V, x)`` between two bounds.

    As a plain :class:`Device` it is read while its state stands still: a cell's ``conductance`` says the state. The
    conductance is the slope of the current at 0 V; cells out of the model's range, as stuck ones are, can be read all
    the same, but not moved (a user's own model has no law for them). ``dynamics`` hands both laws to kernels that move
    the states.

    A state stays between its bounds: the laws hold there, and a state at a bound that its motion would leave rests.
    See :mod:`xbarsim.kernels.state_laws` for what that means in an implicit step.

    Attributes
    ----------
    state_kernel : str
        The laws' constant in :mod:`xbarsim.kernels.state_laws`.
    state_unit : str
        The state's unit; empty for a plain number.
    """

    state_kernel: ClassVar[str]
    state_unit: ClassVar[str] = ""

    def __init__(self, **values: Any) -> None:
        numbers = {}
        for option in self.options:
            value = values[option.name]
            if option.numeric:
                limits = {"above": option.above, "least": option.least, "below": option.below}
                value = parameter(option.name, value, **limits)
                numbers[option.name] = value
            else:
                option.checked(value)
            object.__setattr__(self, option.name, value)
        check_shapes(numbers)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The state's bounds (low, high), scalars or one number a cell."""
        raise NotImplementedError

    @property
    def thresholds(self) -> tuple[Array, Array] | None:
        """Volts (low, high) between which no state moves at all, whatever it is; None where there are none."""
        return None

    @property
    def fades(self) -> bool:
        """Whether a motion may fade towards a rest that the opposite motion leaves as slowly as it was come to."""
        return False

    @property
    def state_parameters(self) -> tuple[Array, ...]:
        """What the laws take after the bounds, in their order in :mod:`xbarsim.kernels.state_laws`."""
        raise NotImplementedError

    def _conductance(self, state: Array) -> Array:
        """Siemens at 0 V of states that are between the bounds."""
        raise NotImplementedError

    def _state(self, conductance: Array) -> Array:
        """States of conductances > 0; beyond the bounds, or no number, where there is none."""
        raise NotImplementedError

    def check(self, shape: tuple[int, int]) -> None:
        """Check that the parameters fit an array of ``(rows, cols)``.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.
        """
        for option in self.options:
            if option.numeric:
                broadcast(f"device.{option.name}", getattr(self, option.name), shape)

    def conductance(self, state: ArrayLike) -> Array:
        """Return the siemens at 0 V of cells in states x.

        Parameters
        ----------
        state : array
            States x of cells, of any shape.

        Raises
        ------
        InputError
            A state is beyond the bounds.
        """
        return self._conductance(self._checked_state(state))

    def state(self, conductance: ArrayLike) -> Array:
        """Return the states x of cells of so many siemens at 0 V.

        Parameters
        ----------
        conductance : array
            Siemens of cells at 0 V, of any shape.

        Raises
        ------
        InputError
            A cell has more or less than any state between the bounds gives.
        """
        g = self._fitting("conductance", checked_array("conductance", conductance))
        low, high = self.bounds
        ends = self._conductance(low), self._conductance(high)
        least, most = np.minimum(*ends), np.maximum(*ends)
        inside = np.clip(g, least, most)
        with np.errstate(all="ignore"):
            x = self._state(np.where(np.abs(g - inside) <= _NEAR * inside, inside, g))
        room = _NEAR * (high - low)
        self._check("conductance", g, ~((x >= low - room) & (x <= high + room)), least, most)
        return np.clip(x, low, high)

    def _checked_state(self, state: ArrayLike) -> Array:
        x = self._fitting("state", checked_array("state", state, signed=True))
        low, high = self.bounds
        self._check("state", x, (x < low) | (x > high), low, high)
        return x

    def _fitting(self, name: str, cells: Array) -> Array:
        """Return one number a cell; its shape must fit the parameters'."""
        shapes = [value.shape for value in (*self.bounds, *self.state_parameters)]
        try:
            np.broadcast_shapes(cells.shape, *shapes)
        except ValueError:
            of_model = np.broadcast_shapes(*shapes)
            raise InputError(f"{name} has shape {cells.shape}: the model's parameters are of {of_model}") from None
        return cells

    def _check(self, name: str, value: Array, bad: Array | np.ndarray, low: Array, high: Array) -> None:
        if not bad.any():
            return
        index = tuple(int(k) for k in np.argwhere(bad)[0])
        amount, least, most = (float(np.broadcast_to(array, bad.shape)[index]) for array in (value, low, high))
        where = f"{name}[{', '.join(map(str, index))}]" if index else name
        unit = " S" if name == "conductance" else f" {self.state_unit}".rstrip()
        raise InputError(
            f"{where} is {amount:g}{unit}: a cell of the model {self.name} has {least:g} to {most:g}{unit} here"
        )

    def dynamics(self, shape: tuple[int, int]) -> DynamicCells:
        """Return the laws' parameters laid out for an array of ``(rows, cols)``.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.

        Raises
        ------
        InputError
            A parameter neither is a scalar nor broadcasts to ``shape``.
        """
        from xbarsim.kernels import state_laws
        from xbarsim.kernels.state_cells import DynamicCells

        self.check(shape)
        columns = [*self.bounds, *self.state_parameters]
        table = np.empty((len(columns), *shape))
        for row, column in zip(table, columns, strict=True):
            row[:] = column
        current, motion, owner = self._state_code()
        return DynamicCells(getattr(state_laws, self.state_kernel), current, motion, table, owner)

    def _state_code(self) -> tuple[int, int, object]:
        """Return the addresses of compiled laws, and what keeps their code in memory."""
        return 0, 0, None

    def subcircuit(self) -> str:
        """Return the subcircuit of a cell whose state stands still, that of the model that reads see."""
        return super().subcircuit() if self.reads_as is self else self.reads_as.subcircuit()

    def instance(self, conductance: Array) -> dict[str, Array]:
        """Return the parameters of ``subcircuit`` for each cell, (rows, cols).

        Parameters
        ----------
        conductance : (rows, cols) array
            Siemens of the cells.
        """
        return super().instance(conductance) if self.reads_as is self else self.reads_as.instance(conductance)

    def cut(self, place: tuple[slice, slice]) -> Self:
        """Return the model of some rows and columns of cells.

        Parameters
        ----------
        place : (slice, slice)
            Of rows and of columns.
        """
        part = copy(self)
        for entry in fields(self):  # type: ignore[arg-type]
            object.__setattr__(part, entry.name, _part_of(getattr(self, entry.name), place))
        return part

    def subcircuit_in_time(self) -> str:
        """Return the model with a state that moves as a SPICE subcircuit ``<name>_in_time``, ports ``TE BE``.

        The state is the voltage of the inner node ``x``, on a capacitor; ``x0`` is its initial value. ``.op`` has no
        state to hold: what ``subcircuit`` returns is for that.
        """
        return files("xbarsim.spice_models").joinpath(f"{self.name}_in_time.sub").read_text("utf-8")

    def instance_in_time(self, state: ArrayLike) -> dict[str, Array]:
        """Return the parameters of ``subcircuit_in_time`` for cells in states x, (rows, cols).

        Parameters
        ----------
        state : (rows, cols) array
            States x of the cells.

        Raises
        ------
        InputError
            A state is beyond the bounds.
        """
        x = self._checked_state(state)
        values = {"x0": x, **self._twin_parameters()}
        return {name: np.broadcast_to(value, x.shape) for name, value in values.items()}

    def _twin_parameters(self) -> dict[str, Any]:
        """Return what the twin takes beside ``x0``: by default the numbers among the options."""
        return {option.name: getattr(self, option.name) for option in self.options if option.numeric}

    def __repr__(self) -> str:
        parts = []
        for option in self.options:
            value = getattr(self, option.name)
            if option.numeric and not (option.in_time and value.ndim == 0 and value == option.default):
                parts.append(f"{option.name}={short(value)}")
            elif not option.numeric and value != option.default:
                parts.append(f"{option.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


class UserDynamics(DynamicDevice):
    """A user's own law of a state between ``low`` and ``high``, of ``arguments`` of which each cell has its own."""

    low: Array
    high: Array
    arguments: dict[str, Array]

    @property
    def bounds(self) -> tuple[Array, Array]:
        """``low`` and ``high``."""
        return self.low, self.high

    @property
    def fades(self) -> bool:
        """A law of one's own may."""
        return True

    @property
    def parameters(self) -> dict[str, Array]:
        """Those of which each cell has its own."""
        return self.arguments

    @property
    def state_parameters(self) -> tuple[Array, ...]:
        """The same."""
        return tuple(self.arguments.values())

    def check(self, shape: tuple[int, int]) -> None:
        """Check that parameters and bounds fit an array of ``(rows, cols)``."""
        for name, value in {"low": self.low, "high": self.high, **self.arguments}.items():
            broadcast(f"device.{name}", value, shape)


def _part_of(value: Any, place: tuple[slice, slice]) -> Any:
    """Return what some cells have of a parameter, or of several by name; what all cells share is the same."""
    if isinstance(value, dict):
        return {name: _part_of(inner, place) for name, inner in value.items()}
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    cuts = zip(value.shape, place[-value.ndim :], strict=True)
    return value[tuple(slice(None) if size == 1 else cut for size, cut in cuts)]


def check_shapes(numbers: Mapping[str, Array]) -> None:
    """Check that parameters broadcast together.

    Raises
    ------
    InputError
        They do not.
    """
    try:
        np.broadcast_shapes(*(value.shape for value in numbers.values()))
    except ValueError:
        several = ", ".join(f"{name} {value.shape}" for name, value in numbers.items() if value.shape)
        raise InputError(f"the parameters' shapes do not fit: {several}") from None


def check_below(lower: str, low: Array, upper: str, high: Array) -> None:
    """Check that one parameter is below another, cell by cell.

    Raises
    ------
    InputError
        It is not.
    """
    bad = ~(low < high)
    if bad.any():
        index = tuple(np.argwhere(bad)[0])
        least, most = (float(np.broadcast_to(value, bad.shape)[index]) for value in (low, high))
        raise InputError(f"{lower} is {least:g} and {upper} {most:g}: {lower} must be below {upper}")
