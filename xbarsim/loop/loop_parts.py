"""What a loop is made of, between nodes with names; ``"0"`` is ground."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.errors import InputError
from xbarsim.loop.amplifier import Amplifier
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.solvers.effective import port_admittance, ports

GROUND = "0"
_NAME = re.compile(r"[^\s*;$=,(){}'\"]+")


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
        _check_names(self, "a", "b")
        _set_number(self, "ohms", checked_array(f"ohms of {self.name}", self.ohms, inf_ok=True), most_axes=0)
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
        _check_names(self, "a", "b")
        _set_number(self, "farads", checked_array(f"farads of {self.name}", self.farads), most_axes=0)
        object.__setattr__(self, "farads", float(self.farads))


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
        _check_names(self, "plus", "minus")
        _set_number(self, "volts", checked_array(f"volts of {self.name}", self.volts, signed=True))


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
        _check_names(self, "plus", "minus")
        _set_number(self, "amperes", checked_array(f"amperes of {self.name}", self.amperes, signed=True))


@dataclass(frozen=True)
class Transconductor:
    """Amperes by volts, SPICE's G: what leaves the circuit at ``a`` and enters it at ``b``.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    a, b : str
        Its nodes; the current flows from ``a`` through it to ``b``.
    plus, minus : str
        The nodes that control it.
    siemens : float
        Amperes for 1 V of ``plus`` above ``minus``, of either sign.

    Raises
    ------
    InputError
        A name is malformed, or ``siemens`` is not one finite number.
    """

    name: str
    a: str
    b: str
    plus: str
    minus: str
    siemens: float

    def __post_init__(self) -> None:
        _check_names(self, "a", "b", "plus", "minus")
        siemens = checked_array(f"siemens of {self.name}", self.siemens, signed=True)
        _set_number(self, "siemens", siemens, most_axes=0)
        object.__setattr__(self, "siemens", float(self.siemens))


@dataclass(frozen=True)
class OpAmp:
    """An amplifier between its inputs ``plus`` and ``minus`` and its output ``out``, which drives from ground.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    plus, minus, out : str
        Its nodes.
    amplifier : Amplifier
        What it does; ideal by default.

    Raises
    ------
    InputError
        A name is malformed, ``amplifier`` is no Amplifier, or ``out`` is ground.
    """

    name: str
    plus: str
    minus: str
    out: str
    amplifier: Amplifier = field(default_factory=Amplifier)

    def __post_init__(self) -> None:
        _check_names(self, "plus", "minus", "out")
        if not isinstance(self.amplifier, Amplifier):
            raise InputError(f"amplifier of {self.name} is {type(self.amplifier).__name__}: it must be an Amplifier")
        if self.out == GROUND:
            raise InputError(f"out of {self.name} is ground: an amplifier's output needs a node")


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
        _check_names(self)
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
                _check_word(f"nodes[{side!r}][{k}] of {self.name}", node)
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


Part = Resistor | Capacitor | VoltageSource | CurrentSource | Transconductor | OpAmp | JoinedArray


def _check_names(part: Part, *columns: str) -> None:
    _check_word(f"name of a {type(part).__name__}", part.name)
    for column in columns:
        _check_word(f"{column} of {part.name}", getattr(part, column))


def _check_word(where: str, word: object) -> None:
    if not isinstance(word, str) or _NAME.fullmatch(word) is None:
        raise InputError(f"{where} is {word!r}: names have neither blanks nor any of * ; $ = , ( ) {{ }} and quotes")


def _set_number(part: Part, column: str, value: Array, most_axes: int = 1) -> None:
    if value.ndim > most_axes:
        how = "one number" + (", or one for each point" if most_axes else "")
        raise InputError(f"{column} of {part.name} has shape {value.shape}: give {how}")
    value.setflags(write=False)
    object.__setattr__(part, column, value)
