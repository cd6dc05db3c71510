"""What every cell model has: checked parameters, a compiled law, and a twin for SPICE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, Locked, broadcast, checked_array
from xbarsim.devices.option import Option
from xbarsim.errors import InputError
from xbarsim.plot.panels import curves
from xbarsim.quantities import engineering

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from xbarsim.kernels.law_table import Cells

NO_TABLE = np.empty((0, 6))


class Device(Locked):
    """A cell between its word-line and its bit-line node: frozen, with parameters for all cells or for each.

    What solvers, netlists, ``margin``, ``nn``, ``validate`` and the docs need to know of a model, its class says.
    Kernels are loaded when a cell is first computed: lists and help do without.

    Attributes
    ----------
    name : str
        The model's name, that of its twin ``spice_models/<name>.sub`` too.
    kernel : str
        The law's constant in :mod:`xbarsim.kernels.laws`.
    summary : str
        The law in a line, for help and lists.
    options : tuple of Option
        What it takes, in order; by default its ``parameters`` are the attributes of these names.
    linear : bool
        Whether it is ohmic: such crossbars have an effective map.
    two_terminal : bool
        Whether the current depends on the difference of the two nodes' voltages alone.
    has_twin : bool
        Whether SPICE can be told the law.
    sampled : bool
        Whether ``sample`` gives a device: not where a model needs a program that may not be there.
    sinh_in_series : bool or None
        Whether a netlist's sinh sources are this model alone (False) or with a resistor in series (True).
    cards : tuple of str
        What else a netlist of such cells says.
    operations : int
        Of a law that is compiled when a solver first needs it; compiling takes longer than in proportion.
    """

    name: ClassVar[str]
    kernel: ClassVar[str]
    summary: ClassVar[str] = ""
    options: ClassVar[tuple[Option, ...]] = ()
    linear: ClassVar[bool] = False
    two_terminal: ClassVar[bool] = True
    has_twin: ClassVar[bool] = True
    sampled: ClassVar[bool] = True
    sinh_in_series: ClassVar[bool | None] = None
    cards: ClassVar[tuple[str, ...]] = ()
    operations: int = 0

    def __init__(self, **values: ArrayLike) -> None:
        for option in self.options:
            limits = {"above": option.above, "least": option.least, "below": option.below}
            checked = parameter(option.name, values[option.name], **limits)
            object.__setattr__(self, option.name, checked)

    @classmethod
    def read_options(cls) -> tuple[Option, ...]:
        """Return the options that the law of a state that stands still depends on."""
        return tuple(option for option in cls.options if not option.in_time)

    @classmethod
    def from_options(cls, **values: Any) -> Device:
        """Return the model with options given by name, as files and command lines give them; defaults for the rest.

        Parameters
        ----------
        **values
            Options by name, numbers or words.

        Raises
        ------
        InputError
            There is no such option, one without a default is missing, or a value is out of its bounds.
        """
        return cls(**cls.filled(values))

    @classmethod
    def filled(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options by name: the values, and defaults.

        Parameters
        ----------
        values : mapping
            Options by name.

        Raises
        ------
        InputError
            As ``from_options``.
        """
        names = [option.name for option in cls.options]
        for name in values:
            if name not in names:
                raise InputError(f"the model {cls.name} has no option {name!r}: it has {', '.join(names) or 'none'}")
        for option in cls.options:
            if option.default is None and option.name not in values:
                raise InputError(f"the model {cls.name} needs {option.name}: {option.text}")
        return {
            option.name: option.checked(values[option.name]) if option.name in values else option.default
            for option in cls.options
        }

    @classmethod
    def portable(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return options as a settings file holds them: nothing that lies in another file.

        Parameters
        ----------
        values : mapping
            Options by name.

        Raises
        ------
        InputError
            As ``filled``, or a value is no data.
        """
        cls.filled(values)
        return dict(values)

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Device:
        """Return a device for a circuit that is to be compared with other simulators'; here, one of the defaults.

        Parameters
        ----------
        rng : Generator
            Where parameters are drawn from.
        shape : (rows, cols)
            Cells of the array.
        """
        return cls.from_options()

    @classmethod
    def from_sinh(cls, slope: Array, volts: Array) -> Device:
        """Return the model of cells with a source ``slope volts sinh(V / volts)``; see ``sinh_in_series``.

        Parameters
        ----------
        slope : (rows, cols) array
            Amperes a volt of each cell's source.
        volts : (rows, cols) array
            Volts that its voltage is divided by.
        """
        raise NotImplementedError

    @property
    def kind(self) -> int:
        """The law's number in :mod:`xbarsim.kernels.laws`."""
        from xbarsim.kernels import laws

        number: int = getattr(laws, self.kernel)
        return number

    @property
    def gates(self) -> Array | None:
        """Volts of the cells' gates, a scalar or as they broadcast; None for cells without one."""
        return None

    def with_gates(self, gates: Array) -> Device:
        """Return the same cells at other gate volts; cells without gates are themselves.

        Parameters
        ----------
        gates : array
            Volts: a scalar, (rows, 1), (cols,) or (rows, cols).
        """
        return self

    @property
    def reads_as(self) -> Device:
        """The model whose twin stands for the cells while nothing moves; of most it is the model itself."""
        return self

    @property
    def span(self) -> tuple[float, float] | None:
        """Volts between which the law is known; None where it has no bounds."""
        return None

    @property
    def refuses_beyond(self) -> bool:
        """Whether a solution with a cell beyond ``span`` is an error, not a warning."""
        return False

    @property
    def parameters(self) -> dict[str, Array]:
        """The model's parameters in the order of the law's, each a scalar or one number a cell."""
        return {option.name: getattr(self, option.name) for option in self.options}

    def check(self, shape: tuple[int, int]) -> None:
        """Check that the parameters fit an array of ``(rows, cols)``.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.

        Raises
        ------
        InputError
            A parameter neither is a scalar nor broadcasts to ``shape``.
        """
        for name, value in self.parameters.items():
            broadcast(f"device.{name}", value, shape)

    def cells(self, conductance: Array) -> Cells:
        """Return the law's parameters laid out for the cells of ``conductance`` (rows, cols) in siemens.

        Parameters
        ----------
        conductance : (rows, cols) array
            Siemens of the cells.
        """
        from xbarsim.kernels.law_table import Cells

        columns = [conductance, *self.parameters.values()]
        table = np.empty((len(columns), *conductance.shape))
        for row, column in zip(table, columns, strict=True):
            row[:] = column
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
        amperes = np.empty(shape)
        batch, zero = (-1, *g.shape), np.zeros(g.shape)
        slopes = np.empty((2, *g.shape))
        for v_k, u_k, amperes_k in zip(v.reshape(batch), u.reshape(batch), amperes.reshape(batch), strict=True):
            cells.evaluate(v_k, u_k, zero, amperes_k, *slopes)
        return amperes

    def plot(self, conductance: ArrayLike, voltages: ArrayLike, ax: Axes | None = None) -> Axes:
        """Draw current against the word-line node's voltage, a curve for each state (matplotlib, ``plot`` extra).

        Parameters
        ----------
        conductance : array_like, scalar or (states,)
            Siemens.
        voltages : array_like, (points,)
            Volts; the bit-line node is at 0 V.
        ax : Axes, optional
            Where to; pyplot's current axis.

        Returns
        -------
        Axes
            What was drawn into.

        Raises
        ------
        InputError
            The device's parameters are not one for all cells, an argument is bad, or matplotlib is not installed.
        """
        states = np.atleast_1d(checked_array("conductance", conductance))
        volts = checked_array("voltages", voltages, signed=True)
        if states.ndim != 1 or volts.ndim != 1:
            raise InputError(f"conductance has shape {states.shape} and voltages {volts.shape}: each takes one axis")
        amperes = self.current(states[None], volts[:, None, None])[:, 0]
        columns = {engineering(float(g), "S"): amperes[:, k] for k, g in enumerate(states)}
        return curves(volts, columns, ax, title=repr(self))

    def subcircuit(self) -> str:
        """Return the model as a SPICE subcircuit, ports ``TE BE`` (word-line side, bit-line side), then any gate.

        Raises
        ------
        InputError
            The model has no twin.
        """
        if not self.has_twin:
            raise InputError(f"{self!r} is a Python function: it cannot be written as a netlist")
        return files("xbarsim.spice_models").joinpath(f"{self.name}.sub").read_text("utf-8")

    def instance(self, conductance: Array) -> dict[str, Array]:
        """Return the subcircuit's parameters for each cell, (rows, cols).

        Parameters
        ----------
        conductance : (rows, cols) array
            Siemens of the cells.
        """
        shape = conductance.shape
        values: Mapping[str, Array] = {"g": conductance, **self.parameters}
        return {name: np.broadcast_to(value, shape) for name, value in values.items()}

    def _address(self) -> int:
        return 0

    def __eq__(self, value: object) -> bool:
        if type(value) is not type(self):
            return NotImplemented
        return all(_equal(getattr(self, entry.name), getattr(value, entry.name)) for entry in fields(self))  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = [f"{name}={short(value)}" for name, value in self.parameters.items()]
        return f"{type(self).__name__}({', '.join(parts)})"


def parameter(
    name: str,
    value: ArrayLike,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
) -> Array:
    """Return a parameter as a read-only float64 array of at most two dimensions.

    Parameters
    ----------
    name : str
        What messages call it.
    value : array_like
        A scalar, or numbers that broadcast to (rows, cols).
    above, least, below : float, optional
        The bound that every entry must exceed, or reach, or stay under.

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
    if below is not None:
        bad |= array >= below
    if bad.any():
        index = tuple(int(k) for k in np.unravel_index(int(np.argmax(bad)), array.shape))
        where = f"{name}[{', '.join(map(str, index))}]" if index else name
        limits = ((">", above), (">=", least), ("<", below))
        bound = " and ".join(f"{sign} {limit:g}" for sign, limit in limits if limit is not None)
        raise InputError(f"{where} is {float(array[index])}: it must be {bound}")
    array = array.copy()
    array.setflags(write=False)
    return array


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[name], b[name]) for name in a)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def short(value: Array) -> str:
    """Return a parameter in few words: its value, or its range."""
    if value.size == 0:
        return "[]"
    low, high = float(value.min()), float(value.max())
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"
