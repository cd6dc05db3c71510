"""The circuit: cells, wires and what each line end is tied to. Frozen, validated once, SI units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array as Array
from xbarsim.checks import Locked, broadcast, checked_cells
from xbarsim.checks import checked_array as checked_array
from xbarsim.conventions import peer_arguments
from xbarsim.conventions.odd_values import odd_conductances, odd_voltages
from xbarsim.devices import Device, Linear
from xbarsim.errors import InputError
from xbarsim.plot.panels import cell_map
from xbarsim.plot.units import Scale
from xbarsim.quantities import engineering
from xbarsim.views.array_svg import array_svg, card

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Side = Literal["word_left", "word_right", "bit_top", "bit_bottom"]
SIDES: tuple[Side, ...] = get_args(Side)


MOST_SIEMENS = 1e18
"""Of a cell that is solved: 0 ohm is 1e30 S in a reduction, beside which more than this would show."""


@dataclass(frozen=True, eq=False)
class LineEnds(Locked):
    """What one side's line ends are tied to: a Thevenin source for each line.

    Parameters
    ----------
    voltage : array_like
        Source voltages in volts, scalar or one for each line.
    resistance : array_like
        Source resistances in ohms, scalar or one for each line; 0 is an ideal source, ``inf`` leaves the end open.

    Raises
    ------
    InputError
        A number is NaN, a resistance is negative, or an array has more than one axis.
    """

    voltage: Array
    resistance: Array

    def __init__(self, voltage: ArrayLike = 0.0, resistance: ArrayLike = 0.0) -> None:
        for name, value, inf_ok, signed in (
            ("voltage", voltage, False, True),
            ("resistance", resistance, True, False),
        ):
            array = checked_array(name, value, inf_ok=inf_ok, signed=signed)
            if array.ndim > 1:
                raise InputError(f"{name} has shape {array.shape}: give a scalar or one number for each line")
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def for_lines(self, side: str, count: int) -> LineEnds:
        """Return the same ends as arrays of ``count`` lines.

        Parameters
        ----------
        side : str
            Which lines' ends they are, for messages.
        count : int
            Number of lines.
        """
        lines = object.__new__(LineEnds)
        for name in ("voltage", "resistance"):
            view = broadcast(f"ends[{side!r}].{name}", getattr(self, name), (count,))
            object.__setattr__(lines, name, view)
        return lines

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LineEnds):
            return NotImplemented
        return np.array_equal(self.voltage, other.voltage) and np.array_equal(self.resistance, other.resistance)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False, repr=False)
class Crossbar(Locked):
    """A crossbar of ``rows`` word lines (inputs) and ``cols`` bit lines (outputs).

    ``conductance[i, j]`` joins word-line node ``w[i, j]`` to bit-line node ``b[i, j]``. With ideal wires and
    ends, ``currents = voltages @ conductance``.

    Parameters
    ----------
    conductance : array_like, (rows, cols)
        Cells in siemens, >= 0; 0 is an open cell.
    word_wire : array_like, scalar or (rows, cols - 1)
        Ohms between ``w[i, j]`` and ``w[i, j+1]``; 0 is ideal, ``inf`` a broken wire.
    bit_wire : array_like, scalar or (rows - 1, cols)
        Ohms between ``b[i, j]`` and ``b[i+1, j]``.
    driver : array_like, scalar or (rows,)
        Ohms from each row's source to ``w[i, 0]``; ``inf`` leaves the row undriven.
    sense : array_like, scalar or (cols,)
        Ohms from ``b[rows-1, j]`` to virtual ground.
    ends : mapping of side to LineEnds, optional
        What the line ends are tied to, by side: ``word_left``, ``word_right``, ``bit_top``, ``bit_bottom``.
        Left out: ``word_left`` is driven through ``driver``, ``bit_bottom`` at 0 V through ``sense``, the rest
        is open. ``word_left`` takes its voltages from ``solve``.
    device : Device, optional
        The cells' law, one of :mod:`xbarsim.devices`; default ``Linear()``. A nonlinear cell's conductance is its
        state: its slope at 0 V, unless the device says otherwise.

    Raises
    ------
    InputError
        An argument is NaN, negative, not numeric or of the wrong shape; the message names it and the first
        bad index.
    """

    conductance: Array
    word_wire: Array
    bit_wire: Array
    driver: Array
    sense: Array
    ends: dict[Side, LineEnds] = field(default_factory=dict)
    device: Device = field(default_factory=Linear)

    def __init__(
        self,
        conductance: ArrayLike,
        *,
        word_wire: ArrayLike = 0.0,
        bit_wire: ArrayLike = 0.0,
        driver: ArrayLike = 0.0,
        sense: ArrayLike = 0.0,
        ends: Mapping[Side, LineEnds] | None = None,
        device: Device | None = None,
    ) -> None:
        g = checked_cells(conductance)
        rows, cols = g.shape
        values: dict[str, Any] = {"conductance": g}
        for name, value, shape in (
            ("word_wire", word_wire, (rows, cols - 1)),
            ("bit_wire", bit_wire, (rows - 1, cols)),
            ("driver", driver, (rows,)),
            ("sense", sense, (cols,)),
        ):
            values[name] = broadcast(name, checked_array(name, value, inf_ok=True), shape)
        g.setflags(write=False)
        values["ends"] = _checked_ends(ends, rows, cols, values)
        if device is not None and not isinstance(device, Device):
            kind = device.__name__ if isinstance(device, type) else type(device).__name__
            raise InputError(f"device is {kind}: it must be a device of xbarsim.devices, as Sinh(v0=0.25)")
        values["device"] = device or Linear()
        values["device"].check((rows, cols))
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_badcrossbar(
        cls,
        resistances: ArrayLike,
        r_i: float | None = None,
        *,
        r_i_word_line: float | None = None,
        r_i_bit_line: float | None = None,
    ) -> Crossbar:
        """Return the crossbar that badcrossbar's ``compute(applied_voltages, resistances, r_i)`` solves.

        ``solve(crossbar, np.transpose(applied_voltages))`` has its outputs: there voltages are (word lines, examples).

        Parameters
        ----------
        resistances : array_like, (word lines, bit lines)
            Ohms of the devices, > 0; ``inf`` is an open cell.
        r_i : float, optional
            Ohms of every segment; also of those from each source to the first device, and from the last to ground.
        r_i_word_line, r_i_bit_line : float, optional
            Both, in the place of ``r_i``.

        Raises
        ------
        InputError
            An argument is bad or missing.
        """
        return cls(**peer_arguments.badcrossbar(resistances, r_i, r_i_word_line, r_i_bit_line))

    @classmethod
    def from_crosssim(
        cls,
        matrix: ArrayLike,
        *,
        Rmin: float = 1000.0,
        Rp_row: float = 0.0,
        Rp_col: float = 0.0,
        Rp_row_terminal: float = 0.0,
        Rp_col_terminal: float = 0.0,
        row_terminal: peer_arguments.RowTerminal = "ends",
    ) -> Crossbar:
        """Return the crossbar of a CrossSim core: its input rows are word lines, its outputs bit lines.

        Parameters
        ----------
        matrix : array_like, (outputs, inputs)
            A core's normalised conductances, in units of ``1 / Rmin``, as ``core_pos._read_matrix()`` has them.
        Rmin : float
            ``params.xbar.device.Rmin``, ohms.
        Rp_row, Rp_col, Rp_row_terminal, Rp_col_terminal : float
            Ohms, of ``params.xbar.array.parasitics``. CrossSim counts a segment before the first and behind the last
            cell.
        row_terminal : {"ends", "row-0"}
            ``ends``: ``Rp_row_terminal`` is between each source and its row, as its name says. ``row-0``: as CrossSim
            3.2 computes it, on every segment of row 0 and nowhere else.

        Raises
        ------
        InputError
            An argument is bad.
        """
        parasitics = (Rp_row, Rp_col, Rp_row_terminal, Rp_col_terminal)
        return cls(**peer_arguments.crosssim(matrix, Rmin, *parasitics, row_terminal))

    @classmethod
    def from_neurosim(
        cls,
        conductance: ArrayLike,
        *,
        wireResistanceRow: float,
        wireResistanceCol: float,
        resistanceAccess: float = 0.0,
    ) -> Crossbar:
        """Return the crossbar whose currents NeuroSim estimates; it sums resistances, and solves no circuit.

        Parameters
        ----------
        conductance : array_like, (rows, cols)
            Siemens of the memory cells alone, NeuroSim's ``weight``.
        wireResistanceRow, wireResistanceCol : float
            Ohms of a cell's length of word and bit line; also before the first and behind the last cell.
        resistanceAccess : float
            Ohms in series with each cell: a 1T1R cell's open transistor.

        Raises
        ------
        InputError
            An argument is bad.
        """
        wires = wireResistanceRow, wireResistanceCol
        return cls(**peer_arguments.neurosim(conductance, *wires, resistanceAccess))

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, cols)``."""
        rows, cols = self.conductance.shape
        return rows, cols

    @cached_property
    def boundary(self) -> dict[Side, LineEnds]:
        """All four sides with their defaults filled in, an array entry for each line."""
        rows, cols = self.shape
        ends = {
            "word_left": LineEnds(0.0, self.driver),
            "word_right": LineEnds(0.0, np.inf),
            "bit_top": LineEnds(0.0, np.inf),
            "bit_bottom": LineEnds(0.0, self.sense),
        } | dict(self.ends)
        return {side: ends[side].for_lines(side, rows if side.startswith("word") else cols) for side in SIDES}

    def with_cells(self, conductance: ArrayLike, device: Device | None = None) -> Crossbar:
        """Return the same wires and ends with other cells, ``conductance`` (rows, cols) in siemens, of any device.

        Parameters
        ----------
        conductance : (rows, cols) array
            Siemens of the cells.
        device : Device, optional
            Their law; this crossbar's if there is none.

        Raises
        ------
        InputError
            As the constructor.
        """
        g = checked_array("conductance", conductance)
        if g.shape == self.shape and (device is None or device is self.device):
            # Wires and ends were looked at when this crossbar was made.
            crossbar = object.__new__(Crossbar)
            crossbar.__dict__.update(self.__dict__, conductance=np.ascontiguousarray(g))
            crossbar.conductance.setflags(write=False)
            return crossbar
        names = ("word_wire", "bit_wire", "driver", "sense")
        circuit = {name: getattr(self, name) for name in names}
        return Crossbar(g, **circuit, ends=self.ends, device=device or self.device)

    def remarks(self, voltages: ArrayLike | None = None) -> list[str]:
        """Say what looks odd about legal numbers: conductances that look like ohms, volts that look like millivolts.

        Parameters
        ----------
        voltages : array_like, optional
            Inputs that are looked at too, volts.

        Returns
        -------
        list of str
            Empty where nothing is odd.
        """
        volts = [] if voltages is None else odd_voltages(checked_array("voltages", voltages, signed=True))
        return [*odd_conductances(self.conductance), *volts]

    def plot(self, ax: Axes | None = None, *, scale: Scale = "linear") -> Axes:
        """Draw the cells' conductances in siemens as a map (matplotlib, from the ``plot`` extra); return its axis.

        Parameters
        ----------
        ax : Axes, optional
            Where to; pyplot's current axis.
        scale : {"linear", "log"}
            Of the colours.

        Raises
        ------
        InputError
            matplotlib is not installed, or ``scale`` is neither.
        """
        return cell_map(self.conductance, ax, unit="S", title="Conductance", scale=scale)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Crossbar):
            return NotImplemented
        arrays = ("conductance", "word_wire", "bit_wire")
        return (
            all(np.array_equal(getattr(self, name), getattr(other, name)) for name in arrays)
            and self.boundary == other.boundary
            and self.device == other.device
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        rows, cols = self.shape
        parts = [f"{rows} x {cols}"]
        for name in ("word_wire", "bit_wire", "driver", "sense"):
            array = getattr(self, name)
            if array.size:
                low, high = float(array.min()), float(array.max())
                parts.append(f"{name}={low:g}" if low == high else f"{name}={low:g}..{high:g}")
        if not self.device.linear:
            parts.append(repr(self.device))
        if self.ends:
            parts.append(f"ends={sorted(self.ends)}")
        return f"Crossbar({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows, cols = self.shape
        facts = [("cells", _spanned(self.conductance, "S"))]
        facts += [(name, _spanned(getattr(self, name), "ohm")) for name in ("word_wire", "bit_wire", "driver", "sense")]
        facts += [("odd", remark) for remark in self.remarks()]
        facts += [("device", repr(self.device)), ("other ends", ", ".join(sorted(self.ends)) or "open")]
        return card(f"Crossbar, {rows} x {cols}", facts, array_svg(self.conductance, "log", "conductance of the cells"))


def _spanned(array: Array, unit: str) -> str:
    """Write the range of an array's numbers."""
    if not array.size:
        return "none"
    low, high = float(array.min()), float(array.max())
    return engineering(low, unit) if low == high else f"{engineering(low, unit)} to {engineering(high, unit)}"


def _checked_ends(
    ends: Mapping[Side, LineEnds] | None, rows: int, cols: int, values: Mapping[str, Array]
) -> dict[Side, LineEnds]:
    """Validate the keys, types and lengths of ``ends``; a side is described in one place only."""
    checked: dict[Side, LineEnds] = {}
    for side, tied in dict(ends or {}).items():
        if side not in SIDES:
            raise InputError(f"ends has the key {side!r}: sides are {', '.join(SIDES)}")
        if not isinstance(tied, LineEnds):
            raise InputError(f"ends[{side!r}] is {type(tied).__name__}: it must be LineEnds(voltage, resistance)")
        tied.for_lines(side, rows if side.startswith("word") else cols)
        checked[side] = tied
    for side, name in (("word_left", "driver"), ("bit_bottom", "sense")):
        if side in checked and np.any(values[name] != 0):
            raise InputError(f"{name} and ends[{side!r}] both give that side's resistance: give one of them")
    if "word_left" in checked and np.any(checked["word_left"].voltage != 0):
        raise InputError("ends['word_left'].voltage must be 0: solve(crossbar, voltages) gives the word_left voltages")
    return checked
