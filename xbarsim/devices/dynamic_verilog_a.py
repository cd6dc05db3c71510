"""A user's own compact model in Verilog-A, with a state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import NO_TABLE, parameter
from xbarsim.devices.compact_device import PARAMETER_OPTIONS, ROOM_TEMPERATURE, SOURCE_OPTIONS, CompactDevice
from xbarsim.devices.dynamic import UserDynamics, check_below, check_shapes
from xbarsim.devices.law import check_at_rest
from xbarsim.devices.option import Option
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.kernels.law_table import Cells
    from xbarsim.veriloga.compact_model import CompactModel

_SMALL = 1e-6
"""Volts so small that a current is in proportion to them."""

_STEPS = 100
_CLOSE = 4.0 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False, repr=False)
class DynamicVerilogA(CompactDevice, UserDynamics):
    """A cell that follows a compact model in Verilog-A with a state, compiled by OpenVAF.

    The state x is the voltage of the module's one inner node, or a variable that ``idt`` gives. What flows into the
    node is ``I(V, x) + d/dt Q(x)``, so that it moves by ``dx/dt = -I(V, x) / Q'(x)``::

        I(x) <+ ddt(V(x)) - f;               dx/dt = f
        x = idt(f, x0);                      the same

    Initial values in the source do not count: a cell's conductance says its state. It is read as ``VerilogA`` is.

    Parameters
    ----------
    source : str or Path
        The Verilog-A source, or a library ``.osdi`` that was compiled of one.
    module : str
        The model in the file; may be left out where it is the only one.
    low, high : array_like, scalar or (rows, cols)
        The state's bounds, in what the model has it in, ``low < high``. The conductance rises or falls between them.
    kelvin : float
        What ``$temperature`` is.
    **parameters : array_like or str
        The model's parameters, as ``VerilogA`` takes them.

    Raises
    ------
    InputError
        As ``VerilogA``; or the model has no state, or a charge that depends on more than its state.
    """

    name = "dynamic_verilog_a"
    kernel = "COMPILED"
    state_kernel = "COMPILED"
    summary = "your own compact model in Verilog-A whose state moves"
    options = (
        *SOURCE_OPTIONS,
        Option("low", "least state"),
        Option("high", "largest state"),
        *PARAMETER_OPTIONS,
    )

    source: str
    module: str
    low: Array
    high: Array
    kelvin: float
    shared: dict[str, float | int | str] = field(default_factory=dict)
    arguments: dict[str, Array] = field(default_factory=dict)

    def __init__(
        self,
        source: str | Path,
        module: str = "",
        *,
        low: ArrayLike,
        high: ArrayLike,
        kelvin: float = ROOM_TEMPERATURE,
        **parameters: ArrayLike | str,
    ) -> None:
        self._take(source, module, kelvin, parameters)
        for name, value in (("low", low), ("high", high)):
            object.__setattr__(self, name, parameter(name, value))
        check_shapes({"low": self.low, "high": self.high, **self.arguments})
        check_below("low", self.low, "high", self.high)
        model = self._model()
        if not model.state:
            raise InputError(
                f"the Verilog-A model {self.module} has no state, no inner node with a ddt(): give it as VerilogA"
            )
        self._check_ranges(model)

    def _model(self) -> CompactModel:
        return self._prepared(None, (float(self.low.min()), float(self.high.max())))

    def _state_code(self) -> tuple[int, int, object]:
        model = self._model()
        return model.laws.current, model.laws.motion, model

    def _conductance(self, state: Array) -> Array:
        return self._evaluated("frozen", state, 0.0)[1]

    def _evaluated(self, law: Literal["frozen", "tilt"], state: Array, volts: float) -> tuple[Array, Array]:
        """Return the two results of a law for cells in states x, in the shape that parameters broadcast to."""
        from xbarsim.kernels import laws

        x = np.array(np.broadcast_arrays(state, *self.arguments.values())[0], dtype=np.float64)
        shape = np.atleast_2d(x).shape
        cells = self._laid(np.ones(shape), np.atleast_2d(x), np.zeros(shape), law)
        v, u, i, slope = np.zeros((4, *shape))
        laws.evaluate(laws.COMPILED, cells.address, v + volts, u, cells.parameters, cells.shared, u, i, slope)
        return i.reshape(x.shape), slope.reshape(x.shape)

    def _state(self, conductance: Array) -> Array:
        shape = np.broadcast_shapes(conductance.shape, *(value.shape for value in (self.low, self.high)))
        g, low, high = (np.array(np.broadcast_to(value, shape)) for value in (conductance, self.low, self.high))
        return root_between(lambda x: np.log(self._conductance(x) / g), low, high)

    def _laid(
        self, conductance: Array, state: Array, follows: Array, law: Literal["frozen", "tilt"] = "frozen"
    ) -> Cells:
        """Lay out frozen cells whose states follow their conductances by ``follows`` for each siemens."""
        from xbarsim.kernels import laws
        from xbarsim.kernels.law_table import Cells

        columns = [conductance, conductance, state, follows, *self.arguments.values()]
        table = np.empty((len(columns), *conductance.shape))
        for row, column in zip(table, columns, strict=True):
            row[:] = column
        model = self._model()
        return Cells(laws.COMPILED, getattr(model.laws, law), table, NO_TABLE, owner=model)

    def cells(self, conductance: Array) -> Cells:
        """Lay out the frozen states, and how they follow the conductances.

        Parameters
        ----------
        conductance : array, (rows, cols)
            Siemens at 0 V, which say what the states are; 0 is an open cell.

        Raises
        ------
        InputError
            A conductance is none of a state between the bounds.
        """
        shape = (conductance.shape[0], conductance.shape[1])
        self.check(shape)
        closed = conductance > 0.0  # open cells are open whatever their state
        x = self.state(np.where(closed, conductance, self._conductance(self.low)))
        # The slope at 0 V bends with x as di/dx does with v.
        bend = sum(self._evaluated("tilt", x, volts)[0] / (2.0 * volts) for volts in (_SMALL, -_SMALL))
        cells = self._laid(conductance, x, 1.0 / np.where(bend == 0.0, np.inf, bend))
        check_at_rest(cells)
        return cells

    def subcircuit_in_time(self) -> str:
        """Refuse: SPICE is told of no such model."""
        return self.subcircuit()


def root_between(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Return where a function of arrays is 0, entry by entry, between bounds; no number where it has one sign at both.

    The Illinois variant of regula falsi (Dowell and Jarratt, BIT 11, 168, 1971): a secant through two points on
    either side of the root, where the value at an end that stays for long is halved.

    Parameters
    ----------
    function : callable
        From x, (cells,), to values of that shape.
    low, high : array, (cells,)
        Where the search begins, entry by entry: values at both must differ in sign.
    """
    end, last = low, high
    at_end, at_last = function(end), function(last)
    beyond = ~(np.sign(at_end) * np.sign(at_last) <= 0.0)
    for _ in range(_STEPS):
        secant = last - at_last * (last - end) / (at_last - at_end)
        x = np.where(np.isfinite(secant), secant, last)
        value = function(x)
        stays = np.sign(value) == np.sign(at_last)
        end, at_end = np.where(stays, end, last), np.where(stays, 0.5 * at_end, at_last)
        moved, last, at_last = np.abs(x - last), x, value
        if (beyond | (value == 0.0) | (moved <= _CLOSE * np.abs(x))).all():
            break
    return np.where(beyond, np.nan, last)
