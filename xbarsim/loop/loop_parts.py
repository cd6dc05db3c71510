"""What a loop is made of, between nodes with names; ``"0"`` is ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.errors import InputError
from xbarsim.loop.amplifier import Amplifier
from xbarsim.loop.controlled_parts import CurrentGain, Transconductor, Transresistor
from xbarsim.loop.mutual_inductance import MutualInductance
from xbarsim.loop.part_checks import GROUND, check_names, check_word, set_number
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.solvers.effective import port_admittance, ports


@dataclass(frozen=True)
class Resistor:
    """Ohms between nodes ``a`` and ``b``: 0 is a short, ``inf`` nothing.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    a, b : str
        Its nodes.
    ohms : float
        Its resistance.

    Raises
    ------
    InputError
        A name is malformed, or ``ohms`` is not one number, 0 or more.
    """

    name: str
    a: str
    b: str
    ohms: float

    def __post_init__(self) -> None:
        check_names(self, "a", "b")
        set_number(self, "ohms", checked_array(f"ohms of {self.name}", self.ohms, inf_ok=True), most_axes=0)
        object.__setattr__(self, "ohms", float(self.ohms))


@dataclass(frozen=True)
class Capacitor:
    """Farads between nodes ``a`` and ``b``: open at the operating point, part of the poles.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    a, b : str
        Its nodes.
    farads : float
        Its capacitance.

    Raises
    ------
    InputError
        A name is malformed, or ``farads`` is not one finite number, 0 or more.
    """

    name: str
    a: str
    b: str
    farads: float

    def __post_init__(self) -> None:
        check_names(self, "a", "b")
        set_number(self, "farads", checked_array(f"farads of {self.name}", self.farads), most_axes=0)
        object.__setattr__(self, "farads", float(self.farads))


@dataclass(frozen=True)
class Inductor:
    """Henries between nodes ``a`` and ``b``: 0 ohm at the operating point, part of the poles.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    a, b : str
        Its nodes; its current enters at ``a``.
    henries : float
        Its inductance.

    Raises
    ------
    InputError
        A name is malformed, or ``henries`` is not one finite number, 0 or more.
    """

    name: str
    a: str
    b: str
    henries: float

    def __post_init__(self) -> None:
        check_names(self, "a", "b")
        set_number(self, "henries", checked_array(f"henries of {self.name}", self.henries), most_axes=0)
        object.__setattr__(self, "henries", float(self.henries))


@dataclass(frozen=True, eq=False)
class VoltageSource:
    """Volts from ``minus`` to ``plus``, one number or one for each point; its current enters at ``plus``.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    plus, minus : str
        Its nodes.
    volts : array_like, scalar or (points,)
        Volts of ``plus`` above ``minus``.

    Raises
    ------
    InputError
        A name is malformed, or ``volts`` has a bad entry or more axes than one.
    """

    name: str
    plus: str
    minus: str
    volts: ArrayLike

    def __post_init__(self) -> None:
        check_names(self, "plus", "minus")
        set_number(self, "volts", checked_array(f"volts of {self.name}", self.volts, signed=True))


@dataclass(frozen=True, eq=False)
class CurrentSource:
    """Amperes that leave the circuit at ``plus`` and enter it at ``minus``, one number or one for each point.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    plus, minus : str
        Its nodes.
    amperes : array_like, scalar or (points,)
        Amperes through the source from ``plus`` to ``minus``.

    Raises
    ------
    InputError
        A name is malformed, or ``amperes`` has a bad entry or more axes than one.
    """

    name: str
    plus: str
    minus: str
    amperes: ArrayLike

    def __post_init__(self) -> None:
        check_names(self, "plus", "minus")
        set_number(self, "amperes", checked_array(f"amperes of {self.name}", self.amperes, signed=True))


@dataclass(frozen=True)
class OpAmp:
    """An amplifier between its inputs ``plus`` and ``minus`` and its output ``out``, which drives from ``reference``.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    plus, minus, out : str
        Its nodes.
    amplifier : Amplifier
        What it does; ideal by default.
    reference : str
        The node that its output drives from; ground by default, the second output of a differential amplifier.

    Raises
    ------
    InputError
        A name is malformed, ``amplifier`` is no Amplifier, or ``out`` is ground or the reference.
    """

    name: str
    plus: str
    minus: str
    out: str
    amplifier: Amplifier = field(default_factory=Amplifier)
    reference: str = GROUND

    def __post_init__(self) -> None:
        check_names(self, "plus", "minus", "out", "reference")
        if not isinstance(self.amplifier, Amplifier):
            raise InputError(f"amplifier of {self.name} is {type(self.amplifier).__name__}: it must be an Amplifier")
        if self.out == GROUND:
            raise InputError(f"out of {self.name} is ground: an amplifier's output needs a node")
        if self.out == self.reference:
            raise InputError(f"out and reference of {self.name} are both {self.out}: they need two nodes")


@dataclass(frozen=True, eq=False)
class JoinedArray:
    """A crossbar some of whose line ends are nodes of the loop.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    crossbar : Crossbar
        Of cells of two terminals, linear or not. Its ends' resistances lie between the array and the nodes: ``driver``
        at ``word_left``, ``sense`` at ``bit_bottom``, those of ``ends``.
    nodes : mapping of side to sequence of str
        The node of every line's end on that side. Sides that are left out keep the voltages that ``ends`` gives them,
        0 V for ``word_left``. Ends with infinite resistance are open whatever their node.
    word_capacitance, bit_capacitance, cell_capacitance : array_like, scalar or (rows, cols)
        Farads from each word node and each bit node to ground, and across each cell.

    Raises
    ------
    InputError
        A side is unknown, its nodes are not as many as its lines, cells have three terminals, or a capacitance is
        negative, infinite or mis-shaped.
    """

    name: str
    crossbar: Crossbar
    nodes: Mapping[Side, Sequence[str]]
    word_capacitance: ArrayLike = 0.0
    bit_capacitance: ArrayLike = 0.0
    cell_capacitance: ArrayLike = 0.0

    def __post_init__(self) -> None:
        check_names(self)
        if not isinstance(self.crossbar, Crossbar):
            raise InputError(
                f"crossbar of {self.name} is {type(self.crossbar).__name__}: it must be an xbarsim.Crossbar"
            )
        if not self.crossbar.device.two_terminal:
            raise InputError(
                f"{self.name} has cells of {self.crossbar.device!r}: loops are solved with cells of two terminals"
            )
        for side, names in self.nodes.items():
            if side not in SIDES:
                raise InputError(f"nodes of {self.name} has the key {side!r}: sides are {', '.join(SIDES)}")
            count = self.crossbar.shape[0 if side.startswith("word") else 1]
            if isinstance(names, str) or len(names) != count:
                raise InputError(f"nodes of {self.name} has {len(names)} names at {side}: it has {count} lines")
            for k, node in enumerate(names):
                check_word(f"nodes[{side!r}][{k}] of {self.name}", node)
        # Refuses what is no capacitance.
        _ = self.farads

    @cached_property
    def farads(self) -> ArrayFarads:
        """Its capacitance, checked, (rows, cols) each."""
        try:
            return ArrayFarads.of(self.crossbar, self.word_capacitance, self.bit_capacitance, self.cell_capacitance)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from None

    @cached_property
    def charged(self) -> bool:
        """Whether it has any capacitance."""
        return any(bool(table.any()) for table in (self.farads.word, self.farads.bit, self.farads.cell))

    @cached_property
    def ports(self) -> list[tuple[Side, int, str | None]]:
        """Every line end that is not open: side, line, and its node, None where it keeps its own voltage."""
        return [
            (side, line, self.nodes[side][line] if side in self.nodes else None) for side, line in ports(self.crossbar)
        ]

    @cached_property
    def admittance(self) -> Array:
        """Siemens (ports, ports): currents into an array of linear cells are it times the ports' voltages."""
        return port_admittance(self.crossbar)

    @cached_property
    def still(self) -> Array:
        """Volts (ports,) of the ends that keep their own voltage, 0 at the loop's nodes."""
        ends = self.crossbar.boundary
        return np.array([ends[side].voltage[line] if node is None else 0.0 for side, line, node in self.ports])


Part = (
    Resistor
    | Capacitor
    | Inductor
    | MutualInductance
    | VoltageSource
    | CurrentSource
    | Transconductor
    | CurrentGain
    | Transresistor
    | OpAmp
    | JoinedArray
)
